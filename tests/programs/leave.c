/* Leaves something at NAME in the working directory, for somebody to collect: `leave KIND NAME`. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int make(const char *name, mode_t mode)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || write(fd, "content", 7) != 7 || fchmod(fd, mode))
        _exit(3);
    return fd;
}

static int bind_socket(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", name);
    return bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address);
}

int main(int argc, char **argv)
{
    const char *kind = argv[1], *name = argv[2];

    if (argc != 3)
        return 2;
    if (!strcmp(kind, "file"))
        make(name, 0644);
    else if (!strcmp(kind, "secret"))
        make(name, 0);
    else if (!strcmp(kind, "sparse"))
        return ftruncate(make(name, 0644), 1L << 40) != 0;
    else if (!strcmp(kind, "link"))
        return symlink("/etc/passwd", name);
    else if (!strcmp(kind, "dangling"))
        return symlink("nowhere", name);
    else if (!strcmp(kind, "magic"))
        return symlink("/proc/self/exe", name);
    else if (!strcmp(kind, "hard")) {
        make("other", 0644);
        return link("other", name);
    } else if (!strcmp(kind, "fifo"))
        return mkfifo(name, 0666);
    else if (!strcmp(kind, "socket"))
        return bind_socket(name);
    else if (!strcmp(kind, "directory"))
        return mkdir(name, 0755);
    else if (!strcmp(kind, "through")) { /* dir/passwd, where dir leads to /etc */
        char directory[256];
        snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(name, '/') - name), name);
        return symlink("/etc", directory);
    } else
        return 2;
    return 0;
}
