/* Burns CPU time: `burn loop`, `burn for SECONDS`, `burn threads N`, `burn children SECONDS [ignore]`. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void burn(double seconds)
{
    for (double end = cpu() + seconds; cpu() < end;)
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
