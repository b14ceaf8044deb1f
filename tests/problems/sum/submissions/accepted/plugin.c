// hostile: has the compiler load a plugin by a pragma; it takes no such option from there, and there is no such file.
#pragma GCC optimize("-fplugin=/box/evil.so")
#pragma GCC optimize("O3,wrapper=/bin/sh")
#include <stdio.h>

__attribute__((optimize("-fplugin=evil"))) int main(void)
{
    long long a, b;
    if (scanf("%lld %lld", &a, &b) != 2)
        return 1;
    printf("%lld\n", a + b);
    return 0;
}
