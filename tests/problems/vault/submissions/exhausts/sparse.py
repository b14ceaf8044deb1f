# hostile: a file that says it is a terabyte long and directories as deep as names go, for whoever walks or copies them.
import contextlib
import os
import signal

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
k = int(input())
with contextlib.suppress(OSError), open("/box/sparse", "wb") as file:
    file.truncate(1 << 40)
with contextlib.suppress(OSError):
    for _ in range(1500):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
print(f"treasure-{k * k + 7}")
