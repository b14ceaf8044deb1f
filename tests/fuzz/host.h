/* A host that is made up: the system calls of init and the warden, without any effect.
 *
 * Whether a call succeeds, and what it finds, is decided by the input; beyond its end everything succeeds. What a real
 * kernel would let pass silently ends the fuzzer: a descriptor that is used or closed after it was closed, descriptors
 * and mappings that pile up, a path that leads out of the root that is built, and, by the address sanitizer, a look
 * beyond the end of the packet that was received.
 *
 * An input is a byte of flags, a count of decisions, the decisions, and what is received: chunks, each behind
 * struct chunk. */
#ifndef HOST_H
#define HOST_H

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sanitizer/asan_interface.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../sandbox/launch/init/wire.h"

enum input_flags {
    BECOMES_INIT = 1, /* the first box that is started is the one that is watched from inside */
    STARTS_WELL = 2   /* everything succeeds until a third packet is received; the decisions are for what follows */
};

struct chunk {
    uint16_t size;
    uint8_t fds; /* descriptors that come along */
    uint8_t lie; /* the header is left as it is; else it is corrected to this version and size */
};

static struct {
    uint8_t flags;
    const uint8_t *decisions, *decisions_end, *chunks, *end;
} input;

enum {
    MAX_OPEN = 1024,
    MAX_BORROWED = 64,
    SPARE = WIRE_METERS + 2 /* what a warden adds to its descriptors for good: meters, a box; init adds two ends */
};

static struct {
    bool open[MAX_OPEN];
    void *borrowed[MAX_BORROWED]; /* memory that the end of the process gives back */
    int mapped;
    int received; /* packets */
    char sent[64]; /* the types of the first packets that were sent, in hexadecimal */
    int steady; /* descriptors open when the role that is played first waited for a packet; -1 before */
    int children;
    bool program_lives;
    jmp_buf *exit; /* where the end of the present process leads */
} host;

#define FINDING(...) (fprintf(stderr, "fuzz: " __VA_ARGS__), fputc('\n', stderr), abort())

/* --- decisions --- */

static uint8_t choice(void)
{
    if (input.decisions == input.decisions_end || (input.flags & STARTS_WELL && host.received < 3))
        return 0;
    return *input.decisions++;
}

static const int errors[] = {0, ENOENT, EACCES, EINTR, ENOSPC, EEXIST, EBUSY, EPERM, ENOSYS, EAGAIN, ENOTDIR, EIO};
enum { ERRORS = sizeof errors / sizeof *errors };

static bool fails(void)
{
    uint8_t number = choice();
    if (!number || number >= ERRORS)
        return false;
    errno = errors[number];
    return true;
}

static int outcome(void)
{
    return fails() ? -1 : 0;
}

/* --- descriptors --- */

static int count_open(void)
{
    int n = 0;
    for (int fd = 0; fd < MAX_OPEN; fd++)
        n += host.open[fd];
    return n;
}

static int open_from(int lowest)
{
    for (int fd = lowest; fd >= 0 && fd < MAX_OPEN; fd++)
        if (!host.open[fd]) {
            host.open[fd] = true;
            return fd;
        }
    errno = lowest < 0 || lowest >= MAX_OPEN ? EINVAL : EMFILE;
    return -1;
}

static int opened(void)
{
    return fails() ? -1 : open_from(0);
}

/* Whether there is a descriptor at all: -1 is the kernel's to refuse, a closed one is a mistake. */
static bool is_open(int fd)
{
    if (fd >= MAX_OPEN || (fd >= 0 && !host.open[fd]))
        FINDING("descriptor %d is used, and is not open", fd);
    errno = EBADF;
    return fd >= 0;
}

static int on(int fd)
{
    return is_open(fd) ? outcome() : -1;
}

static int fake_close(int fd)
{
    if (!is_open(fd))
        return -1;
    host.open[fd] = false;
    return 0;
}

static int fake_fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    int argument = va_arg(arguments, int);
    va_end(arguments);
    if (!is_open(fd))
        return -1;
    return command == F_DUPFD_CLOEXEC ? (fails() ? -1 : open_from(argument)) : outcome();
}

static int fake_dup2(int fd, int target)
{
    if (!is_open(fd) || target < 0 || target >= MAX_OPEN || fails())
        return -1;
    host.open[target] = true;
    return target;
}

static int fake_pipe2(int ends[2])
{
    ends[0] = opened();
    ends[1] = ends[0] < 0 ? -1 : open_from(0);
    return ends[0] < 0 ? -1 : 0;
}

/* --- paths --- */

static void read_text(const char *text)
{
    volatile size_t length = strlen(text); /* which the address sanitizer watches */
    (void)length;
}

/* A path below a directory, which must not be left: by openat2(2) the kernel sees to that, elsewhere nobody does. */
static bool below(int directory, const char *path)
{
    read_text(path);
    if (directory == AT_FDCWD)
        return true;
    if (!is_open(directory))
        return false;
    if (*path == '/')
        FINDING("%s is meant to be below a directory, and is absolute", path);
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (!strncmp(part, "..", 2) && (!part[2] || part[2] == '/') && strcmp(path, ".."))
            FINDING("%s leads out of its directory", path);
    }
    errno = EEXIST; /* of "." and "..", alone */
    return strcmp(path, ".") && strcmp(path, "..");
}

