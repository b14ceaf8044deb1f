#include <stdio.h>

/* Reads no further than it has to: of the last word nothing, when there are no more floors. */
int main(void)
{
    int floor;
    while (scanf("%d", &floor) == 1) {
        printf("%d\n", floor + 1);
        fflush(stdout);
    }
    return 0;
}
