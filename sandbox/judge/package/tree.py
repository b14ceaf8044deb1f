"""The files of a package: listed once, links resolved, and nothing in it that is not a file or a directory inside.

A package is somebody else's. Links are followed as far as they stay in the package, where they are in use (one test in
two groups); devices, FIFOs, sockets and links that lead out are errors.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.files import MAX_DEPTH
from sandbox.judge.package.findings import Findings

MAX_ENTRIES = 1_000_000
"""Files and directories of a package, those counted again that are reached through links."""
MAX_LINKED_DIRECTORIES = 1_000
"""Links to directories that are followed: such links can multiply."""
MAX_TEXT = 1 << 20
"""Bytes of a file that is read as text."""

_STRICT = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,254}")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\udc80-\udcff]")
_IGNORED = frozenset({"__MACOSX"})
_OF_SUBMISSIONS = "submissions/"
TIME_LIMIT = ".timelimit"
"""The one file that is read in spite of its dot."""


def is_missed(name: str) -> bool:
    """Whether what is hidden by the dot that its name begins with looks like a test or a submission nevertheless."""
    *above, last = name.split("/")
    if not last.startswith(".") or last.startswith(("._", ".git")) or last.endswith((".swp", "~")):
        return False
    return last.endswith((".in", ".ans")) or (above[-2:-1] == ["submissions"] and "." in last[1:])


class Stop(Exception):  # no error by itself: what it is about has been told
    """Goes on no further: an error that was found makes the rest meaningless."""


@dataclass(slots=True)
class Directory:
    """A directory of the package, as far as its entries are used."""

    name: str
    """Relative to the package; `.` for the package itself."""
    path: str
    """Without links."""
    files: dict[str, str] = field(default_factory=dict)
    """By name: where the file really is."""
    directories: dict[str, Directory] = field(default_factory=dict)
    has_links: bool = False

    def at(self, name: str) -> str:
        """The name, relative to the package, of an entry."""
        return name if self.name == "." else f"{self.name}/{name}"

    def below(self, name: str) -> Directory | None:
        """A directory given as `data/secret`; `None` if there is none."""
        found: Directory | None = self
        for part in name.split("/"):
            found = found and found.directories.get(part)
        return found

    def walk(self) -> Iterator[Directory]:
        """This directory and all below, parents first."""
        yield self
        for _, directory in sorted(self.directories.items()):
            yield from directory.walk()


def listed(root: Path, strict_names: bool, findings: Findings) -> Directory:
    """Everything in a directory. With `strict_names`, as in 2025-09, what has another name is as good as not there."""
    return _Listing(os.path.realpath(root), strict_names, findings).directory(os.path.realpath(root), ".", ())


class _Listing:
    def __init__(self, root: str, strict_names: bool, findings: Findings) -> None:
        self._root = root
        self._strict = strict_names
        self._findings = findings
        self._entries = 0
        self._linked = 0

    def directory(self, path: str, name: str, above: tuple[str, ...]) -> Directory:
        """`above` are the real paths of the directories that lead here."""
        found = Directory(name, path)
        above = (*above, path)
        if len(above) > MAX_DEPTH + 1:
            self._tell(name, "too-deep", f"more than {MAX_DEPTH} directories deep")
            return found
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    self._add(found, entry, above)
        except OSError as error:
            self._tell(name, "unreadable", f"cannot be listed: {error.strerror}")
        return found

    def _add(self, found: Directory, entry: os.DirEntry[str], above: tuple[str, ...]) -> None:
        self._entries += 1
        if self._entries > MAX_ENTRIES:
            self._findings.error(found.name, "too-many-files", f"the package has more than {MAX_ENTRIES} files")
            raise Stop
        if not self._is_used(found, entry.name):
            return
        if entry.is_file(follow_symlinks=False):
            found.files[entry.name] = entry.path
        elif entry.is_dir(follow_symlinks=False):
            found.directories[entry.name] = self.directory(entry.path, found.at(entry.name), above)
        elif entry.is_symlink():
            self._add_link(found, entry, above)
        else:
            self._refuse(found, entry, "not-a-file", "is neither a file nor a directory")

    def _refuse(self, found: Directory, entry: os.DirEntry[str], rule: str, message: str) -> None:
        """Tell of what nobody may read; whoever judges it, if it is a submission, finds the same."""
        name = found.at(entry.name)
        self._tell(name, rule, message)
        if name.startswith(_OF_SUBMISSIONS):
            found.files[entry.name] = entry.path

    def _tell(self, name: str, rule: str, message: str) -> None:
        """An error; but what is wrong with a jury's submission is no concern of the others."""
        if name.startswith(_OF_SUBMISSIONS):
            self._findings.warning(name, rule, f"{message}: the submission cannot be judged")
        else:
            self._findings.error(name, rule, message)

    def _is_used(self, found: Directory, name: str) -> bool:
        if name[0] == ".":
            if is_missed(found.at(name)):
                reason = "is hidden by the dot that its name begins with: it is ignored"
                self._findings.warning(_printable(found.at(name)), "name", reason)
            return name == TIME_LIMIT and found.name == "."
        if name in _IGNORED:
            return False
        if self._strict and not _STRICT.fullmatch(name):
            reason = "has a name outside of a-z A-Z 0-9 _ . -, or begins with a dash: it is ignored"
        elif _UNPRINTABLE.search(name):
            reason = "has a name that is not UTF-8, or not printable: it is ignored"
        else:
            return True
        self._findings.warning(_printable(found.at(name)), "name", reason)
        return False

    def _add_link(self, found: Directory, entry: os.DirEntry[str], above: tuple[str, ...]) -> None:
        found.has_links = True
        name = found.at(entry.name)
        try:
            target = os.path.realpath(entry.path, strict=True)
            mode = os.stat(target).st_mode
        except OSError as error:
            circular = error.errno == errno.ELOOP
            self._refuse(found, entry, "link", "is a link to itself" if circular else "is a link to nothing")
            return
        if not target.startswith(self._root + "/") and target != self._root:
            self._refuse(found, entry, "link", "is a link that leads out of the package")
        elif stat.S_ISREG(mode):
            found.files[entry.name] = target
        elif not stat.S_ISDIR(mode):
            self._refuse(found, entry, "not-a-file", "is a link to what is neither a file nor a directory")
        elif target in above:
            self._refuse(found, entry, "link", "is a link to a directory that it is in: the groups form a cycle")
        else:
            self._linked += 1
            if self._linked > MAX_LINKED_DIRECTORIES:
                self._findings.error(name, "too-many-files", f"more than {MAX_LINKED_DIRECTORIES} links to directories")
                raise Stop
            found.directories[entry.name] = self.directory(target, name, above)


