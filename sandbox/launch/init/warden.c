/* The warden of a slot: outside of the box's PID namespace, so that no program can address it.
 *
 * It lives in the slot's cgroup and in a user namespace of its own, holds the root as a template, starts one
 * init after the other, and moves files in and out of the box while nothing runs there. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

static union {
    struct wire_header header;
    struct wire_setup setup;
    struct wire_box box;
    struct wire_put put;
    struct wire_get get;
    char bytes[WIRE_MAX];
} packet;

/* The box that there is: its init, the end of which ends the box, and its working directory. */
static struct {
    pid_t pid;
    int pidfd;
    int directory;
} box = {.pid = 0, .pidfd = -1, .directory = -1};

/* The meters, each with its descriptor if it has one; how many descriptors these are, or -1. */
static int keep_meters(struct setup *setup, const struct message *message)
{
    unsigned next = 0;

    for (int i = 0; i < WIRE_METERS; i++) {
        const struct wire_meter *meter = &setup->wire->meters[i];
        bool present = meter->flags & WIRE_PRESENT;
        if (!memchr(meter->key, 0, sizeof meter->key) || (present && next == message->n_fds))
            return -1;
        setup->meters[i] = present ? message->fds[next++] : -1;
    }
    return (int)next;
}

/* The mounts that come along, one descriptor for each, which are all that there are after `next`. */
static bool keep_trees(struct setup *setup, const struct message *message, unsigned next)
{
    unsigned kept = 0;

    for (uint32_t i = 0; i < setup->wire->mounts; i++) {
        if (!is_given(setup, &setup->mounts[i]))
            continue;
        if (next == message->n_fds)
            return false;
        setup->trees[kept++] = message->fds[next++];
    }
    return next == message->n_fds;
}

static bool is_sound(const struct setup *setup, const struct wire_mount *mount)
{
    const char *target = setup->strings + mount->target;
    return mount->kind >= WIRE_BIND && mount->kind <= WIRE_FILE && mount->source < setup->strings_size
           && mount->target < setup->strings_size && *target == '/' && is_plain(target + 1);
}

static const struct setup *keep_setup(const struct message *message)
{
    static struct setup setup;
    size_t size = (size_t)message->size;
    char *copy = malloc(size);
    if (!copy)
        fail("setup");
    memcpy(copy, packet.bytes, size);
    const struct wire_setup *wire = (const void *)copy;
    size_t mounts = (size_t)wire->mounts * sizeof(struct wire_mount), filter = (size_t)wire->filter * 8;
    size_t head = sizeof *wire + mounts + filter; /* 32-bit counts: the sum cannot overflow */

    setup.wire = wire;
    int meters = keep_meters(&setup, message);
    if (head >= size || copy[size - 1] || wire->hostname >= size - head || meters < 0)
        reject();
    setup.mounts = (const void *)(copy + sizeof *wire);
    setup.filter = copy + sizeof *wire + mounts;
    setup.strings = copy + head;
    setup.strings_size = size - head;
    for (uint32_t i = 0; i < wire->mounts; i++)
        if (!is_sound(&setup, &setup.mounts[i]))
            reject();
    if (!keep_trees(&setup, message, (unsigned)meters))
        reject();
    return &setup;
}

static void become(uint32_t id, bool drop_groups)
{
    if (drop_groups && syscall(SYS_setgroups, 0, NULL))
        fail("setgroups");
    if (syscall(SYS_setresgid, id, id, id))
        fail("setresgid");
    if (syscall(SYS_setresuid, id, id, id))
        fail("setresuid");
    if (prctl(PR_SET_DUMPABLE, 0))
        fail("dumpable");
}

/* The box's user namespace can have no further one below it: a second lock behind the filter's. */
static void forbid_nesting(void)
{
    int fd = open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1)
        fail("max_user_namespaces");
    close(fd);
}

static void pin(uint32_t cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set))
        fail("affinity");
}

static void set_up(const struct setup *setup)
{
    const char *hostname = setup->strings + setup->wire->hostname;

    become(setup->wire->init_id, setup->wire->init_id != setup->wire->program_id);
    if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP))
        fail("unshare");
    if (sethostname(hostname, strlen(hostname)) || setdomainname("", 0))
        fail("hostname");
    forbid_nesting();
    if (setup->wire->cpu != ~0U)
        pin(setup->wire->cpu);
    make_root(setup);
}

