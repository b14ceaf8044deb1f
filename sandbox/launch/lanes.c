/* Lanes: so many threads without an interpreter, each of which carries out one exchange at a time.
 *
 * The next begins right after the last, whatever the interpreter does then with the last one's answer, and for however
 * long its lock is held: of runs that take a millisecond that is what keeps the CPUs busy. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#define _GNU_SOURCE
#include <Python.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "packets.h"

enum { MAX_LANES = 1024 }; /* as many as a service may have slots */

struct job {
    struct job *next;
    PyObject *tag;
    struct timespec began;
    bool ended;
    bool empty; /* wants a lane, and no exchange */
    struct exchange exchange;
};

struct line {
    struct job *first;
    struct job **end;
};

typedef struct {
    PyObject_HEAD
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct line waiting, finished;
    int free;
    int n_threads;
    bool closing;
    pid_t owner; /* a fork of it has none of the threads */
    int bell;
    pthread_t threads[MAX_LANES];
} Lanes;

static void append(struct line *line, struct job *job)
{
    job->next = NULL;
    *line->end = job;
    line->end = &job->next;
}

static struct job *next(struct line *line)
{
    struct job *job = line->first;

    line->first = job->next;
    if (!line->first)
        line->end = &line->first;
    return job;
}

static void *serve(void *argument)
{
    Lanes *lanes = argument;
    const uint64_t one = 1;

    pthread_mutex_lock(&lanes->lock);
    for (;;) {
        while (!lanes->closing && !(lanes->waiting.first && lanes->free > 0))
            pthread_cond_wait(&lanes->wanted, &lanes->lock);
        if (lanes->closing)
            break;
        struct job *job = next(&lanes->waiting);
        lanes->free--;
        pthread_mutex_unlock(&lanes->lock);
        clock_gettime(CLOCK_MONOTONIC, &job->began);
        if (!job->empty) {
            while (!carry_out(&job->exchange) && job->exchange.error == EINTR)
                ;
            job->ended = job->exchange.error || job->exchange.received.size > 0;
        }
        pthread_mutex_lock(&lanes->lock);
        if (job->ended)
            lanes->free++;
        append(&lanes->finished, job);
        if (write(lanes->bell, &one, sizeof one) < 0) /* it has rung, and nobody has come yet */
            continue;
    }
    pthread_mutex_unlock(&lanes->lock);
    return NULL;
}

static PyObject *lanes_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    int size;
    sigset_t all, before;

    (void)keywords;
    if (!PyArg_ParseTuple(arguments, "i", &size))
        return NULL;
    if (size < 1 || size > MAX_LANES) {
        PyErr_Format(PyExc_ValueError, "from 1 to %d lanes", MAX_LANES);
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Lanes *lanes = (Lanes *)allocate(type, 0);
    if (!lanes)
        return NULL;
    lanes->waiting.end = &lanes->waiting.first;
    lanes->finished.end = &lanes->finished.first;
    lanes->free = size;
    lanes->owner = getpid();
    pthread_mutex_init(&lanes->lock, NULL);
    pthread_cond_init(&lanes->wanted, NULL);
    lanes->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = lanes->bell < 0 ? errno : 0;
    sigfillset(&all); /* signals are for the interpreter's threads */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (!error && lanes->n_threads < size) {
        error = pthread_create(&lanes->threads[lanes->n_threads], NULL, serve, lanes);
        lanes->n_threads += !error;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        Py_DECREF(lanes);
        return set_error(error);
    }
    return (PyObject *)lanes;
}

static bool put(Lanes *lanes, struct job *job)
{
    pthread_mutex_lock(&lanes->lock);
    bool open = !lanes->closing;
    if (open) {
        Py_INCREF(job->tag);
        append(&lanes->waiting, job);
        pthread_cond_signal(&lanes->wanted);
    }
    pthread_mutex_unlock(&lanes->lock);
    if (!open)
        PyErr_SetString(PyExc_ValueError, "the lanes are closed");
    return open;
}

static struct job *new_job(void)
{
    struct job *job = PyMem_Calloc(1, sizeof *job);

    if (!job)
        PyErr_NoMemory();
    return job;
}

static PyObject *lanes_submit(PyObject *self, PyObject *arguments)
{
    struct job *job = new_job();

    if (!job)
        return NULL;
    job->tag = PyTuple_GetItem(arguments, 0);
    if (!job->tag || !parse_exchange(&job->exchange, arguments, 1) || !put((Lanes *)self, job)) {
        PyMem_Free(job);
        return NULL;
    }
    Py_INCREF(job->exchange.packet);
    return Py_NewRef(Py_None);
}

static PyObject *lanes_hold(PyObject *self, PyObject *tag)
{
    struct job *job = new_job();

    if (!job)
        return NULL;
    job->tag = tag;
    job->empty = true;
    if (!put((Lanes *)self, job)) {
        PyMem_Free(job);
        return NULL;
    }
    return Py_NewRef(Py_None);
}

static PyObject *lanes_release(PyObject *self, PyObject *nothing)
{
    Lanes *lanes = (Lanes *)self;

    (void)nothing;
    pthread_mutex_lock(&lanes->lock);
    lanes->free++;
    pthread_cond_signal(&lanes->wanted);
    pthread_mutex_unlock(&lanes->lock);
    return Py_NewRef(Py_None);
}

