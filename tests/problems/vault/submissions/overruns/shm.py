# hostile: takes memory that is no process's own, as files in memory; it counts as the run's all the same.
import os

parts = []
for number in range(256):
    fd = os.memfd_create(f"part{number}")
    os.write(fd, b"x" * (1 << 20))
    parts.append(fd)
raise SystemExit(1)
