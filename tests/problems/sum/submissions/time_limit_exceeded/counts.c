#include <stdio.h>

int main(void)
{
    long long a, b;
    if (scanf("%lld %lld", &a, &b) != 2)
        return 1;
    volatile long long sum = b;
    for (; a > 0; a--) /* book by book */
        sum++;
    for (; a < 0; a++)
        sum--;
    printf("%lld\n", sum);
    return 0;
}
