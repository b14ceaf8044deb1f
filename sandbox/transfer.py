"""Files into a box before a run, and out of it afterwards. What comes out is hostile: only regular files, opened
without following anything, read up to a limit that the file itself cannot move.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from sandbox.errors import SHORTAGES, LaunchError, RequestError
from sandbox.launch.launcher import Warden, memory_file
from sandbox.result import NotCollected

_REASONS = {
    "ENOENT": "no such file",
    "ENOTDIR": "no such file",
    "ELOOP": "a link; links are not followed",
    "EXDEV": "leads out of the working directory",
    "ENXIO": "not a regular file",
    "EACCES": "its permissions do not allow reading",
}


def put_all(warden: Warden, files: Iterable[tuple[str, bytes | Path]]) -> None:
    """Copy a request's files into the working directory; they belong to the program afterwards."""
    for name, content in files:
        _put(warden, name, content)


def collect_all(warden: Warden, names: Iterable[str], limit: int) -> dict[str, bytes | NotCollected]:
    """The content of each file that the program left, at most `limit` bytes of all together, or why there is none.

    `HostError` if the box has died with them.
    """
    files: dict[str, bytes | NotCollected] = {}
    for name in names:
        files[name] = content = _collect(warden, name, limit)
        limit -= len(content) if isinstance(content, bytes) else 0  # a file with holes is larger than its space
    return files


def _put(warden: Warden, name: str, content: bytes | Path) -> None:
    mode = 0o755
    if isinstance(content, Path):
        source = _open_regular(name, content)
        mode = 0o644 | (os.fstat(source).st_mode & 0o111)
    else:
        source = memory_file(content)
    try:
        warden.put(os.fsencode(name), mode, source)
    except LaunchError as error:
        if error.errno in SHORTAGES:
            raise LaunchError(f"put {name}", error.errno or 0) from None
        hint = "; the limits scratch and inodes say how much a box can hold" if error.code == "ENOSPC" else ""
        raise RequestError("files", f"{name!r}: {os.strerror(error.errno or 0)}{hint}") from None
    finally:
        os.close(source)


def _open_regular(name: str, path: Path) -> int:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in SHORTAGES:
            raise LaunchError(f"open {path}", error.errno or 0) from None
        raise RequestError("files", f"{name!r}: cannot read {str(path)!r}: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise RequestError("files", f"{name!r}: {str(path)!r} is not a regular file")
    return fd


def _collect(warden: Warden, name: str, limit: int) -> bytes | NotCollected:
    try:
        fd = warden.get(os.fsencode(name))
    except LaunchError as error:
        if error.errno in SHORTAGES:
            raise LaunchError(f"collect {name}", error.errno or 0) from None
        return NotCollected(_REASONS.get(error.code, os.strerror(error.errno or 0)))
    try:
        return _read(fd, limit)
    except OSError as error:
        return NotCollected(error.strerror or "cannot be read")
    finally:
        os.close(fd)


def _read(fd: int, limit: int) -> bytes | NotCollected:
    status = os.fstat(fd)
    if stat.S_ISDIR(status.st_mode):
        return NotCollected("a directory")
    if not stat.S_ISREG(status.st_mode):
        return NotCollected("not a regular file")
    if status.st_nlink != 1:
        return NotCollected("has more than one name (hard link)")
    if status.st_size > limit:
        return NotCollected(f"larger than the {limit} bytes that are left of the limit scratch")
    content = os.read(fd, status.st_size)
    while len(content) < status.st_size:  # nobody is left to shrink it, but a signal may come
        if not (more := os.read(fd, status.st_size - len(content))):
            break
        content += more
    return content
