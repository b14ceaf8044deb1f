"""The service is killed at any step: a moment later nothing of it is left on the host."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

Service = Callable[..., str]

KILLED = """
import pathlib
import signal
import threading
import time

def fork(step: int = 0) -> int:
    # A service that lives the life of a box, and kills itself at a step of its Python side.
    pid = os.fork()
    if pid:
        return pid
    left = step
    def count(frame, event, argument) -> None:
        nonlocal left
        if "sandbox" in frame.f_code.co_filename:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
    if step:
        sys.setprofile(count)
    life()
    sys.setprofile(None)
    os._exit(0)

def steps() -> int:
    # How many steps that life has.
    total = 0
    def count(frame, event, argument) -> None:
        nonlocal total
        total += "sandbox" in frame.f_code.co_filename
    sys.setprofile(count)
    life()
    sys.setprofile(None)
    return total

def left_behind(pids: list[int]) -> list[str]:
    names = tuple(f"{cgroup.PREFIX}{pid}-" for pid in pids)
    parents = cgroup.find().parents() if "no-cgroup" not in POLICY else ()
    return [str(path) for parent in parents for path in parent.iterdir() if path.name.startswith(names)]

def mounts() -> str:
    return pathlib.Path("/proc/self/mountinfo").read_text()

life()  # everything is imported, and the janitor there
before, mounted, total = quiet(), mounts(), steps()
pids, killed = [], 0
for step in range(1, total + 50, total // 80):
    pids.append(fork(step))
    killed += os.waitpid(pids[-1], 0)[1] == signal.SIGKILL
for number in range(20):  # in the middle of steps, from outside
    pids.append(fork())
    time.sleep(number / 250)
    os.kill(pids[-1], signal.SIGKILL)
    os.waitpid(pids[-1], 0)
await_nothing_left(before)  # every process that any of them has started was, in the end, a child of this one
assert not left_behind(pids), left_behind(pids)
assert mounts() == mounted
assert killed >= 75, (killed, total)
life()
"""


def test_service_is_killed(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it makes a slot, orders a box, puts files, runs, collects or closes: no process, mount, group or file."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    shared = set(os.listdir("/dev/shm"))
    service(KILLED)
    assert not list(tmp_path.iterdir())
    assert not [name for name in set(os.listdir("/dev/shm")) - shared if "sandbox" in name]
