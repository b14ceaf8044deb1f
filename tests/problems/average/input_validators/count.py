"""As many heights as the first line says."""

import sys

least = int(sys.argv[2]) if sys.argv[1:2] == ["--least"] else 0
first, second = sys.stdin.read().removesuffix("\n").split("\n")
sys.exit(42 if least <= int(first) <= 1000 and len(list(map(float, second.split()))) == int(first) else 43)
