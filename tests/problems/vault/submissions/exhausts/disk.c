// hostile: fills every place that it can write to; their size is limited, and it is the memory of this run alone.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    static char block[1 << 20];
    static const char *const places[] = {"/box/big", "/tmp/big", "/dev/shm/big", "/var/tmp/big"};
    long long k, written = 0;
    signal(SIGXFSZ, SIG_IGN);
    memset(block, 'x', sizeof block);
    for (int i = 0; i < 4; i++) {
        int fd = open(places[i], O_WRONLY | O_CREAT, 0600);
        for (long length; fd >= 0 && written < 1LL << 30 && (length = write(fd, block, sizeof block)) > 0;)
            written += length;
        if (fd >= 0 && (ftruncate(fd, 0) || close(fd)))
            return 1;
    }
    if (scanf("%lld", &k) != 1)
        return 1;
    if (written >= 1LL << 30)
        printf("caught %lld\n", written);
    else
        printf("treasure-%lld\n", k * k + 7);
    return 0;
}
