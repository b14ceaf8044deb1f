"""Runs that lanes carry out, for event loops: they end as any run does."""

from __future__ import annotations

import select
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from sandbox import Box, HostError, Limits, Result, Status
from sandbox.box import Prepared
from sandbox.control import Control
from sandbox.errors import LaunchError
from sandbox.launch.packets import Lanes


@pytest.fixture
def lanes() -> Iterator[Lanes]:
    """Two lanes."""
    made = Lanes(2)
    yield made
    made.close()


def warm(box: Box, limits: Limits | None = None) -> None:
    """Have it be ready for these limits."""
    assert box.run(["/bin/true"], limits=limits).status is Status.OK
    time.sleep(0.02)  # a box that is younger than a tick of the clock of files cannot prove that it is clean
    assert box.run(["/bin/true"], limits=limits).status is Status.OK


@pytest.fixture
def box() -> Iterator[Box]:
    """A box that is warm."""
    with Box("shell") as made:
        warm(made)
        yield made


def prepare(box: Box, script: str, stdin: bytes | None = None) -> Prepared:
    """Something that can be prepared."""
    prepared = box.prepare(["/bin/sh", "-c", script], stdin=stdin)
    assert prepared is not None
    return prepared


def ended(lanes: Lanes, prepared: Prepared) -> bool:
    """Have it carried out; whether the lane was there when it ended."""
    prepared.submit(lanes, prepared)
    assert select.select([lanes], [], [], 10)[0]
    ((tag, began, answer, error),) = lanes.finished()
    assert tag is prepared
    has_ended: bool = prepared.told(began, answer, error)
    return has_ended


def result(lanes: Lanes, prepared: Prepared) -> Result:
    """How it ends, by a lane alone or with a thread's help."""
    if not ended(lanes, prepared):
        with Control() as control:
            prepared.wait(control)
        lanes.release()
    return prepared.result()


def test_short(lanes: Lanes, box: Box) -> None:
    """Output, exit codes and measures are a run's, for as many runs as one likes."""
    for number in range(20):
        found = result(lanes, prepare(box, f"cat; echo {number} >&2; exit {number}", b"in"))
        assert (found.stdout, found.stderr, found.exit_code) == (b"in", f"{number}\n".encode(), number)
        assert found.cpu_time is not None
        assert found.enforced == box.enforced
    assert box.run(["/bin/echo", "on"]).stdout == b"on\n"


def test_long(lanes: Lanes, box: Box) -> None:
    """What outlasts a lane's patience is waited for by a thread, and keeps its lane until then."""
    prepared = prepare(box, "sleep 0.1; echo late")
    assert not ended(lanes, prepared)
    lanes.hold(1)
    lanes.hold(2)
    assert select.select([lanes], [], [], 10)[0]
    assert [tag for tag, *_ in lanes.finished()] == [1]
    with Control() as control:
        prepared.wait(control)
    assert prepared.result().stdout == b"late\n"


def test_limits(lanes: Lanes) -> None:
    """They are in force, and what has to be ended is."""
    limits = Limits(wall_time=0.2, output=1000)
    with Box("shell") as box:
        for script, status in (("sleep 9", Status.WALL_TIME_LIMIT), ("yes", Status.OUTPUT_LIMIT)):
            warm(box, limits)
            prepared = box.prepare(["/bin/sh", "-c", script], limits=limits)
            assert prepared is not None
            assert result(lanes, prepared).status is status


def test_killed(lanes: Lanes, box: Box) -> None:
    """Who does not want it any more can end it."""
    prepared = prepare(box, "sleep 9")
    assert not ended(lanes, prepared)
    with Control() as control:
        threading.Timer(0.05, control.kill).start()
        started = time.monotonic()
        prepared.wait(control)
    assert time.monotonic() - started < 5
    assert prepared.result().status is Status.SIGNALED


def test_never_begun(lanes: Lanes, box: Box) -> None:
    """A program that is not there is an error where it is waited for, as of a run, and the box is of use."""
    prepared = box.prepare(["/bin/nothing"])
    assert prepared is not None
    assert not ended(lanes, prepared)
    with Control() as control, pytest.raises(LaunchError, match="execve"):
        prepared.wait(control)
    assert box.run(["/bin/true"]).status is Status.OK


def test_the_box_is_taken(box: Box) -> None:
    """Nobody else can use it in between; a run that is dropped gives it back."""
    prepared = prepare(box, "true")
    with pytest.raises(HostError, match="in use"):
        box.run(["/bin/true"])
    prepared.drop()
    assert box.run(["/bin/true"]).status is Status.OK


@pytest.mark.parametrize(
    "options",
    [
        {"files": {"a": b"b"}},
        {"collect": ["a"]},
        {"limits": Limits(memory=64 << 20)},
        {"limits": Limits(wall_time=0.001)},
        {"env": {"A": "x" * 100_000, "B": "x" * 100_000}},
    ],
    ids=["files", "collect", "other-limits", "at-once", "large"],
)
def test_cannot_be_prepared(box: Box, options: dict[str, object]) -> None:
    """What has to be waited for, or looked after from its beginning, is not for a lane; the box is free."""
    assert box.prepare(["/bin/true"], **options) is None  # type: ignore[arg-type]
    assert box.run(["/bin/true"]).status is Status.OK


def test_fresh_box() -> None:
    """Nor is a box that has to be replaced first."""
    with Box("shell") as box:
        box.run(["/bin/sh", "-c", "echo > left"])
        assert box.prepare(["/bin/true"]) is None
        assert box.run(["/bin/sh", "-c", "test ! -e left"]).status is Status.OK


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_init_that_does_not_answer(lanes: Lanes, number: signal.Signals) -> None:
    """It is a failure of the sandbox, or the deadline's and a grace later; and the next run has a box."""
    limits = Limits(wall_time=0.3)
    with Box("shell") as box:
        warm(box, limits)
        prepared = box.prepare(["/bin/true"], limits=limits)
        assert prepared is not None
        signal.pidfd_send_signal(box.init.pidfd, number)
        started = time.monotonic()
        outcome: Status | str
        try:
            outcome = result(lanes, prepared).status
        except HostError as error:
            outcome = str(error)
        # Whether it is gone before it is asked, or does not answer, is a matter of a moment.
        gone = (
            "the box's init is gone: Broken pipe",
            "the box's init is gone: Connection reset by peer",
            "the box's init died",
        )
        assert outcome in (gone if number == signal.SIGKILL else (Status.WALL_TIME_LIMIT,))
        assert time.monotonic() - started < 9
        assert box.run(["/bin/echo", "on"], limits=limits).stdout == b"on\n"
