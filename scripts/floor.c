/* The floor of scripts/bench: what it costs to run a program without containing it. Prints microseconds a run.
 *   floor RUNS PAUSE_MS PROGRAM [ARGUMENTS] */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double run(char **command)
{
    char *environment[] = {NULL};
    double start = now();
    pid_t pid = vfork();
    if (pid == 0) {
        execve(command[0], command, environment);
        _exit(127);
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || WEXITSTATUS(status) == 127)
        exit(1);
    return now() - start;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    int runs = atoi(argv[1]), pause = atoi(argv[2]);
    for (int i = 0; i < runs; i++) {
        if (pause) /* even a sleep of nothing takes the timer's slack */
            usleep((useconds_t)pause * 1000);
        printf("%.1f\n", run(argv + 3));
    }
    return 0;
}
