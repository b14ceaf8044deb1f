/* Denied calls: a thread of init hears of them, names them, and ends the run.
 *
 * A caller waits in its call, where a signal of its own can interrupt it before anybody has looked; the call is then
 * refused, but goes on to be a program that nobody ends. What it cannot take back is that the kernel has counted the
 * call: a thread that always waits for the next one is woken by every one of them, and is told ENOENT if its caller
 * did not wait (seccomp_unotify(2)). The thread came before the filter, and lives outside of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "init.h"

enum { STACK = 64 << 10 };

static int handed[2]; /* the pipe through which the thread is given the listener */
static int waiting;   /* where in the kernel the thread waits, by /proc */
static sem_t opened;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct wire_denied heard[WIRE_DENIED];
static unsigned count;

static void note(uint32_t number, uint32_t arch)
{
    pthread_mutex_lock(&lock);
    bool known = count == WIRE_DENIED;
    for (unsigned i = 0; i < count; i++)
        known |= heard[i].number == number && heard[i].arch == arch;
    if (!known)
        heard[count++] = (struct wire_denied){.number = number, .arch = arch};
    pthread_mutex_unlock(&lock);
}

static void *hear(void *proc)
{
    struct seccomp_notif call;
    int listener;

    waiting = openat(*(int *)proc, "thread-self/wchan", O_RDONLY | O_CLOEXEC);
    sem_post(&opened);
    if (read(handed[0], &listener, sizeof listener) != sizeof listener)
        _exit(1);
    for (;;) {
        memset(&call, 0, sizeof call);
        if (!ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call))
            note((uint32_t)call.data.nr, call.data.arch);
        else if (errno == ENOENT)
            note(WIRE_UNKNOWN_CALL, 0);
        else if (errno == EINTR)
            continue;
        else
            fail("hear of denied calls"); /* nobody would hear the next one */
        kill(-1, SIGKILL); /* everything in the box but init */
    }
}

/* Whether the thread waits in the kernel, and is off the run queue: else the file says 0. (Its state in `stat` is S
 * also while it is about to wait, and may have something to take first.) */
static bool is_waiting(void)
{
    char place[2] = {0};

    return pread(waiting, place, sizeof place, 0) > 0 && place[0] != '0';
}

enum { PATIENCE = 5 }; /* seconds; it takes microseconds */

static void wait_for_thread(void)
{
    for (uint64_t start = now(); !is_waiting();) {
        sched_yield();
        errno = ETIMEDOUT;
        if (now() - start > PATIENCE * 1000000000ULL)
            fail("wait for the thread that hears of denied calls");
    }
}

void start_hearing(int proc)
{
    pthread_attr_t attributes;
    pthread_t thread;

    if (pipe2(handed, O_CLOEXEC) || sem_init(&opened, 0, 0))
        fail("thread");
    if ((errno = pthread_attr_init(&attributes)) || (errno = pthread_attr_setstacksize(&attributes, STACK))
        || (errno = pthread_create(&thread, &attributes, hear, &proc)))
        fail("thread");
    sem_wait(&opened);
    if (waiting < 0)
        fail("open /proc/thread-self/wchan");
    wait_for_thread(); /* for the pipe: this host can tell */
}

void hear_of(int listener)
{
    if (write(handed[1], &listener, sizeof listener) != sizeof listener)
        fail("thread");
}

void tell_denials(struct wire_exited *exited)
{
    /* All callers are dead, and each of them woke the thread before it died: once it waits it has heard of all. */
    wait_for_thread();
    pthread_mutex_lock(&lock);
    exited->denied = count;
    memcpy(exited->calls, heard, sizeof heard);
    count = 0;
    pthread_mutex_unlock(&lock);
}
