// hostile: the classic fork bomb, which nothing in it ends; processes, memory and time are limited, whichever comes first.
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    int k;
    if (scanf("%d", &k) != 1)
        return 1;
    printf("treasure-%lld\n", (long long)k * k + 7);
    fflush(stdout);
    while (k == 700)
        fork();
    return 0;
}
