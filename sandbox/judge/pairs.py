"""Two streams, compared piece by piece or byte by byte."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.judge.difference import SHOWN, Difference, Kind, common, excerpts
from sandbox.judge.pieces import Grammar, Lines, Source, skip_equal
from sandbox.judge.tolerance import Tolerance, number


class Pairs:
    """An output and an answer, and when two of their pieces are the same."""

    def __init__(
        self, grammar: Grammar, output: Source, answer: Source, case_sensitive: bool, tolerance: Tolerance | None
    ) -> None:
        """Lines are compared without the whitespace at their end. `tolerance` is for pieces that are numbers."""
        self._grammar, self._output, self._answer, self._tolerance = grammar, output, answer, tolerance
        self._lines = isinstance(grammar, Lines)
        self._fold: Callable[[bytes], bytes] = bytes if case_sensitive else bytes.lower
        # Pieces are equal as text if their normal forms are.
        self._normal: Callable[[bytes], bytes] = bytes.rstrip if self._lines else self._fold

    def difference(self) -> Difference | None:
        """The first one; reads up to it."""
        output, answer = self._output, self._answer
        while True:
            output.fill()
            answer.fill()
            if skip_equal(output, answer, self._grammar):
                continue
            if not output.buffer and not answer.buffer:
                return None
            if not output.buffer or not answer.buffer:
                return self._rest()
            found = self._whole_pieces() if output.end and answer.end else self._long_piece()
            if found is not None:
                return found

    def _whole_pieces(self) -> Difference | None:
        """Compare, and pass over, as many pieces as both windows hold."""
        ours, theirs = self._output.buffer[: self._output.end], self._answer.buffer[: self._answer.end]
        found, expected = self._grammar.pieces(ours), self._grammar.pieces(theirs)
        count = min(len(found), len(expected))
        plain = b"_" not in ours and b"_" not in theirs
        wrong = self._first_wrong(found[:count], expected[:count], plain)
        here = self._output.offset + self._grammar.start(ours, found, count if wrong is None else wrong)
        there = self._answer.offset + self._grammar.start(theirs, expected, count if wrong is None else wrong)
        if wrong is not None:
            return self._report(here, there, found[wrong], expected[wrong])
        self._output.take(here - self._output.offset)
        self._answer.take(there - self._answer.offset)
        return None

    def _first_wrong(self, found: list[bytes], expected: list[bytes], plain: bool) -> int | None:
        """Whole lists at once if that is possible; `plain` pieces are without underscores."""
        if found == expected:
            return None
        if self._tolerance is None:
            if list(map(self._normal, found)) == list(map(self._normal, expected)):
                return None
        elif plain and self._tolerance.all_near(found, expected):
            return None
        for index, (one, other) in enumerate(zip(found, expected, strict=True)):
            if one != other and not self._accepts(one, other):
                return index
        return None

    def _accepts(self, found: bytes, expected: bytes) -> bool:
        """Whether two pieces that are not the same bytes are the same by the rules."""
        value = None if self._tolerance is None else number(expected)
        if self._tolerance is None or value is None:
            return self._normal(found) == self._normal(expected)
        own = number(found)
        return own is not None and self._tolerance.near(own, value)

    def _report(self, here: int, there: int, found: bytes, expected: bytes) -> Difference:
        """Of two whole pieces, by where they are and what they are."""
        same = common(self._fold(found), self._fold(expected))
        shown = excerpts(found, expected, same)
        if self._lines:
            return self._differ("line", here + same, there + same, shown)
        if found.isspace() or expected.isspace():
            return self._differ("whitespace", here, there, shown)
        values = None if self._tolerance is None else (number(found), number(expected))
        if values is None or values[0] is None or values[1] is None:
            return self._differ("token", here, there, shown)
        error = abs(values[0] - values[1])
        return self._differ("number", here, there, shown, error, error / abs(values[1]) if values[1] else None)

    def _long_piece(self) -> Difference | None:
        """Compare, and pass over, a piece of which a window holds but a part."""
        output, answer, head = self._output, self._answer, self._grammar.head
        here, there, same = output.offset, answer.offset, 0
        first = found, expected = head(output.buffer), head(answer.buffer)
        if not self._lines and not (found and expected):
            return self._report(here, there, found or output.buffer[:1], expected or answer.buffer[:1])
        while length := common(self._fold(found), self._fold(expected)):
            same += length
            for source in (output, answer):
                source.take(length)
                source.fill(inside=True)
            found, expected = head(output.buffer), head(answer.buffer)
        shown = excerpts(*first, same) if same < SHOWN else excerpts(found, expected, 0, left_out=True)
        if not found and not expected:
            return None
        if not self._lines:
            return self._differ("token", here, there, shown)
        if self._ends_blank(output) and self._ends_blank(answer):
            return None
        return self._differ("line", here + same, there + same, shown)

    def _ends_blank(self, source: Source) -> bool:
        """Pass over the rest of a line; whether it was whitespace alone."""
        while piece := self._grammar.head(source.buffer):
            if not piece.isspace():
                return False
            source.take(len(piece))
            source.fill(inside=True)
        return True

    def _rest(self) -> Difference | None:
        """One stream has ended; what is left of the other, but for empty lines, is missing or too much."""
        left = self._output if self._output.buffer else self._answer
        kind: Kind = "extra" if left is self._output else "missing"
        if self._lines:
            while left.buffer and left.buffer.isspace():
                left.take(len(left.buffer))
                left.fill()
            if not left.buffer:
                return None
            left.take(len(left.buffer) - len(left.buffer.lstrip()))
            left.fill()
        piece = self._grammar.head(left.buffer)
        if not piece:
            kind, piece = "whitespace", left.buffer[:1]
        found, expected = excerpts(*((piece, b"") if left is self._output else (b"", piece)), 0)
        return self._differ(kind, self._output.offset, self._answer.offset, (found, expected))

    def _differ(
        self,
        kind: Kind,
        here: int,
        there: int,
        shown: tuple[bytes, bytes],
        absolute: float | None = None,
        relative: float | None = None,
    ) -> Difference:
        output, before = self._output.place(here)
        counts = before is not None and not self._lines and kind != "whitespace"
        answer, _ = self._answer.place(there)
        token = before + 1 if before is not None and counts else None
        return Difference(kind, output, answer, *shown, token, absolute, relative)


def exact(output: Source, answer: Source) -> Difference | None:
    """The first byte that differs, shown with what follows on its line."""
    while True:
        output.fill()
        answer.fill()
        same = common(output.buffer, answer.buffer)
        if not same:
            break
        output.take(same)
        answer.take(same)
    if not output.buffer and not answer.buffer:
        return None
    kind: Kind = "byte" if output.buffer and answer.buffer else "extra" if output.buffer else "missing"
    found, expected = (b"".join(source.buffer.partition(b"\n")[:2]) for source in (output, answer))
    shown = excerpts(found, expected, 0)
    return Difference(kind, output.place(output.offset)[0], answer.place(answer.offset)[0], *shown)
