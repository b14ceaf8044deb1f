/* Packets over a SOCK_SEQPACKET socket, descriptors included, as the Python side sends and receives them.
 *
 * In C because of `exchange`: a run of a short program is one packet there and one back, and what Python does in
 * between is most of what the library costs, above all when the caches have gone cold. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#define _GNU_SOURCE
#include <Python.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_FDS = 65,      /* with one packet, either way: those of a run, and the file with its tail */
    MAX_PACKET = 1024, /* that a warden or an init sends */
    MAX_WATCHED = 8,
    MAX_PAIRS = 2 * MAX_WATCHED,
};

union control {
    char bytes[CMSG_SPACE(MAX_FDS * sizeof(int))];
    struct cmsghdr align;
};

/* Copies a tuple of small ints; their number, or -1 with an exception set. */
static Py_ssize_t as_ints(PyObject *tuple, int *ints, Py_ssize_t most)
{
    Py_ssize_t n = PyTuple_Size(tuple);

    if (n > most)
        PyErr_SetString(PyExc_ValueError, "too many descriptors");
    if (n < 0 || n > most)
        return -1;
    for (Py_ssize_t i = 0; i < n; i++) {
        long value = PyLong_AsLong(PyTuple_GetItem(tuple, i));
        if (value == -1 && PyErr_Occurred())
            return -1;
        ints[i] = (int)value;
    }
    return n;
}

static PyObject *as_tuple(const int *ints, Py_ssize_t n)
{
    PyObject *tuple = PyTuple_New(n);

    for (Py_ssize_t i = 0; tuple && i < n; i++) {
        PyObject *value = PyLong_FromLong(ints[i]);
        if (!value || PyTuple_SetItem(tuple, i, value)) {
            Py_DECREF(tuple);
            return NULL;
        }
    }
    return tuple;
}

static PyObject *set_error(int error)
{
    errno = error;
    return PyErr_SetFromErrno(PyExc_OSError);
}

/* After a system call that failed with `error`: whether it is to be tried again. If not, an exception is set. */
static bool interrupted(int error)
{
    if (error == EINTR)
        return PyErr_CheckSignals() == 0;
    set_error(error);
    return false;
}

static bool transmit(int fd, PyObject *packet, PyObject *descriptors)
{
    union control control = {.bytes = {0}};
    struct iovec iov;
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
    int fds[MAX_FDS];
    char *bytes;
    Py_ssize_t size, sent, n = as_ints(descriptors, fds, MAX_FDS);

    if (n < 0 || PyBytes_AsStringAndSize(packet, &bytes, &size))
        return false;
    iov = (struct iovec){.iov_base = bytes, .iov_len = (size_t)size};
    if (n) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE((size_t)n * sizeof *fds);
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN((size_t)n * sizeof *fds);
        memcpy(CMSG_DATA(c), fds, (size_t)n * sizeof *fds);
    }
    for (;;) {
        int error;
        PyThreadState *state = PyEval_SaveThread();
        sent = sendmsg(fd, &header, MSG_NOSIGNAL);
        error = errno;
        PyEval_RestoreThread(state);
        if (sent >= 0)
            return true;
        if (!interrupted(error))
            return false;
    }
}

/* What was received: `size` is -1, with errno in `error`, if nothing was. */
struct received {
    char bytes[MAX_PACKET];
    ssize_t size;
    int error;
    int fds[MAX_FDS];
    unsigned n_fds;
};

static void take(int fd, struct received *received)
{
    union control control;
    struct iovec iov = {.iov_base = received->bytes, .iov_len = sizeof received->bytes};
    struct msghdr header = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};

    received->n_fds = 0;
    received->size = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
    received->error = errno;
    if (received->size < 0)
        return;
    bool complete = !(header.msg_flags & MSG_CTRUNC);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            received->n_fds = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
            memcpy(received->fds, CMSG_DATA(c), received->n_fds * sizeof(int));
        }
    if (complete)
        return;
    /* There was no room for all descriptors among ours (recvmsg(2) tells no other way), and the rest is lost. */
    for (unsigned i = 0; i < received->n_fds; i++)
        close(received->fds[i]);
    received->size = -1;
    received->error = EMFILE;
}

static PyObject *send_packet(PyObject *module, PyObject *arguments)
{
    int fd;
    PyObject *packet, *fds;

    (void)module;
    if (!PyArg_ParseTuple(arguments, "iO!O!", &fd, &PyBytes_Type, &packet, &PyTuple_Type, &fds)
        || !transmit(fd, packet, fds))
        return NULL;
    return Py_NewRef(Py_None);
}

