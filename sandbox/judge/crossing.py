"""The two pipes between a submission and the jury's program, with us in the middle of both.

Each side holds ends of pipes of its own, whose other ends are ours: nothing that the other side does, or leaves undone,
makes a write fail, and neither can reach what the other one holds. What is said to a side that has gone is lost, and
the speaker is not told. An end of input is passed on when we want it: the jury's program sees that a submission has
failed only after it had time to reject what it was told before, so that it does not depend on chance which was first.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sandbox.control import Control
from sandbox.handover import PipeEnd

GRACE = 0.1
"""Seconds after the closing of its output in which a submission may end, before it counts as one that goes on."""

QUIET = 0.2
"""Seconds for which the jury's program has had nothing to read, and done nothing, before it sees that a submission has
failed.
"""

LOOK = 0.01
"""Seconds between two looks at that; of one that works all the time, a look counts a tenth."""

CHUNK = 64 << 10

HELD = 64 << 10
"""Bytes that a pipe holds: with one pipe between the two, a writer of more than that would wait for a reader."""

LOST = 1 << 20
"""Bytes that are taken from a side after the other one has ended; then its pipe breaks, or it might never end."""

KEPT = 64 << 10
"""Bytes of a conversation that a transcript holds."""


class Side:
    """One of the two programs, with the ends of pipes that are its own."""

    failed = False
    """Whether it has ended in a way that decides about it."""

    def __init__(self, mark: str, control: Control, stdin: PipeEnd, stdout: PipeEnd) -> None:
        """`mark` tells in a transcript who speaks; `control` is its run's."""
        self.mark, self.control, self.stdin, self.stdout = mark, control, stdin, stdout
        self.ended = threading.Event()


class Lane:
    """What one side says, and the other one hears, carried by a thread of ours."""

    heard = 0
    """Bytes that the reader had the chance to read."""
    lost = 0
    """Bytes that were said when the reader could not read any more."""
    unheard = False
    """Whether the reader has ended, or closed its input, and left more unread than a pipe holds."""
    choked = False
    """Whether the reader has left so much unread that no more fits."""
    told_at = float("inf")
    """When the reader was shown the end of its input, in seconds of CLOCK_MONOTONIC."""

    def __init__(
        self, writer: Side, source: PipeEnd, reader: Side, sink: PipeEnd, limit: int | None = None
    ) -> None:  # fmt: skip
        """From `source`, which the writer writes to, to `sink`, which the reader reads from; a writer of more than
        `limit` bytes is ended.
        """
        self._writer, self._reader, self._limit = writer, reader, limit
        self._source, self._sink = source.take(), sink.take()
        self._record: Callable[[str, bytes], object] | None = None
        self._thread = threading.Thread(target=self._carry, name="judge-pipe", daemon=True)

    def start(self, record: Callable[[str, bytes], object] | None) -> None:
        """Begin to carry, and have what is said written down."""
        self._record = record
        self._thread.start()

    @property
    def exceeded(self) -> bool:
        """Whether more was said than may be heard."""
        return self._limit is not None and self.heard > self._limit

    @property
    def broken(self) -> bool:
        """Whether so much was said to a reader that had ended that the writer is let know."""
        return self.lost > LOST and self._reader.ended.is_set()

    def join(self) -> None:
        """Wait until all is carried; for when both sides have ended."""
        self._thread.join()

    def _carry(self) -> None:
        try:
            while not (self.exceeded or self.broken) and (data := os.read(self._source, CHUNK)):
                if self._record is not None:
                    self._record(self._writer.mark, data)
                self._deliver(data)
            self._wait()
        finally:
            self.unheard = self.lost > 0 and self.lost + _unread(self._sink) > HELD
            self.told_at = time.monotonic()
            os.close(self._sink)
            os.close(self._source)

    def _deliver(self, data: bytes) -> None:
        self.choked = True
        try:
            while data:
                written = os.write(self._sink, data)
                self.heard += written
                data = data[written:]
        except BrokenPipeError:
            self.lost += len(data)
        self.choked = False
        if self.exceeded:
            self._writer.control.kill()

    def _wait(self) -> None:
        """Hold the end of input back until it is known how the writer has ended, and what the reader makes of that."""
        ended, control = self._writer.ended, self._writer.control
        while not ended.wait(None if self.exceeded else GRACE) and not control.processes():
            pass  # it has ended, and that is about to be known
        quiet = 0.0
        while (self._writer.failed or self.exceeded) and quiet < QUIET and not self._reader.ended.wait(LOOK):
            if _unread(self._sink):
                quiet = 0.0
            else:
                quiet += LOOK if _waits(self._reader.control) else LOOK / 10


