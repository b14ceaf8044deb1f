#include <stdio.h>

int main(void)
{
    int n;
    float sum = 0, height;
    if (scanf("%d", &n) != 1)
        return 1;
    for (int i = 0; i < n && scanf("%f", &height) == 1; i++)
        sum += height;
    printf("%.9g\n%s\n", sum / n, sum / n > 10 ? "tall" : "small");
    return 0;
}
