"""The listener of a box's filter (seccomp_unotify(2)), for learning which calls a trusted program makes.

Of what a policy denies, init hears by itself (init/denials.c).
"""

from __future__ import annotations

import contextlib
import fcntl
import select
import struct
from dataclasses import dataclass

from sandbox.kernel.seccomp import syscall_name

_NOTIF = struct.Struct("=QII iIQ6Q")  # struct seccomp_notif
_RESPONSE = struct.Struct("=QqiI")  # struct seccomp_notif_resp
_RECEIVE = 0xC0502100  # SECCOMP_IOCTL_NOTIF_RECV
_SEND = 0xC0182101  # SECCOMP_IOCTL_NOTIF_SEND
_CONTINUE = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE, Linux 5.5


@dataclass(frozen=True, slots=True)
class Call:
    """A system call that waits for its answer; `pid` is the caller's, as this process sees it."""

    id: int
    pid: int
    number: int
    arch: int
    arguments: tuple[int, ...]

    @property
    def name(self) -> str:
        """The call's name, or its number if it has none."""
        return syscall_name(self.number, self.arch)


def receive(listener: int) -> Call | None:
    """The next waiting call; `None` if there is none, or if its caller has died meanwhile."""
    # When all who were under the filter are gone the listener stirs as well (POLLHUP), and kernels before 6.11 would
    # then wait in the call below for ever.
    waiting = select.poll()
    waiting.register(listener, select.POLLIN)
    if not any(events & select.POLLIN for _, events in waiting.poll(0)):
        return None
    buffer = bytearray(_NOTIF.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, buffer)
    except OSError:
        return None
    identifier, pid, _, number, arch, _, *arguments = _NOTIF.unpack(buffer)
    return Call(identifier, pid, number, arch, tuple(arguments))


def let_through(listener: int, call: Call) -> None:
    """Let a waiting call go on: for learning what a trusted program needs, never as a decision on a hostile one."""
    response = bytearray(_RESPONSE.pack(call.id, 0, 0, _CONTINUE))
    with contextlib.suppress(FileNotFoundError):  # the caller has died meanwhile
        fcntl.ioctl(listener, _SEND, response)
