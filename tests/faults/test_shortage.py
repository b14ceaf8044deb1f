"""The host runs out of something: what cannot be had is named, nothing stays, and afterwards everything works."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

V1 = Path("/sys/fs/cgroup/pids/cgroup.procs").exists()

Service = Callable[..., str]
Rootless = Callable[..., "subprocess.CompletedProcess[str]"]


def remove(group: Path) -> None:
    """Remove a control group that the last process is about to leave: the janitor of the service that made it."""
    deadline = time.monotonic() + 5
    while group.exists():
        with contextlib.suppress(OSError):
            group.rmdir()
        assert time.monotonic() < deadline, (group / "cgroup.procs").read_text()


DESCRIPTORS = """
import resource

life()
before, (soft, hard) = quiet(), resource.getrlimit(resource.RLIMIT_NOFILE)
with sandbox.Box(POLICY) as box:
    def use_box():
        use(box)
    for action in (life, use_box):
        here, ended = quiet(), ""
        for more in range(100):
            resource.setrlimit(resource.RLIMIT_NOFILE, (holdings()["descriptors"] - 1 + more, hard))
            ended = attempt(action)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            if ended == "done":
                break
            assert "Too many open files" in ended, ended
            if action is life:
                await_nothing_left(here)
        assert more > 3 and ended == "done"
        action()
await_nothing_left(before)
"""


def test_descriptors(service: Service) -> None:
    """With 0, 1, 2… descriptors to spare, every place that opens one fails in turn, by its name."""
    service(DESCRIPTORS)


BELOW = """
top = next(path for path in cgroup.find().parents() if CONTROLLER in path.parts)
group = top / f"faults-{os.getpid()}"
group.mkdir()
(group / "cgroup.procs").write_text(str(os.getpid()))
life()  # by this the service has found where its groups are to be
for pid in (group / "cgroup.procs").read_text().split():  # this process, and its janitor
    (top / "cgroup.procs").write_text(pid)
"""
"""A service whose slots are in a group that can be limited, in which it is not itself."""

PROCESSES = """
def short_life() -> None:
    with sandbox.Box(POLICY) as box:
        for _ in range(2):
            assert box.run(["true"]).ok

before = quiet()
for number in range(12):
    (group / "pids.max").write_text(str(number))
    ended = attempt(short_life)
    (group / "pids.max").write_text("max")
    await_nothing_left(before)
    if ended == "done":
        break
    assert "Resource temporarily unavailable" in ended, ended
assert number > 2, number
life()
"""

MEMORY = """
import errno

def run_out(box: sandbox.Box) -> None:
    result = box.run(["tail", "/dev/zero"], limits={"memory": 200 << 20, "wall_time": 5})
    assert result.status is sandbox.Status.MEMORY_LIMIT, result

def launch() -> None:
    with sandbox.Box(POLICY) as box:
        run_out(box)

limit = group / "memory.limit_in_bytes"

def leave(room: int) -> None:
    while True:
        try:
            limit.write_text(str(int((group / "memory.usage_in_bytes").read_text()) + room))
        except OSError as error:
            assert error.errno == errno.EBUSY, error  # it has grown since it was read
        else:
            return

before = quiet()
for action in (launch, lambda: run_out(box)):
    with sandbox.Box(POLICY) as box:
        box.run(["true"])
        for more in (*range(0, 1024, 128), 4 << 10, 16 << 10):
            leave(more << 10)
            ended = attempt(action)
            limit.write_text("-1")
            attempt(lambda: box.run(["true"]))  # the kernel may have ended the other box, in which nothing ran
            assert box.run(["echo", "on"]).stdout == b"on\\n", ended
        assert ended == "done", ended
await_nothing_left(before)
"""


@pytest.mark.root
@pytest.mark.cgroup
@pytest.mark.skipif(not V1, reason="limits a group of cgroup v1")
@pytest.mark.parametrize(("controller", "script"), [("pids", PROCESSES), ("memory", MEMORY)])
def test_full_group(service: Service, controller: str, script: str) -> None:
    """The group above the slots' is full before theirs are: errors name who could not be started, or died of it."""
    try:
        service(f'CONTROLLER = "{controller}"\n' + BELOW + script)
    finally:
        for group in Path("/sys/fs/cgroup").glob(f"{controller}/**/faults-*"):
            remove(group)


PRIVATE = ("unshare", "--mount", "--propagation", "private")
"""What is mounted there, only the service sees."""

MOUNT = """
import subprocess
def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)
def quiet_but_for_mounts() -> dict[str, int]:
    # Of which the script makes its own.
    return {kind: number for kind, number in quiet().items() if kind != "mounts"}
"""

