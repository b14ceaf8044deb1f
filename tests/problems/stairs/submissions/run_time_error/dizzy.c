#include <stdio.h>

int main(void)
{
    int floor;
    while (scanf("%d", &floor) == 1) {
        if (floor == 65)
            return 1;
        printf("%d\n", floor + 1);
        fflush(stdout);
    }
    return 0;
}
