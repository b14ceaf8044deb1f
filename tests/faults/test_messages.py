"""The warden or init is killed, stopped or slow at any message: the run has a result or a named error in time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Service = Callable[..., str]

STRIKE = """
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from sandbox import monitor
from sandbox.launch import launcher, packets

FAULT, VICTIM = sys.argv[2:]
here = threading.local()

def victim() -> int:
    # The warden that this thread started last, or its child.
    if VICTIM == "warden":
        return here.warden
    with open(f"/proc/{here.warden}/task/{here.warden}/children") as file:
        return int(file.read().split()[0])

def wake(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)

def moment() -> None:
    here.left = getattr(here, "left", 0) - 1
    if here.left:
        return
    try:
        pid = victim()
        os.kill(pid, signal.SIGKILL if FAULT == "killed" else signal.SIGSTOP)
    except (AttributeError, IndexError, OSError):
        return  # it is not there yet
    here.struck = True
    if FAULT == "slow":
        threading.Timer(0.05, wake, (pid,)).start()

def with_moments(function):
    def call(*arguments):
        moment()
        answer = function(*arguments)
        moment()
        return answer
    return call

for name in ("send", "receive", "exchange"):
    setattr(packets, name, with_moments(getattr(packets, name)))
spawn = launcher._spawn
def spawned(*arguments):
    here.warden = spawn(*arguments)
    return here.warden
launcher._spawn = spawned

def strike(number: int, deadline: float = 1.0 if FAULT == "stopped" else 30) -> tuple[str, bool]:
    # The life of a box with a fault at one of its messages, and what it was like afterwards.
    box, here.left, here.struck = None, number, False
    def begin():
        nonlocal box
        box = sandbox.Box(POLICY)
        use(box, deadline)
    started = time.monotonic()
    ended = attempt(begin)
    took = time.monotonic() - started
    over = here.left > 0
    here.left = 0
    if box is None:
        box = sandbox.Box(POLICY)
    def go_on() -> None:
        time.sleep(0.02)
        result = box.run(["echo", "on"], limits={"wall_time": 5 if FAULT == "stopped" else 30})
        if result.status is sandbox.Status.WALL_TIME_LIMIT:
            raise CutShort(str(result))
        assert result.stdout == b"on\\n", (number, ended, result)
    again = [attempt(go_on) for _ in range(4)]
    while FAULT == "stopped" and again[-1] != "done" and len(again) < 40:
        again.append(attempt(go_on))
    # Who was struck when nothing was to be done any more is missed by the next run.
    if FAULT != "stopped":  # with so little patience others seem to be, on a busy machine
        assert len(again) - again.count("done") <= (ended == "done"), (number, ended, again)
    assert again[-1] == "done", (number, ended, again)
    box.close()
    assert took < 60, (number, ended, took)
    if FAULT == "slow":
        assert ended == "done", (number, ended)
    if ended != "done":
        assert here.struck or FAULT == "stopped", (number, ended)
        assert any(name in ended for name in ("init", "warden", "CutShort", "map ids", "cgroup: cannot join")), ended
    return ended, over

life()
before = quiet()
PATIENCE, GRACE = launcher.PATIENCE, monitor.GRACE
if FAULT == "stopped":
    launcher.PATIENCE, monitor.GRACE = 1.5, 0.3
numbers = range(1, 75, 3 if FAULT == "stopped" else 1)
with ThreadPoolExecutor(2 if FAULT == "killed" else 8) as threads:
    ends = list(threads.map(strike, numbers))
assert ends[-1][1], "there are more messages than were tried"
# After the last message there is nobody to strike any more, and who waits as long as he ever would waits for all.
launcher.PATIENCE, monitor.GRACE = PATIENCE, GRACE
assert strike(1000, 30) == ("done", True)
await_nothing_left(before)
"""


@pytest.mark.parametrize("victim", ["warden", "init"])
@pytest.mark.parametrize("fault", ["killed", "stopped", "slow"])
def test_fault_at_any_message(service: Service, fault: str, victim: str) -> None:
    """Before and after each of them: who is slow is waited for, who is gone is named and replaced."""
    service(STRIKE, fault, victim, timeout=500)
