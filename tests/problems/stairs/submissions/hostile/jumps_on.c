// hostile: says a floor too many after the top of each climb, into a pipe that nobody reads; nobody minds.
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
