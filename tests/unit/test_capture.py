"""Streams between a caller and a program, without a program."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.capture import Feed, Output
from sandbox.kernel.nowait import NoWait

Pipe = tuple[IO[bytes], IO[bytes]]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe that does not block its reader; its ends may be closed by the test."""
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    with open(ours, "rb", 0) as read, open(theirs, "wb", 0) as write:
        yield read, write


def inlet() -> tuple[int, int]:
    """A program's end of a pipe, and ours, which does not block."""
    theirs, ours = os.pipe()
    os.set_blocking(ours, False)
    return theirs, ours


@settings(max_examples=200)
@given(chunks=st.lists(st.integers(0, 3000), max_size=8), limit=st.none() | st.integers(0, 6000))
def test_output_is_exact(chunks: list[int], limit: int | None) -> None:
    """However it is written: everything up to the limit is kept, and one byte more is noticed."""
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    written = b""
    output = Output(ours, limit)
    for number, size in enumerate(chunks):
        data = bytes([number]) * size
        written += data
        os.write(theirs, data)
        if number % 2 and output.wants():
            output.step()
    while output.wants() and select.select([ours], [], [], 0)[0]:
        output.step()
    output.finish()
    os.close(theirs)
    os.close(ours)
    expected = written if limit is None else written[:limit]
    assert output.content == expected
    assert output.size == len(expected)
    assert output.truncated is (limit is not None and len(written) > limit)


def test_output_without_more(pipe: Pipe) -> None:
    """A wake-up for nothing does no harm."""
    source = pipe[0].fileno()
    output = Output(source, 10)
    output.step()
    assert (output.content, output.truncated) == (b"", False)
    assert output.wants() == (source, select.POLLIN)


def test_passing_on_waits_for_the_reader(pipe: Pipe) -> None:
    """What is passed on is read only as fast as it is taken: nothing piles up in between."""
    source, program = pipe[0].fileno(), pipe[1]
    ours, sink = os.pipe()
    os.set_blocking(sink, False)
    while True:
        try:
            os.write(sink, b"f" * 4096)
        except BlockingIOError:
            break
    os.set_blocking(sink, True)
    passed_on = NoWait(sink)
    output = Output(source, None, passed_on)
    program.write(b"data")
    output.step()
    assert output.wants() == (passed_on.fd, select.POLLOUT)
    assert output.content is None
    while os.read(ours, 65536)[-1:] == b"f" and select.select([ours], [], [], 0)[0]:
        pass
    output.step()
    assert output.wants() == (source, select.POLLIN)
    assert os.read(ours, 100).endswith(b"data")
    output.close()
    os.close(ours)
    os.close(sink)


def test_feed_ends_with_its_source(pipe: Pipe) -> None:
    """The program sees the end of its input when the source has ended."""
    source, caller = pipe[0].fileno(), pipe[1]
    copied = NoWait(source)
    theirs, ours = inlet()
    feed = Feed(copied, ours)
    assert feed.wants() == (copied.fd, select.POLLIN)
    caller.write(b"data")
    feed.step()
    caller.close()
    feed.step()
    assert feed.wants() is None
    assert os.read(theirs, 100) == b"data"
    assert os.read(theirs, 100) == b""
    os.close(theirs)


def test_feed_stops_when_nobody_reads(pipe: Pipe) -> None:
    """A program that has closed its input ends the copying, not the run."""
    source, caller = pipe[0].fileno(), pipe[1]
    theirs, ours = inlet()
    feed = Feed(NoWait(source), ours)
    os.close(theirs)
    caller.write(b"data")
    feed.step()
    assert feed.wants() is None
    feed.finish()


def test_feed_of_a_regular_file(tmp_path: Path) -> None:
    """A file is always readable, so the copying waits for room in the pipe instead, and loses nothing."""
    path = tmp_path / "f"
    path.write_bytes(bytes(range(256)) * 2000)
    with path.open("rb", buffering=0) as file:
        theirs, ours = inlet()
        feed = Feed(NoWait(file.fileno()), ours)
        got = bytearray()
        while (want := feed.wants()) is not None:
            assert want[1] == select.POLLOUT
            feed.step()
            if feed.wants() and not select.select([], [want[0]], [], 0)[1]:
                got += os.read(theirs, 10_000)
        while data := os.read(theirs, 65536):
            got += data
        os.close(theirs)
    assert bytes(got) == path.read_bytes()
