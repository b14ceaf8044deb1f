/* Runs into a limit and prints how many it got and the error: `limits write|files|processes|threads|inodes`. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void *wait_for_ever(void *nothing)
{
    for (;;)
        pause();
    return nothing;
}

static long write_file(void)
{
    static char block[65536];
    int fd = open("big", O_WRONLY | O_CREAT, 0600);
    long total = 0, written;

    while ((written = write(fd, block, sizeof block)) > 0)
        total += written;
    return total;
}

static long open_files(void)
{
    long n = 3;
    while (open("/dev/null", O_RDONLY) >= 0)
        n++;
    return n;
}

static long fork_all(void)
{
    long n = 1;
    for (;; n++) {
        pid_t pid = fork();
        if (pid < 0)
            return n;
        if (pid == 0)
            wait_for_ever(NULL);
    }
}

static long start_threads(void)
{
    pthread_t thread;
    long n = 1;
    while (!(errno = pthread_create(&thread, NULL, wait_for_ever, NULL)))
        n++;
    return n;
}

static long create_files(void)
{
    char name[32];
    for (long n = 0;; n++) {
        snprintf(name, sizeof name, "/tmp/%ld", n);
        if (open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0)
            return n;
        close(3);
    }
}

int main(int argc, char **argv)
{
    const char *what = argv[1];
    long count = -1;

    (void)argc;
    signal(SIGXFSZ, SIG_IGN); /* then the write fails with EFBIG */
    errno = 0;
    if (!strcmp(what, "write"))
        count = write_file();
    else if (!strcmp(what, "files"))
        count = open_files();
    else if (!strcmp(what, "processes"))
        count = fork_all();
    else if (!strcmp(what, "threads"))
        count = start_threads();
    else if (!strcmp(what, "inodes"))
        count = create_files();
    int error = errno;
    printf("%ld %s\n", count, strerrorname_np(error));
    return 0;
}
