// hostile: asks the preprocessor which files there are, to tell it when it runs; none of the jury's is there.
#include <stdio.h>

#if __has_include("/box/test.ans") || __has_include("/box/test.in") || __has_include("../test.ans") || \
    __has_include("/etc/shadow") || __has_include("/root/.bashrc") || __has_include("/proc/1/environ/x")
#define CAUGHT 1
#else
#define CAUGHT 0
#endif

int main(void)
{
    long long a, b;
    if (scanf("%lld %lld", &a, &b) != 2)
        return 1;
    printf(CAUGHT ? "caught\n" : "%lld\n", a + b);
    return 0;
}
