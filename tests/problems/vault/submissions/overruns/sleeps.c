// hostile: stops instead of sleeping, as do its children, so that no time of theirs passes; the clock goes on.
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    int k;
    if (scanf("%d", &k) != 1)
        return 1;
    printf("treasure-%lld\n", (long long)k * k + 7);
    fflush(stdout);
    if (k == 700) {
        fork();
        raise(SIGSTOP);
    }
    return 0;
}
