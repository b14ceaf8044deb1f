n = int(input())
print(1)
print(n - 1)