/* Waits for the box's init, which the launcher has ended or which has ended itself. */
static void bury(void)
{
    if (!box.pid)
        return;
    syscall(SYS_pidfd_send_signal, box.pidfd, SIGKILL, NULL, 0);
    waitpid(box.pid, NULL, __WALL);
    close(box.pidfd);
    close(box.directory);
    box.pid = 0;
    box.pidfd = box.directory = -1;
}

static void start_box(const struct setup *setup, const struct message *message)
{
    uint64_t namespaces = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC;
    if (setup->wire->flags & (WIRE_LOOPBACK | WIRE_SOCKETS))
        namespaces |= CLONE_NEWNET; /* names that are bound, or in TIME_WAIT on lo, must not outlast the box */
    bury();
    int scratch = make_scratch(setup, &packet.box);
    if (scratch < 0) {
        refuse(SOCKET_FD, "mount scratch");
        return;
    }
    struct clone_args args = {
        .flags = namespaces | CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&box.pidfd, .exit_signal = SIGCHLD};
    box.pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (box.pid == 0) {
        int socket = fcntl(message->fds[0], F_DUPFD_CLOEXEC, FIRST_FREE_FD);
        if (socket < 0)
            fail("socket");
        /* The warden's end of its own socket is to close when the warden dies, whoever lives on. */
        report_socket = socket;
        close(SOCKET_FD);
        close(SERVICE_FD);
        init(setup, socket, scratch);
    }
    if (box.pid < 0) {
        box.pid = 0;
        refuse(SOCKET_FD, "clone");
        close(scratch);
        return;
    }
    box.directory = openat(scratch, "box", O_PATH | O_DIRECTORY | O_CLOEXEC);
    close(scratch);
    send_ready(SOCKET_FD, &box.pidfd, 1);
}

/* The name at the end of a packet. */
static const char *name_after(size_t head, const struct message *message)
{
    size_t size = (size_t)message->size;
    const char *name = packet.bytes + head;
    if (size == head || packet.bytes[size - 1] || (*name && !is_plain(name)))
        reject();
    return name;
}

static void put(const struct setup *setup, const struct message *message)
{
    const char *name = name_after(sizeof packet.put, message);
    bool directory = packet.put.flags & WIRE_DIRECTORY;
    uid_t owner = setup->wire->program_id;

    if (!*name || message->n_fds != !directory)
        reject();
    if (directory ? put_directory(box.directory, name, owner)
                  : put_file(box.directory, name, message->fds[0], packet.put.mode, owner))
        refuse(SOCKET_FD, "%s", name);
    else
        send_ready(SOCKET_FD, NULL, 0);
}

static void get(const struct message *message)
{
    const char *name = name_after(sizeof packet.get, message);
    int file = open_beneath(box.directory, *name ? name : ".", O_RDONLY, 0);
    if (file < 0)
        refuse(SOCKET_FD, "%s", name);
    else
        send_ready(SOCKET_FD, &file, 1);
    close(file);
}

static void serve(const struct setup *setup, const struct message *message)
{
    uint16_t type = packet.header.type;

    if (type == WIRE_BOX)
        start_box(setup, message);
    else if (type == WIRE_PUT)
        put(setup, message);
    else if (type == WIRE_GET)
        get(message);
    else
        reject();
    for (unsigned i = 0; i < message->n_fds; i++)
        close(message->fds[i]);
}

/* Sleeps until there is a packet, and ends with the service: at the end of the socket, and, should a stray
 * fork hold that open, at the end of the service's process itself. */
static void await_packet(void)
{
    struct pollfd fds[] = {{.fd = SOCKET_FD, .events = POLLIN}, {.fd = SERVICE_FD, .events = POLLIN}};

    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR)
            _exit(1);
    if (fds[1].revents) {
        bury();
        _exit(0);
    }
}

void warden(void)
{
    const struct setup *setup = NULL;

    prctl(PR_SET_NAME, "sandbox-warden");
    if (prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER)) /* dumpable, so that the launcher can write the maps */
        fail("unshare user");
    send_ready(SOCKET_FD, NULL, 0);
    for (;;) {
        await_packet();
        struct message message = receive(SOCKET_FD, packet.bytes, sizeof packet);
        if (!message.size)
            break;
        if (setup)
            serve(setup, &message);
        else if (packet.header.type == WIRE_SETUP) {
            setup = keep_setup(&message);
            set_up(setup);
            send_ready(SOCKET_FD, NULL, 0);
        } else
            reject();
    }
    bury();
    _exit(0);
}
