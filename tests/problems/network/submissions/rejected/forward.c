#include <stdio.h>

/* Only ever towards larger numbers. */
int main(void)
{
    static long long best[1001], a[100000], b[100000], minutes[100000];
    int n, m;
    if (scanf("%d %d", &n, &m) != 2)
        return 1;
    for (int i = 0; i < m; i++)
        if (scanf("%lld %lld %lld", &a[i], &b[i], &minutes[i]) != 3)
            return 1;
    for (int station = 2; station <= n; station++) {
        best[station] = -1;
        for (int i = 0; i < m; i++) {
            long long from = a[i] < b[i] ? a[i] : b[i], to = a[i] < b[i] ? b[i] : a[i];
            if (to != station || from == to || best[from] < 0)
                continue;
            if (best[to] < 0 || best[from] + minutes[i] < best[to])
                best[to] = best[from] + minutes[i];
        }
    }
    printf("%lld\n", best[n]);
    return 0;
}
