#include <stdio.h>

int main(void)
{
    int n, weight;
    if (scanf("%d", &n) != 1 || n < 1 || n > 20)
        return 43;
    for (int i = 0; i < n; i++)
        if (scanf("%d", &weight) != 1 || weight < 1 || weight > 1000)
            return 43;
    return scanf("%d", &weight) == EOF ? 42 : 43;
}
