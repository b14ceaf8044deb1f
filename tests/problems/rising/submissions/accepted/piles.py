import bisect

input()
numbers = list(map(int, input().split()))
tops, at, before = [], [], {}
for i, number in enumerate(numbers):
    pile = bisect.bisect_left(tops, number)
    tops[pile : pile + 1] = [number]
    at[pile : pile + 1] = [i]
    before[i] = at[pile - 1] if pile else None
i, found = at[-1], []
while i is not None:
    found.append(numbers[i])
    i = before[i]
print(*found[::-1])
