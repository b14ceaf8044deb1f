#include <stdio.h>

int main(void)
{
    long long a, b;
    if (scanf("%lld %lld", &a, &b) != 2)
        return 1;
    for (long long book = 1; book < a; book++)
        printf("%lld, ", book);
    printf("%lld\n", a + b);
    return 0;
}
