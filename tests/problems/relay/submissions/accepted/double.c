#include <stdio.h>

int main(void)
{
    char what[8], text[201];
    if (scanf("%7s %200s", what, text) != 2)
        return 1;
    for (int i = 0; text[i]; i += what[0] == 's' ? 1 : 2) {
        putchar(text[i] != '?' ? text[i] : text[i + 1]);
        if (what[0] == 's')
            putchar(text[i]);
    }
    putchar('\n');
    return 0;
}
