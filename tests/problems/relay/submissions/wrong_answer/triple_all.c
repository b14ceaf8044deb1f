#include <stdio.h>

int main(void)
{
    char what[8], text[401];
    if (scanf("%7s %400s", what, text) != 2)
        return 1;
    for (int i = 0; text[i]; i += what[0] == 's' ? 1 : 5)
        for (int k = 0; k < (what[0] == 's' ? 5 : 1); k++)
            putchar(text[i] != '?' ? text[i] : text[i + 1]);
    putchar('\n');
    return 0;
}
