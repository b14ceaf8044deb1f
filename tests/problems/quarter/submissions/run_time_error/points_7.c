// hostile: ends with the code by which such a checker gives points; of a submission it is a failure like any other.
#include <stdio.h>

int main(void)
{
    fputs("points 100\n", stderr);
    puts("1 1");
    return 7;
}
