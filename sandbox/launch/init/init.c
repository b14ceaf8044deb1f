/* PID 1 of a box: starts programs, reaps, kills what is left, and says whether the box is as it was.
 *
 * It lives under the programs' own filter, so that they inherit it; being PID 1 protects it from them
 * (pid_namespaces(7): signals from inside are dropped unless handled), and not being dumpable hides it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

static const char *const writable[] = {"/box", "/tmp", "/dev/shm"};
enum { WRITABLE = sizeof writable / sizeof *writable };

enum { RESIDUE = 2 << 20 }; /* bytes that runs may leave charged to the cgroup in a box that is used again */

/* What is compared to tell whether a run left traces in the scratch. */
static struct {
    int fds[WRITABLE];
    struct timespec changed[WRITABLE];
    uint64_t blocks, inodes;
} scratch_state;

/* What a program's standard streams are: the pipes of stdout and stderr, and what is read and written otherwise.
 * Every run gets new ones, so that nothing of it (flags, times, locks, bytes) stays in them; they are made while the
 * program before runs. */
struct streams {
    int out[2], err[2], null;
};

static struct streams streams;

/* Our own oom_score_adj: raised while a program is started, which inherits it, so that the kernel, out of memory,
 * chooses programs and neither init nor the warden. */
static int oom_score;
static char own_score[8];

static void set_oom_score(const char *score)
{
    if (pwrite(oom_score, score, strlen(score), 0) < 0)
        fail("oom_score_adj");
}

/* The writing ends of the run before, held for a while: a pipe without a writer is an event, for which the launcher
 * would have to look at it although there is nothing in it. */
static int ended[2] = {-1, -1};

static union {
    struct wire_header header;
    struct wire_run run;
    struct wire_signal signal;
    char bytes[WIRE_MAX];
} packet;

/* Readable while a SIGCHLD is pending. */
static int children = -1;

static void watch_children(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL); /* which programs do not inherit */
    children = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (children < 0)
        fail("signalfd");
}

static void forget_children(void)
{
    struct signalfd_siginfo told;

    while (read(children, &told, sizeof told) > 0)
        ;
}

static void remember_scratch(void)
{
    struct statfs fs;
    struct stat st;

    for (int i = 0; i < WRITABLE; i++) {
        scratch_state.fds[i] = open(writable[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (scratch_state.fds[i] < 0 || fstat(scratch_state.fds[i], &st))
            fail("open %s", writable[i]);
        scratch_state.changed[i] = st.st_ctim;
    }
    if (fstatfs(scratch_state.fds[0], &fs))
        fail("statfs");
    scratch_state.blocks = fs.f_bfree;
    scratch_state.inodes = fs.f_ffree;
}

static uint64_t count_free_blocks(void)
{
    struct statfs fs;

    return fstatfs(scratch_state.fds[0], &fs) ? scratch_state.blocks : (uint64_t)fs.f_bfree;
}

/* What the scratch holds that it did not hold before; ~0 if the kernel does not count. A file that is removed before
 * the end takes nothing at the end. */
static uint64_t scratch_growth(uint64_t before, const struct statfs *after)
{
    if (!after->f_blocks)
        return ~0ULL;
    return before > (uint64_t)after->f_bfree ? (before - (uint64_t)after->f_bfree) * (uint64_t)after->f_bsize : 0;
}

/* Any change to a directory (an entry, mode, attribute, time) sets its ctime, which nobody can set back. A
 * clock tick that began before the run may hide a change, so a change time of "now" counts as unclean.
 * On the way it tells by how much the scratch has grown. */
static bool scratch_is_untouched(const struct timespec *run_started, uint64_t before, struct wire_exited *exited)
{
    struct statfs fs;
    struct stat st;

    exited->scratch = ~0ULL;
    if (fstatfs(scratch_state.fds[0], &fs))
        return false;
    exited->scratch = scratch_growth(before, &fs);
    if ((uint64_t)fs.f_bfree != scratch_state.blocks || (uint64_t)fs.f_ffree != scratch_state.inodes)
        return false;
    for (int i = 0; i < WRITABLE; i++) {
        const struct timespec *old = &scratch_state.changed[i];
        if (fstat(scratch_state.fds[i], &st) || st.st_ctim.tv_sec != old->tv_sec || st.st_ctim.tv_nsec != old->tv_nsec)
            return false;
        if (old->tv_sec > run_started->tv_sec
            || (old->tv_sec == run_started->tv_sec && old->tv_nsec >= run_started->tv_nsec))
            return false;
    }
    return true;
}

/* Open to everybody: the program is not who made them, and is to be able to open /dev/stdout. */
static void make_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) || fcntl(ends[0], F_SETFL, O_NONBLOCK) || fchmod(ends[1], 0666))
        fail("pipe");
}

