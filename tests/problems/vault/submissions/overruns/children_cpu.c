// hostile: burns time in children that are over before anybody looks at it; the time of all is counted.
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    int k;
    if (scanf("%d", &k) != 1)
        return 1;
    for (int i = 0; k == 700 && i < 1000; i++)
        if (fork() == 0) {
            for (volatile int n = 0; n < 5000000; n++)
                ;
            _exit(0);
        } else {
            wait(NULL);
        }
    printf("treasure-%lld\n", (long long)k * k + 7);
    return 0;
}