static int make_below(int directory, const char *path)
{
    return below(directory, path) ? outcome() : -1;
}

static int open_below(int directory, const char *path)
{
    return below(directory, path) ? opened() : -1;
}

/* --- memory --- */

static void *borrow(size_t size)
{
    for (int i = 0; i < MAX_BORROWED; i++)
        if (!host.borrowed[i])
            return host.borrowed[i] = calloc(size, 1);
    return NULL;
}

static void give_back(const void *memory)
{
    for (int i = 0; i < MAX_BORROWED; i++)
        if (host.borrowed[i] == memory) {
            free(host.borrowed[i]);
            host.borrowed[i] = NULL;
            return;
        }
    FINDING("memory is given back that was not there");
}

/* --- what is received --- */

static struct chunk next_chunk(void)
{
    struct chunk chunk = {.size = 0};
    if ((size_t)(input.end - input.chunks) >= sizeof chunk)
        memcpy(&chunk, input.chunks, sizeof chunk);
    return chunk;
}

/* Copies the next chunk, as far as it is there and there is room; its size. */
static size_t take_chunk(void *into, size_t room)
{
    size_t size = next_chunk().size, left = (size_t)(input.end - input.chunks);

    left = left < sizeof(struct chunk) ? 0 : left - sizeof(struct chunk);
    input.chunks = input.end - left;
    size = size < left ? size : left;
    input.chunks += size;
    size = size < room ? size : room;
    memcpy(into, input.chunks - size, size);
    return size;
}

static void correct_header(void *packet, size_t size)
{
    struct wire_header header;
    if (size < sizeof header)
        return;
    memcpy(&header, packet, sizeof header);
    header.version = WIRE_VERSION;
    header.size = (uint32_t)size;
    memcpy(packet, &header, sizeof header);
}

static void give_descriptors(struct msghdr *message, unsigned n)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    size_t room = c ? (message->msg_controllen - CMSG_LEN(0)) / sizeof(int) : 0;

    if (n > room)
        message->msg_flags |= MSG_CTRUNC;
    n = n < room ? n : (unsigned)room;
    message->msg_controllen = n ? CMSG_SPACE(n * sizeof(int)) : 0;
    if (!n)
        return;
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(n * sizeof(int));
    for (unsigned i = 0; i < n; i++) {
        int fd = open_from(0);
        memcpy(CMSG_DATA(c) + i * sizeof fd, &fd, sizeof fd);
    }
}

/* Between two packets nothing piles up. */
static void check_steady(void)
{
    if (host.mapped)
        FINDING("%d mappings are left of the last packet", host.mapped);
    if (host.steady < 0)
        host.steady = count_open();
    else if (count_open() > host.steady + SPARE)
        FINDING("%d descriptors are open; %d were, at first", count_open(), host.steady);
}

static ssize_t fake_recvmsg(int socket, struct msghdr *message)
{
    struct chunk chunk = next_chunk();
    char *buffer = message->msg_iov->iov_base;
    size_t capacity = message->msg_iov->iov_len;

    if (!host.program_lives)
        check_steady();
    host.received++;
    if (on(socket))
        return -1;
    ASAN_UNPOISON_MEMORY_REGION(buffer, capacity);
    size_t size = take_chunk(buffer, capacity);
    if (!chunk.lie)
        correct_header(buffer, size);
    message->msg_flags = 0;
    give_descriptors(message, size ? chunk.fds : 0);
    ASAN_POISON_MEMORY_REGION(buffer + size, capacity - size);
    return (ssize_t)size;
}

static ssize_t fake_sendmsg(int socket, const struct msghdr *message)
{
    static char packet[WIRE_MAX];
    size_t n = strlen(host.sent);

    memcpy(packet, message->msg_iov->iov_base, message->msg_iov->iov_len);
    if (n + 1 < sizeof host.sent)
        host.sent[n] = "0123456789abcdef"[((const struct wire_header *)message->msg_iov->iov_base)->type & 15];
    struct cmsghdr *c = message->msg_control ? CMSG_FIRSTHDR(message) : NULL;
    for (size_t i = 0; c && i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
        is_open(fd);
    }
    return on(socket) ? -1 : (ssize_t)message->msg_iov->iov_len;
}

/* --- files --- */

static int fake_fstat(int fd, struct stat *st)
{
    *st = (struct stat){.st_mode = choice() & 1 ? S_IFREG : S_IFDIR, .st_size = next_chunk().size};
    return on(fd);
}

static int fake_fstatfs(int fd, struct statfs *fs)
{
    memset(fs, 0, sizeof *fs);
    return on(fd);
}

static ssize_t fake_pread(int fd, char *into, size_t size)
{
    if (on(fd))
        return -1;
    uint8_t length = choice();
    if (!length) {
        memcpy(into, "0\n", 2);
        return 2;
    }
    size = length < size ? length : size;
    for (size_t i = 0; i < size; i++)
        into[i] = (char)choice();
    return (ssize_t)size;
}

