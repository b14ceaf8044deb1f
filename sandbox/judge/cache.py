"""Compiled programs, kept by the content that they were made from."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.errors import RequestError, step
from sandbox.files import is_executable

SIZE = 1 << 30
"""Bytes of all programs; those not used for longest go first."""

PROGRAM = "program"
_ABOUT = "about.json"


def default_directory() -> Path:
    """/var/cache/sandbox/programs for root, whose home no box can see into; `$XDG_CACHE_HOME/sandbox/programs` for
    others, below ~/.cache if that is not set.
    """
    if os.geteuid() == 0:
        return Path("/var/cache/sandbox/programs")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sandbox" / "programs"


@dataclass(slots=True)
class Entry:
    """One program in the cache, which stays there until it is closed."""

    directory: Path
    about: Mapping[str, Any]
    """What was said when it was stored."""
    _lock: int

    def close(self) -> None:
        """It may go now. Safe to call twice."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


class Cache:
    """A directory of programs, for any number of processes of one user at a time."""

    def __init__(self, directory: Path | None = None, size: int = SIZE) -> None:
        """Made if it is missing. Others cannot list it, and nobody guesses a name in it who does not have the sources.

        `LaunchError` if it cannot be made, `RequestError` if boxes, whose programs are other users, cannot reach it.
        """
        self.directory = Path(os.path.realpath(directory or default_directory()))
        self.size = size
        self._used: int | None = None
        """Bytes that there are at least, once somebody has looked; others may have stored more since."""
        with step(f"make {self.directory}"):
            _make(self.directory)
        if os.geteuid() == 0:
            for place in (self.directory, *self.directory.parents):
                if not place.stat().st_mode & stat.S_IXOTH:
                    raise RequestError("cache", f"boxes cannot reach {self.directory}: chmod o+x {place}")

    @staticmethod
    def key(*parts: bytes | str) -> str:
        """A name for what is made of these, and of nothing else."""
        digest = hashlib.sha256()
        for part in parts:
            data = part.encode(errors="surrogateescape") if isinstance(part, str) else bytes(part)
            digest.update(len(data).to_bytes(8, "little") + data)
        return digest.hexdigest()

    def get(self, key: str) -> Entry | None:
        """The entry of that key, to be closed; `None` if there is none, or it is damaged, and then it is gone."""
        place = self.directory / key
        lock = _hold(place)
        if lock is None:
            return None
        try:
            about = json.loads((place / _ABOUT).read_text())
            if _digests(place / PROGRAM) == about["digests"]:
                os.utime(place)
                return Entry(place / PROGRAM, about["about"], lock)
        except (OSError, ValueError, KeyError, TypeError):
            pass
        os.close(lock)
        self._remove(place)
        return None

    def put(self, key: str, files: Iterable[tuple[str, bytes]], about: Mapping[str, Any]) -> Entry:
        """Store a program; if somebody else was quicker, theirs is taken. `LaunchError` if that cannot be."""
        with step(f"store in {self.directory}"):
            new = self.directory / f".new-{os.urandom(8).hex()}"
            _make(new)
            try:
                _write(new / PROGRAM, files)
                (new / _ABOUT).write_text(json.dumps({"digests": _digests(new / PROGRAM), "about": dict(about)}))
                lock = _hold(new)
                with contextlib.suppress(OSError):
                    new.rename(self.directory / key)
                    self._make_room(self.directory / key)
                    assert lock is not None
                    return Entry(self.directory / key / PROGRAM, about, lock)
                if lock is not None:
                    os.close(lock)
            finally:
                shutil.rmtree(new, ignore_errors=True)
            entry = self.get(key)
            return entry if entry is not None else self.put(key, files, about)

    def _make_room(self, new: Path) -> None:
        """Remove the entries that were not used for longest, until the rest fits, and a tenth more."""
        if self._used is not None:
            self._used += _size(new)
            if self._used <= self.size:
                return
        entries = []
        for place in self.directory.iterdir():
            with contextlib.suppress(OSError):
                entries.append((place.stat().st_mtime, _size(place), place))
        self._used = sum(size for _, size, _ in entries)
        room = self.size if self._used <= self.size else self.size * 9 // 10
        for _, size, place in sorted(entries):
            if self._used <= room:
                break
            if place != new and self._remove(place):
                self._used -= size

    def _remove(self, place: Path) -> bool:
        """Whether it is gone: nobody used it."""
        try:
            fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            old = self.directory / f".old-{os.urandom(8).hex()}"
            place.rename(old)
            shutil.rmtree(old, ignore_errors=True)
            return True
        except OSError:
            return False
        finally:
            os.close(fd)


def _make(directory: Path) -> None:
    """Make a directory, and those that it is in, so that whoever knows its name can reach it, whatever our umask is."""
    missing = [place for place in (directory, *directory.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(exist_ok=True)
        place.chmod(0o711)


def _hold(place: Path) -> int | None:
    """A shared lock on an entry that is still where it was found."""
    try:
        fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
        if os.path.samestat(os.fstat(fd), os.stat(place)):
            return fd
    except OSError as error:
        if error.errno != errno.ENOENT:
            os.close(fd)
            raise
    os.close(fd)
    return None


def _write(program: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """What is mounted into boxes: readable for everybody, changeable for its owner."""
    program.mkdir()
    for name, content in files:
        path = program / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755 if is_executable(content) else 0o644)
    for directory, _, _ in os.walk(program):
        os.chmod(directory, 0o755)  # noqa: S103 - programs in boxes are other users


def _digests(program: Path) -> dict[str, str]:
    """Of every file, with its mode."""
    found = {}
    for directory, _, names in os.walk(program):
        for name in names:
            path = Path(directory) / name
            status = path.lstat()
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path.relative_to(program))] = f"{status.st_mode:o} {digest}"
    return found


def _size(place: Path) -> int:
    return sum((Path(directory) / name).lstat().st_size for directory, _, names in os.walk(place) for name in names)
