import sys
import time

a, b = map(int, sys.stdin.read().split())
if a > 100:
    time.sleep(60)
print(a + b)
