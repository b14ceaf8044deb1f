"""Host ids for boxes: as root every slot has a pair that nothing else on this host runs under."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import HostError, step

BASE = 1_879_048_192
"""First host uid and gid of slots: above what systemd and containers use (systemd.io/UIDS-GIDS), below 2^31."""
SLOTS = 4_096

PROGRAM = 1000
"""Programs' uid and gid as the box sees them."""

LOCKS = Path("/run/sandbox-ids")


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of one slot; `lock` is a descriptor that keeps them ours while any copy of it is open."""

    init: int
    """Init's uid and gid in the box."""
    uid_map: str
    gid_map: str
    lock: int
    program: int
    """Programs' uid and gid on the host; as an ordinary user, whose gid can be another, the uid."""

    @property
    def counted(self) -> int:
        """Threads of ours that RLIMIT_NPROC counts as the program's: the warden's and init's, if all have one uid."""
        return 3 if self.init == PROGRAM else 0

    def release(self) -> None:
        """Give the ids back, once the warden's copy of the lock is closed as well."""
        if self.lock >= 0:
            os.close(self.lock)


def allocate() -> Ids:
    """As root a free pair of host ids (init's and programs'); otherwise the caller's own, for both."""
    if os.geteuid() != 0:
        return Ids(PROGRAM, f"{PROGRAM} {os.geteuid()} 1", f"{PROGRAM} {os.getegid()} 1", -1, os.geteuid())
    slot, lock = _lock_slot()
    base = BASE + 2 * slot
    ids = f"0 {base} 1\n{PROGRAM} {base + 1} 1"
    return Ids(0, ids, ids, lock, base + 1)


@step("lock host ids")
def _lock_slot() -> tuple[int, int]:
    """The first free slot, locked by one byte of a file (an open-file-description lock: it ends with its holders)."""
    fd = os.open(LOCKS, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    for slot in range(SLOTS):
        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, slot, 1, 0)
        try:
            fcntl.fcntl(fd, fcntl.F_OFD_SETLK, lock)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                os.close(fd)
                raise HostError(f"ids: {LOCKS}: {error.strerror}") from None
        else:
            return slot, fd
    os.close(fd)
    raise HostError(f"ids: all {SLOTS} pairs of host ids are in use")
