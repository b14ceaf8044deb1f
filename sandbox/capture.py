"""A program's standard streams. It only ever holds pipes, /dev/null or a sealed memory file: a file or terminal
of the host could be re-opened through /proc/self/fd with more rights, or typed into.

The monitor's loop moves the bytes: it waits for what a stream `wants`, then calls its `step`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import socket
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Final, Protocol

from sandbox.errors import SHORTAGES, HostError, LaunchError, RequestError, step
from sandbox.handover import Content, PipeEnd
from sandbox.launch.launcher import memory_file
from sandbox.launch.wire import RunFlag

PIPE: Final = -1
STDOUT: Final = -2
DEVNULL: Final = -3
"""As in `subprocess`: capture a stream; send stderr where stdout goes; discard a stream, or read nothing."""

Stdin = bytes | str | Path | int | IO[bytes] | Content | PipeEnd | None
"""Nothing, content, a path, or a descriptor or file of the caller that is copied as the program reads."""

Stdout = int | IO[bytes] | PipeEnd
"""`PIPE`, `DEVNULL`, `STDOUT` (for stderr), or a descriptor or file of the caller to copy to."""

PassFds = Mapping[int, int] | Iterable[int]
"""Descriptors of the caller that the program gets: numbers that they keep, or from numbers in the program to them."""

MAX_PASSED = 32
"""Descriptors that a program is given, stdin among them."""
LARGEST_FD = 255
"""The largest number that one can have in it."""

CHUNK = 65_536

PATIENCE = 1.0
"""Seconds that whoever reads what is passed on may take for the next part of it, when the program has ended."""

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

    # What every stream begins with. Most print nothing, and have nothing to change in it.
    size = 0
    truncated = False
    _kept: bytearray | None = None
    _pending = b""
    _more = False

    def __init__(self, ours: int, limit: int | None, sink: int | None = None) -> None:
        self.limit = limit
        self.ours = ours
        self._sink = sink
        self._want: Want | None = (ours, select.POLLIN)

    def allow(self, limit: int | None) -> None:
        """Set another limit; what has come already is within it."""
        self.limit = None if limit is None else max(limit, self.size)

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
        if self._sink is not None:
            self._pending = data
        elif self._kept is None:
            self._kept = bytearray(data)
        else:
            self._kept += data
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
        except BlockingIOError:
            return  # the caller's descriptor does not block, and the next step is when it has room
        except BrokenPipeError:
            self._hang_up()
            return
        except OSError as error:
            raise HostError(f"cannot pass on output: {error.strerror}") from None
        self._pending = self._pending[written:]
        self._want = self._next()

    def _hang_up(self) -> None:
        """Nobody wants the rest: the program is told as it would be without us, by SIGPIPE."""
        null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        os.dup2(null, self.ours, inheritable=False)
        os.close(null)
        self._pending, self._more, self._want = b"", False, None

    def finish(self) -> None:
        """See `Stream`. `HostError` if what is left is to be passed on, and nobody takes it for `PATIENCE` seconds."""
        while self._pending or self._more:
            if self._pending and self._sink is not None:
                reader = select.poll()
                reader.register(self._sink, select.POLLOUT)
                if not reader.poll(PATIENCE * 1000):
                    raise HostError("cannot pass on output: nobody reads it")
            self.step()

    @property
    def content(self) -> bytes | None:
        """What was kept, or `None` if it was passed on."""
        return None if self._sink is not None else bytes(self._kept or b"")


class Feed:
    """Standard input, copied from the descriptor `source` as the program reads it.

    `theirs` is the program's end of the pipe.
    """

    def __init__(self, source: int) -> None:
        self._source = source
        with step("make a pipe"):
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

    # What the streams of most runs are: nothing comes in, and both others are captured.
    fds: tuple[int, ...] = ()
    """Descriptors that go along with the run; the pipes of stdout and stderr are in the box already."""
    targets: tuple[int, ...] = ()
    """Their numbers in the program."""
    flags = 0
    """Where stdout and stderr go instead of the pipes."""
    feed: Feed | None = None
    stdout: Output | None = None
    stderr: Output | None = None
    shared = False
    """Whether somebody waits for us to let go of what is given to the program."""
    _given: tuple[int, ...] = ()
    """What only the program is to hold once it runs."""
    _sinks: tuple[int, ...] = ()
    """Where output is passed on to: ours to close as well."""
    _opened: int | None = None
    """What is ours to close at the end."""

    def __init__(
        self, pipes: tuple[int, ...], limit: int | None, stdin: Stdin, stdout: Stdout, stderr: Stdout,
        pass_fds: PassFds = (),
    ) -> None:  # fmt: skip
        try:
            self._direct(pipes, limit, stdout, stderr)
            if stdin is not None and stdin != DEVNULL:
                self._give(self._input(stdin), 0)
            if pass_fds:
                self._pass(pass_fds)
        except BaseException:
            self.close()
            raise

    def _direct(self, pipes: tuple[int, ...], limit: int | None, stdout: Stdout, stderr: Stdout) -> None:
        out, error = pipes
        if stdout == PIPE:
            self.stdout = Output(out, limit)
        else:
            self.stdout = self._output("stdout", out, limit, stdout, RunFlag.NULL_OUT)
        if stderr == PIPE:
            self.stderr = Output(error, limit)
        elif stderr == STDOUT:
            self.flags |= RunFlag.MERGE
        else:
            self.stderr = self._output("stderr", error, limit, stderr, RunFlag.NULL_ERR)

    def all(self) -> list[Stream]:
        """Those that the monitor has to move."""
        return [stream for stream in (self.feed, self.stdout, self.stderr) if stream is not None]

    def _input(self, stdin: bytes | str | Path | int | IO[bytes] | Content | PipeEnd) -> int:
        if isinstance(stdin, Content):
            return stdin.open()
        if isinstance(stdin, PipeEnd):
            if stdin.writes:
                raise RequestError("stdin", "is the writing end of a pipe")
            self.shared = True
            return stdin.take()
        if isinstance(stdin, str):
            stdin = stdin.encode()
        if isinstance(stdin, (bytes, bytearray)):
            return memory_file(stdin)
        if isinstance(stdin, Path):
            try:
                # A FIFO that nobody writes must not keep us here, where no deadline holds yet.
                source = self._opened = os.open(stdin, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            except OSError as error:
                if error.errno in SHORTAGES:
                    raise LaunchError(f"open {stdin}", error.errno or 0) from None
                raise RequestError("stdin", f"cannot read {str(stdin)!r}: {error.strerror}") from None
        else:
            with step("duplicate a descriptor"):
                source = self._opened = os.dup(_descriptor("stdin", stdin))  # the caller may close its own meanwhile
        if stat.S_ISDIR(os.fstat(source).st_mode):
            raise RequestError("stdin", f"{stdin!r} is a directory")
        self.feed = Feed(source)
        return self.feed.theirs

    def _output(self, name: str, pipe: int, limit: int | None, target: Stdout, nowhere: RunFlag) -> Output | None:
        if target == DEVNULL:
            self.flags |= nowhere
            return None
        if isinstance(target, PipeEnd):
            if not target.writes:
                raise RequestError(name, "is the reading end of a pipe")
            self.shared = True
            self._give(target.take(), 1 if name == "stdout" else 2)
            return None
        with step("duplicate a descriptor"):
            sink = os.dup(_descriptor(name, target))  # of its own: both streams may go to the same
        self._sinks += (sink,)
        if fcntl.fcntl(sink, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise RequestError(name, f"{target!r} is not open for writing")
        return Output(pipe, limit, sink)

    def _pass(self, pass_fds: PassFds) -> None:
        """The program holds these itself, so they may be nothing that leads further than they do themselves."""
        pairs = pass_fds.items() if isinstance(pass_fds, Mapping) else ((fd, fd) for fd in pass_fds)
        for target, fd in pairs:
            if isinstance(target, bool) or not isinstance(target, int) or not 3 <= target <= LARGEST_FD:
                why = f"{target!r} is not a number from 3 to {LARGEST_FD}; others are passed as {{number: descriptor}}"
                raise RequestError("pass_fds", why)
            if len(self.fds) == MAX_PASSED:
                raise RequestError("pass_fds", f"more than {MAX_PASSED} descriptors, stdin among them")
            with step("duplicate a descriptor"):
                copy = os.dup(_descriptor("pass_fds", fd))  # what is looked at is what is given
            self._give(copy, target)
            if not _leads_nowhere(copy):
                raise RequestError("pass_fds", f"{fd!r} is neither a pipe nor a connected Unix socket; see files=")

    def _give(self, fd: int, target: int) -> None:
        self._given += (fd,)
        self.fds, self.targets = (*self.fds, fd), (*self.targets, target)

    def expect_output(self) -> None:
        """Raises `RequestError` if nothing of what the program prints comes by here."""
        if self.stdout is None and self.stderr is None:
            raise RequestError("limits.idle_time", "needs stdout or stderr, and both are discarded")

    def hand_over(self) -> None:
        """Close what the program now holds itself."""
        for fd in self._given:
            os.close(fd)
        self._given = ()

    def read(self, pipes: tuple[int, ...]) -> None:
        """Take what a program that has ended has left in those pipes, and nobody has looked at."""
        for output in (self.stdout, self.stderr):
            if output is not None and output.ours in pipes:
                output.step()
                output.finish()

    def finish(self) -> None:
        """Take what is left, once no process can use the streams any more."""
        for stream in self.all():
            stream.finish()

    def close(self) -> None:
        """Close everything but the box's pipes."""
        self.hand_over()
        if self.feed is not None:
            self.feed.finish()
        for sink in self._sinks:
            os.close(sink)
        self._sinks = ()
        if self._opened is not None:
            os.close(self._opened)
            self._opened = None


