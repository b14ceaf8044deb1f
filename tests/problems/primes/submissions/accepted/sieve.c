#include <stdio.h>
#include <string.h>

static char divided[2000001];

int main(void)
{
    int n, count = 0;
    if (scanf("%d", &n) != 1)
        return 1;
    for (int p = 2; p <= n; p++) {
        count += !divided[p];
        for (long m = (long)p * p; !divided[p] && m <= n; m += p)
            divided[m] = 1;
    }
    printf("%d\n", count);
    return 0;
}
