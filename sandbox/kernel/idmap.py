"""Mounts in which the files of one owner are another's (MOUNT_ATTR_IDMAP in mount_setattr(2)).

A slot's programs have host ids that own nothing on the host. In such a mount what belongs to the directory's owner is
theirs, and what they make belongs to that owner on the disk. The files of others cannot be changed there, whatever
their modes say: the kernel refuses to, since it could not tell whose they are.
"""

from __future__ import annotations

import ctypes
import os

from sandbox.errors import step

# Calls from 424 on have the same number on every architecture.
_OPEN_TREE, _OPENAT2, _MOUNT_SETATTR = 428, 437, 442

_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_OPEN_TREE_CLONE = 1
_RESOLVE_NO_SYMLINKS = 4
_NOSUID, _NODEV, _IDMAP = 2, 4, 0x100000
_MS_PRIVATE = 1 << 18

_libc = ctypes.CDLL(None, use_errno=True)


def _syscall(number: int, *arguments: object) -> int:
    """A system call that libc may have no function for; `OSError` if the kernel refuses."""
    result: int = _libc.syscall(
        number, *(ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments)
    )
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


class OwnMount:
    """A copy of the mounts at and below a path, attached nowhere. Needs CAP_SYS_ADMIN on the host."""

    def __init__(self, source: bytes) -> None:
        self._name = os.fsdecode(source)
        # What was chosen, and not where a link that has taken its place since then leads to.
        how = (ctypes.c_uint64 * 3)(os.O_PATH | os.O_CLOEXEC, 0, _RESOLVE_NO_SYMLINKS)
        with step(f"mount {self._name}"):
            place = _syscall(_OPENAT2, _AT_FDCWD, source, ctypes.byref(how), ctypes.sizeof(how))
            try:
                self._status = os.fstat(place)
                flags = _OPEN_TREE_CLONE | os.O_CLOEXEC | _AT_EMPTY_PATH | _AT_RECURSIVE
                self.fd = _syscall(_OPEN_TREE, place, b"", flags)
            finally:
                os.close(place)

    def id_maps(self, program: int) -> tuple[str, str]:
        """A uid_map and a gid_map in which the owner of what is at the path is that host id; others are nobody."""
        return f"{self._status.st_uid} {program} 1", f"{self._status.st_gid} {program} 1"

    def map(self, namespace: int) -> None:
        """Apply the maps of a user namespace, for good; from now on nothing that is mounted on the host shows here."""
        attributes = (ctypes.c_uint64 * 4)(_NOSUID | _NODEV | _IDMAP, 0, _MS_PRIVATE, namespace)
        with step(f"map the owner of {self._name}"):
            flags = _AT_EMPTY_PATH | _AT_RECURSIVE
            _syscall(_MOUNT_SETATTR, self.fd, b"", flags, ctypes.byref(attributes), ctypes.sizeof(attributes))

    def close(self) -> None:
        """Give our descriptor up; the mount stays where it has been attached."""
        os.close(self.fd)
