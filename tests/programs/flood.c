/* Writes COUNT bytes of 'x' to descriptor FD, or without end: `flood FD [COUNT]`. Exits with 7 if a write fails. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    static char block[65536];
    int fd = atoi(argv[1]);
    long left = argc > 2 ? atol(argv[2]) : -1;

    signal(SIGPIPE, SIG_IGN);
    memset(block, 'x', sizeof block);
    while (left) {
        long size = left < 0 || left > (long)sizeof block ? (long)sizeof block : left;
        long written = write(fd, block, (size_t)size);
        if (written < 0)
            return 7;
        if (left > 0)
            left -= written;
    }
    return 0;
}
