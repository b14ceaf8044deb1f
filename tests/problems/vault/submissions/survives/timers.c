// hostile: timers, locks, owners of signals and nice values that a later process in the same place could inherit.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

int main(void)
{
    long long k;
    sigset_t blocked;
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    int inherited = getpriority(PRIO_PROCESS, 0) > 0 || sigismember(&blocked, SIGTERM) || umask(077) == 0777;
    struct itimerval soon = {.it_value = {.tv_usec = 400000}};
    struct rlimit few = {4, 4};
    inherited += sysconf(_SC_OPEN_MAX) < 10;
    sigfillset(&blocked);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    setrlimit(RLIMIT_NOFILE, &few);
    setpriority(PRIO_PROCESS, 0, 5); // more would, on a busy machine, take its own time away
    umask(0777);
    alarm(1);
    if (scanf("%lld", &k) != 1)
        return 1;
    if (inherited)
        printf("caught %d\n", inherited);
    else
        printf("treasure-%lld\n", k * k + 7);
    return 0;
}
