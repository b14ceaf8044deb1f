/* Grows a tree in the working directory: `grow [KIND NAME OTHER]...`; what cannot be made is left out. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void grow(char kind, const char *name, const char *other)
{
    int fd = -1;

    if (kind == 'f' || kind == 's')
        fd = open(name, O_WRONLY | O_CREAT | O_NONBLOCK, 0600);
    if (kind == 'f' && write(fd, "content", 7) != 7)
        perror(name);
    if (kind == 's' && ftruncate(fd, 1 << 20))
        perror(name);
    if (kind == 'd' && mkdir(name, 0700))
        perror(name);
    if (kind == 'l' && symlink(other, name))
        perror(name);
    if (kind == 'h' && link(other, name))
        perror(name);
    if (kind == 'p' && mkfifo(name, 0600))
        perror(name);
    if (kind == 'r' && rename(other, name))
        perror(name);
    if (kind == '0' && chmod(name, 0))
        perror(name);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    for (int i = 1; i + 2 < argc; i += 3)
        grow(*argv[i], argv[i + 1], argv[i + 2]);
    return 0;
}
