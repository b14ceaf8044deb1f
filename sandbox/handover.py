"""What a program is given as a standard stream itself, so that nobody has to copy it while the program runs."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
from pathlib import Path
from typing import IO

from sandbox.errors import HostError, RequestError, step
from sandbox.launch.launcher import memory_file


class Content:
    """Input for many runs, kept once: each reads it from its beginning, and none can change it.

    It is held in memory, outside of every box, until it is closed or nobody refers to it; runs that have it keep it.
    """

    _fd = -1

    def __init__(self, content: bytes | str | Path) -> None:
        """Text, bytes, or a file that is read now: `RequestError` if it cannot be, `LaunchError` if memory is short."""
        if isinstance(content, Path):
            try:
                content = content.read_bytes()
            except OSError as error:
                raise RequestError("stdin", f"cannot read {str(content)!r}: {error.strerror}") from None
        self.size = len(content)
        """Bytes (of a text, characters)."""
        self._fd = memory_file(content.encode() if isinstance(content, str) else content)

    def open(self) -> int:
        """A descriptor at the beginning, for reading."""
        if self._fd < 0:
            raise HostError("the content is closed")
        with step("open content"):
            return os.open(f"/proc/self/fd/{self._fd}", os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Give the memory back. Safe to call twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self.close()

    def __enter__(self) -> Content:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_SIZES = range(1, 1 << 16)
"""Rows and columns that a terminal can have."""


class Terminal:
    """A terminal of one run, as `stdin`, which then is the program's stdout and stderr too, and that of its session.

    What is printed there is the run's stdout; there is no stderr. `stdin` is typed into it, and then the end of input,
    as by Ctrl-D. The policy has to be one with `+terminal`. Closed by whoever has made it.
    """

    def __init__(self, rows: int = 24, columns: int = 80, stdin: int | IO[bytes] | None = None) -> None:
        """`LaunchError` if the host has no more; `RequestError` for a size that no terminal has."""
        with step("make a terminal"):
            self.master, self.program = os.openpty()
        self.stdin = stdin
        try:
            os.set_blocking(self.master, False)
            os.fchmod(self.program, 0o666)  # the program is not who made it, and is to be able to open /dev/stdin
            self.resize(rows, columns)
        except BaseException:
            self.close()
            raise

    def take(self) -> int:
        """The program's side, which is the caller's from now on."""
        if self.program < 0:
            raise HostError("the terminal has had its run")
        fd, self.program = self.program, -1
        return fd

    def resize(self, rows: int, columns: int) -> None:
        """Have another size, of which the foreground of the session is told by SIGWINCH."""
        if rows not in _SIZES or columns not in _SIZES:
            raise RequestError("terminal", f"{rows!r} × {columns!r} is not the size of a terminal")
        if self.master >= 0:
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def close(self) -> None:
        """Close both sides. Safe to call twice."""
        for fd in (self.master, self.program):
            if fd >= 0:
                os.close(fd)
        self.master = self.program = -1

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class PipeEnd:
    """An end of a pipe between two programs, in whatever boxes: `stdin` of one, `stdout` of the other.

    The run that is given it has it alone, so that the other side sees the end of input, or SIGPIPE, when its program
    has closed it. What passes counts for no limit of output.
    """

    def __init__(self, fd: int) -> None:
        """Takes the descriptor over."""
        self._fd = fd

    @classmethod
    def pair(cls) -> tuple[PipeEnd, PipeEnd]:
        """The reading and the writing end of a new pipe."""
        with step("make a pipe"):
            reading, writing = os.pipe2(os.O_CLOEXEC)
        os.fchmod(reading, 0o666)  # the programs did not make it, and are to be able to open /dev/stdin
        return cls(reading), cls(writing)

    @property
    def writes(self) -> bool:
        """Whether it is the writing end."""
        return self._fd >= 0 and fcntl.fcntl(self._fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY

    def take(self) -> int:
        """The descriptor, which is the caller's from now on."""
        if self._fd < 0:
            raise HostError("the end of the pipe is taken already, or closed")
        fd, self._fd = self._fd, -1
        return fd

    def close(self) -> None:
        """Close it, unless somebody has taken it."""
        if self._fd >= 0:
            os.close(self.take())
