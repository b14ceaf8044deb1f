# @EXPECTED_RESULTS@: RUN-ERROR, WRONG-ANSWER
import sys

a, b = map(int, sys.stdin.read().split())
print(a + b if a < 10 and a >= 0 else {17: 43}[a])
