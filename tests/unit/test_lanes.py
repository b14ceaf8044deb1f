"""Lanes: exchanges that threads without an interpreter carry out, against ends of our own."""

from __future__ import annotations

import gc
import os
import select
import socket
import time
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.launch.packets import Lanes

Pair = tuple[socket.socket, socket.socket]


class Tag:
    """Something whose end can be seen."""


@pytest.fixture
def pairs() -> Iterator[list[Pair]]:
    """Connected ends: ours, and those of who answers."""
    made = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(3)]
    yield made
    for pair in made:
        for end in pair:
            end.close()


@pytest.fixture
def lanes() -> Iterator[Lanes]:
    """One lane."""
    made = Lanes(1)
    yield made
    made.close()


def submit(lanes: Lanes, tag: object, end: socket.socket, patience: int = 5_000, spent: tuple[int, ...] = ()) -> None:
    """Ask something there."""
    lanes.submit(tag, end.fileno(), b"?", (), (), (), spent, patience)


def finished(lanes: Lanes) -> list[tuple[Any, float, Any, OSError | None]]:
    """What is over, waited for."""
    assert select.select([lanes], [], [], 10)[0]
    return lanes.finished()


def asked(end: socket.socket, seconds: float = 10) -> bool:
    """Whether somebody asks there."""
    if not select.select([end], [], [], seconds)[0]:
        return False
    assert end.recv(99) == b"?"
    return True


def test_one_after_the_other(lanes: Lanes, pairs: list[Pair]) -> None:
    """The second is asked when the first has been answered, and not before; nobody has to do anything for that."""
    (ours, theirs), (ours2, theirs2), _ = pairs
    before = time.monotonic()
    submit(lanes, 1, ours)
    submit(lanes, 2, ours2)
    assert asked(theirs)
    assert not asked(theirs2, 0.05)
    theirs.send(b"!")
    assert asked(theirs2)
    theirs2.send(b"!!")
    found = finished(lanes)
    while len(found) < 2:
        found += finished(lanes)
    assert [(tag, answer, error) for tag, _, answer, error in found] == [
        (1, (b"!", (), ()), None), (2, (b"!!", (), ()), None),
    ]  # fmt: skip
    (_, began, *_), (_, later, *_) = found
    assert before <= began < later <= time.monotonic()
    assert not select.select([lanes], [], [], 0)[0]


def test_as_many_at_a_time_as_there_are(pairs: list[Pair]) -> None:
    """Two lanes ask two; the third has to wait."""
    lanes = Lanes(2)
    for ours, _ in pairs:
        submit(lanes, None, ours)
    assert asked(pairs[0][1])
    assert asked(pairs[1][1])
    assert not asked(pairs[2][1], 0.05)
    pairs[1][1].send(b"!")
    assert asked(pairs[2][1])
    pairs[0][1].send(b"!")
    pairs[2][1].send(b"!")
    lanes.close()


def test_no_answer_keeps_the_lane(lanes: Lanes, pairs: list[Pair]) -> None:
    """What is not answered in time, or not at all, has its lane until that is given back."""
    (ours, theirs), (ours2, theirs2), _ = pairs
    submit(lanes, 1, ours, patience=20)
    submit(lanes, 2, ours2, patience=5_000)
    assert [(tag, answer, error) for tag, _, answer, error in finished(lanes)] == [(1, None, None)]
    assert asked(theirs)
    assert not asked(theirs2, 0.05)
    lanes.release()
    assert asked(theirs2)
    theirs2.close()  # the end of a socket is no answer
    assert [(tag, answer, error) for tag, _, answer, error in finished(lanes)] == [(2, None, None)]


def test_nobody_there(lanes: Lanes, pairs: list[Pair]) -> None:
    """Where nobody listens there is an error, and the next has the lane."""
    (ours, theirs), (ours2, theirs2), _ = pairs
    theirs.close()
    submit(lanes, 1, ours)
    submit(lanes, 2, ours2)
    assert asked(theirs2)
    ((tag, _, answer, error),) = finished(lanes)
    assert (tag, answer) == (1, None)
    assert isinstance(error, BrokenPipeError)
    theirs2.send(b"!")


def test_hold(lanes: Lanes, pairs: list[Pair]) -> None:
    """A lane can be had for something else, and has to be given back."""
    lanes.hold("mine")
    assert [tag for tag, *_ in finished(lanes)] == ["mine"]
    submit(lanes, 1, pairs[0][0])
    assert not asked(pairs[0][1], 0.05)
    lanes.release()
    assert asked(pairs[0][1])
    pairs[0][1].send(b"!")


def test_withdraw(lanes: Lanes, pairs: list[Pair]) -> None:
    """What waits is forgotten, first to last, and never asked; what it was to close is closed."""
    (ours, theirs), (ours2, theirs2), _ = pairs
    reading, writing = os.pipe()
    submit(lanes, 1, ours)
    assert asked(theirs)
    submit(lanes, 2, ours2, spent=(writing,))
    lanes.hold(3)
    assert lanes.withdraw() == [2, 3]
    assert os.read(reading, 1) == b""
    os.close(reading)
    theirs.send(b"!")
    assert [tag for tag, *_ in finished(lanes)] == [1]
    assert not asked(theirs2, 0.05)


def test_nothing_is_kept(pairs: list[Pair]) -> None:
    """Tags are let go: of what is over, was withdrawn, waits when it is closed, or was never understood."""
    lanes = Lanes(1)
    tags = [Tag() for _ in range(5)]
    refs = [weakref.ref(tag) for tag in tags]
    submit(lanes, tags[0], pairs[0][0])
    pairs[0][1].send(b"!")
    finished(lanes)
    lanes.hold(tags[1])
    finished(lanes)
    lanes.hold(tags[2])
    lanes.withdraw()
    lanes.hold(tags[3])
    with pytest.raises(TypeError):
        lanes.submit(tags[4], "no descriptor")  # type: ignore[call-arg, arg-type]
    lanes.close()
    del tags
    gc.collect()
    assert [ref() for ref in refs] == [None] * 5


def test_closed(pairs: list[Pair]) -> None:
    """Nothing is begun any more, an answer's descriptors go with it, and closing twice does nothing."""
    lanes = Lanes(1)
    reading, writing = os.pipe()
    submit(lanes, 1, pairs[0][0])
    socket.send_fds(pairs[0][1], [b"!"], [writing])
    os.close(writing)
    assert select.select([lanes], [], [], 10)[0]
    lanes.close()
    lanes.close()
    assert os.read(reading, 1) == b""
    os.close(reading)
    with pytest.raises(ValueError, match="closed"):
        lanes.hold(1)
    with pytest.raises(ValueError, match="closed"):
        submit(lanes, 1, pairs[0][0])
    assert lanes.withdraw() == []


@pytest.mark.parametrize("size", [0, -1, 1025])
def test_sizes(size: int) -> None:
    """There is one lane at least, and not thousands."""
    with pytest.raises(ValueError, match="lanes"):
        Lanes(size)


def test_a_fork_has_none(lanes: Lanes) -> None:
    """A child that was forked off can end, though the threads are its parent's."""
    pid = os.fork()
    if pid == 0:
        lanes.close()
        os._exit(7)
    deadline = time.monotonic() + 10
    while (ended := os.waitpid(pid, os.WNOHANG))[0] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert os.waitstatus_to_exitcode(ended[1]) == 7