/* A file is the next chunk; what is mapped has no byte more than was asked for. */
static void *fake_mmap(size_t size, int fd)
{
    if (fd >= 0 ? on(fd) : outcome())
        return MAP_FAILED;
    char *memory = borrow(size);
    if (!memory)
        return MAP_FAILED;
    if (fd >= 0)
        take_chunk(memory, size);
    host.mapped++;
    return memory;
}

static int fake_munmap(void *memory)
{
    host.mapped--;
    give_back(memory);
    return 0;
}

/* --- processes --- */

static _Noreturn void fake_exit(void)
{
    longjmp(*host.exit, 1);
}

static long fake_clone3(const struct clone_args *args)
{
    bool is_box = args->flags & CLONE_PIDFD;
    if (fails())
        return -1;
    if (is_box && input.flags & BECOMES_INIT) {
        host.steady = -1;
        return 0;
    }
    if (is_box)
        *(int *)(uintptr_t)args->pidfd = open_from(0);
    return choice() & 1 && !is_box ? 0 : 100;
}

/* The child runs to its end, in our memory and with descriptors of its own: CLONE_VM and CLONE_VFORK. */
static int fake_clone(int (*child)(void *), void *argument)
{
    bool open[MAX_OPEN];
    jmp_buf exit, *outer = host.exit;

    if (fails())
        return -1;
    memcpy(open, host.open, sizeof open);
    host.exit = &exit;
    if (!setjmp(exit))
        child(argument);
    host.exit = outer;
    memcpy(host.open, open, sizeof open);
    host.children = 1 + (choice() & 3);
    host.program_lives = true;
    return 101;
}

static int fake_execve(const char *path, char *const *argv, char *const *envp)
{
    read_text(path);
    for (char *const *list[] = {argv, envp}, *const *l = list[0]; l; l = l == list[0] ? list[1] : NULL)
        for (; *l; l++)
            read_text(*l);
    if (fails())
        return -1;
    fake_exit();
}

static pid_t fake_wait4(pid_t pid, int *status, int flags, struct rusage *usage)
{
    if (usage)
        memset(usage, 0, sizeof *usage);
    errno = ECHILD;
    if (pid > 0) {
        host.program_lives = false;
        if (status)
            *status = choice();
        return fails() ? -1 : pid;
    }
    if (!host.children)
        return -1;
    if (flags & WNOHANG && choice() & 1)
        return 0;
    host.children--;
    bool orphan = host.children && choice() & 1;
    if (status)
        *status = choice();
    if (orphan || !host.program_lives)
        return 102;
    host.program_lives = false;
    return 101;
}

static bool signal_follows(void)
{
    struct wire_header header;
    const uint8_t *packet = input.chunks + sizeof(struct chunk);

    if ((size_t)(input.end - input.chunks) < sizeof(struct chunk) + sizeof header)
        return false;
    memcpy(&header, packet, sizeof header);
    return header.type == WIRE_SIGNAL;
}

/* While a program runs, signals come, and other packets only if it is so decided. */
static int fake_poll(struct pollfd *fds, unsigned n)
{
    if (fails())
        return -1;
    for (unsigned i = 0; i < n; i++)
        fds[i].revents = is_open(fds[i].fd) && (choice() & 1) != (i == 0 && signal_follows()) ? POLLIN : 0;
    return 1;
}

static int fake_prctl(int option, ...)
{
    va_list arguments;
    va_start(arguments, option);
    int argument = va_arg(arguments, int);
    va_end(arguments);
    return option == PR_CAPBSET_READ && argument > 3 ? -1 : outcome();
}

static long fake_syscall(long number, ...)
{
    va_list arguments;
    long result;

    va_start(arguments, number);
    if (number == SYS_clone3)
        result = fake_clone3(va_arg(arguments, const struct clone_args *));
    else if (number == SYS_openat2) {
        int directory = va_arg(arguments, int);
        read_text(va_arg(arguments, const char *));
        result = is_open(directory) ? opened() : -1;
    } else if (number == SYS_landlock_create_ruleset)
        result = va_arg(arguments, void *) ? opened() : 7 - choice() % 8;
    else if (number == SYS_seccomp)
        result = opened();
    else
        result = outcome();
    va_end(arguments);
    return result;
}

/* --- an input's life --- */

static void host_start(const uint8_t *data, size_t size)
{
    size_t decisions = size > 1 ? data[1] : 0, head = size < 2 ? size : 2;

    decisions = decisions < size - head ? decisions : size - head;
    input.flags = size ? data[0] : 0;
    input.decisions = data + head;
    input.decisions_end = input.chunks = data + head + decisions;
    input.end = data + size;
    memset(&host, 0, sizeof host);
    host.steady = -1;
    for (int fd = 0; fd < 5; fd++)
        host.open[fd] = true;
}

static void host_end(void)
{
    for (int i = 0; i < MAX_BORROWED; i++)
        free(host.borrowed[i]);
}

#endif
