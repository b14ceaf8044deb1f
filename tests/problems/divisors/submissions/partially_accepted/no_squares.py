# @EXPECTED_SCORE@: 36
n = int(input())
d, count = 1, 0
while d * d <= n and d < 1001:
    if n % d == 0:
        count += 2  # also of a square root, which is its own partner
    d += 1
print(count)
