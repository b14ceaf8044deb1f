#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    char kind[8], word[32];
    int moved = 0;
    scanf("%7s", kind);
    if (*kind == 'f')
        scanf("%d", &moved);
    scanf("%31s", word);
    if (moved == 3)
        abort();
    for (char *at = word; *at; at++)
        putchar(*kind == 'h' ? *at - '0' + 'a' : (*at - 'a' - moved + 26) % 26 + '0');
    putchar('\n');
    return 0;
}