/* And forget it. */
static PyObject *told(struct job *job)
{
    PyObject *error = Py_NewRef(Py_None), *answered = NULL;

    if (job->exchange.error) {
        Py_DECREF(error);
        set_error(job->exchange.error);
        PyObject *type, *traceback;
        PyErr_Fetch(&type, &error, &traceback);
        PyErr_NormalizeException(&type, &error, &traceback);
        Py_XDECREF(type);
        Py_XDECREF(traceback);
        answered = Py_NewRef(Py_None);
    } else {
        answered = answer(&job->exchange);
    }
    double began = (double)job->began.tv_sec + (double)job->began.tv_nsec * 1e-9;
    PyObject *all = Py_BuildValue("OdNN", job->tag, began, answered, error);
    Py_DECREF(job->tag);
    Py_XDECREF(job->exchange.packet);
    PyMem_Free(job);
    return all;
}

static PyObject *lanes_finished(PyObject *self, PyObject *nothing)
{
    Lanes *lanes = (Lanes *)self;
    PyObject *list = PyList_New(0);
    uint64_t count;

    (void)nothing;
    if (!list)
        return NULL;
    pthread_mutex_lock(&lanes->lock);
    if (read(lanes->bell, &count, sizeof count) < 0)
        count = 0; /* it has not rung */
    struct job *job = lanes->finished.first;
    lanes->finished = (struct line){.first = NULL, .end = &lanes->finished.first};
    pthread_mutex_unlock(&lanes->lock);
    while (job) {
        struct job *after = job->next;
        PyObject *one = told(job);
        if (!one || PyList_Append(list, one))
            PyErr_WriteUnraisable(self);
        Py_XDECREF(one);
        job = after;
    }
    return list;
}

static PyObject *lanes_fileno(PyObject *self, PyObject *nothing)
{
    (void)nothing;
    return PyLong_FromLong(((Lanes *)self)->bell);
}

static void forget(struct job *job)
{
    close_spent(&job->exchange);
    for (unsigned i = 0; i < job->exchange.received.n_fds; i++)
        close(job->exchange.received.fds[i]);
    Py_DECREF(job->tag);
    Py_XDECREF(job->exchange.packet);
    PyMem_Free(job);
}

static void forget_all(struct line *line)
{
    while (line->first)
        forget(next(line));
}

static PyObject *lanes_withdraw(PyObject *self, PyObject *nothing)
{
    Lanes *lanes = (Lanes *)self;
    struct line withdrawn = {.first = NULL, .end = &withdrawn.first};
    PyObject *tags = PyList_New(0);

    (void)nothing;
    if (!tags)
        return NULL;
    pthread_mutex_lock(&lanes->lock);
    while (lanes->waiting.first)
        append(&withdrawn, next(&lanes->waiting));
    pthread_mutex_unlock(&lanes->lock);
    while (withdrawn.first) {
        struct job *job = next(&withdrawn);
        if (PyList_Append(tags, job->tag))
            PyErr_WriteUnraisable(self);
        forget(job);
    }
    return tags;
}

static PyObject *lanes_close(PyObject *self, PyObject *nothing)
{
    Lanes *lanes = (Lanes *)self;

    (void)nothing;
    pthread_mutex_lock(&lanes->lock);
    lanes->closing = true;
    pthread_cond_broadcast(&lanes->wanted);
    pthread_mutex_unlock(&lanes->lock);
    PyThreadState *state = PyEval_SaveThread();
    for (; lanes->n_threads; lanes->n_threads--) /* each ends as soon as its exchange's patience does */
        if (lanes->owner == getpid())
            pthread_join(lanes->threads[lanes->n_threads - 1], NULL);
    PyEval_RestoreThread(state);
    forget_all(&lanes->waiting);
    forget_all(&lanes->finished);
    if (lanes->bell >= 0)
        close(lanes->bell);
    lanes->bell = -1;
    return Py_NewRef(Py_None);
}

static void lanes_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Lanes *lanes = (Lanes *)self;

    Py_DECREF(lanes_close(self, NULL));
    pthread_cond_destroy(&lanes->wanted);
    pthread_mutex_destroy(&lanes->lock);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

static PyMethodDef lanes_methods[] = {
    {"submit", lanes_submit, METH_VARARGS,
     "submit(tag, fd, packet, fds, others, pipes, spent, timeout)\n--\n\n"
     "Have an `exchange` be carried out when its turn has come."},
    {"hold", lanes_hold, METH_O,
     "hold(tag)\n--\n\nWait for a lane, which is then this one's until `release`."},
    {"release", lanes_release, METH_NOARGS,
     "release()\n--\n\nGive a lane back: one of `hold`, or of an exchange that had no answer, nor error."},
    {"withdraw", lanes_withdraw, METH_NOARGS,
     "withdraw()\n--\n\nForget those that wait; their tags, the first first."},
    {"finished", lanes_finished, METH_NOARGS,
     "finished()\n--\n\nThose that are over by now: tag, when it began (time.monotonic), answer, error."},
    {"fileno", lanes_fileno, METH_NOARGS, "fileno()\n--\n\nPolls as readable when there is something finished."},
    {"close", lanes_close, METH_NOARGS, "close()\n--\n\nForget what waits. Safe to call twice."},
    {NULL, NULL, 0, NULL},
};

static char doc[] = "Lanes(size)\n--\n\nSo many exchanges at a time, by threads that need no interpreter.";

static PyType_Slot lanes_slots[] = {
    {Py_tp_doc, doc},
    {Py_tp_new, lanes_new},
    {Py_tp_dealloc, lanes_dealloc},
    {Py_tp_methods, lanes_methods},
    {0, NULL},
};

PyType_Spec lanes_spec = {
    .name = "sandbox.launch.packets.Lanes",
    .basicsize = sizeof(Lanes),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = lanes_slots,
};
