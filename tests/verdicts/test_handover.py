"""Standard streams that a program holds itself: content shared by many runs, and pipes between programs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import Box, Content, HostError, PipeEnd, RequestError, Result, Status


@pytest.fixture
def two_boxes(box: Box, policy) -> Iterator[tuple[Box, Box]]:
    """Two boxes of policy native."""
    with Box(policy("native")) as other:
        yield box, other


def crossed(boxes: tuple[Box, Box], left: list[str], right: list[str], **limits: Any) -> tuple[Result, Result]:
    """Run two programs, each of which reads what the other prints."""
    to_right, from_left = PipeEnd.pair()
    to_left, from_right = PipeEnd.pair()
    results: dict[int, Result] = {}

    def one(number: int, argv: list[str], stdin: PipeEnd, stdout: PipeEnd) -> None:
        results[number] = boxes[number].run(argv, stdin=stdin, stdout=stdout, limits=limits)

    thread = threading.Thread(target=one, args=(1, right, to_right, from_right))
    thread.start()
    one(0, left, to_left, from_left)
    thread.join()
    return results[0], results[1]


@pytest.mark.parametrize("content", ["5\n", b"5\n", "file"])
def test_content_is_read_from_its_beginning_each_time(box: Box, content, tmp_path: Path) -> None:
    """Runs that share a content each get all of it."""
    if content == "file":
        content = tmp_path / "input"
        content.write_bytes(b"5\n")
    with Content(content) as shared:
        assert [box.run(["cat"], stdin=shared).stdout for _ in range(3)] == [b"5\n"] * 3


def test_content_cannot_be_changed(box: Box) -> None:
    """A program that opens its input for writing gets an error, and the next run reads what the first did."""
    with Content("5\n") as shared:
        script = "echo 6 > /proc/self/fd/0; truncate -s 1 /proc/self/fd/0; cat"
        assert box.run(["sh", "-c", script], stdin=shared).stdout == b"5\n"
        assert box.run(["cat"], stdin=shared).stdout == b"5\n"


def test_closed_content_is_an_error(box: Box) -> None:
    """Content that is closed is no empty input."""
    shared = Content("5\n")
    shared.close()
    with pytest.raises(HostError, match="closed"):
        box.run(["cat"], stdin=shared)


def test_unreadable_content() -> None:
    """A missing file is an error of the request that says which."""
    with pytest.raises(RequestError, match="no-such-file"):
        Content(Path("no-such-file"))


def test_programs_talk_directly(two_boxes) -> None:
    """Each reads what the other writes, to its end; who ended first is known."""
    left, right = crossed(
        two_boxes,
        ["sh", "-c", "echo ping; read answer; echo $answer >&2; sleep 0.1"],
        ["sh", "-c", "read word; echo $word >&2; echo pong"],
    )
    assert (left.status, right.status) == (Status.OK, Status.OK)
    assert (left.stderr, right.stderr) == (b"pong\n", b"ping\n")
    assert left.stdout is None
    assert right.ended_at < left.ended_at


def test_an_early_close_is_seen(two_boxes) -> None:
    """One that closes its output and goes on is at its end of output for the other, at once."""
    left, right = crossed(two_boxes, ["sh", "-c", "exec >&-; sleep 0.5"], ["sh", "-c", "cat; echo over >&2"])
    assert right.stderr == b"over\n"
    assert right.ended_at < left.ended_at


def test_the_other_side_is_gone(two_boxes) -> None:
    """Whoever writes to a program that has ended gets SIGPIPE, and not later than it would without us."""
    left, right = crossed(two_boxes, ["yes"], ["true"], wall_time=30.0)
    assert (left.status, left.signal, right.status) == (Status.SIGNALED, 13, Status.OK)
    assert left.wall_time < 20


def test_both_wait_for_ever(two_boxes) -> None:
    """Two that wait for one another end by their limits of time."""
    left, right = crossed(two_boxes, ["cat"], ["cat"], wall_time=0.3)
    assert {left.status, right.status} <= {Status.WALL_TIME_LIMIT, Status.OK}
    assert Status.WALL_TIME_LIMIT in (left.status, right.status)


@pytest.mark.parametrize(("stream", "which"), [("stdin", 1), ("stdout", 0), ("stderr", 0)])
def test_the_wrong_end(box: Box, stream: str, which: int) -> None:
    """The reading end is no output and the writing end no input, and both are said by name."""
    ends = PipeEnd.pair()
    options: dict[str, Any] = {stream: ends[which]}
    with pytest.raises(RequestError, match=stream):
        box.run(["true"], **options)
    for end in ends:
        end.close()


def test_an_end_is_given_once(box: Box) -> None:
    """The run that is given an end of a pipe has it alone."""
    reading, writing = PipeEnd.pair()
    writing.close()
    assert box.run(["cat"], stdin=reading).ok
    with pytest.raises(HostError, match="taken"):
        box.run(["cat"], stdin=reading)


def test_when_it_ended(box: Box) -> None:
    """`ended_at` is on the caller's clock."""
    before = time.monotonic()
    result = box.run(["true"])
    assert before < result.ended_at < time.monotonic()
