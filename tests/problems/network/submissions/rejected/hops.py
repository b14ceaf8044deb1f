import sys

n, m, *numbers = map(int, sys.stdin.read().split())
lines = list(zip(*[iter(numbers)] * 3))
reached, rides = {1}, 0
while n not in reached:
    more = {b for a, b, _ in lines if a in reached} | {a for a, b, _ in lines if b in reached}
    if more <= reached:
        rides = -1
        break
    reached |= more
    rides += 1
print(rides)
