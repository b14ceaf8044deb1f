"""Files and trees of the host: read, and written, without following a link that somebody else may have put there."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from pathlib import Path

from sandbox.errors import SHORTAGES, LaunchError, RequestError, step

MAX_FILES = 1_000
"""Files that a request may put into a box, and files it may collect, with those of trees and their directories."""

MAX_DEPTH = 32
"""Directories below each other in a tree that goes into a box or comes out."""

WHOLE = "./"
"""The name of the tree that is the working directory itself."""

_READ = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY"))
"""Not every system has these: a client of a service elsewhere works on all."""


class File(bytes):
    """A file's content, and whether the file can be executed. Of its mode, this alone goes into a box or out of it."""

    _executable: bool

    def __new__(cls, content: bytes, executable: bool = False) -> File:
        """A copy of `content`."""
        file = super().__new__(cls, content)
        file._executable = executable
        return file

    @property
    def executable(self) -> bool:
        """Whether its owner can execute it; cannot be changed, as the content."""
        return self._executable

    def __getnewargs__(self) -> tuple[bytes, bool]:  # type: ignore[override]  # what copying and pickling make it from
        return bytes(self), self._executable


def is_executable(content: bytes) -> bool:
    """Whether a file of this content is to be executable: of plain bytes nobody has said that it is not."""
    return content.executable if isinstance(content, File) else True


def opened(name: str, path: Path, within: Path | None = None) -> Generator[tuple[str, int]]:
    """A host's file, or every file of a tree, each by its name in the box and with a descriptor that stays ours.

    Empty directories, whose names end with a slash, have -1. `RequestError` for links inside of a tree and for
    whatever is neither a file nor a directory. Nobody who changes the tree meanwhile leads us out of it: below
    `path`, every part is opened by itself, and no link is followed; or, if there is a directory `within` which that
    has to be, those that stay in it are, and `path` is held to the same.
    """
    root = None if within is None else os.path.realpath(within)
    start = str(path) if root is None else os.path.realpath(path)
    with _opened(name, start) if root is None else _reached(name, root, start) as fd:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            yield from _below("" if name == WHOLE else name.rstrip("/") + "/", fd, 0, root, start)
        elif name.endswith("/"):
            raise RequestError("files", f"{name!r}: {str(path)!r} is not a directory")
        else:
            yield name, fd


def _below(prefix: str, directory: int, depth: int, root: str | None, place: str) -> Generator[tuple[str, int]]:
    """What is in a directory, which is at `place` if there is a `root` that links may lead about in."""
    if depth > MAX_DEPTH:
        raise RequestError("files", f"{prefix!r}: more than {MAX_DEPTH} directories deep")
    with os.scandir(directory) as entries:
        parts = sorted(entry.name for entry in islice(entries, MAX_FILES + 1))
    if len(parts) > MAX_FILES:
        raise RequestError("files", f"{prefix or WHOLE!r}: more than {MAX_FILES} files")
    if not parts:
        yield prefix or WHOLE, -1
    for part in parts:
        name, real = prefix + part, os.path.join(place, part)
        if root is not None and os.path.islink(real):
            real = os.path.realpath(real)
            reached = _reached(name, root, real)
        else:
            reached = _opened(name, part, directory)
        with reached as fd:
            if stat.S_ISDIR(os.fstat(fd).st_mode):
                yield from _below(f"{name}/", fd, depth + 1, root, real)
            else:
                yield name, fd


@contextlib.contextmanager
def _reached(name: str, root: str, real: str) -> Iterator[int]:
    """What is at a place without links, which must be below `root`: a part that is a link by now is an error."""
    parts = os.path.relpath(real, root).split("/")
    if parts[0] == "..":
        raise RequestError("files", f"{name!r}: a link that leads out of {os.path.basename(root)!r}")
    with contextlib.ExitStack() as stack:
        fd = stack.enter_context(_opened(name, root))
        for part in parts:
            if part != ".":
                fd = stack.enter_context(_opened(name, part, fd))
        yield fd


@contextlib.contextmanager
def _opened(name: str, path: str, directory: int | None = None) -> Iterator[int]:
    """A file or directory of the host; the caller's own path may be a link, what is found in a directory may not."""
    try:
        if directory is not None and stat.S_ISLNK(os.lstat(path, dir_fd=directory).st_mode):
            raise RequestError("files", f"{name!r}: a link; links in a tree are not followed")
        fd = os.open(path, _READ | (0 if directory is None else os.O_NOFOLLOW), dir_fd=directory)
    except OSError as error:
        if error.errno in SHORTAGES:
            raise LaunchError(f"open {path}", error.errno or 0) from None
        raise RequestError("files", f"{name!r}: cannot read {path!r}: {error.strerror}") from None
    try:
        if not _is_plain(os.fstat(fd).st_mode):
            raise RequestError("files", f"{name!r}: {path!r} is not a regular file")
        yield fd
    finally:
        os.close(fd)


def _is_plain(mode: int) -> bool:
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def read(name: str, fd: int, limit: int) -> File:
    """At most `limit` bytes of a file."""
    chunks = []
    with step(f"read {name}"):
        executable = bool(os.fstat(fd).st_mode & stat.S_IXUSR)
        while limit > 0 and (chunk := os.read(fd, min(limit, 1 << 20))):
            chunks.append(chunk)
            limit -= len(chunk)
    return File(b"".join(chunks), executable)


def write_all(directory: str | os.PathLike[str], files: Iterable[tuple[str, bytes]]) -> None:
    """Write files below a directory of the host, which is made if it is missing; `LaunchError` for what cannot be.

    Nothing is written through a link: one in the place of a directory is an error, in the place of a file it is
    replaced, as a file would be.
    """
    with step(f"save to {os.fspath(directory)}"):
        with contextlib.suppress(FileExistsError):
            os.mkdir(directory)
        top = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name, content in files:
            with step(f"save {name}"):
                _write_one(top, name, content)
    finally:
        os.close(top)


def _write_one(top: int, name: str, content: bytes) -> None:
    *parents, last = ("." if name == WHOLE else name).split("/")
    directory = os.dup(top)
    try:
        for part in parents:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, dir_fd=directory)
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
            os.close(directory)
            directory = below
        if last not in ("", "."):  # after a slash: a directory, which is there now
            _write(directory, last, content)
    finally:
        os.close(directory)


def _write(directory: int, name: str, content: bytes) -> None:
    """Under another name first, so that whatever has this one is replaced and not opened."""
    other = f".{os.urandom(8).hex()}"
    mode = 0o777 if is_executable(content) else 0o666
    with open(
        os.open(other, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=directory), "wb"
    ) as file:
        try:
            file.write(content)
            file.flush()
            os.replace(other, name, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException:
            os.unlink(other, dir_fd=directory)
            raise
