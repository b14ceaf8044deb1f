import heapq
import sys

n, m, *numbers = map(int, sys.stdin.read().split())
lines = {station: [] for station in range(1, n + 1)}
for a, b, minutes in zip(*[iter(numbers)] * 3):
    lines[a].append((b, minutes))
    lines[b].append((a, minutes))
arrivals, best = [(0, 1)], {}
while arrivals:
    minutes, station = heapq.heappop(arrivals)
    if station not in best:
        best[station] = minutes
        for other, ride in lines[station]:
            heapq.heappush(arrivals, (minutes + ride, other))
print(best.get(n, -1))
