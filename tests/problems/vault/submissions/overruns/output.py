# hostile: more output than anybody wants to keep, on both streams and from children; the run ends at the limit.
import os

input()
for _ in range(4):
    if os.fork() == 0:
        break
while True:
    os.write(1, b"treasure-8\n" * 1000)
    os.write(2, b"AC\n" * 1000)
