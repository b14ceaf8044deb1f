/* Takes memory, MiB by MiB: `memory KIND MIB`. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static void map(int kind, long mib)
{
    char *memory = mmap(NULL, (size_t)mib * MIB, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        _exit(3);
    for (long i = 0; i < mib * MIB; i += 4096)
        *(volatile char *)(memory + i) = 1;
}

static void fill(int fd, long mib)
{
    static char block[MIB];
    memset(block, 'x', sizeof block);
    while (mib-- > 0)
        if (write(fd, block, sizeof block) != sizeof block) {
            perror("write");
            _exit(4);
        }
}

/* Each takes little; together they take all, and hold it for a while. */
static void many(long mib)
{
    int hold[2], taken[2];
    char c = 0;
    if (pipe(hold) || pipe(taken))
        _exit(3);
    for (long i = 0; i < mib / 8; i++)
        if (fork() == 0) {
            close(hold[1]);
            map(MAP_PRIVATE, 8);
            (void)!write(taken[1], &c, 1);
            (void)!read(hold[0], &c, 1); /* until the parent ends */
            _exit(0);
        }
    for (long i = 0; i < mib / 8; i++)
        (void)!read(taken[0], &c, 1);
    usleep(300000);
}

/* Waits for a child that takes too much, and makes nothing of its end. */
static void in_child(long mib)
{
    if (fork() == 0) {
        map(MAP_PRIVATE, mib);
        _exit(0);
    }
    wait(NULL);
}

int main(int argc, char **argv)
{
    const char *kind = argv[1];
    long mib = atol(argv[2]);

    (void)argc;
    if (!strcmp(kind, "anonymous"))
        map(MAP_PRIVATE, mib);
    else if (!strcmp(kind, "shared"))
        map(MAP_SHARED, mib);
    else if (!strcmp(kind, "tmpfs"))
        fill(open("/tmp/big", O_WRONLY | O_CREAT, 0600), mib);
    else if (!strcmp(kind, "shm"))
        fill(open("/dev/shm/big", O_WRONLY | O_CREAT, 0600), mib);
    else if (!strcmp(kind, "memfd"))
        fill(memfd_create("big", 0), mib);
    else if (!strcmp(kind, "processes"))
        many(mib);
    else if (!strcmp(kind, "child"))
        in_child(mib);
    return 0;
}
