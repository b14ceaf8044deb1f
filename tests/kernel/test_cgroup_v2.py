"""The unified hierarchy: limits, counters and delegation, on hosts that have it.

`scripts/vm-test` brings one that has.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import sandbox
from sandbox import Limits, Status
from sandbox.errors import HostError
from sandbox.kernel import cgroup
from sandbox.kernel.meters import METERS

MIB = 1 << 20

PATIENCE = {"cpu_time": 60, "wall_time": 120}
"""Limits for what only an emulated machine is slow with."""

pytestmark = pytest.mark.cgroup


@pytest.fixture(scope="module")
def hierarchy() -> cgroup.V2:
    """Where this host lets us make groups; skips if that is not the unified hierarchy."""
    try:
        found = cgroup.find()
    except HostError as error:
        pytest.skip(str(error))
    if not isinstance(found, cgroup.V2):
        pytest.skip(f"this host has {found.version} (scripts/vm-test brings one with cgroup v2)")
    return found


@pytest.fixture
def parent(hierarchy: cgroup.V2) -> Path:
    """The directory in which groups appear."""
    return hierarchy.parents()[0]


@pytest.fixture
def group(hierarchy: cgroup.V2) -> Iterator[cgroup.V2Group]:
    """A group without processes."""
    group = hierarchy.make(f"{cgroup.PREFIX}{os.getpid()}-test")
    group.settle()
    yield group
    group.remove()


@pytest.fixture
def box(hierarchy: cgroup.V2, policy: Callable[[str], str]) -> Iterator[sandbox.Box]:
    """A box whose group has no history."""
    with sandbox.Box(policy("native")) as box:
        yield box


def directory_of(group: cgroup.V2Group) -> Path:
    """Where a group's files are."""
    return group._directory


def test_groups_come_and_go(hierarchy: cgroup.V2, parent: Path) -> None:
    """A group is there until it is removed."""
    name = f"{cgroup.PREFIX}{os.getpid()}-come"
    group = hierarchy.make(name)
    assert (parent / name).is_dir()
    group.remove()
    assert not (parent / name).exists()


def test_limits_are_written(group: cgroup.V2Group) -> None:
    """What is asked for is in force, with room for the slot's own; no limit is no limit."""
    directory = directory_of(group)
    group.limit(64 * MIB, 10, None)
    assert abs(int((directory / "memory.max").read_text()) - 64 * MIB) < 2 * MIB
    assert (directory / "pids.max").read_text() == f"{10 + cgroup.OWN_PROCESSES}\n"
    group.limit(None, None, None)
    assert (directory / "memory.max").read_text() == "max\n"
    assert (directory / "pids.max").read_text() == "max\n"


def test_no_swap(group: cgroup.V2Group) -> None:
    """Memory that is swapped out would not be counted."""
    file = directory_of(group) / "memory.swap.max"
    if not file.exists():
        pytest.skip("this kernel counts no swap")
    assert file.read_text() == "0\n"


def test_rate(group: cgroup.V2Group) -> None:
    """The cpu controller is switched on when it is first wanted; the rate ends with the run that wanted it."""
    group.limit(None, None, 0.5)
    assert (directory_of(group) / "cpu.max").read_text() == "50000 100000\n"
    group.limit(None, None, None)
    assert (directory_of(group) / "cpu.max").read_text() == "max 100000\n"


def test_meters_are_the_files(group: cgroup.V2Group) -> None:
    """Each counter is the one that its file shows; a new group has killed nobody and had nobody."""
    directory = directory_of(group)
    readings = [meter.read() for meter in group.meters]
    assert readings[METERS.KILLS] == 0
    assert readings[METERS.MEMORY] == int((directory / "memory.current").read_text())
    assert f"usage_usec {readings[METERS.CPU]}\n" in (directory / "cpu.stat").read_text()


