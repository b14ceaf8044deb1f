#include <stdio.h>

int main(void)
{
    static int best[1001], a[100000], b[100000], minutes[100000];
    int n, m;
    if (scanf("%d %d", &n, &m) != 2)
        return 1;
    for (int i = 0; i < m; i++)
        if (scanf("%d %d %d", &a[i], &b[i], &minutes[i]) != 3)
            return 1;
    for (int i = 2; i <= n; i++)
        best[i] = 1000000; /* nobody travels longer than that */
    for (int round = 0; round < n; round++)
        for (int i = 0; i < m; i++) {
            if (best[a[i]] + minutes[i] < best[b[i]])
                best[b[i]] = best[a[i]] + minutes[i];
            if (best[b[i]] + minutes[i] < best[a[i]])
                best[a[i]] = best[b[i]] + minutes[i];
        }
    printf("%d\n", best[n] == 1000000 ? -1 : best[n]);
    return 0;
}
