import sys

a, b = map(int, sys.stdin.read().split())
for book in range(a if a > 100 else 0):
    print("book", book, file=sys.stderr)
print(a + b)
