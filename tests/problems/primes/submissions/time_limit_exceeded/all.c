#include <stdio.h>

int main(void)
{
    int n, count = 0;
    if (scanf("%d", &n) != 1)
        return 1;
    for (int candidate = 2; candidate <= n; candidate++) {
        int divisors = 0;
        for (int d = 1; d <= candidate; d++)
            divisors += candidate % d == 0;
        count += divisors == 2;
    }
    printf("%d\n", count);
    return 0;
}
