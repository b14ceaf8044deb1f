#include <stdio.h>

static int n, numbers[1000], best[1000], most, chosen[1000];

static void choose(int from, int count)
{
    if (count > most) {
        most = count;
        for (int i = 0; i < count; i++)
            best[i] = chosen[i];
    }
    for (int i = from; i < n; i++)
        if (count == 0 || numbers[i] > chosen[count - 1]) {
            chosen[count] = numbers[i];
            if (n > 40 || most < n)
                choose(i + 1, count + 1);
        }
}

int main(void)
{
    if (scanf("%d", &n) != 1)
        return 1;
    for (int i = 0; i < n; i++)
        if (scanf("%d", &numbers[i]) != 1)
            return 1;
    choose(0, 0);
    for (int i = 0; i < most; i++)
        printf("%d ", best[i]);
    puts("");
    return 0;
}
