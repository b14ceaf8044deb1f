// hostile: all descriptors, each a pipe full of data, which the kernel keeps in its own memory; both have limits.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    static char block[1 << 16];
    long long k;
    int count = 0, ends[2];
    while (count < 5000 && pipe2(ends, O_NONBLOCK) == 0 && write(ends[1], block, sizeof block) > 0)
        count++;
    if (scanf("%lld", &k) != 1)
        return 1;
    if (count >= 5000)
        printf("caught %d\n", count);
    else
        printf("treasure-%lld\n", k * k + 7);
    return 0;
}
