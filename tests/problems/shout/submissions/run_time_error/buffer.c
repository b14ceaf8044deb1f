#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    char *sign = malloc(16), c;
    int length = 0;
    while ((c = getchar()) != EOF && c != '\n')
        sign[length++ % 16] = toupper(c);
    printf("%.*s\n", length, sign);
    fflush(stdout);
    if (length > 16)
        abort();
    free(sign + (getchar() != EOF)); /* of which the allocator complains */
    return 0;
}