static PyObject *receive_packet(PyObject *module, PyObject *arguments)
{
    struct received received = {.size = 0};
    int fd;

    (void)module;
    if (!PyArg_ParseTuple(arguments, "i", &fd))
        return NULL;
    do {
        PyThreadState *state = PyEval_SaveThread();
        take(fd, &received);
        PyEval_RestoreThread(state);
        if (received.size < 0 && !interrupted(received.error))
            return NULL;
    } while (received.size < 0);
    return Py_BuildValue(
        "y#N", received.bytes, (Py_ssize_t)received.size, as_tuple(received.fds, (Py_ssize_t)received.n_fds));
}

/* The answer of `exchange`: the packet, its descriptors, and those of `sources` that can be read. */
static PyObject *answer(const struct received *received, const struct pollfd *sources, nfds_t n_sources)
{
    int readable[MAX_WATCHED];
    Py_ssize_t n = 0;

    for (nfds_t i = 0; i < n_sources; i++)
        if (sources[i].revents)
            readable[n++] = sources[i].fd;
    return Py_BuildValue("y#NN", received->bytes, (Py_ssize_t)received->size,
                         as_tuple(received->fds, (Py_ssize_t)received->n_fds), as_tuple(readable, n));
}

static PyObject *exchange(PyObject *module, PyObject *arguments)
{
    struct pollfd watched[1 + MAX_WATCHED], sources[MAX_WATCHED];
    struct received received = {.size = 0};
    int fd, timeout, pairs[MAX_PAIRS], source_fds[MAX_WATCHED], spent_fds[MAX_WATCHED], ready, error;
    PyObject *packet, *fds, *others, *pipes, *spent;

    (void)module;
    if (!PyArg_ParseTuple(arguments, "iO!O!O!O!O!i", &fd, &PyBytes_Type, &packet, &PyTuple_Type, &fds, &PyTuple_Type,
                          &others, &PyTuple_Type, &pipes, &PyTuple_Type, &spent, &timeout))
        return NULL;
    Py_ssize_t n_others = as_ints(others, pairs, MAX_PAIRS) / 2;
    Py_ssize_t n_sources = as_ints(pipes, source_fds, MAX_WATCHED);
    Py_ssize_t n_spent = as_ints(spent, spent_fds, MAX_WATCHED);
    if (PyErr_Occurred())
        return NULL;
    bool sent = transmit(fd, packet, fds);
    watched[0] = (struct pollfd){.fd = fd, .events = POLLIN};
    for (Py_ssize_t i = 0; i < n_others; i++)
        watched[1 + i] = (struct pollfd){.fd = pairs[2 * i], .events = (short)pairs[2 * i + 1]};
    for (Py_ssize_t i = 0; i < n_sources; i++)
        sources[i] = (struct pollfd){.fd = source_fds[i], .events = POLLIN};
    for (Py_ssize_t i = 0; i < n_spent; i++) /* while init sets to work */
        close(spent_fds[i]);
    if (!sent)
        return NULL;
    if (!timeout) /* whatever comes is for whoever looks next */
        Py_RETURN_NONE;
    PyThreadState *state = PyEval_SaveThread();
    ready = poll(watched, (nfds_t)(1 + n_others), timeout);
    error = errno;
    if (ready > 0 && watched[0].revents) {
        take(fd, &received);
        /* Only now: nothing is added to the pipes after the end. */
        if (poll(sources, (nfds_t)n_sources, 0) < 0)
            for (Py_ssize_t i = 0; i < n_sources; i++)
                sources[i].revents = POLLIN; /* which a look will tell */
    }
    PyEval_RestoreThread(state);
    if (ready < 0 && !interrupted(error))
        return NULL; /* else whoever looks next waits on: only there the deadlines are known */
    if (received.size < 0 && received.error == EMFILE)
        return set_error(received.error);
    if (received.size > 0)
        return answer(&received, sources, (nfds_t)n_sources);
    return Py_NewRef(Py_None); /* the end of the socket, too, is left to whoever looks next */
}

static PyMethodDef methods[] = {
    {"send", send_packet, METH_VARARGS,
     "send(fd, packet, fds)\n--\n\nSend one packet with descriptors. OSError as sendmsg(2)."},
    {"receive", receive_packet, METH_VARARGS,
     "receive(fd)\n--\n\nThe next packet and its descriptors, waited for; empty at the end. OSError as recvmsg(2)."},
    {"exchange", exchange, METH_VARARGS,
     "exchange(fd, packet, fds, others, pipes, spent, timeout)\n--\n\n"
     "Send a packet, close `spent`, and wait for the answer, for `timeout` milliseconds at most, 0 for not at all.\n\n"
     "Returns the answer, its descriptors, and those of `pipes` that can be read then; None if one of `others`\n"
     "stirred first (descriptors, each followed by its poll(2) events), a signal came, or nothing."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "packets",
    .m_doc = "Packets over a SOCK_SEQPACKET socket, with descriptors.",
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit_packets(void);

PyMODINIT_FUNC PyInit_packets(void)
{
    return PyModuleDef_Init(&definition);
}
