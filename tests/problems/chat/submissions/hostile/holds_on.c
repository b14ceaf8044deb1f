// hostile: hangs after a price, in several processes of several sessions that all hold the pipes; both sides have limits.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    char call[16];
    int price = 1, last = 0;
    if (scanf("%15s", call) != 1)
        return 1;
    if (strcmp(call, "second") == 0) {
        if (scanf("%15s", call) != 1)
            return 1;
        puts(call);
        return 0;
    }
    for (long long total = 0; price; last = price, total += price) {
        puts("next");
        fflush(stdout);
        if (scanf("%d", &price) != 1)
            return 1;
        if (price == 17)
            for (int i = 0; i < 8; i++)
                if (fork() == 0)
                    setsid();
        while (price == 17)
            pause();
        if (!price)
            printf("%lld\n", total);
    }
    return last < 0;
}