def test_peak_after_a_larger_run(box: sandbox.Box) -> None:
    """A watermark that cannot be reset says nothing of a smaller run: then it is measured otherwise, which is said."""
    large = box.run(["sh", "-c", "head -c 40000000 /dev/zero | tail -c 1"], limits={"memory": 256 * MIB, **PATIENCE})
    assert (large.status, large.measured_by["memory_peak"]) == (Status.OK, "cgroup2")
    assert large.memory_peak is not None
    small = box.run(["sh", "-c", "dd if=/dev/zero bs=50M count=1 2>/dev/null | wc -c"], limits=PATIENCE)
    smaller = box.run(["true"])
    resets = box.cgroup.meters[METERS.PEAK].reset
    assert smaller.measured_by["memory_peak"] == ("cgroup2" if resets else "rusage")
    assert small.memory_peak is not None
    assert smaller.memory_peak is not None
    assert small.memory_peak > 50 * MIB
    assert smaller.memory_peak < 8 * MIB


def test_peak_of_a_run_that_memory_ended(box: sandbox.Box) -> None:
    """Whoever is killed at the limit has reached it, whatever the watermark of earlier runs hides."""
    take = ["sh", "-c", "dd if=/dev/zero of=/tmp/a bs=1M count=60 2>/dev/null; dd if=/tmp/a bs=60M count=1 | wc -c"]
    assert box.run(take, limits={"memory": 256 * MIB, **PATIENCE}).status is Status.OK
    ended = box.run(take, limits={"memory": 32 * MIB, **PATIENCE})
    assert (ended.status, ended.measured_by["memory_peak"]) == (Status.MEMORY_LIMIT, "cgroup2")
    assert ended.memory_peak is not None
    assert 30 * MIB < ended.memory_peak < 33 * MIB


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


@pytest.fixture(scope="module")
def large_files() -> list[str]:
    """Files that boxes can read, 30 MiB of them."""
    found: list[str] = []
    size = 0
    for path in sorted(Path("/usr/bin").iterdir(), key=_size, reverse=True):
        if size < 30 * MIB:
            found.append(str(path))
            size += _size(path)
    return found


def test_small_limit_after_a_large_run(box: sandbox.Box) -> None:
    """What a run has left charged goes before the next one's limit, however small, is in force: nobody is killed."""
    fill = ["dd", "if=/dev/zero", "of=/tmp/a", "bs=1M", "count=60"]
    assert box.run(fill, limits={"memory": 256 * MIB}).status is Status.OK
    assert box.run(["true"], limits={"memory": 8 * MIB}).status is Status.OK


def test_page_cache_is_no_reason_to_kill(box: sandbox.Box, large_files: list[str]) -> None:
    """Files that a program reads are charged to it, and given up at the limit."""
    limits = Limits(memory=12 * MIB, cpu_time=60, wall_time=120)
    result = box.run(["cat", *large_files], stdout=sandbox.DEVNULL, limits=limits)
    assert result.status is Status.OK


def test_slot_is_in_its_group(box: sandbox.Box) -> None:
    """Warden and init live in the slot's group; nothing of it is left when the box is closed."""
    assert isinstance(box.cgroup, cgroup.V2Group)
    directory = directory_of(box.cgroup)
    members = {int(pid) for pid in (directory / "cgroup.procs").read_text().split()}
    assert box.warden.pid in members
    assert len(members) == 2
    box.close()
    assert not directory.exists()


def test_child_of_a_service_finds_the_same_place(parent: Path) -> None:
    """A program that a service starts makes its groups where the service does, although both share a group by now."""
    script = "from sandbox.kernel import cgroup; print(cgroup.find().parents()[0])"
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == f"{parent}\n"


def test_service_moved_only_if_it_had_to(parent: Path) -> None:
    """We are where we were, or in a leaf beside the slots' groups."""
    own = Path("/proc/self/cgroup").read_text().rpartition("::")[2].strip()
    moved = Path(own).name.startswith(cgroup.SERVICE_PREFIX)
    assert moved == (os.geteuid() != 0)
    if moved:
        assert (parent / Path(own).name / "cgroup.procs").read_text().split()[0] == str(os.getpid())


def test_rate_slows(box: sandbox.Box) -> None:
    """With a fifth of a CPU a loop gets a fifth of the time."""
    limits = Limits(cpus=0.2, wall_time=1.5)
    result = box.run(["sh", "-c", "while :; do :; done"], limits=limits)
    assert result.status is Status.WALL_TIME_LIMIT
    assert result.cpu_time is not None
    assert 0 < result.cpu_time < 0.6