DISK = """
import tempfile

def full(place: str, size: str) -> None:
    mount("-t", "tmpfs", "-o", size, "tmpfs", place)
    with open(f"{place}/full", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass

life()
before = quiet_but_for_mounts()
full("/mnt", "size=64k,nr_inodes=2")
os.chdir("/mnt")
os.environ["TMPDIR"] = "/mnt"
tempfile.tempdir = None  # which has been looked up
life()
mount("-o", "remount,ro", "/mnt")
life()
full("/run", "size=64k,nr_inodes=2")
assert attempt(life) == "LaunchError: lock host ids: No space left on device", attempt(life)
mount("-o", "remount,ro", "/run")
assert attempt(life) == "LaunchError: lock host ids: Read-only file system", attempt(life)
mount("-o", "remount,rw,nr_inodes=9", "/run")
life()
await_nothing_left(before)
"""


@pytest.mark.root
def test_disk(service: Service) -> None:
    """A full or read-only work directory is not needed; a full or read-only /run is named."""
    service(MOUNT + DISK, wrapper=PRIVATE)


READ_ONLY = """
with sandbox.Box(POLICY):
    places = sorted({os.path.dirname(group) for group in groups()})
before = quiet_but_for_mounts()
for place in places:
    mount("--bind", place, place)
    mount("-o", "remount,bind,ro", place)
    ended = attempt(life)
    assert ended.startswith("HostError: cgroup: cannot create sandbox-"), (place, ended)
    assert ended.endswith("Read-only file system"), ended
    mount("-o", "remount,bind,rw", place)
    await_nothing_left(before)
    life()
"""


@pytest.mark.root
@pytest.mark.cgroup
def test_read_only_control_groups(service: Service) -> None:
    """A hierarchy in which nothing can be made is named, and the groups in the others are given back."""
    service(MOUNT + READ_ONLY, wrapper=PRIVATE)


BUSY = """
import subprocess
import time
life()
before = quiet()
other = subprocess.Popen(["sleep", "60"])
box = sandbox.Box(POLICY)
box.run(["true"])
for group in groups():
    with open(f"{group}/cgroup.procs", "w") as file:
        file.write(str(other.pid))
started = time.monotonic()
ended = attempt(box.close)
assert ended.startswith("HostError: cgroup: cannot remove sandbox-"), ended
assert ended.endswith("Device or resource busy"), ended
assert time.monotonic() - started < 20
assert groups()
life()  # another slot is not disturbed
other.kill()
other.wait()
life()
await_nothing_left(before)
"""


@pytest.mark.root
@pytest.mark.cgroup
def test_group_that_is_in_use(service: Service) -> None:
    """A group that cannot be removed yet is named, costs nothing else, and is removed later."""
    service(BUSY)


UNREADABLE = """
from sandbox.kernel.meters import UNREAD
with sandbox.Box(POLICY) as box:
    assert box.run(["true"]).ok
    before = after = (UNREAD,) * 5
    cpu, memory, processes, kills = box.cgroup.finish(before, after)
    assert 0 <= cpu < 1 and kills == 0, (cpu, kills)
    assert memory is None or memory < 100 << 20, memory
"""


@pytest.mark.cgroup
def test_counters_that_cannot_be_read(service: Service) -> None:
    """A counter that init could not read is read again, and is no number to be compared with a limit."""
    service(UNREADABLE)


NAMESPACES = """
before = quiet()
ended = attempt(life)
assert sys.argv[2] in ended, ended
await_nothing_left(before)
"""


@pytest.mark.parametrize(
    ("what", "number", "ended"),
    [
        ("user_namespaces", 1, "unshare user: No space left on device"),
        ("pid_namespaces", 0, "clone: No space left on device"),
        ("mnt_namespaces", 0, "unshare: No space left on device"),
        ("mnt_namespaces", 1, "No space left on device"),
        ("net_namespaces", 0, "unshare: No space left on device"),
        ("ipc_namespaces", 0, "unshare: No space left on device"),
        ("uts_namespaces", 0, "unshare: No space left on device"),
        ("cgroup_namespaces", 0, "unshare: No space left on device"),
        ("inotify_instances", 0, "done"),
        ("user_namespaces", 9, "done"),
    ],
)
def test_namespaces(rootless: Rootless, prelude: str, what: str, number: int, ended: str) -> None:
    """The host has no more of a kind; the service is in a user namespace that has a count of its own."""
    inside = f'echo {number} > /proc/sys/user/max_{what} && exec unshare --user --map-user=1000 --map-group=1000 "$@"'
    service = [sys.executable, "-P", "-c", prelude + NAMESPACES, "native+weak-no-cgroup", ended]
    outside = ["unshare", "--user", "--map-root-user", "sh", "-c", inside, "sh"]
    done = rootless("import os, sys; os.execvp(sys.argv[1], sys.argv[1:])", *outside, *service)
    assert done.returncode == 0, done.stdout + done.stderr
