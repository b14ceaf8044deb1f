/* Hostile programs, by the name of what they attack. None of them needs more than a second. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Sends descriptors into a socket; 0 or errno. */
static int pass(int socket, const int *fds, int count)
{
    char control[CMSG_SPACE(253 * sizeof(int))] = {0};
    struct iovec byte = {"x", 1};
    struct msghdr message = {.msg_iov = &byte, .msg_iovlen = 1, .msg_control = control};
    message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
    memcpy(CMSG_DATA(c), fds, (size_t)count * sizeof(int));
    return sendmsg(socket, &message, MSG_DONTWAIT) < 0 ? errno : 0;
}

/* A sign of life in a file, for as long as this process lives. */
static void beat(void)
{
    int file = open("heart", O_RDWR | O_CREAT, 0600);
    for (;;) {
        struct timespec t;
        char text[64];
        clock_gettime(CLOCK_MONOTONIC, &t);
        pwrite(file, text, (size_t)snprintf(text, sizeof text, "%ld.%09ld\n", (long)t.tv_sec, t.tv_nsec), 0);
    }
}

/* Takes the CPU from init: its session's weight to the minimum, and many sessions of our own that spin. */
static void starve(int sessions)
{
    int group = open("/proc/self/autogroup", O_WRONLY);
    if (group >= 0)
        write(group, "19", 2);
    for (int i = 0; i < sessions; i++)
        if (fork() == 0) {
            setsid();
            for (;;)
                ;
        }
    if (fork() == 0)
        beat();
    pause();
}

static int nothing(void *argument)
{
    (void)argument;
    _exit(0);
}

/* Keeps init busy with children that it did not make (CLONE_PARENT) and that end at once. */
static void churn(int makers)
{
    static char stack[65536];
    for (int i = 0; i < makers; i++)
        if (fork() == 0) {
            setsid();
            for (;;)
                clone(nothing, stack + sizeof stack, CLONE_VM | CLONE_PARENT | SIGCHLD, NULL);
        }
    pause();
}

/* Memory in shared files, while next to nothing is resident here: the kernel's victim would be init or the warden. */
static void shared(void)
{
    for (;;) {
        int file = memfd_create("x", 0);
        for (off_t at = 0; at < 16 << 20; at += 65536)
            while (fallocate(file, 0, at, 65536) && errno == EINTR)
                ;
    }
}

/* Memory, and a lock, that only sockets in flight hold, in a circle: the kernel's garbage collector frees it, later. */
static void garbage(int size)
{
    int memory = memfd_create("x", 0), file = open("/usr/bin/sort", O_RDONLY), pair[2];
    if (fallocate(memory, 0, 0, (off_t)size << 20))
        perror("fallocate");
    flock(file, LOCK_EX | LOCK_NB);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    int fds[] = {pair[0], pair[1], memory, file};
    printf("%d\n", pass(pair[0], fds, 4));
}

/* Descriptors in flight, as many as can be. */
static void flight(int milliseconds)
{
    int file = open("/dev/null", O_RDONLY), fds[253], count = 0, error = 0;
    for (int i = 0; i < 253; i++)
        fds[i] = file;
    while (error == 0 || error == EAGAIN) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
            break;
        for (error = 0; !error; count += 253 * !error)
            error = pass(pair[0], fds, 253);
    }
    printf("%s\n", count ? "flying" : "none");
    fflush(stdout);
    usleep((useconds_t)milliseconds * 1000);
}

/* Kernel memory that is charged to nobody: record locks. `command` is F_SETLK or F_OFD_SETLK. */
static void locks(int command)
{
    long made = 0, all = 0;
    int ends[2];
    pipe(ends);
    for (int process = 0; process < 20; process++)
        if (fork() == 0) {
            for (int i = 0; i < 200; i++) {
                int file = memfd_create("x", 0);
                struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
                for (lock.l_start = 600; lock.l_start; lock.l_start -= 2)
                    made += !fcntl(file, command, &lock);
            }
            write(ends[1], &made, sizeof made);
            pause();
        }
    for (int process = 0; process < 20; process++) {
        read(ends[0], &made, sizeof made);
        all += made;
    }
    printf("%ld\n", all);
}

/* Output in packets: every write is read alone. */
static void packets(int count)
{
    fcntl(1, F_SETFL, O_DIRECT);
    for (int i = 0; i < count; i++)
        write(1, "ab", 2);
}

/* A system call by number, and what became of it. */
static void call(long number)
{
    printf("%ld\n", syscall(number, 0, 0, 0, 0, 0, 0) < 0 ? -(long)errno : 0);
}

static sigjmp_buf back;
static volatile sig_atomic_t inside;

static void take_back(int signal)
{
    (void)signal;
    if (inside)
        siglongjmp(back, 1);
}

/* A denied call while another process sends signals all the time, whose handler leaves the call. */
static void evade(int count)
{
    struct sigaction action = {.sa_handler = take_back, .sa_flags = SA_NODEFER};
    sigaction(SIGUSR1, &action, NULL);
    pid_t parent = getpid();
    if (fork() == 0)
        for (;;)
            kill(parent, SIGUSR1);
    for (volatile int i = 0; i < count; i++) {
        if (!sigsetjmp(back, 1)) {
            inside = 1;
            syscall(SYS_ptrace, 16, 0, 0, 0); /* PTRACE_ATTACH */
        }
        inside = 0;
    }
    signal(SIGUSR1, SIG_IGN);
    for (time_t end = time(NULL) + 2; time(NULL) < end;) /* it has gone on, if it still goes on now */
        ;
    puts("won");
    kill(0, SIGKILL);
}

int main(int argc, char **argv)
{
    const char *what = argv[1];
    int number = argc > 2 ? (int)strtoul(argv[2], NULL, 0) : 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!strcmp(what, "starve"))
        starve(number);
    else if (!strcmp(what, "churn"))
        churn(number);
    else if (!strcmp(what, "shared"))
        shared();
    else if (!strcmp(what, "garbage"))
        garbage(number);
    else if (!strcmp(what, "flight"))
        flight(number);
    else if (!strcmp(what, "locks"))
        locks(number);
    else if (!strcmp(what, "packets"))
        packets(number);
    else if (!strcmp(what, "evade"))
        evade(number);
    else if (!strcmp(what, "call"))
        call(number);
    return 0;
}
