"""Numbers in outputs: what is one, and which two are near enough."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.judge.pieces import LONG

GRAMMAR = re.compile(r"[-+]?(?:[0-9]*\.[0-9]+|[0-9]+\.?)(?:[eE][-+]?[0-9]+)?")
"""A decimal number, as the format has it (General Requirements); the digits are ASCII's."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a number may be off; one of the two is enough. Computed in doubles; the bound itself is near enough."""

    relative: float | None = None
    """In units of the answer's magnitude."""
    absolute: float | None = None

    def near(self, found: float, expected: float) -> bool:
        """Whether a finite number is near enough to another."""
        error = abs(found - expected)
        return (self.absolute is not None and error <= self.absolute) or (
            self.relative is not None and error <= self.relative * abs(expected)
        )

    def all_near(self, found: Sequence[bytes], expected: Sequence[bytes]) -> bool:
        """Quick, for pieces without underscores: true only if all that differ are numbers, and near enough.

        If it is false, each has to be looked at.
        """
        if max(map(len, found)) > LONG or max(map(len, expected)) > LONG:
            return False
        relative = -1.0 if self.relative is None else self.relative
        absolute = -1.0 if self.absolute is None else self.absolute
        try:
            for one, other in zip(found, expected, strict=True):
                if one != other:
                    wanted = float(other)
                    error = abs(float(one) - wanted)
                    # What is not finite is within neither: NaN compares as false.
                    if not (error <= absolute or error <= relative * abs(wanted) < math.inf):
                        return False
        except ValueError:
            return False
        return True


def number(token: bytes) -> float | None:
    """The value of a decimal number as the format's grammar has it: `1`, `+1.`, `-.5e-3`; `None` for anything else.

    Of what Python takes for a number, the grammar leaves out underscores, infinities and NaN; hexadecimal is in
    neither. What is too large for a double, or longer than `LONG`, is no number but text, which is accepted only as
    it stands; too small is 0.
    """
    if len(token) > LONG or b"_" in token:
        return None
    try:
        value = float(token)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def decimal(text: str) -> float | None:
    """The value of text that is such a number and nothing else: the one way to read what others have written."""
    return number(text.encode()) if GRAMMAR.fullmatch(text) else None
