"""A program's standard streams. It only ever holds pipes, /dev/null or a sealed memory file: a file or terminal
of the host could be re-opened through /proc/self/fd with more rights, or typed into.

The monitor's loop moves the bytes: it waits for what a stream `wants`, then calls its `step`.
"""

from __future__ import annotations

import contextlib
import os
import select
import stat
from pathlib import Path
from typing import IO, Final, Protocol

from sandbox.errors import RequestError
from sandbox.launch.launcher import memory_file
from sandbox.launch.wire import RunFlag

PIPE: Final = -1
STDOUT: Final = -2
DEVNULL: Final = -3
"""As in `subprocess`: capture a stream; send stderr where stdout goes; discard a stream, or read nothing."""

Stdin = bytes | str | Path | int | IO[bytes] | None
"""Nothing, content, a path, or a descriptor or file of the caller that is copied as the program reads."""

Stdout = int | IO[bytes]
"""`PIPE`, `DEVNULL`, `STDOUT` (for stderr), or a descriptor or file of the caller to copy to."""

CHUNK = 65_536

READS = 64
"""Reads of one stream in a row, at most: others are to have their turn."""

Want = tuple[int, int]
"""A descriptor and the poll(2) events that are waited for."""


class Stream(Protocol):
    """One pipe between us and the program."""

    def wants(self) -> Want | None:
        """What to wait for before the next step; `None` when the stream has ended."""

    def step(self) -> None:
        """Move what can be moved without waiting."""

    def finish(self) -> None:
        """Move what is left of what a step has found, once no process can use the other end."""


class Output:
    """A stream that the program writes: kept, or passed on to the descriptor `sink`, up to `limit` bytes.

    `ours` is the reading end of its pipe, which does not block.
    """

    __slots__ = ("_kept", "_more", "_pending", "_sink", "_want", "limit", "ours", "size", "truncated")

    def __init__(self, ours: int, limit: int | None, sink: int | None = None) -> None:
        self.limit = limit
        self.ours = ours
        self.size = 0
        self.truncated = False
        self._sink = sink
        self._kept = bytearray()
        self._pending = b""
        self._more = False
        self._want: Want | None = (self.ours, select.POLLIN)

    def wants(self) -> Want | None:
        """See `Stream`."""
        return self._want

    def step(self) -> None:
        """See `Stream`."""
        if self._pending:
            self._forward()
            return
        for _ in range(READS):
            self._read()
            if not self._more or self._pending:
                break

    def _read(self) -> None:
        """Take what is there."""
        limit = self.limit
        room = CHUNK if limit is None else min(CHUNK, limit - self.size + 1)
        try:
            data = os.read(self.ours, room)
        except BlockingIOError:
            data = b""
        # Not "less than was asked for": a program can make its pipe give one write at a time (O_DIRECT, pipe(2)).
        self._more = bool(data)
        self.size += len(data)
        if limit is not None and self.size > limit:
            self.truncated = True
            self.size = limit
            data = data[:-1]  # one byte more than fits was asked for
            self._more = False
        if self._sink is None:
            self._kept += data
        else:
            self._pending = data
        if self.truncated or self._pending:
            self._want = self._next()

    def _next(self) -> Want | None:
        if self._pending and self._sink is not None:
            return self._sink, select.POLLOUT
        return None if self.truncated else (self.ours, select.POLLIN)

    def _forward(self) -> None:
        # A pipe that polls as writable takes PIPE_BUF bytes without blocking, and no more is certain (pipe(7)).
        assert self._sink is not None
        try:
            written = os.write(self._sink, self._pending[: select.PIPE_BUF])
        except BrokenPipeError:
            written = len(self._pending)  # nobody wants the rest
        self._pending = self._pending[written:]
        self._want = self._next()

    def finish(self) -> None:
        """See `Stream`."""
        while self._pending or self._more:
            self.step()

    @property
    def content(self) -> bytes | None:
        """What was kept, or `None` if it was passed on."""
        return None if self._sink is not None else bytes(self._kept)


