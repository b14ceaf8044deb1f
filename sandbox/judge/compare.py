"""The built-in checkers: whether an output is the jury's answer, by the rules that a problem asks for.

Outputs are hostile and may be large: only a window of each of the two streams is in memory, equal stretches are
compared as blocks, and tokens are looked at only where blocks differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from sandbox.judge.difference import Difference
from sandbox.judge.pairs import Pairs, exact
from sandbox.judge.pieces import CHUNK, Grammar, Lines, Source, SpacedTokens, Tokens
from sandbox.judge.tolerance import Tolerance, decimal
from sandbox.judge.unordered import unordered

CHECKERS = ("default", "exact", "tokens", "lines", "floats", "unordered")
"""`default`: the Problem Package Format's. `exact`: byte for byte. `tokens`: what whitespace separates; case counts.
`floats`: the same, but numbers may be a little off. `lines`: whitespace at the end of lines and empty lines at the end
do not count. `unordered`: the same, in any order."""

TOLERANCE = 1e-6
"""Of `floats`, relative or absolute, if no other is given."""

_SWITCHES = ("case_sensitive", "space_change_sensitive")
_TOLERANCES = ("float_relative_tolerance", "float_absolute_tolerance", "float_tolerance")
_FLAGS = {"default": _SWITCHES + _TOLERANCES, "floats": _TOLERANCES}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A checker and what its flags say; made by `parse_flags`."""

    checker: str
    case_sensitive: bool = True
    space_change_sensitive: bool = False
    """Whether all whitespace counts."""
    tolerance: Tolerance | None = None
    """How far a token may be off that is a number in the answer; `None` if numbers are text as everything else."""

    def compare(self, output: bytes | BinaryIO, answer: bytes | BinaryIO, *, chunk: int = CHUNK) -> Difference | None:
        """The first difference; `None` if the output is accepted.

        Streams are read from where they stand, `chunk` bytes at once; the result does not depend on it. A stream that
        can seek is read again, up to the difference, to tell its place. `OSError` is what reading raises.
        """
        if output == answer and isinstance(output, bytes):
            return None
        grammar = self._grammar()
        streams = Source(output, grammar, chunk), Source(answer, grammar, chunk)
        if self.checker == "exact":
            return exact(*streams)
        if self.checker == "unordered":
            return unordered(*streams)
        return Pairs(grammar, *streams, self.case_sensitive, self.tolerance).difference()

    def _grammar(self) -> Grammar:
        if self.checker in ("exact", "lines", "unordered"):
            return Lines()
        return SpacedTokens() if self.space_change_sensitive else Tokens()


def parse_flags(checker: str, args: Sequence[str]) -> Comparison:
    """What a checker is told by its flags; `ValueError`, which names the flag, if they are wrong.

    A switch may be repeated, as where those of a problem and of a test meet; a tolerance may not.
    """
    if checker not in CHECKERS:
        raise ValueError(f"there is no checker {checker!r}, but {', '.join(CHECKERS)}")
    switches, tolerances = _split(checker, args)
    either = tolerances.pop("float_tolerance", None)
    if either is not None and tolerances:
        raise ValueError(f"float_tolerance: cannot be given beside {' and '.join(tolerances)}")
    if checker == "floats" and either is None and not tolerances:
        either = TOLERANCE
    relative = tolerances.get("float_relative_tolerance", either)
    absolute = tolerances.get("float_absolute_tolerance", either)
    return Comparison(
        checker,
        case_sensitive=checker != "default" or "case_sensitive" in switches,
        space_change_sensitive="space_change_sensitive" in switches,
        tolerance=None if relative is None and absolute is None else Tolerance(relative, absolute),
    )


def _split(checker: str, args: Sequence[str]) -> tuple[set[str], dict[str, float]]:
    """The switches that are given, and the tolerances by name."""
    switches: set[str] = set()
    tolerances: dict[str, float] = {}
    rest = iter(args)
    for flag in rest:
        if flag not in _FLAGS.get(checker, ()):
            known = ", ".join(_FLAGS.get(checker, ())) or "none"
            raise ValueError(f"{flag!r}: unknown flag of the checker {checker} (there are: {known})")
        if flag in _SWITCHES:
            switches.add(flag)
        elif flag in tolerances:
            raise ValueError(f"{flag}: given twice")
        else:
            tolerances[flag] = _tolerance(flag, next(rest, None))
    return switches, tolerances


def _tolerance(flag: str, text: str | None) -> float:
    if text is None:
        raise ValueError(f"{flag}: needs a number after it")
    value = decimal(text)
    if value is None:
        raise ValueError(f"{flag}: {text!r} is {'not finite' if _is_infinite(text) else 'not a number'}")
    if value < 0:
        raise ValueError(f"{flag}: {text!r} is negative")
    return value


def _is_infinite(text: str) -> bool:
    try:
        return not math.isfinite(float(text))
    except ValueError:
        return False
