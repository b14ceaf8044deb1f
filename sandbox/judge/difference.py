"""Where an output first differs from the jury's answer, as data and as a line for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SHOWN = 200
"""Bytes of each side that a difference keeps."""

CUT = b"[cut]"
"""Stands, with a space, where something longer was cut. What lies between whitespace cannot contain it."""

Kind = Literal["token", "number", "whitespace", "line", "byte", "missing", "extra"]
"""What differs: a token as text, a token as a number, whitespace that counts, a line, a byte. Or one of the two ended
first: the output lacks something (`missing`), or has something too much (`extra`)."""


@dataclass(frozen=True, slots=True)
class Place:
    """A byte of a file: its line and its column, in bytes, both from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


@dataclass(frozen=True, slots=True)
class Difference:
    """The first difference. Holds what the jury expected: who may see it is the caller's to decide."""

    kind: Kind
    output: Place | None
    """In the output: where the token starts, or the first byte that differs. `None` if the output is a stream that
    cannot be read twice, or if a line is missing that might have been anywhere."""
    answer: Place | None
    """The same in the jury's answer. `None` also for a line that is nowhere in it."""
    found: bytes
    """What the output has there; empty if it is `missing`."""
    expected: bytes
    """What the answer has there; empty if it is `extra`. Both show at most 200 bytes, and `[cut]` where something was
    left out: after them, or before them if the first 200 bytes are the same."""
    token: int | None = None
    """Which token of the output, from 1, where tokens are compared and the output can be read twice."""
    absolute_error: float | None = None
    """Of two numbers: how far the output's is from the answer's."""
    relative_error: float | None = None
    """The same divided by the answer's; `None` if that is 0."""

    def __str__(self) -> str:
        text = self._what()
        if self.output is not None:
            token = "" if self.token is None else f" (token {self.token})"
            text = f"{self.output}{token}: {text}"
        if self.absolute_error is not None:
            text += f", an error of {self.absolute_error:.6g}"
        if self.relative_error is not None:
            text += f", relatively {self.relative_error:.6g}"
        return text if self.answer is None else f"{text} (answer: {self.answer})"

    def _what(self) -> str:
        if self.kind == "missing":
            return f"nothing where {printable(self.expected)} is expected"
        if self.kind == "extra":
            return f"{printable(self.found)} where nothing is expected"
        if self.kind == "whitespace":
            return f"{_or_end(self.found)} where {_or_end(self.expected)} is expected"
        return f"{self.kind} {printable(self.found)} where {printable(self.expected)} is expected"


def _or_end(data: bytes) -> str:
    return printable(data) if data else "the end"


def printable(data: bytes) -> str:
    """In double quotes, with every byte escaped that is no UTF-8 or part of what could move a terminal's cursor."""
    text = data.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")
    return '"' + "".join(map(_visible, text)) + '"'


def _visible(char: str) -> str:
    if char == '"':
        return '\\"'
    if char.isprintable():
        return char
    return (
        char.encode("unicode_escape").decode()
        if char.isascii()
        else "".join(f"\\x{byte:02x}" for byte in char.encode())
    )


def common(one: bytes, other: bytes) -> int:
    """How many bytes two strings have in common at their start."""
    same, end = 0, min(len(one), len(other))
    if one[:end] == other[:end]:
        return end
    while end - same > 1:
        middle = (same + end) // 2
        if one[same:middle] == other[same:middle]:
            same = middle
        else:
            end = middle
    return same


def excerpts(found: bytes, expected: bytes, same: int, left_out: bool = False) -> tuple[bytes, bytes]:
    """Both as a `Difference` shows them: from where they differ, after `same` bytes, if that is far from the start.

    `left_out` if it was, and they already begin there.
    """
    if same >= SHOWN:
        found, expected, left_out = found[same:], expected[same:], True
    return _excerpt(found, left_out), _excerpt(expected, left_out)


def _excerpt(data: bytes, left_out: bool) -> bytes:
    before = CUT + b" " if left_out else b""
    return before + (data if len(data) <= SHOWN else data[:SHOWN] + b" " + CUT)
