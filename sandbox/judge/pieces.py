"""A stream as pieces (tokens or lines) of which only a window is in memory, however long a piece is."""

from __future__ import annotations

import re
from io import BytesIO
from typing import BinaryIO, Protocol

from sandbox.judge.difference import Place

CHUNK = 1 << 18
"""Bytes that are read at once: these and the lists made of them stay in the processor's cache."""

LONG = 1 << 16
"""A piece of more bytes is compared as it comes, as text, and never is a number."""

_TOKEN = re.compile(rb"\S*")
_TOKEN_OR_SPACE = re.compile(rb"\S+|\s")
_CLASSES = bytes(ord(" ") if bytes([byte]).isspace() else ord("x") for byte in range(256))


class Grammar(Protocol):
    """What a buffer, that begins with a piece, is cut into. Whitespace is the format's: ASCII's six characters."""

    def skip(self, buffer: bytes) -> bytes:
        """The buffer from where the next piece begins."""
        ...

    def end(self, buffer: bytes) -> int:
        """The end of the last piece that is known to be whole, with what ends it; 0 if there is none."""
        ...

    def pieces(self, buffer: bytes) -> list[bytes]:
        """All pieces; the last one is whole."""
        ...

    def start(self, buffer: bytes, pieces: list[bytes], number: int) -> int:
        """Where in the buffer a piece begins, or, for the number after the last, some place after that."""
        ...

    def head(self, buffer: bytes) -> bytes:
        """The rest of a piece that the buffer begins in: empty where one ends."""
        ...


class Tokens:
    """What whitespace separates; whitespace itself is of no account."""

    def skip(self, buffer: bytes) -> bytes:
        """Without the whitespace before the first token."""
        return buffer.lstrip()

    def end(self, buffer: bytes) -> int:
        """After the last whitespace."""
        if not buffer or buffer[-1:].isspace():
            return len(buffer)
        return len(buffer) - len(buffer.rsplit(None, 1)[-1])

    def pieces(self, buffer: bytes) -> list[bytes]:
        """The tokens."""
        return buffer.split()

    def start(self, buffer: bytes, pieces: list[bytes], number: int) -> int:
        """Found from behind: what is left over of a buffer is its smaller part."""
        after = len(pieces) - number
        parts = buffer.rsplit(None, after)
        before = len(parts[0]) if len(parts) > after else 0
        return len(buffer) - len(buffer[before:].lstrip())

    def head(self, buffer: bytes) -> bytes:
        """Up to the first whitespace."""
        match = _TOKEN.match(buffer)
        assert match is not None
        return match[0]


class SpacedTokens(Tokens):
    """Tokens, and each whitespace character as a piece of its own."""

    def skip(self, buffer: bytes) -> bytes:
        """All of it: everything is a piece."""
        return buffer

    def pieces(self, buffer: bytes) -> list[bytes]:
        """Tokens and characters of whitespace."""
        return _TOKEN_OR_SPACE.findall(buffer)

    def start(self, buffer: bytes, pieces: list[bytes], number: int) -> int:
        """The length of all before it."""
        return sum(map(len, pieces[:number]))


class Lines:
    """What line feeds end, the last one perhaps without."""

    def skip(self, buffer: bytes) -> bytes:
        """All of it: empty lines are pieces."""
        return buffer

    def end(self, buffer: bytes) -> int:
        """After the last line feed."""
        return buffer.rfind(b"\n") + 1

    def pieces(self, buffer: bytes) -> list[bytes]:
        """The lines without line feeds."""
        lines = buffer.split(b"\n")
        if not lines[-1]:
            lines.pop()
        return lines

    def start(self, buffer: bytes, pieces: list[bytes], number: int) -> int:
        """The length of all before it, each with its line feed."""
        return min(len(buffer), sum(map(len, pieces[:number])) + number)

    def head(self, buffer: bytes) -> bytes:
        """Up to the line feed."""
        end = buffer.find(b"\n")
        return buffer if end < 0 else buffer[:end]


class Source:
    """One of the two streams, from where it stands, and the window of it that is in memory."""

    def __init__(self, stream: bytes | BinaryIO, grammar: Grammar, chunk: int) -> None:
        """Reads `chunk` bytes at once."""
        self._stream: BinaryIO = BytesIO(stream) if isinstance(stream, bytes) else stream
        self._start = self._stream.tell() if self._stream.seekable() else None
        self._chunk = chunk
        self._grammar = grammar
        self.buffer = b""
        self.offset = 0
        """Of the buffer, in bytes from where the stream stood at first."""
        self.ended = False
        """Whether the buffer holds all that is left."""
        self.end = 0
        """How far the buffer holds whole pieces; 0 if nothing is left, or the first piece is a long one."""

    def fill(self, inside: bool = False) -> None:
        """Have a chunk, and at least one whole piece, or the start of a long one, or all that is left.

        `inside` of a piece, whose end must not be skipped.
        """
        while True:
            if not inside:
                self.take(len(self.buffer) - len(self._grammar.skip(self.buffer)))
            if self.ended:
                self.end = len(self.buffer)
                return
            if len(self.buffer) >= self._chunk:
                self.end = self._grammar.end(self.buffer)
                if self.end or len(self.buffer) > LONG:
                    return
            data = self._stream.read(self._chunk)
            self.ended = not data
            self.buffer += data

    def take(self, length: int) -> None:
        """Be done with so many bytes of the buffer."""
        if length:
            self.buffer = self.buffer[length:]
            self.offset += length

    def rewind(self) -> bool:
        """Begin again; false if the stream cannot."""
        if self._start is None:
            return False
        self._stream.seek(self._start)
        self.buffer, self.offset, self.ended, self.end = b"", 0, False, 0
        return True

    def place(self, offset: int) -> tuple[Place | None, int | None]:
        """Line and column, and the number of tokens that begin before; the stream is read again for it."""
        if not self.rewind():
            return None, None
        line, column, tokens, last = 1, 1, 0, b" "
        while offset > 0 and (data := self._stream.read(min(offset, self._chunk))):
            offset -= len(data)
            classes = last + data.translate(_CLASSES)
            tokens += classes.count(b" x")
            last = classes[-1:]
            line += data.count(b"\n")
            newline = data.rfind(b"\n")
            column = column + len(data) if newline < 0 else len(data) - newline
        return Place(line, column), tokens


def skip_equal(output: Source, answer: Source, grammar: Grammar) -> bool:
    """Pass over the whole pieces at the start of both windows that are the same bytes; false if there are none."""
    one, other = output.buffer, answer.buffer
    if one == other:
        length = min(output.end, answer.end)
    else:
        length = min(len(one), len(other))
        length = grammar.end(one[:length]) if one[:length] == other[:length] else 0
    output.take(length)
    answer.take(length)
    return length > 0
