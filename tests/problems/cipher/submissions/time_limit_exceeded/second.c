#include <stdio.h>

int main(void)
{
    char kind[8];
    scanf("%7s", kind);
    while (*kind == 'f')
        ;
    puts("abc");
    return 0;
}
