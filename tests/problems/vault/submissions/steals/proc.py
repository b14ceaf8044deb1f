# hostile: other processes' descriptors, directories, memory and environment by /proc; it sees only what runs in its box.
import contextlib
import os

word = b"trea" + b"sure"
me = str(os.getpid())
for process in filter(str.isdigit, os.listdir("/proc")):
    if process == me:
        continue
    for name in ("environ", "cmdline", "maps", "mem", "root/box/test.ans", "cwd/test.ans", "root/etc/shadow"):
        with contextlib.suppress(OSError), open(f"/proc/{process}/{name}", "rb") as file:
            if word in file.read(1 << 16):
                print("found", process, name)
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{process}/fd"):
            with contextlib.suppress(OSError), open(f"/proc/{process}/fd/{fd}", "rb", buffering=0) as file:
                os.set_blocking(file.fileno(), False)
                if word in (file.read(1 << 16) or b""):
                    print("found", process, fd)
print("nothing")
