# @EXPECTED_SCORE@: 100
n = int(input())
count, p = 1, 2
while p * p <= n:
    power = 1
    while n % p == 0:
        n //= p
        power += 1
    count *= power
    p += 1
print(count * (2 if n > 1 else 1))