static struct streams make_streams(void)
{
    struct streams made = {.out = {-1, -1}, .err = {-1, -1}, .null = open("/dev/null", O_RDWR | O_CLOEXEC)};

    if (made.null < 0)
        fail("open /dev/null");
    make_pipe(made.out);
    make_pipe(made.err);
    return made;
}

/* The strings of a run: where they lie, and the pointers to them. */
struct tail {
    char *bytes;
    size_t mapped; /* 0 if they lie in the packet */
    char **pointers;
    size_t pointers_mapped; /* 0 if they are the static ones */
};

/* A long tail comes in a file; it stays mapped until the program has started. */
static bool find_tail(struct tail *tail, struct message *message)
{
    const struct wire_run *run = &packet.run;
    struct stat st;

    if (!(run->flags & WIRE_TAIL_IN_FD)) {
        tail->bytes = packet.bytes + sizeof *run;
        return sizeof *run + run->tail == (size_t)message->size;
    }
    if (!message->n_fds || !run->tail || fstat(message->fds[0], &st) || st.st_size < run->tail)
        return false;
    tail->bytes = mmap(NULL, run->tail, PROT_READ, MAP_PRIVATE, message->fds[0], 0);
    if (tail->bytes == MAP_FAILED)
        return false;
    tail->mapped = run->tail;
    close(message->fds[0]);
    message->n_fds--;
    memmove(message->fds, message->fds + 1, message->n_fds * sizeof(int));
    return true;
}

