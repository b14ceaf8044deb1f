// hostile: says all floors at once, closes both ends and goes on, so that the guide writes to a closed pipe; it is not told.
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    int floor;
    if (scanf("%d", &floor) != 1)
        return 1;
    for (int next = floor + 1; next < floor + 30; next++)
        printf("%d\n", next);
    fflush(stdout);
    close(0);
    close(1);
    usleep(50000);
    return 0;
}
