"""Text of programs on a page: without what cannot be seen or misleads, and no more of it than has room."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import escape

LONGEST = 4_000
"""Characters of a text of a program that are shown."""

CUT = "\n… (cut)"
AROUND = 80
"""Bytes that a text's markup takes, about."""


def clean(text: str, most: int = LONGEST) -> str:
    """A text of at most `most` characters in which those that cannot be seen, or that turn the direction of others, are
    shown by their numbers, as in `\\x1b` or `\\u202e`.
    """
    shown = "".join(char if char.isprintable() or char in "\n\t" else ascii(char)[1:-1] for char in text[:most])
    return shown if len(text) <= most else shown[:most] + CUT


@dataclass(slots=True)
class Room:
    """How many bytes of HTML the texts of one submission may still take."""

    left: int
    lacked: bool = False
    """Whether there was none for something."""

    def take(self, text: str, most: int = LONGEST) -> str | None:
        """As much of the text as is shown; `None` if it has no room."""
        shown = clean(text, most)
        return shown if self.has(shown) else None

    def has(self, *texts: str) -> bool:
        """Whether there is room for these together, which they have then."""
        size = sum(len(str(escape(text)).encode()) + AROUND for text in texts)
        if size > self.left:
            self.lacked = True
            return False
        self.left -= size
        return True
