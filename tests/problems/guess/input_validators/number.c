/* A number from 1 to 1000 on a line of its own. */
#include <stdio.h>

int main(void)
{
    int number, used = 0;
    if (scanf("%d%n", &number, &used) != 1 || number < 1 || number > 1000)
        return 43;
    return getchar() == '\n' && getchar() == EOF ? 42 : 43;
}
