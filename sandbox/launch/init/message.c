/* Packets over a socket: their shape checked, descriptors carried. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init.h"

int report_socket = SOCKET_FD;

/* What a packet has: its struct, then perhaps a tail; so many descriptors. Others are not for us. */
static const struct shape {
    size_t head;
    bool tail;
    unsigned least, most;
} shapes[] = {
    [WIRE_SETUP] = {sizeof(struct wire_setup), true, 0, WIRE_MAX_FDS},
    [WIRE_BOX] = {sizeof(struct wire_box), false, 1, 1},
    [WIRE_PUT] = {sizeof(struct wire_put), true, 0, 1},
    [WIRE_GET] = {sizeof(struct wire_get), true, 0, 0},
    [WIRE_RUN] = {sizeof(struct wire_run), true, 0, WIRE_MAX_FDS},
    [WIRE_SIGNAL] = {sizeof(struct wire_signal), false, 0, 0},
};

static bool well_formed(const struct message *message, const struct wire_header *wire)
{
    size_t size = (size_t)message->size;

    if (size < sizeof *wire || wire->version != WIRE_VERSION || wire->size != size
        || wire->type >= sizeof shapes / sizeof *shapes)
        return false;
    const struct shape *shape = &shapes[wire->type];
    return shape->head && (shape->tail ? size >= shape->head : size == shape->head) && message->n_fds >= shape->least
           && message->n_fds <= shape->most;
}

bool is_plain(const char *path)
{
    for (;;) {
        size_t length = strcspn(path, "/");
        if (!length || (length == 1 && path[0] == '.') || (length == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        if (!path[length])
            return true;
        path += length + 1;
    }
}

void reject(void)
{
    errno = EPROTO;
    fail("message");
}

struct message receive(int socket, void *buffer, size_t capacity)
{
    struct message message = {.n_fds = 0};
    union {
        char bytes[CMSG_SPACE(sizeof message.fds)];
        struct cmsghdr align;
    } control;
    struct iovec iov = {.iov_base = buffer, .iov_len = capacity};
    struct msghdr header = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};

    do {
        message.size = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    } while (message.size < 0 && errno == EINTR);
    if (message.size < 0)
        _exit(1);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        message.n_fds = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(message.fds, CMSG_DATA(c), message.n_fds * sizeof(int));
    }
    if (message.size == 0)
        return message;
    if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || !well_formed(&message, buffer))
        reject();
    return message;
}

void send_packet(int socket, uint16_t type, void *packet, size_t size, const int *fds, unsigned n_fds)
{
    union {
        char bytes[CMSG_SPACE(4 * sizeof(int))]; /* we never send more */
        struct cmsghdr align;
    } control = {.bytes = {0}};
    struct iovec iov = {.iov_base = packet, .iov_len = size};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};

    *(struct wire_header *)packet =
        (struct wire_header){.version = WIRE_VERSION, .type = type, .size = (uint32_t)size};
    if (n_fds) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
    }
    ssize_t sent;
    do {
        sent = sendmsg(socket, &header, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0)
        _exit(1); /* the launcher is gone, and with it every reason to live */
}

void send_ready(int socket, const int *fds, unsigned n_fds)
{
    struct wire_ready ready;
    send_packet(socket, WIRE_READY, &ready, sizeof ready, fds, n_fds);
}

void send_failed(int socket, int error, const char *format, va_list arguments)
{
    struct wire_failed failed = {.error = error};
    vsnprintf(failed.step, sizeof failed.step, format, arguments);
    send_packet(socket, WIRE_FAILED, &failed, sizeof failed, NULL, 0);
}

void refuse(int socket, const char *format, ...)
{
    int error = errno;
    va_list arguments;
    va_start(arguments, format);
    send_failed(socket, error, format, arguments);
    va_end(arguments);
}

void fail(const char *format, ...)
{
    int error = errno;
    va_list arguments;
    va_start(arguments, format);
    send_failed(report_socket, error, format, arguments);
    va_end(arguments);
    _exit(1);
}
