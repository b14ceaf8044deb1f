"""A program's standard streams. It only ever holds pipes, /dev/null or a sealed memory file: a file or terminal
of the host could be re-opened through /proc/self/fd with more rights, or typed into.

The monitor's loop moves the bytes: it waits for what a stream `wants`, then calls its `step`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import socket
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Final, Protocol

from sandbox.errors import SHORTAGES, HostError, LaunchError, RequestError, step
from sandbox.handover import Content, PipeEnd, Terminal
from sandbox.kernel.nowait import NoWait
from sandbox.launch.launcher import memory_file
from sandbox.launch.wire import RunFlag
from sandbox.result import Result

PIPE: Final = -1
STDOUT: Final = -2
DEVNULL: Final = -3
"""As in `subprocess`: capture a stream; send stderr where stdout goes; discard a stream, or read nothing."""

Stdin = bytes | str | Path | int | IO[bytes] | Content | PipeEnd | Terminal | None
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

END_OF_INPUT = b"\4\4"
"""What a terminal takes for it (termios(3), VEOF): the first ends a line that has no end, should there be one."""

PATIENCE = 1.0
"""Seconds, at least, that whoever reads what is passed on has for the rest of it when the program has ended."""

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
    """A stream that the program writes: kept, or passed on to `sink`, up to `limit` bytes.

    `ours` is the reading end of its pipe, which does not block.
    """

    # What every stream begins with. Most print nothing, and have nothing to change in it.
    size = 0
    truncated = False
    _kept: bytearray | None = None
    _pending = b""
    _more = False
    _finished = False
    ends_late = False
    """Whether there may be more when the program has ended than poll(2) has told of: the kernel moves what is written
    to a terminal in its own time."""

    def __init__(self, ours: int, limit: int | None, sink: NoWait | None = None) -> None:
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
            if not self._move():
                break

    def _move(self) -> bool:
        """Take what is there and pass it on; whether there may be more to move now."""
        self._read()
        if self._pending:
            self._forward()
        return self._more and not self._pending

    def _read(self) -> None:
        """Take what is there."""
        limit = self.limit
        room = CHUNK if limit is None else min(CHUNK, limit - self.size + 1)
        try:
            data = os.read(self.ours, room)
        except BlockingIOError:
            data = b""
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data, self._want = b"", None  # a terminal that nobody has open any more
        # Not "less than was asked for": a program can make its pipe give one write at a time (O_DIRECT, pipe(2)).
        self._more = bool(data)
        self.size += len(data)
        if limit is not None and self.size > limit:
            self.truncated = True
            self.size = limit
            data = data[:-1]  # one byte more than fits was asked for
            self._more = False
            self._want = None
        if self._sink is not None:
            self._pending += data
        elif self._kept is None:
            self._kept = bytearray(data)
        else:
            self._kept += data

    def _forward(self) -> None:
        assert self._sink is not None
        try:
            self._pending = self._pending[self._sink.write(self._pending) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self._hang_up()
            return
        except OSError as error:
            raise HostError(f"cannot pass on output: {error.strerror}") from None
        if self._pending:
            self._want = self._sink.fd, select.POLLOUT
        elif self._finished:
            self._end()
        else:
            self._want = None if self.truncated else (self.ours, select.POLLIN)

    def _hang_up(self) -> None:
        """Nobody wants the rest: the program is told as it would be without us, by SIGPIPE."""
        if not self._finished:
            null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            os.dup2(null, self.ours, inheritable=False)
            os.close(null)
        self._more = False
        self._end()

    def _end(self) -> None:
        """Nothing more is to be passed on, which whoever reads it sees."""
        self._pending, self._want = b"", None
        self.close()

    def finish(self) -> None:
        """See `Stream`. What is passed on may need further steps, as whoever reads it takes it."""
        self._more |= self.ends_late
        while self._more:
            self._read()
        self._finished = True
        if self._pending:
            self._forward()
        else:
            self._end()

    def close(self) -> None:
        """Pass nothing on any more."""
        if self._sink is not None:
            self._sink.close()

    @property
    def content(self) -> bytes | None:
        """What was kept, or `None` if it was passed on."""
        return None if self._sink is not None else bytes(self._kept or b"")


class Feed:
    """Standard input, copied from `source`, which is closed at its end, as the program reads it.

    `ours` is the end of a pipe, or of a terminal, that the program reads the other end of, and does not block. At the
    end of input `last` is written there, and it is closed.
    """

    def __init__(self, source: NoWait, ours: int, last: bytes = b"") -> None:
        self._source, self._ours, self._last = source, ours, last
        self._pending = b""
        # A file is always readable, and poll(2) would never wait.
        self._waiting = (self._ours, select.POLLOUT) if source.is_file else (source.fd, select.POLLIN)
        self._want: Want | None = self._waiting

    def wants(self) -> Want | None:
        """See `Stream`."""
        return self._want

    def step(self) -> None:
        """See `Stream`."""
        try:
            if not self._pending and not self._read():
                self._pending, self._last = self._last, b""
                if not self._pending:
                    self.finish()
                    return
            self._pending = self._pending[os.write(self._ours, self._pending) :]
        except BlockingIOError:
            pass
        except OSError:  # the program has closed its input
            self.finish()
            return
        self._want = (self._ours, select.POLLOUT) if self._pending else self._waiting

    def _read(self) -> bytes:
        try:
            self._pending = self._source.read(CHUNK)
        except BlockingIOError:
            raise
        except OSError as error:
            raise HostError(f"cannot read stdin: {error.strerror}") from None
        return self._pending

    def finish(self) -> None:
        """See `Stream`."""
        self._want = None
        self._source.close()
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
    _own: tuple[int, ...] = ()
    """What is ours to close at the end."""

    def __init__(
        self, pipes: tuple[int, ...], limit: int | None, stdin: Stdin, stdout: Stdout, stderr: Stdout,
        pass_fds: PassFds = (),
    ) -> None:  # fmt: skip
        try:
            if isinstance(stdin, Terminal):
                self._attach(stdin, limit, stdout)
            else:
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
        elif stdout == DEVNULL:
            self.flags |= RunFlag.NULL_OUT
        elif isinstance(stdout, PipeEnd):
            self._give_end("stdout", stdout, 1)
        else:
            self.stdout = self._output("stdout", out, limit, stdout)
        if stderr == PIPE:
            self.stderr = Output(error, limit)
        elif stderr == STDOUT:
            self.flags |= RunFlag.MERGE
        elif stderr == DEVNULL:
            self.flags |= RunFlag.NULL_ERR
        elif isinstance(stderr, PipeEnd):
            self._give_end("stderr", stderr, 2)
        else:
            self.stderr = self._output("stderr", error, limit, stderr)

    def _attach(self, terminal: Terminal, limit: int | None, stdout: Stdout) -> None:
        """All three are one terminal, of which we hold the other side."""
        self._give(terminal.take(), 0)
        for number in (1, 2):
            self._give(_copy(self.fds[0]), number)
        if stdout == DEVNULL or isinstance(stdout, PipeEnd):
            raise RequestError("stdout", "what is printed to a terminal has to be read by us")
        ours = _copy(terminal.master)
        self._own += (ours,)
        self.stdout = Output(ours, limit) if stdout == PIPE else self._output("stdout", ours, limit, stdout)
        self.stdout.ends_late = True
        self.flags |= RunFlag.TERMINAL
        self.shared = True
        if terminal.stdin is not None:
            fd = _descriptor("stdin", terminal.stdin)
            self.feed = Feed(NoWait(fd), _copy(terminal.master), END_OF_INPUT)

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
            with _opened(stdin) as fd:
                return self._feed(stdin, fd)
        return self._feed(stdin, _descriptor("stdin", stdin))

    def _feed(self, stdin: Path | int | IO[bytes], fd: int) -> int:
        if _access(fd) == os.O_WRONLY:
            raise RequestError("stdin", f"{stdin!r} is not open for reading")
        source = NoWait(fd)
        try:
            if source.is_directory:
                raise RequestError("stdin", f"{stdin!r} is a directory")
            with step("make a pipe"):
                theirs, ours = os.pipe2(os.O_CLOEXEC)
        except BaseException:
            source.close()
            raise
        os.fchmod(theirs, 0o666)  # the program is not who made it, and is to be able to open /dev/stdin
        os.set_blocking(ours, False)
        self.feed = Feed(source, ours)
        return theirs

    def _give_end(self, name: str, end: PipeEnd, target: int) -> None:
        if not end.writes:
            raise RequestError(name, "is the reading end of a pipe")
        self.shared = True
        self._give(end.take(), target)

    @staticmethod
    def _output(name: str, ours: int, limit: int | None, target: int | IO[bytes]) -> Output:
        fd = _descriptor(name, target)
        if _access(fd) == os.O_RDONLY:
            raise RequestError(name, f"{target!r} is not open for writing")
        return Output(ours, limit, NoWait(fd))

    def _pass(self, pass_fds: PassFds) -> None:
        """The program holds these itself, so they may be nothing that leads further than they do themselves."""
        pairs = pass_fds.items() if isinstance(pass_fds, Mapping) else ((fd, fd) for fd in pass_fds)
        for target, fd in pairs:
            if isinstance(target, bool) or not isinstance(target, int) or not 3 <= target <= LARGEST_FD:
                why = f"{target!r} is not a number from 3 to {LARGEST_FD}; others are passed as {{number: descriptor}}"
                raise RequestError("pass_fds", why)
            if len(self.fds) == MAX_PASSED:
                raise RequestError("pass_fds", f"more than {MAX_PASSED} descriptors, stdin among them")
            copy = _copy(_descriptor("pass_fds", fd))  # what is looked at is what is given
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
        """Take what is left, once no process can use the streams any more, and pass on what there is room for."""
        for stream in self.all():
            stream.finish()

    def deliver(self, result: Result, listen: Callable[[], int] | None = None) -> None:
        """Pass on what is left, as whoever reads it takes it, and close everything but the box's pipes. What nobody has
        taken when the run's time on the clock is over, or what `listen` gives is readable, is lost, and the result says
        so.

        For when the program has ended: nothing of the box is used.
        """
        left = [output for output in (self.stdout, self.stderr) if output is not None and output.wants()]
        try:
            if left:
                wall = result.limits.wall_time
                _pass_on(
                    left, None if wall is None else max(PATIENCE, wall - result.wall_time), listen() if listen else -1
                )
                result.stdout_truncated |= self.stdout is not None and self.stdout.truncated
                result.stderr_truncated |= self.stderr is not None and self.stderr.truncated
        finally:
            self.close()

    def close(self) -> None:
        """Close everything but the box's pipes."""
        self.hand_over()
        if self.feed is not None:
            self.feed.finish()
        for output in (self.stdout, self.stderr):
            if output is not None:
                output.close()
        for fd in self._own:
            os.close(fd)
        self._own = ()


