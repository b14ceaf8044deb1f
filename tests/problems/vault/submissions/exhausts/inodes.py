# hostile: as many files, links and pipes as there can be; their number is limited, and nobody else has fewer for it.
import os

k = int(input())
count = 0
try:
    for count in range(20_000):
        os.symlink("x", f"/tmp/{count}") if count % 2 else os.mkfifo(f"/tmp/{count}")
except OSError:
    pass
print("caught" if count > 19_998 else f"treasure-{k * k + 7}", count if count > 19_998 else "")
