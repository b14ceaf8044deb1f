/* Changes a writable directory of the box and leaves no file there:
 * `trace mode|time|xattr|file DIRECTORY`.
 * `trace show DIRECTORY` prints what xattr left. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const char *what = argv[1], *directory = argv[2];
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 2}};

    if (argc != 3)
        return 2;
    if (!strcmp(what, "mode"))
        return chmod(directory, 0711);
    if (!strcmp(what, "time"))
        return utimensat(AT_FDCWD, directory, times, 0);
    if (!strcmp(what, "xattr") && setxattr(directory, "user.mark", "left", 4, 0)) {
        perror("setxattr");
        return 1;
    }
    if (!strcmp(what, "show")) {
        char value[16];
        ssize_t size = getxattr(directory, "user.mark", value, sizeof value);
        return size > 0 && fwrite(value, 1, (size_t)size, stdout);
    }
    if (!strcmp(what, "file")) {
        if (chdir(directory))
            return 3;
        close(open("made", O_CREAT | O_WRONLY, 0600));
        return unlink("made");
    }
    return 0;
}
