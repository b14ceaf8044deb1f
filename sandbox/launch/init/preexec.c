/* One program, from clone to execve.
 *
 * The child shares our memory (CLONE_VM) and we sleep until it has called execve (CLONE_VFORK): nothing is
 * copied, and only async-signal-safe calls are allowed. Whatever every program of the box has in common
 * (namespaces, root, cgroup, CPU, keyring, bounding set, no_new_privs, Landlock, seccomp) it inherits from
 * init; this list is what differs from run to run. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

static const int resources[WIRE_RLIMITS] = {
    [WIRE_RLIMIT_CPU] = RLIMIT_CPU,     [WIRE_RLIMIT_FSIZE] = RLIMIT_FSIZE, [WIRE_RLIMIT_NOFILE] = RLIMIT_NOFILE,
    [WIRE_RLIMIT_STACK] = RLIMIT_STACK, [WIRE_RLIMIT_AS] = RLIMIT_AS,       [WIRE_RLIMIT_NPROC] = RLIMIT_NPROC,
};

uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static _Noreturn void give_up(struct program *program, const char *step)
{
    program->error = errno;
    program->step = step;
    _exit(127);
}

/* The program gets exactly the descriptors of the run, at the numbers it names. */
static void place_descriptors(struct program *program)
{
    unsigned n = program->n_fds;
    int highest = 2;

    for (unsigned i = 0; i < n; i++)
        if (program->targets[i] > highest)
            highest = program->targets[i];
    /* A source below a target could be overwritten before its turn. */
    for (unsigned i = 0; i < n; i++)
        if (program->fds[i] <= highest) {
            program->fds[i] = fcntl(program->fds[i], F_DUPFD_CLOEXEC, highest + 1);
            if (program->fds[i] < 0)
                give_up(program, "descriptors");
        }
    /* First everything closes on exec, then dup2 makes the exceptions. */
    if (close_range(0, ~0U, CLOSE_RANGE_CLOEXEC))
        give_up(program, "descriptors");
    for (unsigned i = 0; i < n; i++)
        if (dup2(program->fds[i], program->targets[i]) < 0)
            give_up(program, "descriptors");
}

static void set_limits(struct program *program)
{
    for (int i = 0; i < WIRE_RLIMITS; i++) {
        rlim_t soft = program->run->rlimits[i];
        if (soft == RLIM_INFINITY) /* no limit of ours: what was inherited stays */
            continue;
        /* SIGXCPU at the limit, SIGKILL a second later, whatever the program makes of the first. */
        struct rlimit limit = {.rlim_cur = soft, .rlim_max = i == WIRE_RLIMIT_CPU ? soft + 1 : soft};
        if (setrlimit(resources[i], &limit)) /* EPERM: the host's own hard limit is lower than what was promised */
            give_up(program, "rlimit");
    }
}

/* Init has the programs' group already, and no other; a rootless box has one id, and keeps it. No capability survives
 * execve: the bounding set is empty and SECBIT_NOROOT set (capabilities(7), "Transformation of capabilities"). */
static void drop_identity(struct program *program)
{
    uid_t id = program->program_id;

    if (program->init_id != id && syscall(SYS_setresuid, id, id, id))
        give_up(program, "setresuid");
}

/* SIGCHLD is the only signal that init blocks; it handles none. */
static void reset_signals(struct program *program)
{
    sigset_t none;

    sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL))
        give_up(program, "signals");
}

/* As execvp: the first candidate that can be executed; EACCES is remembered over ENOENT. */
static void execute(struct program *program)
{
    int error = ENOENT;

    program->started = now();
    for (char **path = program->candidates; *path; path++) {
        execve(*path, program->argv, program->envp);
        if (errno == EACCES)
            error = EACCES;
        else if (errno != ENOENT && errno != ENOTDIR) {
            error = errno;
            break;
        }
    }
    errno = error;
    give_up(program, "execve");
}

static int child(void *argument)
{
    struct program *program = argument;

    /* A group of its own, in init's session, which has no terminal. (A session of its own would cost more than
     * all the rest here: the scheduler makes a task group for each, sched(7) "autogroup". So only who asks has one.) */
    bool session = program->run->flags & (WIRE_NEW_SESSION | WIRE_TERMINAL);
    if (session ? setsid() < 0 : setpgid(0, 0) < 0)
        give_up(program, session ? "setsid" : "setpgid");
    bind_init(); /* as init's uid still */
    place_descriptors(program);
    if (program->run->flags & WIRE_TERMINAL && ioctl(0, TIOCSCTTY, 0)) /* after setsid: only a leader can */
        give_up(program, "terminal");
    umask(program->run->umask);
    set_limits(program); /* before the ids change: lowering needs no right, and RLIMIT_NPROC counts the new id */
    drop_identity(program);
    if (chdir(program->cwd)) /* as the program, so that it gets where it could get itself */
        give_up(program, "chdir");
    reset_signals(program);
    execute(program);
    return 127;
}

pid_t spawn(struct program *program)
{
    static char stack[65536] __attribute__((aligned(16)));

    program->error = 0;
    program->step = "clone";
    program->started = now(); /* should it be killed before it comes to set this itself */
    pid_t pid = clone(child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, program);
    if (pid < 0)
        program->error = errno;
    return pid;
}
