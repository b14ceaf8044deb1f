"""Files and trees into a box before a run, and out of it afterwards. What comes out is hostile: only regular files,
opened without following anything, read up to a limit that the file itself cannot move; of trees, no more entries and
no deeper than is set here.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Generator, Iterable
from errno import ENOTDIR, errorcode
from itertools import islice
from pathlib import Path

from sandbox.errors import SHORTAGES, LaunchError, RequestError
from sandbox.files import MAX_DEPTH, MAX_FILES, WHOLE, File, is_executable, opened
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

_LONGEST = 4_000
"""Bytes of a name that goes into a box, and so of one that comes out."""


_Files = dict[str, bytes | NotCollected]


def put_all(warden: Warden, files: Iterable[tuple[str, bytes | Path]]) -> None:
    """Copy a request's files and trees into the working directory; they belong to the program afterwards."""
    with contextlib.closing(_sources(files)) as sources:
        for number, (name, source, mode) in enumerate(sources):
            if number >= MAX_FILES:
                raise RequestError("files", f"{name!r}: more than {MAX_FILES} files, with those of trees")
            _put(warden, name, source, mode)


def collect_all(warden: Warden, names: Iterable[str], limit: int) -> _Files:
    """The content of each file that the program left, at most `limit` bytes of all together, or why there is none.

    Of a tree, whose name ends with a slash, every file below it; a directory in it that is empty is `b""`, one that
    was not read to its end is a reason. `HostError` if the box has died with them.
    """
    collector = _Collector(warden, limit)
    for name in names:
        if name.endswith("/"):
            collector.tree(name, 0)
        else:
            collector.file(name)
    return collector.files


def _sources(files: Iterable[tuple[str, bytes | Path]]) -> Generator[tuple[str, int, int]]:
    """Name, content and mode of all that goes in; for a directory that is to be there, -1 and 0."""
    for name, content in files:
        if isinstance(content, Path):
            for part, fd in opened(name, content):
                yield part, fd, 0 if fd < 0 else 0o644 | (os.fstat(fd).st_mode & 0o111)
        elif name.endswith("/"):
            yield name, -1, 0
        else:
            source = memory_file(content)
            try:
                yield name, source, 0o755 if is_executable(content) else 0o644
            finally:
                os.close(source)


def _put(warden: Warden, name: str, source: int, mode: int) -> None:
    try:
        if source >= 0:
            warden.put(os.fsencode(name), mode, source)
        elif name != WHOLE:
            warden.put_directory(os.fsencode(name.rstrip("/")))
    except LaunchError as error:
        if error.errno in SHORTAGES:
            raise LaunchError(f"put {name}", error.errno or 0) from None
        hint = "; the limits scratch and inodes say how much a box can hold" if error.code == "ENOSPC" else ""
        raise RequestError("files", f"{name!r}: {os.strerror(error.errno or 0)}{hint}") from None


class _Collector:
    """What is collected of one run, all of it within one limit of bytes and one of entries."""

    def __init__(self, warden: Warden, limit: int) -> None:
        self.files: _Files = {}
        self._warden = warden
        self._limit = limit
        self._room = MAX_FILES
        """Entries that trees may still have; a single file has been counted by the request."""
        self._listed: set[str] = set()

    def file(self, name: str) -> None:
        """Have the content of a file, or the reason why not."""
        if name in self.files:  # of a tree that was asked for as well
            return
        fd = self._open(name)
        content = fd if isinstance(fd, NotCollected) else self._read(fd)
        # A file with holes is larger than its space.
        self._limit -= len(content) if isinstance(content, bytes) else 0
        self.files[name] = content

    def tree(self, name: str, depth: int) -> None:
        """Have every file below a directory, whose name ends with a slash."""
        if name in self._listed:  # in another tree
            return
        entries = self._list(name) if depth <= MAX_DEPTH else NotCollected(f"more than {MAX_DEPTH} directories deep")
        if isinstance(entries, NotCollected):
            self.files[name] = entries
            return
        self._listed.add(name)
        self.files.pop(name, None)  # another tree did not get as deep
        if not entries:
            self.files[name] = b""
        elif len(entries) > self._room:
            self.files[name] = NotCollected(f"not all of it: more than {MAX_FILES} files and directories in all trees")
            del entries[self._room :]
        self._room -= len(entries)
        for part, kind in sorted(entries):
            path = part if name == WHOLE else name + part
            if len(os.fsencode(path)) > _LONGEST:
                self.files[path] = NotCollected("its name is too long")
            elif kind == stat.S_IFDIR:
                self.tree(path + "/", depth + 1)
            elif kind in (stat.S_IFREG, stat.S_IFLNK):
                self.file(path)
            else:
                self.files[path] = NotCollected("not a regular file")

    def _list(self, name: str) -> list[tuple[str, int]] | NotCollected:
        """Names and kinds of a directory's entries, of which one more than there is room for are looked at."""
        fd = self._open("" if name == WHOLE else name[:-1])
        if isinstance(fd, NotCollected):
            return fd
        try:
            with os.scandir(fd) as entries:
                return [(entry.name, _kind(entry)) for entry in islice(entries, self._room + 1)]
        except OSError as error:
            return NotCollected("not a directory") if error.errno == ENOTDIR else _reason(error, name)
        finally:
            os.close(fd)

    def _open(self, name: str) -> int | NotCollected:
        try:
            return self._warden.get(os.fsencode(name))
        except LaunchError as error:
            return _reason(error, name)

    def _read(self, fd: int) -> bytes | NotCollected:
        try:
            return _read(fd, self._limit)
        except OSError as error:
            return NotCollected(error.strerror or "cannot be read")
        finally:
            os.close(fd)


def _reason(error: OSError, name: str) -> NotCollected:
    if error.errno in SHORTAGES:
        raise LaunchError(f"collect {name}", error.errno or 0) from None
    return NotCollected(_REASONS.get(errorcode.get(error.errno or 0, ""), os.strerror(error.errno or 0)))


def _kind(entry: os.DirEntry[str]) -> int:
    if entry.is_symlink():
        return stat.S_IFLNK
    if entry.is_dir(follow_symlinks=False):
        return stat.S_IFDIR
    return stat.S_IFREG if entry.is_file(follow_symlinks=False) else 0


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
    return File(content, bool(status.st_mode & stat.S_IXUSR))
