n = int(input())
for a in range(1, n):
    b = n - a
    if 2 * a >= n and a % 10 != 7 and b % 10 != 7:
        print(a, b)
        break
