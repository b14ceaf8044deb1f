import sys

a, b = sys.stdin.read().split()
print(f"{a} + {b} = {int(a) + int(b)}")
