"""The service's own side: what it has given up, and what of it a box gets to hold."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from sandbox import Box

SANDBOX = str(Path(sys.executable).with_name("sandbox"))


@pytest.fixture
def command(policy: Callable[[str], str]) -> Iterator[psutil.Process]:
    """A `sandbox run` whose program is under way."""
    argv = [SANDBOX, "run", "-p", policy("native"), "--", "sh", "-c", "echo ready; sleep 30"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        yield psutil.Process(process.pid)
        process.terminate()


def status_of(process: psutil.Process) -> dict[str, str]:
    """The lines of its /proc/PID/status."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def test_the_command_gives_up_what_it_does_not_need(command: psutil.Process) -> None:
    """No privilege by execve, no capability but those of its work, and no other process may look into it."""
    found = status_of(command)
    kept = 1 << 1 | 1 << 2 | 1 << 5 | 1 << 6 | 1 << 7  # DAC_OVERRIDE, DAC_READ_SEARCH, KILL, SETGID, SETUID
    assert found["NoNewPrivs"] == "1"
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(found[name], 16) & ~kept == 0
    assert os.geteuid() != 0 or int(found["CapBnd"], 16) & ~kept == 0
    # The files of a process that is not dumpable belong to root (proc(5)).
    assert Path(f"/proc/{command.pid}/environ").stat().st_uid == 0


def descriptors(process: int) -> dict[int, str]:
    """What a process holds, by number, without inode numbers."""
    held = {}
    for link in Path(f"/proc/{process}/fd").iterdir():
        held[int(link.name)] = os.readlink(link).partition(":[")[0]
    return held


@pytest.mark.root
def test_what_the_processes_of_a_box_hold(policy: Callable[[str], str]) -> None:
    """A program has its three streams. Init and the warden have what is theirs: nothing that the caller had open."""
    own = os.open("/etc/hostname", os.O_RDONLY)
    os.set_inheritable(own, True)
    try:
        with Box(policy("native")) as box:
            runner = threading.Thread(target=box.run, args=(["sleep", "1"],))
            runner.start()
            time.sleep(0.4)
            init = psutil.Process(box.warden.pid).children()[0]
            (program,) = init.children()
            assert descriptors(program.pid) == {0: "/dev/null", 1: "pipe", 2: "pipe"}
            # Its own /proc has /1 at its root; the lock is what keeps the slot's host ids.
            allowed = ("pipe", "socket", "anon_inode", "/dev", "/proc", "/1/", "/sys/fs/cgroup", "/box", "/tmp", "/shm")
            for process in (init.pid, box.warden.pid):
                others = [name for name in descriptors(process).values() if not name.startswith(allowed)]
                assert set(others) <= {"/run/sandbox-ids"}
            runner.join()
    finally:
        os.close(own)


def test_the_services_descriptors_close_on_exec(policy: Callable[[str], str]) -> None:
    """What the library opens is nobody's who is started beside it."""
    before = set(os.listdir("/proc/self/fd"))
    with Box(policy("native")) as box:
        box.run(["true"])
        for name in set(os.listdir("/proc/self/fd")) - before:
            try:
                flags = fcntl.fcntl(int(name), fcntl.F_GETFD)
            except OSError:
                continue  # that of the listing
            assert flags & fcntl.FD_CLOEXEC, os.readlink(f"/proc/self/fd/{name}")
