"""Boxes that are used again: nothing of one run is there in the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox import Box, HostError, LaunchError, RequestError, Result, Status

Name = Callable[[str], str]
Run = Callable[..., Result]

PLACES = ("/box", "/tmp", "/dev/shm")


def look(box: Box) -> bytes:
    """Everything in the writable directories, and their own modes, owners and sizes; the years of their times."""
    places = " ".join(PLACES)
    script = f"find {places} -mindepth 1; stat -c '%n %a %u %g %s %y' {places} | sed 's/-.*//'"
    return box.run(["sh", "-c", script]).stdout or b""


def first_number(box: Box) -> int:
    """The PID of a program; in a fresh box it is 3, after init and its thread."""
    return int(box.run(["sh", "-c", "echo $$"]).stdout or b"")


FRESH = 3


@pytest.fixture(scope="module")
def fresh(policy: Name) -> bytes:
    """What a box looks like that nobody has used."""
    with Box(policy("native")) as box:
        return look(box)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "kind", ["touch %s/x", "mkdir %s/d", "ln -s / %s/l", "mkfifo %s/.f", "head -c 1000000 /dev/zero >%s/b"]
)
def test_no_file_stays(box: Box, fresh: bytes, place: str, kind: str) -> None:
    """Files of every kind, in every writable place."""
    assert box.run(["sh", "-c", kind % place]).ok
    assert look(box) == fresh


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("what", ["mode", "time", "xattr", "file"])
def test_no_mark_on_a_directory_stays(run: Run, box: Box, fresh: bytes, place: str, what: str) -> None:
    """Nor a mode, a time or an attribute of the directories themselves, through which runs could talk."""
    result = run("trace", what, place)
    if not result.ok and what == "xattr":
        pytest.skip(f"nobody can set an attribute here: {result.stderr.decode()}")
    assert result.ok
    assert look(box) == fresh
    if what == "xattr":
        assert run("trace", "show", place).stdout == b""


MARKS = [
    "chmod 711 /box",
    "touch -d @5 /tmp",
    "touch /tmp/x; rm /tmp/x",
    "echo x >/dev/shm/y; rm /dev/shm/y",
    "mkdir d; mv d e; rmdir e",
    # What was there before is there again, but for the change time, which nobody can set back.
    "m=$(stat -c @%.9Y /box); chmod 700 /box; chmod 755 /box; touch -d $m /box",
]


@pytest.fixture
def used(policy: Name) -> Iterator[Box]:
    """A box that has been used by programs that left nothing, and was kept."""
    with Box(policy("native")) as box:
        while first_number(box) == FRESH:
            time.sleep(0.02)  # past the tick of the clock in which the box was made
        yield box


@pytest.mark.parametrize("script", MARKS)
def test_no_mark_in_an_otherwise_clean_box(used: Box, script: str) -> None:
    """Marks alone, however well they are hidden, make a box a used one: the next run has another."""
    result = used.run(["sh", "-c", f"echo $$; {script}"])
    assert result.ok
    assert int(result.stdout or b"") > FRESH
    assert first_number(used) == FRESH


def test_a_clean_box_is_kept(used: Box) -> None:
    """A run that has left nothing costs no new box."""
    init = used.init
    for _ in range(20):
        assert used.run(["cat"], stdin=b"x").ok
        assert used.init is init
    assert first_number(used) > 20


def test_a_box_is_never_kept_if_the_policy_says_so(write_policy: Name) -> None:
    """`reuse = "never"`: every run has a box of its own."""
    with Box(write_policy('reuse = "never"')) as box:
        for _ in range(5):
            assert first_number(box) == FRESH
            time.sleep(0.02)


def test_background_processes_end(box: Box) -> None:
    """What a run has left running is gone when it has ended, also in a box that is kept."""
    box.run(["sh", "-c", "sleep 100 & (setsid sleep 100 &) ; (sleep 100 & sleep 100 &) ; exit 0"])
    names = box.run(["ls", "/proc"]).stdout.split()
    assert len([name for name in names if name.isdigit()]) == 1


def test_open_but_removed_files_are_gone(box: Box) -> None:
    """Space that only an open descriptor held is free again."""
    script = "exec 3>/tmp/x; rm /tmp/x; head -c 900000 /dev/zero >&3"
    for _ in range(3):
        assert box.run(["sh", "-c", script], limits={"scratch": 1 << 20}).ok


def test_files_of_a_run_that_never_started(box: Box) -> None:
    """Files that went in for a program that could not be started are not there for the next one."""
    with pytest.raises(LaunchError):
        box.run(["./missing"], files={"secret": b"x"})
    assert box.run(["ls", "-A"]).stdout == b""
    with pytest.raises(RequestError):
        box.run(["true"], files={"secret": b"x"}, stdin=9999)
    assert box.run(["ls", "-A"]).stdout == b""


def test_limits_are_each_runs_own(run: Run, box: Box) -> None:
    """Processes, memory, files, output: after a run with small limits the policy's are in force again."""
    small = {"processes": 1, "memory": 16 << 20, "open_files": 8, "file_size": 100, "output": 10, "scratch": 1 << 20}
    assert run("end", "exit", 0, **small | {"file_size": 1 << 20}).ok
    assert run("limits", "processes", processes=10).stdout == b"10 EAGAIN\n"
    assert run("memory", "anonymous", 100).status is Status.OK
    assert run("limits", "files", open_files=64).stdout == b"64 EMFILE\n"
    assert box.run(["sh", "-c", "head -c 5000000 /dev/zero > x; stat -c %s x"]).stdout == b"5000000\n"


