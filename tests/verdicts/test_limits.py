"""Limits of single resources: the program gets the kernel's error for them, and may go on."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from sandbox import Box, Result, Status

Run = Callable[..., Result]


def test_file_size(run: Run) -> None:
    """A file ends at its limit: EFBIG to a program that ignores SIGXFSZ."""
    assert run("limits", "write", file_size=1_000_000).stdout == b"1000000 EFBIG\n"


def test_file_size_signal(box: Box) -> None:
    """And SIGXFSZ to one that does not, although Python itself ignores that signal."""
    result = box.run(["sh", "-c", "exec head -c 2000000 /dev/zero > big"], limits={"file_size": 1_000_000})
    assert (result.status, result.signal) == (Status.SIGNALED, signal.SIGXFSZ)


def test_open_files(run: Run) -> None:
    """Descriptors are limited for each process, the standard streams included."""
    assert run("limits", "files", open_files=50).stdout == b"50 EMFILE\n"


@pytest.mark.parametrize("what", ["processes", "threads"])
def test_processes(run: Run, what: str) -> None:
    """One more process or thread than the limit is refused with EAGAIN, exactly, and the run ends in order."""
    for limit in (5, 12, 5):
        result = run("limits", what, processes=limit, wall_time=10)
        assert (result.status, result.stdout) == (Status.OK, b"%d EAGAIN\n" % limit)


def test_one_process(run: Run) -> None:
    """A limit of one leaves a program alone."""
    assert run("limits", "processes", processes=1).stdout == b"1 EAGAIN\n"


def test_fork_bomb(box: Box) -> None:
    """A bomb goes off inside: the run ends by its limits, and nothing of it is left."""
    bomb = "bomb() { bomb | bomb & }; bomb; sleep 100"
    result = box.run(["sh", "-c", bomb], limits={"processes": 20, "wall_time": 0.5, "cpu_time": 5})
    assert result.status in (Status.WALL_TIME_LIMIT, Status.NONZERO_EXIT, Status.OK)
    assert result.wall_time < 20
    listing = box.run(["ls", "/proc"]).stdout.split()
    assert len([name for name in listing if name.isdigit()]) == 1


def test_scratch(run: Run) -> None:
    """Files together are limited: ENOSPC to the program, nothing else happens to it."""
    result = run("limits", "write", scratch=1 << 20, file_size=64 << 20)
    written, error = result.stdout.split()
    assert (result.status, error) == (Status.OK, b"ENOSPC")
    assert (1 << 20) - 131_072 <= int(written) <= 1 << 20


def test_scratch_is_one(box: Box) -> None:
    """The working directory, /tmp and /dev/shm share it: there is no second place to fill."""
    script = (
        "for d in /box /tmp /dev/shm; do head -c 600000 /dev/zero >$d/big; done 2>&-; cat /*/big /dev/*/big | wc -c"
    )
    result = box.run(["sh", "-c", script], limits={"scratch": 1 << 20})
    assert 600_000 < int(result.stdout or b"") <= 1 << 20


def test_inodes(run: Run) -> None:
    """As many files as the limit says, the program's own file included."""
    assert run("limits", "inodes", inodes=20).stdout == b"19 ENOSPC\n"


def test_no_other_place_to_write(box: Box) -> None:
    """Everything but the scratch and devices is read-only."""
    script = (
        "for d in / /usr /usr/bin /etc /dev /proc /lib /var /root /home; do touch $d/x && echo $d; done 2>/dev/null"
    )
    assert box.run(["sh", "-c", script]).stdout == b""


def test_core_files(run: Run) -> None:
    """A crash leaves no core file."""
    result = run("end", "abort", collect=["core"])
    assert result.signal == signal.SIGABRT
    assert "no such file" in str(result.files["core"])


@pytest.mark.cgroup
def test_cpus(run: Run) -> None:
    """A rate of half a CPU makes 0.2 s of CPU time take longer on the clock, and is off for the next run."""
    slow = run("burn", "for", 0.3, cpus=0.5)
    assert slow.status is Status.OK
    assert slow.wall_time > 0.4
    assert run("burn", "for", 0.3).status is Status.OK


def test_limits_are_reported(run: Run) -> None:
    """A result carries what was in force: what was asked for, and the policy's where nothing was."""
    limits = run("end", "exit", 0, cpu_time=3).limits
    assert limits.cpu_time == 3
    assert limits.memory
    assert limits.wall_time
