#include <stdio.h>

int main(void)
{
    long long k;
    if (scanf("%lld", &k) != 1)
        return 1;
    printf("treasure-%lld\n", k * k + 7);
    return 0;
}
