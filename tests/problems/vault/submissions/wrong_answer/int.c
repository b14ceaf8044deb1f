#include <stdio.h>

int main(void)
{
    unsigned k;
    if (scanf("%u", &k) != 1)
        return 1;
    printf("treasure-%u\n", k * k + 7);
    return 0;
}
