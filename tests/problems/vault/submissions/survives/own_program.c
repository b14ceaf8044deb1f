// hostile: changes its own executable, and whatever it loads, for the next test; those are mounted read-only.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    static const char *const files[] = {"/program/program", "/proc/self/exe", "/program/new", "/usr/lib/new", "/lib64/ld-linux-x86-64.so.2",
                                        "/etc/ld.so.preload", "/etc/passwd", "/etc/ld.so.cache"};
    long long k;
    int changed = 0;
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        int fd = open(files[i], O_WRONLY | O_CREAT, 0777);
        changed += fd >= 0;
        changed += i != 2 && chmod(files[i], 0777) == 0 && i < 2;
        changed += rename(files[i], "/program/old") == 0;
        changed += unlink(files[i]) == 0;
    }
    changed += argc > 0 && truncate(argv[0], 0) == 0;
    if (scanf("%lld", &k) != 1)
        return 1;
    if (changed)
        printf("caught %d\n", changed);
    else
        printf("treasure-%lld\n", k * k + 7);
    return 0;
}