static bool find_pointers(struct tail *tail, size_t needed)
{
    static char *few[1024];

    tail->pointers = few;
    if (needed <= sizeof few / sizeof *few)
        return true;
    tail->pointers_mapped = needed * sizeof *tail->pointers;
    tail->pointers = mmap(NULL, tail->pointers_mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return tail->pointers != MAP_FAILED;
}

/* Splits the tail into the program's strings; pointers are set, nothing is copied. */
static bool parse_tail(struct program *program, struct tail *tail)
{
    const struct wire_run *run = program->run;
    /* 32-bit counts: the sum cannot overflow. Every string takes a byte at least. */
    size_t strings = (size_t)run->candidates + run->argc + run->envc;
    size_t targets = run->fds * sizeof(int32_t);

    if (run->fds > WIRE_MAX_FDS || targets + strings >= run->tail || !find_pointers(tail, strings + 3))
        return false;
    memcpy(program->targets, tail->bytes, targets);
    for (uint32_t i = 0; i < run->fds; i++)
        if (program->targets[i] < 0 || program->targets[i] == INT32_MAX) /* there are to be numbers above all targets */
            return false;
    char *at = tail->bytes + targets, *end = tail->bytes + run->tail, **pointer = tail->pointers;
    char ***const lists[] = {&program->candidates, &program->argv, &program->envp};
    const uint32_t counts[] = {run->candidates, run->argc, run->envc};
    for (int list = 0; list < 3; list++) {
        *lists[list] = pointer;
        for (uint32_t i = 0; i < counts[list]; i++) {
            char *nul = memchr(at, 0, (size_t)(end - at));
            if (!nul)
                return false;
            *pointer++ = at;
            at = nul + 1;
        }
        *pointer++ = NULL;
    }
    program->cwd = at;
    return at < end && memchr(at, 0, (size_t)(end - at)) == end - 1;
}

/* The descriptor that comes along for a target, or -1. */
static int given(const struct program *program, const struct message *message, int target)
{
    for (unsigned i = 0; i < message->n_fds; i++)
        if (program->targets[i] == target)
            return message->fds[i];
    return -1;
}

/* Completes the descriptors by the standard streams that did not come along. */
static void add_streams(struct program *program, const struct message *message)
{
    uint32_t flags = program->run->flags;
    int standard[] = {
        streams.null,
        flags & WIRE_NULL_OUT ? streams.null : streams.out[1],
        flags & WIRE_NULL_ERR ? streams.null : streams.err[1],
    };

    program->n_fds = message->n_fds;
    memcpy(program->fds, message->fds, message->n_fds * sizeof(int));
    if (flags & WIRE_MERGE)
        standard[2] = given(program, message, 1) >= 0 ? given(program, message, 1) : standard[1];
    for (int target = 0; target <= 2; target++)
        if (given(program, message, target) < 0) {
            program->targets[program->n_fds] = target;
            program->fds[program->n_fds++] = standard[target];
        }
}

/* What was mapped is gone, and with it from our largest size, which programs inherit in their ru_maxrss: they begin
 * in our memory (exec_mmap() in fs/exec.c). */
static int clear_refs = -1;

static void forget_tail(const struct tail *tail)
{
    if (tail->mapped)
        munmap(tail->bytes, tail->mapped);
    if (tail->pointers_mapped)
        munmap(tail->pointers, tail->pointers_mapped);
    /* proc_pid_clear_refs(5). Where the kernel has none, figures that come from getrusage(2) are too large. */
    if ((tail->mapped || tail->pointers_mapped) && clear_refs >= 0 && pwrite(clear_refs, "5", 1, 0) != 1)
        fail("clear_refs");
}

static void send_signal(pid_t program)
{
    pid_t target = packet.signal.scope == WIRE_EVERYTHING ? -1
                   : packet.signal.scope == WIRE_GROUP    ? -program
                                                          : program;
    kill(target, (int)packet.signal.signal); /* ESRCH: it ended first, and its result is on its way */
}

static uint64_t cpu_of(const struct rusage *usage)
{
    return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000U
           + (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

static void account(struct wire_exited *exited, const struct rusage *usage)
{
    exited->cpu += cpu_of(usage);
    if ((uint64_t)usage->ru_maxrss * 1024U > exited->max_rss)
        exited->max_rss = (uint64_t)usage->ru_maxrss * 1024U;
}

/* Reaps everything that has ended; whether the program is among it. */
static bool reap(pid_t program, struct wire_exited *exited)
{
    struct rusage usage;
    pid_t pid;
    int status;

    while ((pid = wait4(-1, &status, WNOHANG | __WALL, &usage)) > 0) {
        account(exited, &usage);
        if (pid == program) {
            exited->status = status;
            return true;
        }
    }
    return false;
}

/* Waits until the program has ended, serving signals; orphans are reaped on the way. */
static void await(int socket, pid_t program, struct wire_exited *exited)
{
    struct pollfd poll_for[] = {{.fd = socket, .events = POLLIN}, {.fd = children, .events = POLLIN}};

    for (;;) {
        if (poll(poll_for, 2, -1) > 0 && poll_for[0].revents) {
            if (!receive(socket, packet.bytes, sizeof packet).size)
                _exit(0); /* the launcher is gone: PID 1 exits, and the kernel ends everything else */
            if (packet.header.type != WIRE_SIGNAL)
                reject();
            send_signal(program);
        }
        if (reap(program, exited))
            return;
        forget_children();
        if (reap(program, exited)) /* who ended in between, and is forgotten */
            return;
    }
}

/* Every descendant of the ended program is now a descendant of ours, so "no child" means that none is left. */
static void clear(struct wire_exited *exited)
{
    struct rusage usage;
    pid_t pid = wait4(-1, NULL, WNOHANG | __WALL, &usage);

    while (pid >= 0) {
        exited->flags |= WIRE_SURVIVORS;
        if (pid > 0)
            account(exited, &usage);
        kill(-1, SIGKILL);
        pid = wait4(-1, NULL, __WALL, &usage);
    }
}

/* What dead processes left charged: in sockets in flight, which the kernel frees only later, or as names that it
 * remembers. Compared with what was charged when the box was new: it must not grow from run to run. */
static bool memory_is_left(const struct wire_exited *exited)
{
    static uint64_t new = ~0ULL;
    uint64_t after = exited->after[WIRE_MEMORY];

    if (new == ~0ULL)
        new = exited->before[WIRE_MEMORY];
    return new != ~0ULL && after != ~0ULL && after > new + RESIDUE;
}

/* Sockets of dead processes that are in flight to one another: they keep their names, and what was sent, until the
 * kernel collects them, which the closing of a socket makes it do some time later (unix_gc() in net/unix). */
static int socket_table = -1;

static bool sockets_are_left(const struct setup *setup)
{
    char text[512];

    if (!(setup->wire->flags & WIRE_SOCKETS))
        return false;
    ssize_t size = pread(socket_table, text, sizeof text, 0);
    const char *head = size > 0 ? memchr(text, '\n', (size_t)size) : NULL;
    return !head || head + 1 != text + size; /* a line beyond the head, or no answer */
}

static void run_program(const struct setup *setup, int socket, struct message *message)
{
    struct program program = {
        .run = &packet.run,
        .init_id = setup->wire->init_id,
        .program_id = setup->wire->program_id,
    };
    struct wire_exited exited = {.flags = 0};
    struct timespec run_started;
    struct tail tail = {.mapped = 0};
    uint32_t flags = packet.run.flags;

    if (!find_tail(&tail, message) || !parse_tail(&program, &tail) || message->n_fds != packet.run.fds)
        reject();
    add_streams(&program, message);
    uint64_t free_blocks = scratch_state.blocks;
    if (flags & WIRE_FILLED)
        free_blocks = count_free_blocks();
    reset_meters(setup);
    read_meters(setup, 1U << WIRE_CPU | 1U << WIRE_MEMORY, exited.before); /* the others only runs move */
    clock_gettime(CLOCK_REALTIME_COARSE, &run_started); /* the clock that file times are taken from */
    set_oom_score("1000");
    pid_t pid = spawn(&program);
    set_oom_score(own_score);
    for (unsigned i = 0; i < message->n_fds; i++)
        close(message->fds[i]);
    if (program.error) {
        if (pid > 0)
            waitpid(pid, NULL, __WALL);
        release_init();
        errno = program.error;
        bool at_chdir = !strcmp(program.step, "chdir");
        refuse(socket, "%s %s", program.step, at_chdir ? program.cwd : *program.argv ? *program.argv : "");
    }
    forget_tail(&tail);
    if (program.error)
        return; /* nothing has used the streams */
    close(streams.null);
    if (flags & WIRE_REPORT_START) {
        struct wire_ready started;
        send_packet(socket, WIRE_STARTED, &started, sizeof started, NULL, 0);
    }
    for (unsigned i = 0; i < 2 && ended[i] >= 0; i++)
        close(ended[i]);
    struct streams next = make_streams();
    await(socket, pid, &exited);
    exited.ended = now();
    exited.wall = exited.ended - program.started;
    clear(&exited);
    tell_denials(&exited);
    read_meters(setup, ~0U, exited.after);
    if (!scratch_is_untouched(&run_started, free_blocks, &exited) || memory_is_left(&exited) || sockets_are_left(setup))
        exited.flags |= WIRE_DIRTY;
    int theirs[] = {next.out[0], next.err[0]};
    send_packet(socket, WIRE_EXITED, &exited, sizeof exited, theirs, 2);
    close(next.out[0]);
    close(next.err[0]);
    ended[0] = streams.out[1];
    ended[1] = streams.err[1];
    streams = next;
    forget_children();
    release_init();
}

static void set_up(const struct setup *setup, int socket, int scratch)
{
    report_socket = socket;
    prctl(PR_SET_NAME, "sandbox-init");
    if (setsid() < 0)
        fail("setsid");
    int proc = make_own_proc();
    oom_score = openat(proc, "self/oom_score_adj", O_RDWR | O_CLOEXEC);
    if (oom_score < 0 || pread(oom_score, own_score, sizeof own_score - 1, 0) < 1)
        fail("oom_score_adj");
    enter_box(setup, scratch);
    remember_scratch();
    clear_refs = openat(proc, "self/clear_refs", O_WRONLY | O_CLOEXEC);
    watch_children();
    remember_cpus();
    umask(022);
    if (setup->wire->flags & WIRE_SOCKETS && setup->wire->flags & WIRE_PROC) {
        socket_table = open("/proc/self/net/unix", O_RDONLY | O_CLOEXEC);
        if (socket_table < 0)
            fail("open /proc/self/net/unix");
    }
    streams = make_streams(); /* the first ones before there is a filter: nobody may be there yet to be asked */
    int listener = confine(setup, proc);
    close(proc);
    int theirs[] = {streams.out[0], streams.err[0], listener};
    send_ready(socket, theirs, listener < 0 ? 2 : 3);
    for (unsigned i = 0; i < 3; i++)
        if (theirs[i] >= 0)
            close(theirs[i]);
}

void init(const struct setup *setup, int socket, int scratch)
{
    set_up(setup, socket, scratch);
    for (;;) {
        struct message message = receive(socket, packet.bytes, sizeof packet);
        if (!message.size)
            _exit(0);
        if (packet.header.type == WIRE_RUN)
            run_program(setup, socket, &message);
        else if (packet.header.type != WIRE_SIGNAL) /* a signal for a program that has already ended is dropped */
            reject();
    }
}
