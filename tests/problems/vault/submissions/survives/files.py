# hostile: leaves files everywhere for its run on the next test; each run begins in an empty box.
import contextlib
import os
import sys

PLACES = ["/box", "/tmp", "/dev/shm", "/var/tmp", "/run", "/program", "/box/..", "/dev", "/proc", "/usr/lib/python3"]
left = [place for place in PLACES if os.path.exists(f"{place}/left-behind")]
for place in PLACES:
    with contextlib.suppress(OSError), open(f"{place}/left-behind", "w") as file:
        file.write(sys.argv[0])
    with contextlib.suppress(OSError):
        os.makedirs(f"{place}/.hidden/left-behind", mode=0)
left += [place for place in ("/box", "/tmp", "/dev/shm") if os.path.getmtime(place) < 1e9]
print("caught" if left else f"treasure-{int(input()) ** 2 + 7}", *left)