def test_pids_do_not_tell_of_others(policy: Name) -> None:
    """A fresh box counts its processes from the beginning."""
    with Box(policy("native")) as box:
        box.run(["sh", "-c", "for i in 1 2 3 4 5; do (:); done; touch /tmp/x"])
        assert first_number(box) == FRESH


@pytest.mark.cgroup
def test_limits_that_were_set_halfway_are_set_again(used: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failure between two limits, the next run does not take the old ones to be in force."""
    small, large = {"memory": 32 << 20}, {"memory": 256 << 20}
    hoard = ["python3", "-I", "-S", "-c", "bytearray(int(input()))"]
    init = used.init
    assert used.run(hoard, stdin=b"1", limits=small).ok
    assert used.init is init, "the box was kept, with its limits"
    limit = type(used.cgroup).limit

    def half(group: Any, memory: int | None, processes: int | None, cpus: float | None) -> None:
        limit(group, memory, processes, cpus)
        raise HostError("the group cannot be written to")

    with monkeypatch.context() as patch:
        patch.setattr(type(used.cgroup), "limit", half)
        with pytest.raises(HostError, match="cannot be written"):
            used.run(hoard, stdin=b"1", limits=large)
    assert used.run(hoard, stdin=b"100000000", limits=small).status is Status.MEMORY_LIMIT
    assert used.run(hoard, stdin=b"100000000", limits=large).ok


def test_a_warden_that_died_of_its_box_costs_no_result(policy: Name, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that has ended has its result, whatever becomes of the slot; the next run has another."""
    with Box(policy("native")) as box:
        warden = box.warden

        def gone(*_: object) -> None:
            raise HostError("the warden is gone")

        monkeypatch.setattr(warden, "order_box", gone)
        assert box.run(["touch", "/tmp/x"]).ok, "it leaves something, so that a fresh box is ordered"
        assert box.run(["true"]).ok
        assert box.warden is not warden


NAMES = """
import os, sys
for i in range(12000):
    try: os.stat(f"/usr/{sys.argv[1]}-{i}")
    except OSError: pass
"""


@pytest.mark.cgroup
def test_what_many_runs_leave_charged_is_nobodys(policy: Name) -> None:
    """Names that were looked for stay in kernel memory: not without bound, not in another's peak, limit or time."""
    hoard = ["python3", "-I", "-S", "-c", "bytearray(100 << 20)"]
    with Box(policy("python")) as box:
        box.run(hoard)
        clean = box.run(hoard, limits={"memory": 128 << 20})
        for number in range(25):
            assert box.run(["python3", "-I", "-S", "-c", NAMES, str(number)]).ok
        left = box.cgroup.usage()
        assert left is not None
        assert left < 16 << 20
        assert box.run(["true"], limits={"memory": 2 << 20}).ok
        after = box.run(hoard, limits={"memory": 128 << 20})
        assert after.memory_peak == pytest.approx(clean.memory_peak, abs=4 << 20)
