/* Burns CPU time: `burn loop`, `burn for SECONDS`, `burn threads N`, `burn children SECONDS [ignore]`.
 * `burn known SECONDS N` burns in N threads, and prints how much it has burnt; `burn work N` does N million steps. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static void burn(double seconds)
{
    for (double end = cpu() + seconds; cpu() < end;)
        ;
}

static void *burn_in_thread(void *seconds)
{
    double end = read_clock(CLOCK_THREAD_CPUTIME_ID) + *(double *)seconds;
    while (read_clock(CLOCK_THREAD_CPUTIME_ID) < end)
        ;
    return NULL;
}

/* Every thread burns as much, and the process's own clock says what came together. */
static int known(double seconds, int threads)
{
    pthread_t others[64];

    if (threads > 64)
        return 2;
    for (int i = 1; i < threads; i++)
        if (pthread_create(&others[i], NULL, burn_in_thread, &seconds))
            return 3;
    burn_in_thread(&seconds);
    for (int i = 1; i < threads; i++)
        pthread_join(others[i], NULL);
    printf("%.6f\n", cpu());
    return 0;
}

static void work(long millions)
{
    for (volatile long i = millions * 1000000; i > 0; i--)
        ;
}

static void *forever(void *nothing)
{
    for (;;)
        burn(1);
    return nothing;
}

/* One child after the other, each of which lives for 5 ms: none comes near RLIMIT_CPU. */
static void children(double seconds, int ignore)
{
    if (ignore)
        signal(SIGCHLD, SIG_IGN); /* the kernel reaps, and adds their time to nobody's */
    for (int left = (int)(seconds / 0.005); left > 0; left--) {
        pid_t pid = fork();
        if (pid == 0) {
            burn(0.005);
            _exit(0);
        }
        if (pid < 0)
            _exit(1);
        waitpid(pid, NULL, 0);
    }
}

int main(int argc, char **argv)
{
    const char *how = argv[1];
    pthread_t thread;

    if (!strcmp(how, "loop"))
        for (;;)
            ;
    if (!strcmp(how, "for"))
        burn(atof(argv[2]));
    else if (!strcmp(how, "known"))
        return known(atof(argv[2]), atoi(argv[3]));
    else if (!strcmp(how, "work"))
        work(atol(argv[2]));
    else if (!strcmp(how, "children"))
        children(atof(argv[2]), argc > 3);
    else if (!strcmp(how, "threads")) {
        for (int i = atoi(argv[2]); i > 1; i--)
            if (pthread_create(&thread, NULL, forever, NULL))
                return 3;
        forever(NULL);
    }
    return 0;
}
