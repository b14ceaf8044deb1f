/* sandbox-init: the only program that stands between the launcher and a program that nobody trusts. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init.h"

#define FIELD(s, f) printf("%s.%s %zu %zu\n", #s, #f, offsetof(struct s, f), sizeof(((struct s *)0)->f))
#define SIZE(s) printf("%s %zu\n", #s, sizeof(struct s))

/* The layout of every message, for the test that compares it with wire.py's. */
static int print_layout(void)
{
    SIZE(wire_header), FIELD(wire_header, version), FIELD(wire_header, type), FIELD(wire_header, size);
    SIZE(wire_setup), FIELD(wire_setup, flags), FIELD(wire_setup, init_id), FIELD(wire_setup, program_id);
    FIELD(wire_setup, mounts), FIELD(wire_setup, filter), FIELD(wire_setup, cpu), FIELD(wire_setup, hostname);
    FIELD(wire_setup, meters);
    SIZE(wire_meter), FIELD(wire_meter, flags), FIELD(wire_meter, key);
    SIZE(wire_mount), FIELD(wire_mount, kind), FIELD(wire_mount, flags), FIELD(wire_mount, source);
    FIELD(wire_mount, target);
    SIZE(wire_box), FIELD(wire_box, scratch), FIELD(wire_box, inodes);
    SIZE(wire_put), FIELD(wire_put, mode), FIELD(wire_put, flags);
    SIZE(wire_run), FIELD(wire_run, flags), FIELD(wire_run, umask), FIELD(wire_run, candidates);
    FIELD(wire_run, argc), FIELD(wire_run, envc), FIELD(wire_run, fds), FIELD(wire_run, tail);
    FIELD(wire_run, padding), FIELD(wire_run, rlimits);
    SIZE(wire_signal), FIELD(wire_signal, signal), FIELD(wire_signal, scope);
    SIZE(wire_failed), FIELD(wire_failed, error), FIELD(wire_failed, step), FIELD(wire_failed, padding);
    SIZE(wire_exited), FIELD(wire_exited, status), FIELD(wire_exited, flags), FIELD(wire_exited, wall);
    FIELD(wire_exited, ended), FIELD(wire_exited, cpu), FIELD(wire_exited, max_rss);
    FIELD(wire_exited, scratch);
    FIELD(wire_exited, before), FIELD(wire_exited, after), FIELD(wire_exited, denied);
    FIELD(wire_exited, padding), FIELD(wire_exited, calls);
    SIZE(wire_denied), FIELD(wire_denied, number), FIELD(wire_denied, arch);
    return 0;
}

/* Ignored signals would be inherited by every program. By system call, because glibc keeps 32 and 33 to itself,
 * and its posix_spawn leaves them ignored. */
static void reset_signals(void)
{
    const struct {
        unsigned long words[4]; /* handler, flags, restorer and mask of the kernel's struct sigaction: SIG_DFL, none */
    } by_default = {{0}};

    for (int s = 1; s < NSIG; s++)
        syscall(SYS_rt_sigaction, s, &by_default, NULL, 8UL);
}

/* Without privilege, descriptors in flight are counted for all processes of a uid, programs in other boxes among
 * them, against the limit of whoever sends the next one (unix(7), ETOOMANYREFS). */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--layout"))
        return print_layout();
    bool clean_up = argc >= 3 && !strcmp(argv[1], "janitor");
    if ((argc != 1 && !clean_up) || fcntl(SOCKET_FD, F_GETFD) < 0) {
        fputs("sandbox-init is started by the sandbox library, not by hand\n", stderr);
        return 2;
    }
    /* Our service may hold anything, and may have been given more: nothing but the agreed descriptors stays. */
    if (close_range(FIRST_FREE_FD, ~0U, 0))
        fail("close_range");
    fcntl(SOCKET_FD, F_SETFD, FD_CLOEXEC);
    reset_signals();
    raise_descriptors();
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    umask(022);
    if (clean_up)
        janitor(argv[2], argv + 3);
    warden();
}
