"""Programs that a compiler left: whether each can be started here, and with which class or file it begins."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from sandbox.errors import RequestError
from sandbox.files import File
from sandbox.judge.classfiles import ClassFile, startable
from sandbox.judge.languages import Language
from sandbox.judge.staging import Staged

PROGRAM = "/program"
"""Where a program is when it runs, read-only."""

_EXEC, _DYN = 2, 3
_INTERP = 3
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")


def entry_class(classes: Iterable[File], language: Language, staged: Staged, wanted: str | None) -> str:
    """The class that a program begins with; `RequestError`, for the author, if it has none or several.

    `wanted` is the class that the submission asks for. Else it is the language's default entry point, or the only
    class that can be started; of several in one source, an outer, public, early one.
    """
    found = startable(classes)
    if wanted is not None:
        stem = wanted.removesuffix(language.extensions[0])
        found = [one for one in found if stem in (one.name, one.simple_name)]
    if not found:
        which = "no class" if wanted is None else f"no class {wanted}"
        raise RequestError("submission", f"there is {which} with a method main that {language.name} can start")
    default = [one for one in found if one.simple_name in language.main]
    best = sorted(default or found, key=_rank)
    outer = [one for one in best if "$" not in one.name]
    if len(staged.sources) > 1 and len(outer) > 1:
        names = ", ".join(one.name for one in outer[:5])
        raise RequestError("submission", f"which of these classes is the main one: {names}? Call it {language.main[0]}")
    return best[0].name


def _rank(found: ClassFile) -> tuple[bool, bool, int, str]:
    return "$" in found.name, not found.public, found.line, found.name


def why_not_startable(argv: Iterable[str], files: Mapping[str, File]) -> str:
    """Why a command cannot start with these files in `PROGRAM`, for people; empty if it can."""
    for position, word in enumerate(argv):
        if not word.startswith(PROGRAM + "/"):
            continue
        name = word.removeprefix(PROGRAM + "/")
        content = files.get(name)
        if content is None:
            return f"it left no {name}"
        if position == 0 and not _is_executable(content):
            return f"it left {name}, which is no program that can be started here: is there a main?"
    return ""


def _is_executable(content: File) -> bool:
    return content.executable and (content.startswith(b"#!") or _is_native(content))


def _is_native(content: bytes) -> bool:
    """Whether this is an ELF executable (elf(5)) of this machine's kind, started by the loader of this machine."""
    try:
        identity, kind, machine, _, entry, segments, _, _, _, size, count, *_ = _HEADER.unpack_from(content)
    except struct.error:
        return False
    own_identity, own_machine, loader = _own_kind()
    if identity[:6] != own_identity or machine != own_machine or kind not in (_EXEC, _DYN) or not entry:
        return False
    return size == _SEGMENT.size and set(_loaders(content, segments, count)) <= {loader}


@cache
def _own_kind() -> tuple[bytes, int, bytes]:
    """Identity, machine and loader of the programs of this machine, such as the shell."""
    content = Path("/bin/sh").read_bytes()
    identity, _, machine, _, _, segments, _, _, _, _, count, *_ = _HEADER.unpack_from(content)
    return identity[:6], machine, next(iter(_loaders(content, segments, count)), b"")


def _loaders(content: bytes, segments: int, count: int) -> Iterable[bytes]:
    """Paths of the loaders that a file asks for; a segment beyond the file's end is one that no machine has."""
    for number in range(count):
        at = segments + number * _SEGMENT.size
        if at + _SEGMENT.size > len(content):
            yield b"?"
            return
        kind, _, offset, _, _, size, _, _ = _SEGMENT.unpack_from(content, at)
        if kind == _INTERP:
            yield content[offset : offset + size].rstrip(b"\0")
