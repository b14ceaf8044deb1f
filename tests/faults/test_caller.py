"""The calling program is busy otherwise: with signals, with forks, with a clock that jumps."""

from __future__ import annotations

from collections.abc import Callable

Service = Callable[..., str]

STORM = """
import signal
import subprocess

caught = 0
def catch(number, frame) -> None:
    global caught
    caught += 1

for number in (signal.SIGALRM, signal.SIGUSR1):
    signal.signal(number, catch)
life()
before = quiet()
# From our own timer, in the middle of calls, and from another process, at any time.
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
sender = subprocess.Popen([sys.executable, "-c", '''
import os, sys, time
while os.getppid() == int(sys.argv[1]):
    os.kill(int(sys.argv[1]), 10)
    time.sleep(0.001)
''', str(os.getpid())])
try:
    while caught < 3000:
        life()
finally:
    signal.setitimer(signal.ITIMER_REAL, 0)
    sender.kill()
    sender.wait()
await_nothing_left(before)
"""


def test_signal_storm(service: Service) -> None:
    """Thousands of signals, with Python handlers, in the middle of every call: nothing fails, nothing ends early."""
    service(STORM)


FORK = """
import threading
import warnings

warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of forks with threads, rightly
life()
before = quiet()
boxes = [sandbox.Box(POLICY) for _ in range(3)]
pool = sandbox.BoxPool(POLICY, 1)
results = []

def work(box: sandbox.Box) -> None:
    for _ in range(10):
        results.append(box.run(["sh", "-c", "sleep 0.05; cat"], stdin=b"x" * 100_000))

def child(how: str) -> None:
    refused = "belongs to the process"
    if how == "use":
        assert refused in attempt(lambda: boxes[0].run(["true"]))
    elif how == "close":
        for box in boxes:
            box.close()
    elif how == "live":
        life()
    os._exit(0)

threads = [threading.Thread(target=work, args=(box,)) for box in boxes]
for thread in threads:
    thread.start()
for how in ("exit", "use", "close", "live") * 2:
    pid = os.fork()
    if not pid:
        try:
            child(how)
        finally:
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0, how
    assert pool.run(["echo", how]).stdout == f"{how}\\n".encode()
for thread in threads:
    thread.join()
assert [result.stdout for result in results] == [b"x" * 100_000] * 30
pool.close()
for box in boxes:
    box.close()
await_nothing_left(before)
"""


def test_fork_while_others_run(service: Service) -> None:
    """A fork in the middle of other threads' runs: the child uses, closes, makes boxes or ends, and disturbs nobody."""
    service(FORK)


CLOCK = """
import random
import time

# Whoever asks for the time of day gets one that leaps by years, either way.
time.time = lambda: random.uniform(0, 4e9)
time.time_ns = lambda: random.randrange(4 << 60)
with sandbox.Box(POLICY) as box:
    for wall in (0.05, 0.3):
        started = time.monotonic()
        result = box.run(["sleep", "9"], limits={"wall_time": wall})
        assert result.status is sandbox.Status.WALL_TIME_LIMIT
        elapsed = time.monotonic() - started
        assert wall <= elapsed < 8, result
        assert 0 < result.wall_time <= elapsed, result
    result = box.run(["sh", "-c", "while :; do :; done"], limits={"cpu_time": 0.1})
    assert result.status is sandbox.Status.CPU_TIME_LIMIT, result
    use(box)
"""


def test_clock_that_jumps(service: Service) -> None:
    """Deadlines and times are those of a clock that nobody can set."""
    service(CLOCK)
