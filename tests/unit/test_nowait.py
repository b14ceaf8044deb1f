"""Descriptors that are read and written without waiting, of every kind that a caller may have."""

from __future__ import annotations

import os
import select
import socket
import tty
from collections.abc import Iterator

import pytest

from sandbox.kernel.nowait import NoWait

Ends = tuple[int, int]


def _pair(kind: str) -> Ends:
    if kind == "socket":
        ours, theirs = socket.socketpair()
        return ours.detach(), theirs.detach()
    if kind == "terminal":
        master, slave = os.openpty()
        tty.setraw(slave)
        return master, slave
    return os.pipe()


@pytest.fixture(params=["pipe", "pipe of another", "socket", "terminal"])
def ends(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ends]:
    """Somebody's end for reading, and the end that is written to. One of another user may not be opened anew."""
    reading, writing = _pair(request.param)
    if request.param == "pipe of another":
        monkeypatch.setattr(NoWait, "_open_anew", lambda _: False)
    yield reading, writing
    os.close(reading)
    os.close(writing)


def _fill(end: NoWait) -> int:
    """Write until there is no room; how many bytes that was."""
    written = 0
    try:
        for _ in range(10_000):
            written += end.write(bytes(5000))
    except BlockingIOError:
        return written
    raise AssertionError("there is always room")


def test_writing_never_waits(ends: Ends) -> None:
    """It says that there is no room, though the descriptor is one that waits, and stays one."""
    reading, writing = ends
    end = NoWait(writing)
    written = _fill(end)
    assert written
    assert os.get_blocking(writing)
    while select.select([reading], [], [], 0)[0]:
        written -= len(os.read(reading, 65536))
    assert written == 0
    end.close()
    end.close()


def test_reading_never_waits(ends: Ends) -> None:
    """It says that there is nothing, then what there is."""
    reading, writing = ends
    end = NoWait(reading)
    assert os.get_blocking(reading)
    if not os.isatty(reading):  # of a master side, nothing is certain
        with pytest.raises(BlockingIOError):
            end.read(100)
    os.write(writing, b"data")
    assert end.read(3) == b"dat"
    assert end.read(100) == b"a"
    end.close()


def test_a_master_side_stays_the_same(ends: Ends) -> None:
    """What is written is read by who reads the other side, and by nobody else's."""
    for ours, theirs in (ends, ends[::-1]):
        if os.isatty(ours):
            end = NoWait(ours)
            end.write(b"word\n")
            assert os.read(theirs, 100) == b"word\n"
            end.close()


def test_a_default_of_sockets_is_not_ours() -> None:
    """A caller's time-out for sockets neither makes us wait, nor changes what is the caller's."""
    ours, theirs = socket.socketpair()
    socket.setdefaulttimeout(5)
    try:
        end = NoWait(ours.fileno())
        with pytest.raises(BlockingIOError):
            end.read(1)
        assert os.get_blocking(ours.fileno())
    finally:
        socket.setdefaulttimeout(None)
    end.close()
    ours.close()
    theirs.close()


def test_nobody_at_the_other_end() -> None:
    """Is told as everywhere."""
    reading, writing = os.pipe()
    os.close(reading)
    end = NoWait(writing)
    with pytest.raises(BrokenPipeError):
        end.write(b"x")
    end.close()
    os.close(writing)
