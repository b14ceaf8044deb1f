#include <stdio.h>

int main(void)
{
    long n, product = 1;
    if (scanf("%ld", &n) != 1)
        return 1;
    for (; n > 1; n--)
        product *= n;
    printf("%ld\n", product);
    return 0;
}