class Feed:
    """Standard input, copied from the descriptor `source` as the program reads it.

    `theirs` is the program's end of the pipe.
    """

    def __init__(self, source: int) -> None:
        self._source = source
        self.theirs, self._ours = os.pipe2(os.O_CLOEXEC)
        os.fchmod(self.theirs, 0o666)  # the program is not who made it, and is to be able to open /dev/stdin
        os.set_blocking(self._ours, False)
        self._pending = b""
        regular = stat.S_ISREG(os.fstat(source).st_mode)  # always readable, and poll(2) would never wait
        self._waiting: Want = (self._ours, select.POLLOUT) if regular else (source, select.POLLIN)
        self._want: Want | None = self._waiting

    def wants(self) -> Want | None:
        """See `Stream`."""
        return self._want

    def step(self) -> None:
        """See `Stream`."""
        if not self._pending:
            self._pending = os.read(self._source, CHUNK)
            if not self._pending:
                self.finish()
                return
        try:
            self._pending = self._pending[os.write(self._ours, self._pending) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:  # the program has closed its input
            self.finish()
            return
        self._want = (self._ours, select.POLLOUT) if self._pending else self._waiting

    def finish(self) -> None:
        """See `Stream`."""
        self._want = None
        if self._ours >= 0:
            with contextlib.suppress(OSError):
                os.close(self._ours)
            self._ours = -1


class Streams:
    """The three standard streams of one run; `pipes` are our ends of its box's, which stay the box's."""

    def __init__(self, pipes: tuple[int, ...], limit: int | None, stdin: Stdin, stdout: Stdout, stderr: Stdout) -> None:
        self.all: list[Stream] = []
        self.fds: list[int] = []
        """Descriptors that go along with the run; the pipes of stdout and stderr are in the box already."""
        self.targets: tuple[int, ...] = ()
        """Their numbers in the program."""
        self.flags = 0
        """Where stdout and stderr go instead of the pipes."""
        self.stdout: Output | None = None
        self.stderr: Output | None = None
        self._given: list[int] = []
        """What only the program is to hold once it runs."""
        self._kept: list[int] = []
        out, error = pipes
        try:
            if stdin is not None and stdin != DEVNULL:
                self.fds.append(self._input(stdin))
                self.targets = (0,)
            self.stdout = self._output("stdout", out, limit, stdout, RunFlag.NULL_OUT)
            if stderr == STDOUT:
                self.flags |= RunFlag.MERGE
            else:
                self.stderr = self._output("stderr", error, limit, stderr, RunFlag.NULL_ERR)
        except BaseException:
            self.__exit__()
            raise

    def _input(self, stdin: bytes | str | Path | int | IO[bytes]) -> int:
        if isinstance(stdin, str):
            stdin = stdin.encode()
        if isinstance(stdin, (bytes, bytearray)):
            content = memory_file(stdin)
            self._given.append(content)
            return content
        if isinstance(stdin, Path):
            try:
                # A FIFO that nobody writes must not keep us here, where no deadline holds yet.
                source = os.open(stdin, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            except OSError as error:
                raise RequestError("stdin", f"cannot read {str(stdin)!r}: {error.strerror}") from None
            self._kept.append(source)
        else:
            source = _descriptor("stdin", stdin)
        if stat.S_ISDIR(os.fstat(source).st_mode):
            raise RequestError("stdin", f"{stdin!r} is a directory")
        feed = Feed(source)
        self.all.append(feed)
        self._given.append(feed.theirs)
        return feed.theirs

    def _output(self, name: str, pipe: int, limit: int | None, target: Stdout, nowhere: RunFlag) -> Output | None:
        if target == DEVNULL:
            self.flags |= nowhere
            return None
        output = Output(pipe, limit, None if target == PIPE else _descriptor(name, target))
        self.all.append(output)
        return output

    def hand_over(self) -> None:
        """Close what the program now holds itself."""
        for fd in self._given:
            os.close(fd)
        self._given.clear()

    def __enter__(self) -> Streams:
        return self

    def __exit__(self, *_: object) -> None:
        self.hand_over()
        for stream in self.all:
            stream.finish()
        self.all.clear()
        for fd in self._kept:
            os.close(fd)
        self._kept.clear()


def _descriptor(name: str, file: int | IO[bytes]) -> int:
    """The descriptor of what a caller gave for a stream."""
    try:
        if isinstance(file, bool):
            raise ValueError
        fd = file if isinstance(file, int) else file.fileno()
        os.fstat(fd)
    except (AttributeError, OSError, ValueError):
        raise RequestError(name, f"{file!r} is neither content nor an open file nor one of PIPE, DEVNULL") from None
    return fd