def _leads_nowhere(fd: int) -> bool:
    """Whether this is a pipe without a name or a connected Unix socket: neither can be opened again with more rights
    (for pipes see `Feed`), or be used to reach anybody but the other end.
    """
    if os.readlink(f"/proc/self/fd/{fd}").startswith("pipe:"):
        return True
    if not stat.S_ISSOCK(os.fstat(fd).st_mode):
        return False
    with socket.socket(fileno=os.dup(fd)) as end:
        return end.family == socket.AF_UNIX and end.type != socket.SOCK_DGRAM and _is_connected(end)


def _is_connected(end: socket.socket) -> bool:
    try:
        end.getpeername()
    except OSError:
        return False
    return True


def _descriptor(name: str, file: int | IO[bytes]) -> int:
    """The descriptor of what a caller gave for a stream."""
    try:
        if isinstance(file, bool):
            raise ValueError
        fd = file if isinstance(file, int) else file.fileno()
        os.fstat(fd)
    except (AttributeError, OSError, ValueError):
        if name == "pass_fds" and isinstance(file, int) and not isinstance(file, bool):
            raise RequestError(name, f"{file} is not open") from None
        others = {"stdin": "content, a Path, DEVNULL, ", "pass_fds": ""}.get(name, "PIPE, DEVNULL, ")
        raise RequestError(name, f"{file!r} is none of {others}an open file or a descriptor") from None
    return fd
