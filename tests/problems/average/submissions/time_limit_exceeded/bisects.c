#include <stdio.h>

int main(void)
{
    int n;
    double sum = 0, height, least = 0, most = 4e9;
    if (scanf("%d", &n) != 1)
        return 1;
    for (int i = 0; i < n && scanf("%lf", &height) == 1; i++)
        sum += height;
    while (least != most) { /* neighbours among the doubles never meet */
        double middle = (least + most) / 2;
        *(sum / n >= middle ? &least : &most) = middle;
        if (most - least < 1e-300 || sum / n < 1e9)
            break;
    }
    printf("%.15g\n%s\n", sum / n, sum / n > 10 ? "tall" : "small");
    return 0;
}
