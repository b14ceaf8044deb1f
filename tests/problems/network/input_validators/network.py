"""A network; arguments are the most stations, the most minutes, and `tree` if there is one way between any two.

Without arguments, the bounds are those of the statement.
"""

import sys

LARGEST = ("{{stations}}", "{{longest}}")

stations, minutes = map(int, sys.argv[1:3] or LARGEST)
(n, m), *lines = (tuple(map(int, line.split(" "))) for line in sys.stdin.read().removesuffix("\n").split("\n"))
ok = 1 <= n <= stations and m == len(lines)
ok = ok and all(1 <= a <= n and 1 <= b <= n and 1 <= time <= minutes for a, b, time in lines)
if "tree" in sys.argv:
    seen = {1}
    for a, b, _ in lines:
        ok = ok and a in seen and b not in seen
        seen.add(b)
    ok = ok and len(seen) == n
sys.exit(42 if ok else 43)
