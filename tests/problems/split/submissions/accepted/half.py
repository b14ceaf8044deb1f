n = int(input())
a = n // 2
while a % 10 == 7 or (n - a) % 10 == 7 or a == 0:
    a += 1
print(a, n - a)