class Crossing:
    """Two lanes, so that each side hears what the other one says."""

    flooded = False
    """Whether the submission had said more than the jury's program would read when the first of them ended."""

    def __init__(self, contestant: Control, validator: Control, output: int | None, *, record: bool) -> None:
        """A submission that says more than `output` bytes is ended. `LaunchError` if there are no pipes."""
        with contextlib.ExitStack() as stack:
            pipes = [_pair(stack) for _ in range(4)]
            stack.pop_all()
        (stdin, to_contestant), (from_contestant, stdout), (heard, to_validator), (from_validator, said) = pipes
        self.contestant = Side(">", contestant, stdin, stdout)
        self.validator = Side("<", validator, heard, said)
        self.to_contestant = Lane(self.validator, from_validator, self.contestant, to_contestant)
        self.to_validator = Lane(self.contestant, from_contestant, self.validator, to_validator, output)
        self._said: list[tuple[str, bytes]] = []
        self._room = KEPT
        self._lock = threading.Lock()
        for lane in (self.to_contestant, self.to_validator):
            lane.start(self._keep if record else None)

    def end(self, side: Side, *, failed: bool = False) -> None:
        """Its program has ended; what it did not take is closed."""
        if not self.contestant.ended.is_set() and not self.validator.ended.is_set():
            self.flooded = self.to_validator.choked
        side.failed = failed
        side.ended.set()
        side.stdin.close()
        side.stdout.close()

    def close(self) -> None:
        """Both have ended."""
        for side in (self.contestant, self.validator):
            self.end(side, failed=side.failed)
        self.to_validator.join()
        self.to_contestant.join()

    def _keep(self, mark: str, data: bytes) -> None:
        with self._lock:
            if self._room > 0:
                self._said.append((mark, data[: self._room]))
            self._room -= len(data)

    @property
    def transcript(self) -> str:
        """A line for each line that was said, `>` by the submission and `<` by the jury; parts of a line are joined."""
        lines = [f"{mark} {line}" for mark, line in _lines(self._said)]
        return "\n".join([*lines, "… (cut)"] if self._room < 0 else lines)


def _pair(stack: contextlib.ExitStack) -> tuple[PipeEnd, PipeEnd]:
    """Both ends of a new pipe, which the stack closes."""
    reading, writing = PipeEnd.pair()
    stack.callback(reading.close)
    stack.callback(writing.close)
    return reading, writing


def _unread(pipe: int) -> int:
    """Bytes in a pipe."""
    return int(struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0\0\0\0"))[0])


def _waits(control: Control) -> bool:
    """Whether all threads of a run wait for something: none works, or would if it had its turn, or has just ended."""
    try:
        tasks = [task for pid in control.processes() for task in Path(f"/proc/{pid}/task").iterdir()]
        states = {(task / "stat").read_bytes().rpartition(b")")[2].split()[0] for task in tasks}
    except OSError:
        return False
    return bool(states) and states.isdisjoint((b"R", b"D"))


def _lines(said: list[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
    pending = {"<": b"", ">": b""}
    for mark, data in said:
        *whole, pending[mark] = (pending[mark] + data).split(b"\n")
        yield from ((mark, line.decode(errors="replace")) for line in whole)
    yield from ((mark, rest.decode(errors="replace")) for mark, rest in pending.items() if rest)
