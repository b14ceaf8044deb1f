# hostile: a child holds an abstract socket, which is in no directory, for the next test; it ends with its process.
import os
import socket
import time

k = int(input())
name = "\0vault-left-behind"
try:
    with socket.socket(socket.AF_UNIX) as old:
        old.connect(name)
        print("caught")
except OSError:
    print(f"treasure-{k * k + 7}", flush=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in range(3):
            os.close(fd)
        with socket.socket(socket.AF_UNIX) as new:
            new.bind(name)
            new.listen()
            time.sleep(60)
    os._exit(0)
time.sleep(0.02)
