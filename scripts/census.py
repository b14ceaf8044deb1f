"""What the host has of ours, counted from outside of the engine: for scripts/soak, and for tests.

    before = census.quiet(box)
    ...
    assert not census.left(before, box)

A box whose run left something is being replaced: it holds less than one that is ready, until its next run, and its old
processes are still on their way out. So whoever compares two counts takes both when it is quiet: each box that lives
on has been kept from one run to the next, and one look after another sees the same. `count` alone is what is there now.

Tests import it by pytest's `pythonpath`. Where a kind can be told from what others on the host do, only what
descends from this process, or lies in its control groups, is counted.
"""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox import Box
    from sandbox.launch.launcher import Init

Counts = Mapping[str, int]
"""How many there are, by kind."""

MEMORY = "memory of the service, KiB"
OBJECTS = "Python objects"
DYING = "memory groups of the host, dying"
KERNEL = "kernel memory of the host, KiB"

MOVING: Mapping[str, tuple[int, int]] = {MEMORY: (2048, 512), OBJECTS: (200, 50)}
"""Kinds that move by a little: by how much they may in a few runs, and by how much more in every 10,000."""

UNJUDGED = frozenset({DYING, KERNEL})
"""Kinds of the whole host, shown but not judged: everybody else moves them as well."""

SHARED = frozenset({"temporary files", "SysV objects"})
"""Kinds that others on the host move as well, if there are any: for a soak, which is alone."""

AGREEING = 3
"""Looks in a row that see the same when it is quiet,"""
PAUSE = 0.01
"""seconds between two of them,"""
PATIENCE = 20.0
"""and seconds until what has not become quiet is told as it is."""

GROUPS = f"sandbox-{os.getpid()}-"
"""What the names of the control groups of this service begin with."""

PLACES = ("/dev/shm", "/run", "/var/tmp")
"""Where temporary files may be, beside the directory of `tempfile`."""


def count() -> dict[str, int]:
    """What there is now, without what only awaits the garbage collection."""
    gc.collect()
    return _look()


def _look() -> dict[str, int]:
    ours = [process for process in _processes() if _is_ours(process)]
    return {
        "processes": len(ours),
        "zombies": sum(_stat(process)[:1] == ["Z"] for process in ours),
        "threads of the service": len(os.listdir("/proc/self/task")),
        "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "cgroups": sum(name.startswith(GROUPS) for _, names, _ in os.walk("/sys/fs/cgroup") for name in names),
        "namespaces": len({link for process in ours for link in _namespaces(process)}),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "slots of host uids": len({lock for process in ours for lock in _slots(process)}),
        "temporary files": sum(len(os.listdir(place)) for place in {tempfile.gettempdir(), *PLACES}),
        "SysV objects": sum(
            len(Path(f"/proc/sysvipc/{kind}").read_text().splitlines()) - 1 for kind in ("shm", "sem", "msg")
        ),
        OBJECTS: len(gc.get_objects()),
        MEMORY: int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024,
        DYING: _dying_groups(),
        KERNEL: _unreclaimable(),
    }


def grown(before: Counts, after: Counts) -> dict[str, int]:
    """By how much what can be counted exactly has grown, where it has."""
    exact = before.keys() - UNJUDGED - MOVING.keys()
    return {kind: after[kind] - before[kind] for kind in before if kind in exact and after[kind] > before[kind]}


def drifted(before: Counts, after: Counts, runs: int) -> dict[str, int]:
    """By how much what moves by itself has grown in so many runs, where that is more than it may."""
    growth = {kind: after[kind] - before[kind] for kind in MOVING}
    return {kind: growth[kind] for kind, (few, more) in MOVING.items() if growth[kind] > few + more * runs / 10_000}


def settle(box: Box) -> Init:
    """Use a box until a run has left it as it was, which a run in a box just made may not; its init."""
    deadline = time.monotonic() + PATIENCE
    while True:
        init = box.init if box.ready else None
        box.run(["true"])
        if box.ready and box.init is init:
            return box.init
        if time.monotonic() > deadline:
            raise TimeoutError("the box is replaced after every run; which policy keeps none?")
        time.sleep(PAUSE)  # past the tick of the clock in which the box was made


def quiet(*boxes: Box, look: Callable[[], Counts] = _look) -> Counts:
    """What there is when nothing is on its way: these boxes are kept, and several looks in a row see the same.

    `look` is what is looked with; what is still moving when patience ends is told as it is then.
    """
    for box in boxes:
        settle(box)
    gc.collect()  # once: in a process with much in it this takes longer than all looks
    deadline = time.monotonic() + PATIENCE
    counts, agreeing = look(), 1
    while agreeing < AGREEING and time.monotonic() < deadline:
        time.sleep(PAUSE)
        last, counts = counts, look()
        agreeing = agreeing + 1 if _own(last) == _own(counts) else 1
    return counts


def left(before: Counts, *boxes: Box, look: Callable[[], Counts] = _look) -> dict[str, int]:
    """What has been left since, by kind, when what was on its way out has had time to go; arguments as of `quiet`."""
    for box in boxes:
        settle(box)
    deadline = time.monotonic() + PATIENCE
    while (found := grown(_own(before), look())) and time.monotonic() < deadline:
        gc.collect()
        time.sleep(PAUSE)
    return found


def _own(counts: Counts) -> Counts:
    """Of the kinds that can be counted exactly, those that nobody else moves."""
    return {kind: number for kind, number in counts.items() if kind not in UNJUDGED | SHARED | MOVING.keys()}


def _processes() -> Iterator[Path]:
    return (path for path in Path("/proc").iterdir() if path.name.isdigit())


def _is_ours(process: Path) -> bool:
    """Whether a process is this one, descends from it, or has been left in one of its control groups."""
    own = str(os.getpid())
    try:
        if f"/{GROUPS}" in (process / "cgroup").read_text():
            return True
        while process.name not in ("0", "1", own):
            process = process.with_name(_stat(process)[1])
    except (OSError, IndexError):
        return False  # it has just ended
    return process.name == own


def _stat(process: Path) -> list[str]:
    """The fields of proc(5)'s stat that follow the name: the state, the parent …; none if the process has ended."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _namespaces(process: Path) -> list[str]:
    try:
        return [os.readlink(link) for link in (process / "ns").iterdir()]
    except OSError:
        return []


def _slots(process: Path) -> Iterator[str]:
    """The locks on host ids that a process holds, as its descriptors show them."""
    try:
        for link in (process / "fd").iterdir():
            if os.readlink(link) == "/run/sandbox-ids":
                lines = (process / "fdinfo" / link.name).read_text().splitlines()
                yield from (line.partition("OFDLCK")[2] for line in lines if line.startswith("lock:"))
    except OSError:
        return


def _dying_groups() -> int:
    """Memory groups that were removed, and that the kernel keeps for what is still charged to them."""
    unified = Path("/sys/fs/cgroup/cgroup.stat")
    if unified.exists():
        return _number(unified, "nr_dying_subsys_memory") or _number(unified, "nr_dying_descendants")
    for line in Path("/proc/cgroups").read_text().splitlines():
        name, _, groups, _ = line.split("\t")
        if name == "memory":
            return int(groups) - sum(1 for _ in os.walk("/sys/fs/cgroup/memory"))
    return 0


def _unreclaimable() -> int:
    return _number(Path("/proc/meminfo"), "SUnreclaim:")


def _number(path: Path, key: str) -> int:
    """The number behind a key in a file of lines; 0 if there is no such line."""
    lines = (line.split() for line in path.read_text().splitlines())
    return next((int(fields[1]) for fields in lines if fields[0] == key), 0)
