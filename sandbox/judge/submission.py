"""What somebody hands in: source files, or answers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.errors import SHORTAGES, LaunchError, RequestError
from sandbox.files import MAX_FILES, WHOLE, File, opened
from sandbox.files import read as read_file
from sandbox.judge.problem import CONSTANT

MAX_SIZE = 64 << 20
"""Bytes of all files of a submission together."""


@dataclass(frozen=True, slots=True)
class Submission:
    """Files by name, as they are put where they are compiled."""

    name: str
    files: Mapping[str, File]
    language: str | None = None
    """The code of its language; `None` if that is to be found out."""
    entry_point: str | None = None
    """The main file, or class; `None` if that is to be found out."""

    @classmethod
    def read(
        cls, path: str | os.PathLike[str], language: str | None = None, *, within: Path | None = None
    ) -> Submission:
        """A file, or all files of a directory. Links in it are followed as far as they stay `within` a directory, its
        own if no other is given. `RequestError` for those that do not, for what is no regular file or cannot be read,
        and for nothing at all, too many files, or more than `MAX_SIZE` bytes.
        """
        path = Path(path)
        files: dict[str, File] = {}
        room = MAX_SIZE
        # A link may be somebody else's than its reader: it leads no further than where it lies.
        within = within or (path.parent if path.is_symlink() else path if path.is_dir() else None)
        name = WHOLE if path.is_dir() else path.name
        for count, (below, fd) in enumerate(opened(name, path, within), 1):
            if count > MAX_FILES:
                raise RequestError("submission", f"{path.name!r} has more than {MAX_FILES} files")
            if fd < 0 or (name == WHOLE and _is_hidden(below)):
                continue
            files[below] = _content(below, fd, room + 1)
            room -= len(files[below])
            if room < 0:
                raise RequestError("submission", f"{path.name!r} has more than {MAX_SIZE >> 20} MiB")
        if not files:
            raise RequestError("submission", f"{path.name!r} is a directory without files")
        return cls(path.name, files, language)

    def with_constants(self, constants: Mapping[str, str]) -> Submission:
        """The same with each `{{name}}` of a problem's constants replaced, as it stands in the jury's own sources."""
        if not constants:
            return self
        return replace(self, files={name: _replaced(content, constants) for name, content in self.files.items()})

    def named(self, name: str, language: str | None = None, entry_point: str | None = None) -> Submission:
        """The same under another name, and with what is known of it."""
        return replace(self, name=name, language=language or self.language, entry_point=entry_point or self.entry_point)


def _content(name: str, fd: int, limit: int) -> File:
    """A file's content; if it cannot be read, and not for want of something on this host, that is the submission's."""
    try:
        return read_file(name, fd, limit)
    except LaunchError as error:
        if error.errno in SHORTAGES:
            raise
        raise RequestError("submission", str(error)) from None


def _is_hidden(name: str) -> bool:
    """Whether it is what systems and editors leave in directories: the format has it be as good as not there."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


_CONSTANT = re.compile(CONSTANT.encode())


def _replaced(content: File, constants: Mapping[str, str]) -> File:
    """What else stands in braces stays."""
    values = {name.encode(): value.encode() for name, value in constants.items()}
    return File(_CONSTANT.sub(lambda match: values.get(match[1], match[0]), content), content.executable)
