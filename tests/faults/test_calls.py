"""Every system call of the warden and of init fails once: the error names the step, or the run has its result."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import lacking
import pytest

Service = Callable[..., str]

CALLS = """
import collections
import itertools
import pathlib
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from sandbox.launch import launcher

SHIM = '''#!/bin/sh
case "$1" in janitor) exec {program} "$@" ;; esac
exec strace -D -f -qq {options} {program} "$@"
'''
# futex: it needs no memory, and the C library takes an error that cannot be for a reason to stop.
UNCHECKED = {"exit", "exit_group", "close", "kill", "rt_sigaction", "munmap", "brk", "futex"}
LOADER = {"execve", "mmap", "mprotect", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "access", "read"}
# A process that cannot speak ends, which its socket tells.
SOCKET = {"sendmsg", "recvmsg", "poll", "fcntl"}

directory, program = pathlib.Path(sys.argv[2]), launcher.init_program()
here, numbers = threading.local(), itertools.count()
launcher.init_program = lambda: here.shim
launcher.PATIENCE = 3.0  # the tracer holds what its tracees held, so that their ends are not seen at once

def trace(options: str) -> None:
    here.shim = directory / str(next(numbers)) / "sandbox-init"
    here.shim.parent.mkdir()
    here.shim.write_text(SHIM.format(program=program, options=options))
    here.shim.chmod(0o755)

def launch() -> None:
    with sandbox.Box(POLICY) as box:
        for files in ({}, {"a": b"x"}):  # a program that suffers as well may end in any way, but by a limit
            result = box.run(["true"], files=files, limits={"wall_time": 10})
            assert result.status in ("OK", "NONZERO_EXIT", "SIGNALED"), result

def calls() -> list[tuple[str, int]]:
    trace(f"-o {directory}/log")
    assert attempt(launch) == "done"
    counts = collections.Counter(re.findall(r"^(\\d+) +(\\w+)\\(", (directory / "log").read_text(), re.MULTILINE))
    most: dict[str, int] = {}
    for (_, call), count in counts.items():
        most[call] = max(most.get(call, 0), count)
    def chosen(call: str, count: int):
        # Each reading of each counter; of the others some.
        return range(1, count + 1) if call == "pread64" else {1, min(2, count), (count + 1) // 2, count}
    return [(call, number) for call, count in most.items() if call not in UNCHECKED | LOADER
            for number in chosen(call, count)]

def fail(call: str, number: int) -> str:
    trace(f"-o /dev/null -e inject={call}:error=ENOMEM:when={number}")
    ended = attempt(launch)
    if ended != "done" and "Cannot allocate memory" not in ended:
        assert call in SOCKET and ended.startswith("HostError: "), (call, number, ended)
    return ended

trace("-o /dev/null")
launch()
before = quiet()
with ThreadPoolExecutor(2) as threads:
    ends = list(threads.map(lambda item: fail(*item), calls()))
await_nothing_left(before)
steps = {ended.removeprefix("LaunchError: ").rpartition(": ")[0] for ended in ends if ended != "done"}
assert len(steps) > 40, sorted(steps)
"""


def can_trace() -> bool:
    """Whether strace is allowed to trace."""
    return subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], check=False).returncode == 0


@pytest.mark.root
def test_every_call_fails_once(service: Service, tmp_path: Path) -> None:
    """ENOMEM from each kind of call, early, midway and late in the process: nothing is left or believed."""
    lacking.tool("strace", "strace")
    if not can_trace():
        pytest.skip("nobody may trace here, and strace is to fail single calls")
    service(CALLS, str(tmp_path), timeout=500)
