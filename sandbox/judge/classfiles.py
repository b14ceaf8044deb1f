"""Java class files: which of a program's classes can be started (JVM specification, chapter 4 and section 12.1 of the
Java language specification). A compiler's output is hostile input: what is malformed is no class.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_MAGIC = 0xCAFEBABE
_PUBLIC, _PRIVATE, _STATIC = 0x0001, 0x0002, 0x0008
_MAIN = "([Ljava/lang/String;)V"
_INSTANCE_MAIN = 69
"""The version of class files from which main may be an instance method, and have no parameter (Java 25, JEP 512)."""

_FIXED = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}
"""Bytes of each constant behind its tag (JVM specification, table 4.4-A); tag 1 is text of any length."""


@dataclass(frozen=True, slots=True)
class ClassFile:
    """One class, as far as starting it is concerned."""

    name: str
    """As the command `java` takes it, such as `a.b.Main`."""
    superclass: str
    public: bool
    main: bool
    """Whether it has a method of its own that the virtual machine can start with."""
    line: int
    """Of the source, in which `main` begins; 0 if that is not known."""

    @property
    def simple_name(self) -> str:
        """The name without its package."""
        return self.name.rpartition(".")[2]


class _Reader:
    """A class file, front to back; `struct.error` where it ends too early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, size: int) -> int:
        """An unsigned number of 1, 2 or 4 bytes."""
        (value,) = struct.unpack_from({1: ">B", 2: ">H", 4: ">I"}[size], self._data, self._at)
        self._at += size
        return int(value)

    def take(self, size: int) -> bytes:
        """So many bytes."""
        if self._at + size > len(self._data):
            raise struct.error("the file is cut")
        self._at += size
        return self._data[self._at - size : self._at]


def parse(data: bytes) -> ClassFile | None:
    """The class in a file; `None` if it holds none."""
    try:
        return _parse(_Reader(data))
    except (struct.error, KeyError, ValueError):
        return None


def _parse(file: _Reader) -> ClassFile | None:
    if file.number(4) != _MAGIC:
        return None
    file.number(2)
    version = file.number(2)
    texts, classes = _constants(file)
    flags = file.number(2)
    name, superclass = texts[classes[file.number(2)]], file.number(2)
    above = texts[classes[superclass]] if superclass else ""
    file.take(2 * file.number(2))  # interfaces
    for _ in range(file.number(2)):  # fields
        file.take(6)
        _attributes(file, texts)
    lines = [line for _ in range(file.number(2)) if (line := _main_line(file, texts, version)) is not None]
    return ClassFile(
        name.replace("/", "."), above.replace("/", "."), bool(flags & _PUBLIC), bool(lines), min(lines, default=0)
    )


def _constants(file: _Reader) -> tuple[dict[int, str], dict[int, int]]:
    """Texts by their index, and of classes the index of their names."""
    texts: dict[int, str] = {}
    classes: dict[int, int] = {}
    count, index = file.number(2), 1
    while index < count:
        tag = file.number(1)
        if tag == 1:
            texts[index] = file.take(file.number(2)).decode(errors="surrogateescape")
        elif tag == 7:
            classes[index] = file.number(2)
        else:
            file.take(_FIXED[tag])
        index += 2 if tag in (5, 6) else 1  # longs and doubles take two places
    return texts, classes


def _main_line(file: _Reader, texts: Mapping[int, str], version: int) -> int | None:
    """The line that a method begins in if the virtual machine can start with it; `None` if it cannot."""
    flags, name, descriptor = file.number(2), texts[file.number(2)], texts[file.number(2)]
    line = 0
    for attribute, content in _attributes(file, texts):
        if attribute == "Code":
            line = _first_line(_Reader(content), texts)
    if name != "main":
        return None
    classic = descriptor == _MAIN and flags & _PUBLIC and flags & _STATIC
    modern = version >= _INSTANCE_MAIN and descriptor in (_MAIN, "()V") and not flags & _PRIVATE
    return line if classic or modern else None


def _first_line(code: _Reader, texts: Mapping[int, str]) -> int:
    code.take(4)
    code.take(code.number(4))
    code.take(8 * code.number(2))  # exception handlers
    tables = [_Reader(content) for attribute, content in _attributes(code, texts) if attribute == "LineNumberTable"]
    lines = [table.number(4) & 0xFFFF for table in tables for _ in range(table.number(2))]
    return min(lines, default=0)


def _attributes(file: _Reader, texts: Mapping[int, str]) -> list[tuple[str, bytes]]:
    return [(texts[file.number(2)], file.take(file.number(4))) for _ in range(file.number(2))]


def startable(files: Iterable[bytes]) -> list[ClassFile]:
    """Those of a program's class files that `java` can start: they have a `main` of their own, or inherit one."""
    known = {found.name: found for content in files if (found := parse(content)) is not None}

    def has_main(found: ClassFile | None) -> bool:
        seen: set[str] = set()
        while found is not None and found.name not in seen:
            if found.main:
                return True
            seen.add(found.name)
            found = known.get(found.superclass)
        return False

    return [found for found in known.values() if has_main(found)]
