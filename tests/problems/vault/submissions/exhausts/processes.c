// hostile: as many processes as it can get, which stay until the end; their number is limited, and they end with it.
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    long long k;
    int count = 0;
    for (int child; count < 2000 && (child = fork()) >= 0; count++)
        if (child == 0)
            for (;;)
                pause();
    if (scanf("%lld", &k) != 1)
        return 1;
    if (count >= 2000)
        printf("caught %d\n", count);
    else
        printf("treasure-%lld\n", k * k + 7);
    return 0;
}
