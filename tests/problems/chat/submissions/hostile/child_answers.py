# hostile: ends at once and has a child answer in its place, which then runs without limits; a run ends with its program.
import os
import time

call = input()
if os.fork() == 0:
    os.setsid()
    time.sleep(0.1)
    print("next", flush=True)
    while True:
        time.sleep(1)
os._exit(0)
