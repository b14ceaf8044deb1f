# hostile: a user namespace of its own, in which it may mount and would be root; the call ends the run.
import ctypes
import os

libc = ctypes.CDLL(None)
if libc.unshare(0x10000000 | 0x00020000) == 0:
    libc.mount(b"proc", b"/proc", b"proc", 0, None)
    print(open("/proc/1/environ").read())
os._exit(0)
