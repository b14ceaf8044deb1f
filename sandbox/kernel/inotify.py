"""Watching files for being closed (inotify(7))."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator

CLOSE_WRITE, CLOSE_NOWRITE = 0x8, 0x10
"""Somebody's last descriptor of a file that was open for writing, or not for writing, was closed."""

_EVENT = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)


class Inotify:
    """A descriptor, `fd`, that becomes readable when something happens to a file that is watched."""

    def __init__(self) -> None:
        """Watches nothing yet. `OSError` if there are too many of them."""
        self.fd = _check(_libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))

    def watch(self, path: str, events: int) -> int:
        """Watch what is at a path now, whatever becomes of its name; a number by which `read` tells it."""
        return _check(_libc.inotify_add_watch(self.fd, os.fsencode(path), events))

    def read(self) -> Iterator[tuple[int, int]]:
        """The number and the event of everything that has happened; does not wait."""
        try:
            data = os.read(self.fd, 4096)
        except BlockingIOError:
            return
        while data:
            watch, event, _, length = _EVENT.unpack_from(data)
            yield watch, event
            data = data[_EVENT.size + length :]

    def close(self) -> None:
        """Watch no longer."""
        os.close(self.fd)


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
