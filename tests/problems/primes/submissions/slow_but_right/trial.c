#include <stdio.h>

int main(void)
{
    int n, count = 0;
    if (scanf("%d", &n) != 1)
        return 1;
    for (int candidate = 2; candidate <= n; candidate++) {
        int prime = 1;
        for (int d = 2; d * d <= candidate && prime; d++)
            prime = candidate % d != 0;
        count += prime;
    }
    printf("%d\n", count);
    return 0;
}
