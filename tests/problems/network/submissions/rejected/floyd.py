import sys

n, m, *numbers = map(int, sys.stdin.read().split())
far = 10**12
best = [[far] * n for _ in range(n)]
for i in range(n):
    best[i][i] = 0
for a, b, minutes in zip(*[iter(numbers)] * 3):
    best[a - 1][b - 1] = best[b - 1][a - 1] = min(minutes, best[a - 1][b - 1])
for k in range(n):
    for row in best:
        by = row[k]
        for j, more in enumerate(best[k]):
            if by + more < row[j]:
                row[j] = by + more
print(best[0][n - 1] if best[0][n - 1] < far else -1)
