"""The sockets to wardens and inits, between two ends of our own."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from sandbox.launch import packets

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two connected ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        yield ours, theirs


def test_descriptors_travel(pair: Pair) -> None:
    """What is sent is received, with descriptors that are new, and closed on exec."""
    ours, theirs = pair
    source, sink = os.pipe()
    packets.send(ours.fileno(), b"hello", (sink,))
    packet, (copy,) = packets.receive(theirs.fileno())
    assert packet == b"hello"
    assert copy != sink
    assert not os.get_inheritable(copy)
    os.write(copy, b"x")
    assert os.read(source, 9) == b"x"
    for fd in (source, sink, copy):
        os.close(fd)


def test_the_end(pair: Pair) -> None:
    """An end that was closed is an empty packet to who receives, and an error to who sends."""
    ours, theirs = pair
    theirs.close()
    assert packets.receive(ours.fileno()) == (b"", ())
    with pytest.raises(BrokenPipeError):
        packets.send(ours.fileno(), b"hello", ())


def test_exchange_answered(pair: Pair) -> None:
    """The answer comes with its descriptors and with those of the pipes that can be read; what is spent is closed."""
    ours, theirs = pair
    full, full_sink = os.pipe()
    empty, empty_sink = os.pipe()
    spent, spent_sink = os.pipe()
    os.write(full_sink, b"x")
    packets.send(theirs.fileno(), b"answer", (full,))
    answer = packets.exchange(ours.fileno(), b"question", (), (), (empty, full), (spent,), 1000)
    assert answer is not None
    packet, (copy,), readable = answer
    assert (packet, readable) == (b"answer", (full,))
    assert theirs.recv(99) == b"question"
    with pytest.raises(BrokenPipeError):
        os.write(spent_sink, b"x")
    for fd in (full, full_sink, empty, empty_sink, spent_sink, copy):
        os.close(fd)


def test_exchange_without_an_answer(pair: Pair) -> None:
    """Who asks waits no longer than it says, nor longer than until something else stirs, and misses no end."""
    ours, theirs = pair
    source, sink = os.pipe()
    started = time.monotonic()
    assert packets.exchange(ours.fileno(), b"1", (), (source, select.POLLIN), (), (), 20) is None
    assert time.monotonic() - started >= 0.02
    threading.Timer(0.02, os.write, (sink, b"x")).start()
    assert packets.exchange(ours.fileno(), b"2", (), (source, select.POLLIN), (), (), 60_000) is None
    theirs.close()
    with pytest.raises(ConnectionError):  # it had not read all, so that it is "reset" and not "broken"
        packets.exchange(ours.fileno(), b"3", (), (), (), (), 60_000)
    os.close(source)
    os.close(sink)


@pytest.mark.parametrize("arguments", [(), (3, "text", ()), (3, b"x", [1]), (3, b"x", ("1",)), (3, b"x", (0,) * 99)])
def test_wrong_arguments(arguments: tuple[object, ...]) -> None:
    """They are errors, as of any function."""
    with pytest.raises((TypeError, ValueError)):
        packets.send(*arguments)  # type: ignore[arg-type]
