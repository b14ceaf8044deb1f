"""What scripts/soak is made of: the census sees what is left, and a short soak finds nothing."""

from __future__ import annotations

import itertools
import mmap
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import census
import pytest

from sandbox import Box
from sandbox.kernel import ids

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

Name = Callable[[str], str]

SOAK = "import sys; sys.path.insert(0, sys.argv[1]); del sys.argv[1]; import soak; sys.exit(soak.main())"


@pytest.mark.slow
def test_a_short_soak_finds_nothing(policy: Name) -> None:
    """Good and hostile programs end as they should, in time, and leave nothing of any kind."""
    command = [sys.executable, "-P", "-c", SOAK, str(SCRIPTS), "200", f"--overlay={policy('')}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "200 runs" in done.stdout


@pytest.mark.slow
def test_a_short_soak_without_rights(rootless: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """Nor do they for an ordinary user."""
    done = rootless(SOAK, str(SCRIPTS), "200", "--overlay=+weak-no-cgroup", timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr


FEW = "soak.WARM_UP = 10; mixture.PROGRAMS = mixture.PROGRAMS[:1]"
SPOILT = {
    "liar: OK expected": "mixture.PROGRAMS = (mixture.Program('liar', ('false',)),)",
    "hanging runs: 2": f"{FEW}; soak.LATE = -10.0",
    "left behind: [0-9]+ processes": f"{FEW}; sandbox.Box.close = lambda box: None",
}


@pytest.mark.slow
@pytest.mark.parametrize(("told", "how"), SPOILT.items())
def test_a_soak_tells_what_was_wrong(policy: Name, told: str, how: str) -> None:
    """A program that ends otherwise than it should, or late, and boxes that are not closed: each fails the soak."""
    spoilt = SOAK.replace("sys.exit", f"import mixture, sandbox; {how}; sys.exit")
    command = [sys.executable, "-P", "-c", spoilt, str(SCRIPTS), "10", f"--overlay={policy('')}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 1, done.stderr
    assert re.search(told, done.stdout)


# What the census counts


@contextmanager
def _process() -> Iterator[None]:
    with subprocess.Popen(["sleep", "60"]) as child:
        yield
        child.kill()


@contextmanager
def _zombie() -> Iterator[None]:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    yield
    os.waitpid(child, 0)


@contextmanager
def _thread() -> Iterator[None]:
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    yield
    end.set()
    thread.join()


@contextmanager
def _descriptor() -> Iterator[None]:
    fd = os.open("/dev/null", os.O_RDONLY)
    yield
    os.close(fd)


@contextmanager
def _slot() -> Iterator[None]:
    slot = ids.allocate()
    yield
    slot.release()


@contextmanager
def _cgroup() -> Iterator[None]:
    group = next(Path("/sys/fs/cgroup").glob("memory"), Path("/sys/fs/cgroup")) / f"sandbox-{os.getpid()}-left"
    group.mkdir()
    yield
    group.rmdir()


@contextmanager
def _file() -> Iterator[None]:
    path = Path(f"/dev/shm/left-{os.getpid()}")
    path.touch()
    yield
    path.unlink()


@contextmanager
def _shared_memory() -> Iterator[None]:
    made = subprocess.run(["ipcmk", "-M", "4096"], capture_output=True, text=True, check=True)
    yield
    subprocess.run(["ipcrm", "-m", made.stdout.split()[-1]], check=True)


@contextmanager
def _namespace() -> Iterator[None]:
    with subprocess.Popen(["unshare", "--user", "--uts", "sleep", "60"]) as child:
        own = os.readlink("/proc/self/ns/uts")
        while os.readlink(f"/proc/{child.pid}/ns/uts") == own:
            pass
        yield
        child.kill()


@contextmanager
def _objects() -> Iterator[None]:
    held = [[] for _ in range(1000)]  # type: ignore[var-annotated]
    yield
    del held


@contextmanager
def _memory() -> Iterator[None]:
    with mmap.mmap(-1, 16 << 20) as held:
        held.write(bytes(16 << 20))
        yield


@pytest.mark.parametrize(
    ("kind", "leave"),
    [
        ("processes", _process),
        ("zombies", _zombie),
        ("threads of the service", _thread),
        ("namespaces", _namespace),
        ("descriptors", _descriptor),
        ("temporary files", _file),
        ("SysV objects", _shared_memory),
        (census.OBJECTS, _objects),
        (census.MEMORY, _memory),
        pytest.param("cgroups", _cgroup, marks=pytest.mark.root),
        pytest.param("slots of host uids", _slot, marks=pytest.mark.root),
    ],
)
def test_the_census_sees_what_is_left(
    kind: str, leave: Callable[[], AbstractContextManager[None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more of each kind is seen while it is there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # in the others' place, others make and remove files
    monkeypatch.setattr(census, "PLACES", ("/dev/shm",))
    before = census.count()
    with leave():
        after = census.count()
        assert (census.grown(before, after) | census.drifted(before, after, 1)).get(kind, 0) >= 1
    assert kind not in census.left(before)


def test_a_box_is_in_the_census(policy: Name) -> None:
    """And so is a box, of which nothing is left when it is closed."""
    with Box(policy("native")) as box:  # after it there is what a service has for its life
        box.run(["true"])
    before = census.count()
    with Box(policy("native")) as box:
        box.run(["sh", "-c", "(setsid sleep 100 &); touch left"])
        assert census.grown(before, census.count()).keys() >= {"processes", "descriptors"}
    assert not census.left(before)


# It is quiet when it counts


@pytest.fixture
def box(policy: Name) -> Iterator[Box]:
    """A box of the test's own."""
    with Box(policy("native")) as box:
        yield box


@pytest.mark.parametrize("number", range(3))
def test_a_box_that_is_being_replaced_is_waited_for(box: Box, number: int) -> None:
    """Counted when a fresh box is on order and counted when it is there are not the same; when it is quiet they are."""
    box.run(["true"])
    ready = census.quiet(box)
    box.renew()
    assert not box.ready
    assert census.grown(census.count(), ready)["descriptors"] >= 4
    assert not census.left(ready, box)
    box.renew()
    assert not census.left(census.quiet(box), box)


def test_what_leaks_while_boxes_are_replaced_is_found(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """One descriptor in each of three runs that have their box replaced, and the census says how many."""
    count = 3
    monkeypatch.setattr(census, "PATIENCE", 10.0)
    before = census.quiet(box)
    leaked = []
    try:
        for _ in range(count):
            box.run(["touch", "mark"])
            leaked.append(os.open("/dev/null", os.O_RDONLY))
        assert census.left(before, box) == {"descriptors": count}
    finally:
        for fd in leaked:
            os.close(fd)
    assert not census.left(before, box)


def test_what_comes_and_goes_is_waited_for() -> None:
    """A count that is taken while a process and a thread of the service end has neither."""
    before = census.quiet()
    with subprocess.Popen(["sleep", "0.3"]) as child:
        timer = threading.Timer(0.4, lambda: None)
        timer.start()
        reaper = threading.Thread(target=child.wait)
        reaper.start()
        assert not census.left(before)
        reaper.join()


def test_what_never_comes_to_rest_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline ends the waiting, and the last look is what counts."""
    monkeypatch.setattr(census, "PATIENCE", 0.1)
    numbers = itertools.count()
    assert census.quiet(look=lambda: {"descriptors": next(numbers)})["descriptors"] > 0


def test_a_box_that_no_run_leaves_as_it_was(monkeypatch: pytest.MonkeyPatch, write_policy: Name) -> None:
    """Where a policy has every box replaced there is no quiet, and the census says so instead of counting."""
    monkeypatch.setattr(census, "PATIENCE", 0.1)
    with Box(write_policy('reuse = "never"\n')) as box, pytest.raises(TimeoutError, match="after every run"):
        census.quiet(box)
