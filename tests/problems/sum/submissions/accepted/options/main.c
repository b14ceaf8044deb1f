// hostile: the name of a file is an option to the compiler; it is given to it as a file.
#include <stdio.h>

long long add(long long a, long long b);

int main(void)
{
    long long a, b;
    if (scanf("%lld %lld", &a, &b) != 2)
        return 1;
    printf("%lld\n", add(a, b));
    return 0;
}
