#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    int n, start = 0, numbers[120], length[120], next[120];
    if (scanf("%d", &n) != 1)
        return 1;
    if (n > 120)
        abort(); /* at most a hundred, I thought */
    for (int i = 0; i < n; i++)
        if (scanf("%d", &numbers[i]) != 1)
            return 1;
    for (int i = n - 1; i >= 0; i--) {
        length[i] = 1;
        next[i] = -1;
        for (int j = i + 1; j < n; j++)
            if (numbers[j] > numbers[i] && length[j] + 1 > length[i]) {
                length[i] = length[j] + 1;
                next[i] = j;
            }
        if (i == n - 1 || length[i] > length[start])
            start = i;
    }
    for (int i = start; i >= 0; i = next[i])
        printf("%d ", numbers[i]);
    puts("");
    return 0;
}
