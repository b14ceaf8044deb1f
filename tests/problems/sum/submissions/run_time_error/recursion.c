#include <stdio.h>

static long long add(long long a, long long b, volatile char *before)
{
    volatile char shelf[4096];
    shelf[0] = before ? before[0] : 0;
    return a == 0 ? b : add(a > 0 ? a - 1 : a + 1, b, shelf) + (a > 0 ? 1 : -1) + shelf[0];
}

int main(void)
{
    long long a, b;
    if (scanf("%lld %lld", &a, &b) != 2)
        return 1;
    printf("%lld\n", add(a, b, NULL));
    return 0;
}
