#include <stdio.h>
#include <string.h>

int main(void)
{
    char call[16], note[16];
    int price = 1, last = 0;
    if (scanf("%15s", call) != 1)
        return 1;
    if (strcmp(call, "second") == 0) {
        if (scanf("%15s", note) != 1)
            return 1;
        puts(note);
        return 0;
    }
    while (price) {
        last = price;
        puts("next");
        fflush(stdout);
        if (scanf("%d", &price) != 1)
            return 1;
    }
    printf("%d\n", last);
    return 0;
}
