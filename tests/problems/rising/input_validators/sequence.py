"""A sequence; the argument is how many numbers there may be, and `monotone` says that all rise or fall."""

import sys

most = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
first, second = sys.stdin.read().removesuffix("\n").split("\n")
numbers = list(map(int, second.split(" ")))
ok = 1 <= int(first) == len(numbers) == len(set(numbers)) <= most and all(1 <= n <= 10**9 for n in numbers)
if "monotone" in sys.argv:
    ok = ok and numbers in (sorted(numbers), sorted(numbers)[::-1])
sys.exit(42 if ok else 43)
