/* @EXPECTED_SCORE@: 100 */
#include <stdio.h>

int main(void)
{
    long long n, count = 1;
    if (scanf("%lld", &n) != 1)
        return 1;
    for (long long p = 2; p * p <= n; p++) {
        int power = 1;
        for (; n % p == 0; n /= p)
            power++;
        count *= power;
    }
    printf("%lld\n", n > 1 ? 2 * count : count);
    return 0;
}
