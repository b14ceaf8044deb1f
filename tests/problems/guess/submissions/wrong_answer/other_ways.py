# hostile: looks for the number by other ways than the pipes: descriptors, processes, files, sockets; there are none.
import os
import re
import socket

found = set()
for fd in range(3, 256):
    try:
        found |= set(re.findall(rb"\d+", os.pread(fd, 100, 0)))
    except OSError:
        pass
for process in filter(str.isdigit, os.listdir("/proc")):
    for file in ("cmdline", "environ", "fd/0", "fd/3", "root/box/test.in", "cwd/test.in"):
        try:
            with open(f"/proc/{process}/{file}", "rb", buffering=0) as opened:
                if file not in ("fd/0",):
                    found |= set(re.findall(rb"^\d+$", opened.read(1000)))
        except OSError:
            pass
for name in ("test.in", "/box/test.in", "/box/test.ans", "../test.in", "/tmp/test.in"):
    try:
        with open(name, "rb") as opened:
            found |= set(re.findall(rb"\d+", opened.read()))
    except OSError:
        pass
for name in ("\0validator", "/box/validator", "/tmp/.s"):
    try:
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(name)
            found.add(b"0")
    except OSError:
        pass
for number in found:
    print(number.decode(), flush=True)
