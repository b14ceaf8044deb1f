"""The pipes between two programs of which neither sees that the other has ended before we have seen it.

When a program ends, its pipes are closed before anybody is told that it has ended, and the other side can be quicker
to react than we are to look. Then a submission that crashes would have ended after the validator that noticed. So we
hold an end of each pipe ourselves until the program that has it has ended: what the other side does because of it comes
later for certain. A program that closes an end and goes on has it closed a little later.
"""

from __future__ import annotations

import os
import select
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from sandbox.errors import step
from sandbox.handover import PipeEnd
from sandbox.kernel.inotify import CLOSE_NOWRITE, CLOSE_WRITE, Inotify

GRACE = 0.1
"""Seconds after the closing of an end in which its program may end, before the other side sees it closed."""

KEPT = 64 << 10
"""Bytes of a conversation that a transcript holds."""


class Side:
    """One of the two programs: its ends of both pipes."""

    def __init__(self, mark: str) -> None:
        """`mark` tells in a transcript who speaks."""
        self.mark = mark
        self.ended = threading.Event()
        self.stdin: PipeEnd
        self.stdout: PipeEnd
        self.held: set[int] = set()
        """Our copies of its ends."""


class Crossing:
    """Two pipes, so that each side reads what the other one writes. The data does not pass by us."""

    def __init__(self) -> None:
        """`LaunchError` if they cannot be made."""
        self.contestant, self.validator = Side(">"), Side("<")
        self._lock = threading.Lock()
        with step("make pipes"):
            self._inotify = Inotify()
            self._over = os.eventfd(0, os.EFD_CLOEXEC)
        self._watched: dict[tuple[int, int], tuple[Side, int]] = {}
        self._connect(self.contestant, self.validator)
        self._connect(self.validator, self.contestant)
        self._thread = threading.Thread(target=self._watch, name="judge-pipes", daemon=True)
        self._thread.start()

    def _connect(self, writer: Side, reader: Side) -> None:
        """A pipe with a name, which can be watched, until it has been opened."""
        with step("make pipes"), tempfile.TemporaryDirectory(prefix="sandbox-judge-") as directory:
            path = Path(directory, "pipe")
            os.mkfifo(path, 0o600)
            reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            writing = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
            held = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), os.open(path, os.O_WRONLY | os.O_CLOEXEC)
            watch = self._inotify.watch(str(path), CLOSE_WRITE | CLOSE_NOWRITE)
            os.fchmod(reading, 0o666)  # the programs did not make it, and are to be able to open /dev/stdin
        os.set_blocking(reading, True)
        reader.stdin, writer.stdout = PipeEnd(reading), PipeEnd(writing)
        for side, fd, event in ((reader, held[0], CLOSE_NOWRITE), (writer, held[1], CLOSE_WRITE)):
            side.held.add(fd)
            self._watched[watch, event] = side, fd

    def end(self, side: Side) -> None:
        """Its program has ended, and the other one may know."""
        side.ended.set()
        side.stdin.close()
        side.stdout.close()
        for fd in tuple(side.held):
            self._let_go(side, fd)

    def _let_go(self, side: Side, fd: int) -> None:
        with self._lock:
            if fd in side.held:
                side.held.remove(fd)
                os.close(fd)

    def _watch(self) -> None:
        """Let go of ends that a program has closed without ending."""
        poll = select.poll()
        poll.register(self._inotify.fd, select.POLLIN)
        poll.register(self._over, select.POLLIN)
        closed: dict[int, tuple[float, Side]] = {}
        while True:
            first = min((at for at, _ in closed.values()), default=None)
            ready = poll.poll(None if first is None else max(first - time.monotonic(), 0) * 1000)
            if any(fd == self._over for fd, _ in ready):
                return
            for watch, event in self._inotify.read():
                side, fd = self._watched.get((watch, event), (self.contestant, -1))
                if fd in side.held:
                    closed.setdefault(fd, (time.monotonic() + GRACE, side))
            for fd, (at, side) in tuple(closed.items()):
                if at <= time.monotonic():
                    self._let_go(side, fd)
                    del closed[fd]

    def close(self) -> None:
        """Both have ended."""
        for side in (self.contestant, self.validator):
            self.end(side)
        os.eventfd_write(self._over, 1)
        self._thread.join()
        os.close(self._over)
        self._inotify.close()

    @property
    def transcript(self) -> str:
        """Nothing: what is said does not pass by here."""
        return ""


class Recorded:
    """Two pipes as of `Crossing`, with us in between to write down what is said, which costs time."""

    def __init__(self) -> None:
        """`LaunchError` if they cannot be made."""
        self.contestant, self.validator = Side(">"), Side("<")
        self._said: list[tuple[str, bytes]] = []
        self._room = KEPT
        self._lock = threading.Lock()
        self._threads = [
            self._connect(self.contestant, self.validator),
            self._connect(self.validator, self.contestant),
        ]
        for thread in self._threads:
            thread.start()

    def _connect(self, writer: Side, reader: Side) -> threading.Thread:
        source, writer.stdout = PipeEnd.pair()
        reader.stdin, sink = PipeEnd.pair()
        return threading.Thread(target=self._copy, args=(writer, source, reader, sink), daemon=True)

    def _copy(self, writer: Side, source: PipeEnd, reader: Side, sink: PipeEnd) -> None:
        from_writer, to_reader = source.take(), sink.take()
        try:
            while data := os.read(from_writer, 65_536):
                self._record(writer.mark, data)
                while data:
                    data = data[os.write(to_reader, data) :]
            writer.ended.wait(GRACE)
        except BrokenPipeError:
            reader.ended.wait(GRACE)
        finally:
            os.close(to_reader)
            os.close(from_writer)

    def _record(self, mark: str, data: bytes) -> None:
        with self._lock:
            if self._room > 0:
                self._said.append((mark, data[: self._room]))
            self._room -= len(data)

    def end(self, side: Side) -> None:
        """See `Crossing`."""
        side.ended.set()
        side.stdin.close()
        side.stdout.close()

    def close(self) -> None:
        """See `Crossing`."""
        for side in (self.contestant, self.validator):
            self.end(side)
        for thread in self._threads:
            thread.join()

    @property
    def transcript(self) -> str:
        """A line for each line that was said, `>` by the submission and `<` by the jury; parts of a line are joined."""
        lines = [f"{mark} {line}" for mark, line in _lines(self._said)]
        return "\n".join([*lines, "… (cut)"] if self._room < 0 else lines)


def _lines(said: list[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
    pending = {"<": b"", ">": b""}
    for mark, data in said:
        *whole, pending[mark] = (pending[mark] + data).split(b"\n")
        yield from ((mark, line.decode(errors="replace")) for line in whole)
    yield from ((mark, rest.decode(errors="replace")) for mark, rest in pending.items() if rest)
