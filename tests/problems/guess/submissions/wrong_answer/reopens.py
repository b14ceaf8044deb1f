# hostile: reopens its pipes by /proc to read what is meant for the validator, or to answer in its place.
import os

said = b""
for fd in (0, 1):
    for mode in (os.O_RDONLY, os.O_WRONLY):
        try:
            end = os.open(f"/proc/self/fd/{fd}", mode | os.O_NONBLOCK)
            if mode == os.O_WRONLY:
                os.write(end, b"yes\n")
            else:
                said += os.read(end, 100)
        except OSError:
            pass
print("yes", said, flush=True)
