import sys

from greet import greeting

try:
    with open("mark.txt") as door:
        mark = door.read().strip()
except FileNotFoundError:
    mark = "."
for line in sys.stdin:
    name, hour = line.split()
    assert len(name) <= int("{{longest}}")
    print(*sys.argv[1:2], greeting(name, int(hour)) + mark, sep=": ")
