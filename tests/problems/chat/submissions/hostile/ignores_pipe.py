# hostile: goes on after the customer has hung up and does not care; its answer was right, and it ends well.
import contextlib
import os
import signal
import time

signal.signal(signal.SIGPIPE, signal.SIG_IGN)
if input() == "first":
    total = 0
    while True:
        print("next", flush=True)
        if not (price := int(input())):
            break
        total += price
    print(total, flush=True)
else:
    print(input(), flush=True)
time.sleep(0.05)
for _ in range(1000):
    with contextlib.suppress(OSError):
        os.write(1, b"43\n" * 1000)
os._exit(0)