def _printable(name: str) -> str:
    shown = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in shown)


def contents(path: str, limit: int = MAX_TEXT) -> bytes:
    """At most `limit` + 1 bytes of a regular file, and no waiting if it is something else by now; `OSError`."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY)
    with open(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "is not a regular file")
        return file.read(limit + 1)


def first_line(path: str) -> bytes:
    """The first line of a file, as far as one that names an interpreter may go; empty if it cannot be read."""
    try:
        return contents(path, 255).partition(b"\n")[0]
    except OSError:
        return b""


def text(path: str, name: str, findings: Findings, limit: int = MAX_TEXT) -> str | None:
    """A text file; `None` if it could not be read as UTF-8, which is a finding then. Line ends are as they are."""
    try:
        raw = contents(path, limit)
    except OSError as error:
        findings.error(name, "unreadable", f"cannot be read: {error.strerror}")
        return None
    if len(raw) > limit:
        findings.error(name, "too-large", f"has more than {limit} bytes, which is the most that is read")
        return None
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        findings.error(name, "encoding", f"is not UTF-8: byte 0x{raw[error.start]:02x}", line)
        return None
    if decoded.startswith("\ufeff"):
        findings.warning(name, "encoding", "begins with a byte-order mark", 1)
    return decoded.removeprefix("\ufeff")
