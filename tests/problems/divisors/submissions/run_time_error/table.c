#include <stdio.h>

int main(void)
{
    static int count[1000001];
    long long n;
    if (scanf("%lld", &n) != 1)
        return 1;
    for (int d = 1; d <= 1000000; d++)
        for (int k = d; n < 1001 ? k <= n : k <= 1000000; k += d)
            count[k]++;
    printf("%d\n", count[n]);
    return 0;
}
