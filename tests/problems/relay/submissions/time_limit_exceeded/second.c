#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    char what[8], text[201];
    if (scanf("%7s %200s", what, text) != 2)
        return 1;
    volatile long waited = 0;
    while (what[0] == 'r' && strlen(text) == 2) /* is there more to come? */
        waited++;
    for (int i = 0; text[i]; i += what[0] == 's' ? 1 : 2) {
        putchar(text[i] != '?' ? text[i] : text[i + 1]);
        if (what[0] == 's')
            putchar(text[i]);
    }
    putchar('\n');
    return 0;
}
