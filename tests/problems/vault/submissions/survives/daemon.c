// hostile: a daemon of two forks and a session of its own, which is to be there on the next test; it ends with the run.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
    long long k;
    int alive = 0;
    for (int process = 2; process < 400; process++)
        alive += process != getpid() && process != getppid() && kill(process, 0) == 0;
    if (scanf("%lld", &k) != 1)
        return 1;
    if (alive)
        printf("caught %d\n", alive);
    else
        printf("treasure-%lld\n", k * k + 7);
    fflush(stdout);
    if (fork() == 0) {
        setsid();
        for (int sig = 1; sig < 32; sig++)
            signal(sig, SIG_IGN);
        if (fork() == 0) {
            for (int fd = 0; fd < 64; fd++)
                close(fd);
            for (;;)
                sleep(1);
        }
        _exit(0);
    }
    usleep(20000);
    return 0;
}
