/* Packets over a SOCK_SEQPACKET socket, descriptors included, as the Python side sends and receives them.
 *
 * In C because of `exchange`: a run of a short program is one packet there and one back, and what Python does in
 * between is most of what the library costs, above all when the caches have gone cold. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#define _GNU_SOURCE
#include <Python.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "packets.h"

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

PyObject *set_error(int error)
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

/* Not if an exception is set. */
static bool pack(struct parcel *parcel, PyObject *packet, PyObject *descriptors)
{
    char *bytes;
    Py_ssize_t size, n = as_ints(descriptors, parcel->fds, MAX_FDS);

    if (n < 0 || PyBytes_AsStringAndSize(packet, &bytes, &size))
        return false;
    parcel->iov = (struct iovec){.iov_base = bytes, .iov_len = (size_t)size};
    parcel->header = (struct msghdr){.msg_iov = &parcel->iov, .msg_iovlen = 1};
    if (n) {
        memset(&parcel->control, 0, sizeof parcel->control);
        parcel->header.msg_control = parcel->control.bytes;
        parcel->header.msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&parcel->header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
        memcpy(CMSG_DATA(c), parcel->fds, (size_t)n * sizeof(int));
    }
    return true;
}

/* 0, or the error. */
static int transmit(int fd, const struct parcel *parcel)
{
    return sendmsg(fd, &parcel->header, MSG_NOSIGNAL) < 0 ? errno : 0;
}

static void take(int fd, struct received *received)
{
    struct control control;
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
    struct parcel parcel;
    int fd, error;
    PyObject *packet, *fds;

    (void)module;
    if (!PyArg_ParseTuple(arguments, "iO!O!", &fd, &PyBytes_Type, &packet, &PyTuple_Type, &fds)
        || !pack(&parcel, packet, fds))
        return NULL;
    do {
        PyThreadState *state = PyEval_SaveThread();
        error = transmit(fd, &parcel);
        PyEval_RestoreThread(state);
        if (error && !interrupted(error))
            return NULL;
    } while (error);
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

bool parse_exchange(struct exchange *exchange, PyObject *arguments, Py_ssize_t more)
{
    int pairs[MAX_PAIRS], source_fds[MAX_WATCHED];
    PyObject *fds, *others, *pipes, *spent, *own = PyTuple_GetSlice(arguments, more, PyTuple_Size(arguments));

    memset(&exchange->received, 0, sizeof exchange->received);
    bool understood
        = own
          && PyArg_ParseTuple(own, "iO!O!O!O!O!i", &exchange->fd, &PyBytes_Type, &exchange->packet, &PyTuple_Type, &fds,
                              &PyTuple_Type, &others, &PyTuple_Type, &pipes, &PyTuple_Type, &spent, &exchange->timeout);
    Py_XDECREF(own); /* of which `arguments` hold all that is in it */
    if (!understood)
        return false;
    Py_ssize_t n_others = as_ints(others, pairs, MAX_PAIRS) / 2;
    Py_ssize_t n_sources = as_ints(pipes, source_fds, MAX_WATCHED);
    exchange->n_spent = as_ints(spent, exchange->spent, MAX_WATCHED);
    if (PyErr_Occurred() || !pack(&exchange->parcel, exchange->packet, fds))
        return false;
    exchange->watched[0] = (struct pollfd){.fd = exchange->fd, .events = POLLIN};
    for (Py_ssize_t i = 0; i < n_others; i++)
        exchange->watched[1 + i] = (struct pollfd){.fd = pairs[2 * i], .events = (short)pairs[2 * i + 1]};
    exchange->n_watched = (nfds_t)(1 + n_others);
    for (Py_ssize_t i = 0; i < n_sources; i++)
        exchange->sources[i] = (struct pollfd){.fd = source_fds[i], .events = POLLIN};
    exchange->n_sources = (nfds_t)n_sources;
    return true;
}

void close_spent(struct exchange *exchange)
{
    for (; exchange->n_spent > 0; exchange->n_spent--)
        close(exchange->spent[exchange->n_spent - 1]);
}

bool carry_out(struct exchange *exchange)
{
    exchange->error = transmit(exchange->fd, &exchange->parcel);
    close_spent(exchange); /* while init sets to work */
    if (exchange->error)
        return false;
    if (!exchange->timeout) /* whatever comes is for whoever looks next */
        return true;
    int ready = poll(exchange->watched, exchange->n_watched, exchange->timeout);
    if (ready < 0 && errno != EINTR) /* else whoever looks next waits on: only there the deadlines are known */
        exchange->error = errno;
    if (ready <= 0 || !exchange->watched[0].revents)
        return true;
    take(exchange->fd, &exchange->received);
    if (exchange->received.size < 0 && exchange->received.error == EMFILE)
        exchange->error = EMFILE;
    /* Only now: nothing is added to the pipes after the end. */
    if (poll(exchange->sources, exchange->n_sources, 0) < 0)
        for (nfds_t i = 0; i < exchange->n_sources; i++)
            exchange->sources[i].revents = POLLIN; /* which a read will tell */
    return true;
}

PyObject *answer(const struct exchange *exchange)
{
    const struct received *received = &exchange->received;
    int readable[MAX_WATCHED];
    Py_ssize_t n = 0;

    if (received->size <= 0)
        return Py_NewRef(Py_None);
    for (nfds_t i = 0; i < exchange->n_sources; i++)
        if (exchange->sources[i].revents)
            readable[n++] = exchange->sources[i].fd;
    return Py_BuildValue("y#NN", received->bytes, (Py_ssize_t)received->size,
                         as_tuple(received->fds, (Py_ssize_t)received->n_fds), as_tuple(readable, n));
}

static PyObject *exchange(PyObject *module, PyObject *arguments)
{
    struct exchange exchange;
    bool sent;

    (void)module;
    if (!parse_exchange(&exchange, arguments, 0))
        return NULL;
    do {
        PyThreadState *state = PyEval_SaveThread();
        sent = carry_out(&exchange);
        PyEval_RestoreThread(state);
    } while (!sent && interrupted(exchange.error));
    if (!sent)
        return NULL;
    return exchange.error ? set_error(exchange.error) : answer(&exchange);
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

static int set_up(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&lanes_spec);
    int failed = !type || PyModule_AddObjectRef(module, "Lanes", type);

    Py_XDECREF(type);
    return failed ? -1 : 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, set_up},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "packets",
    .m_doc = "Packets over a SOCK_SEQPACKET socket, with descriptors.",
    .m_methods = methods,
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit_packets(void);

PyMODINIT_FUNC PyInit_packets(void)
{
    return PyModuleDef_Init(&definition);
}
