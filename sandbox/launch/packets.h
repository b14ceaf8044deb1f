/* Exchanges of packets, and what is common to both sources of this module. Python.h comes first. */
#ifndef SANDBOX_PACKETS_H
#define SANDBOX_PACKETS_H
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>

enum {
    MAX_FDS = 65,      /* with one packet, either way: those of a run, and the file with its tail */
    MAX_PACKET = 1024, /* that a warden or an init sends */
    MAX_WATCHED = 8,
    MAX_PAIRS = 2 * MAX_WATCHED,
};

struct control {
    _Alignas(struct cmsghdr) char bytes[CMSG_SPACE(MAX_FDS * sizeof(int))];
};

/* A packet and its descriptors, ready to be sent; `header` points into the rest, and into the Python object. */
struct parcel {
    struct msghdr header;
    struct iovec iov;
    struct control control;
    int fds[MAX_FDS];
};

/* What was received: `size` is -1, with errno in `error`, if nothing was. */
struct received {
    char bytes[MAX_PACKET];
    ssize_t size;
    int error;
    int fds[MAX_FDS];
    unsigned n_fds;
};

/* One packet there, and one back. */
struct exchange {
    struct parcel parcel;
    struct received received;
    PyObject *packet; /* into which `parcel` points */
    int fd;
    int timeout;
    struct pollfd watched[1 + MAX_WATCHED]; /* `fd`, and what else may stir */
    nfds_t n_watched;
    struct pollfd sources[MAX_WATCHED];
    nfds_t n_sources;
    int spent[MAX_WATCHED];
    Py_ssize_t n_spent;
    int error; /* of sending it, or of waiting for the answer */
};

/* From the arguments of `exchange`, of which `more` come first; not if an exception is set. */
bool parse_exchange(struct exchange *exchange, PyObject *arguments, Py_ssize_t more);

/* Without the interpreter's lock, for which one would wait twice else. Whether it was sent; it may be sent again. */
bool carry_out(struct exchange *exchange);

/* Our ends of the last run's pipes, if that was not done. */
void close_spent(struct exchange *exchange);

/* The packet, its descriptors, and those of the sources that can be read; None if there is no packet: the end of the
 * socket, too, is left to whoever looks next. */
PyObject *answer(const struct exchange *exchange);

/* NULL, and an OSError. */
PyObject *set_error(int error);

/* The type `Lanes`, in lanes.c. */
extern PyType_Spec lanes_spec;

#endif