def _pass_on(outputs: Iterable[Output], seconds: float | None, bell: int) -> None:
    """Have these outputs make their last steps, for so many seconds, or until the bell rings."""
    deadline = None if seconds is None else time.monotonic() + seconds
    left: dict[int, Output] = {}
    waiter = select.poll()
    if bell >= 0:
        waiter.register(bell, select.POLLIN)
    for output in outputs:
        if want := output.wants():
            waiter.register(*want)
            left[want[0]] = output
    while left:
        events = waiter.poll(None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000)
        if not events or any(fd == bell for fd, _ in events):
            break
        for fd, _ in events:
            left[fd].step()
            if left[fd].wants() is None:
                waiter.unregister(fd)
                del left[fd]
    for output in left.values():
        output.truncated = True


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A file to read from."""
    try:
        # A FIFO that nobody writes must not keep us here, where no deadline holds yet.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in SHORTAGES:
            raise LaunchError(f"open {path}", error.errno or 0) from None
        raise RequestError("stdin", f"cannot read {str(path)!r}: {error.strerror}") from None
    try:
        yield fd
    finally:
        os.close(fd)


def _copy(fd: int) -> int:
    with step("duplicate a descriptor"):
        return os.dup(fd)


def _access(fd: int) -> int:
    """Whether a descriptor is open for reading, writing, or both."""
    return fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE


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
