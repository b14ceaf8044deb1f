// hostile: waits in a child, to read the next test's input from a descriptor or the judge's socket; it is gone by then.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
    long long k;
    if (scanf("%lld", &k) != 1)
        return 1;
    printf("treasure-%lld\n", k * k + 7);
    fflush(stdout);
    if (fork() == 0) {
        setsid();
        for (int i = 0; i < 500; i++) {
            char text[64] = "";
            for (int fd = 0; fd < 32; fd++)
                if (fd != 1 && read(fd, text, sizeof text - 1) > 0 && strtoll(text, NULL, 10) > 0)
                    printf("caught %s\n", text);
            fflush(stdout);
            usleep(10000);
        }
        _exit(0);
    }
    return 0;
}
