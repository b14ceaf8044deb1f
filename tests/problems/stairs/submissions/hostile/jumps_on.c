// hostile: says a floor too many after the top of each climb, into a pipe without a reader; the guide has accepted by then.
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    int floor;
    while (scanf("%d", &floor) == 1) {
        printf("%d\n", floor + 1);
        fflush(stdout);
    }
    usleep(20000);
    printf("%d\n", floor + 1);
    return 0;
}
