"""The patterns of submissions.yaml: `*` within a name, and `{a, b}` for alternatives. Nothing else is special.

A slash at the end makes no difference, nor does white space around alternatives: other tools have it so.
"""

from __future__ import annotations

import functools
import re

MAX_ALTERNATIVES = 1_000
"""Of one pattern, once its braces are written out: there may be several, and some in others."""


class PatternError(ValueError):
    """A pattern with a brace that is not closed, or with too many alternatives."""


def matches(pattern: str, name: str) -> bool:
    """Whether the pattern is for this name, such as `secret/group1/02`, or for a directory that it is in."""
    return compiled(pattern).fullmatch(name) is not None


@functools.lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression for whole names; `PatternError` if it is not one."""
    alternatives = "|".join(_regex(one) for one in _alternatives(pattern.removesuffix("/")))
    return re.compile(f"(?:{alternatives})(?:/.*)?", re.DOTALL)


def _regex(pattern: str) -> str:
    first, *rest = (re.escape(part) for part in re.split(r"\*+", pattern))
    if not rest:
        return first
    # What stands between two stars is looked for once, and the find is final: no pattern takes long.
    return first + "".join(f"(?>[^/]*?{part})" for part in rest[:-1]) + f"[^/]*{rest[-1]}"


def _alternatives(pattern: str) -> list[str]:
    """The pattern without braces, once for each way of choosing."""
    found, rest = _sequence(pattern, 0, False)
    assert rest == len(pattern)
    return found


def _sequence(pattern: str, at: int, within: bool) -> tuple[list[str], int]:
    """What is written from here to the end, or `within` braces to the comma or brace that ends it."""
    found = [""]
    while at < len(pattern) and not (within and pattern[at] in ",}"):
        if pattern[at] == "{":
            choices, at = _choices(pattern, at + 1)
        else:
            choices = [pattern[at]]
        at += 1
        if len(found) * len(choices) > MAX_ALTERNATIVES:
            raise PatternError(f"has more than {MAX_ALTERNATIVES} alternatives")
        found = [before + choice for before in found for choice in choices]
    return found, at


def _choices(pattern: str, at: int) -> tuple[list[str], int]:
    """The alternatives after a brace, and where the brace is that ends them."""
    choices: list[str] = []
    while True:
        try:
            more, at = _sequence(pattern, at, True)
        except RecursionError:
            raise PatternError("has braces nested too deeply") from None
        choices += [choice.strip() for choice in more]
        if at == len(pattern):
            raise PatternError("has a { that is not closed")
        if pattern[at] == "}":
            return choices, at
        at += 1
