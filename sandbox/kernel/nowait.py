"""Descriptors of a caller, read and written without ever waiting for whoever is at the other end.

What polls as ready need not be so any more when it is used: others may read and write the same pipe. A watch that
waits there would let everything that it watches go on without limits. O_NONBLOCK alone is no way out, because it
belongs to the open file, which is the caller's too.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import stat

from sandbox.errors import step

_TIOCGPTN = 0x80045430
"""Asks a terminal's master side for its number; nothing else has an answer (ioctl_tty(2))."""


class NoWait:
    """A copy of a descriptor, to `read` or `write` which raises `BlockingIOError` where others would wait.

    That is certain of files, sockets, pipes and terminals. Of other devices, and where one may not open anew what is
    another user's (a terminal, or a pipe before Linux 6.4), it is as certain as poll(2).
    """

    def __init__(self, fd: int) -> None:
        """The descriptor itself may be closed at any time. `LaunchError` if the host has none left."""
        with step("duplicate a descriptor"):
            self.fd = os.dup(fd)
        mode = os.fstat(self.fd).st_mode
        self.is_file, self.is_directory = stat.S_ISREG(mode), stat.S_ISDIR(mode)
        self._socket = _as_socket(self.fd) if stat.S_ISSOCK(mode) else None
        self._never_waits = self.is_file or ((stat.S_ISFIFO(mode) or _is_terminal(self.fd)) and self._open_anew())

    def _open_anew(self) -> bool:
        """Have an open file of our own in the place of the copy, if that may be."""
        access = fcntl.fcntl(self.fd, fcntl.F_GETFL) & os.O_ACCMODE
        try:
            own = os.open(f"/proc/self/fd/{self.fd}", access | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:  # of a pipe that nobody reads, too, which the first write will tell
            return False
        os.close(self.fd)
        self.fd = own
        return True

    def read(self, size: int) -> bytes:
        """What is there, up to `size` bytes; nothing at the end."""
        if self._socket is not None:
            return self._socket.recv(size, socket.MSG_DONTWAIT)
        if not self._never_waits:
            buffer = bytearray(size)
            try:
                return bytes(buffer[: os.preadv(self.fd, [buffer], -1, os.RWF_NOWAIT)])
            except OSError as error:
                self._or_ask(error, select.POLLIN)
        return os.read(self.fd, size)

    def write(self, data: bytes) -> int:
        """Write what there is room for; how many bytes that was."""
        if self._socket is not None:
            return self._socket.send(data, socket.MSG_DONTWAIT)
        if not self._never_waits:
            try:
                return os.pwritev(self.fd, [data], -1, os.RWF_NOWAIT)
            except OSError as error:
                self._or_ask(error, select.POLLOUT)
            data = data[: select.PIPE_BUF]  # for more there need not be room (pipe(7))
        return os.write(self.fd, data)

    def _or_ask(self, error: OSError, event: int) -> None:
        """What there is instead of a call that says that it would wait, if there is no such call."""
        if error.errno != errno.EOPNOTSUPP:
            raise error
        ready = select.poll()
        ready.register(self.fd, event)
        if not ready.poll(0):
            raise BlockingIOError

    def close(self) -> None:
        """Close the copy. Safe to call twice."""
        if self.fd >= 0:
            if self._socket is not None:
                self._socket.detach()
            os.close(self.fd)
            self.fd = -1


def _is_terminal(fd: int) -> bool:
    """Whether this is a terminal that stays the same when it is opened anew: a master side would be another one's."""
    if not os.isatty(fd):
        return False
    try:
        fcntl.ioctl(fd, _TIOCGPTN, bytes(4))
    except OSError:
        return True
    return False


def _as_socket(fd: int) -> socket.socket:
    """The socket of a descriptor, with no time-out of its own and the flags that it has."""
    blocking = os.get_blocking(fd)
    end = socket.socket(fileno=fd)
    if end.gettimeout():  # by setdefaulttimeout, which has changed the flags
        end.setblocking(False)
        os.set_blocking(fd, blocking)
    return end
