"""Lines in any order: a multiset of digests, as large as the answer, however large the output is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from sandbox.judge.difference import CUT, SHOWN, Difference, Place, excerpts
from sandbox.judge.pieces import Lines, Source, skip_equal

_LINES = Lines()
_DIGEST = 32

Line = tuple[int, int, bytes, bytes]
"""Its number, how many there are of it in a row, what it is compared by, and its start, long enough to be shown."""


def unordered(output: Source, answer: Source) -> Difference | None:
    """The first line of the output that is not in the answer, or not that often; else the first that is missing.

    Lines are compared as in `lines`. In memory are a window and, from the first place on where the two differ, for
    every different line of the answer its digest or, if that is shorter, itself.
    """
    while True:
        output.fill()
        answer.fill()
        if not skip_equal(output, answer, _LINES):
            break
    start = output.offset
    left: dict[bytes, int] = {}
    for _, times, key, _ in _lines(answer):
        left[key] = left.get(key, 0) + times
    extra: Line | None = None
    for number, times, key, text in _lines(output):
        count = left.get(key, 0) - times
        if count >= 0:
            left[key] = count
            continue
        left[key] = 0
        # An empty line is worth telling only if nothing else is wrong.
        if key or extra is None:
            extra = number + count + times, -count, key, text
        if key:
            break
    if extra is not None:
        place, _ = output.place(start)
        return Difference("extra", place and Place(place.line + extra[0], 1), None, *excerpts(extra[3], b"", 0))
    missing = {key for key, count in left.items() if count}
    return _missing(answer, missing) if missing else None


def _missing(answer: Source, keys: set[bytes]) -> Difference:
    """The first line of the answer that has one of these keys, and is not empty if there is such a one."""
    if len(keys) > 1:
        keys.discard(b"")
    if answer.rewind():
        for number, _, key, text in _lines(answer):
            if key in keys:
                return Difference("missing", None, Place(number + 1, 1), *excerpts(b"", text, 0))
    key = min(keys)
    return Difference("missing", None, None, b"", key if len(key) < _DIGEST else CUT)


def _lines(source: Source) -> Iterator[Line]:
    """Every line from the window on, numbered from 0, but empty ones at the end."""
    number = empty = 0
    for times, key, text in _texts(source):
        if not key:
            empty += times
            continue
        if empty:
            yield number, empty, b"", b""
        number += empty
        yield number, times, key, text
        number, empty = number + times, 0


def _texts(source: Source) -> Iterator[tuple[int, bytes, bytes]]:
    """How many, key, and start of every line; empty ones may be taken together."""
    while True:
        source.fill()
        block = source.buffer[: source.end]
        source.take(source.end)
        if block and block.isspace():
            yield len(_LINES.pieces(block)), b"", b""
        elif block:
            for line in _LINES.pieces(block):
                text = line.rstrip()
                yield 1, _key(text), text[: SHOWN + 1]
        elif source.buffer:
            yield 1, *_long(source)
        else:
            return


def _key(text: bytes) -> bytes:
    """The text itself if that is shorter than a digest, which it then cannot pretend to be."""
    return text if len(text) < _DIGEST else hashlib.blake2b(text, digest_size=_DIGEST).digest()


def _long(source: Source) -> tuple[bytes, bytes]:
    """Key and start of a line of which the window holds but a part."""
    digest = hashlib.blake2b(digest_size=_DIGEST)
    before = digest  # the whitespace that may be the line's end
    start, length, text = source.buffer[: SHOWN + 1], 0, 0
    while piece := _LINES.head(source.buffer):
        content = piece.rstrip()
        if content:
            digest.update(content)
            before, text = digest.copy(), length + len(content)
        digest.update(piece[len(content) :])
        length += len(piece)
        source.take(len(piece))
        source.fill(inside=True)
    source.take(1)
    start = start[:text]
    return (start if text < _DIGEST else before.digest()), start
