#include <stdio.h>

int main(void)
{
    int n, first;
    if (scanf("%d %d", &n, &first) != 2)
        return 1;
    printf("%d\n", first);
    return 0;
}
