"""`require_pass`: groups that must be accepted before another is judged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sandbox.judge.package.schema import Document

Required = Mapping[str, tuple[Sequence[str], Document | None]]
"""By group: what it requires, and the file that says so."""

_MAX_SEARCHES = 100
"""Wrong orders of one package that are looked at closely enough to see a cycle in them."""


def check_required(required: Required, aggregations: Mapping[str, str], tests: Collection[str] = ()) -> None:
    """Errors unless all that is required is there, is pass or fail, and comes before whoever requires it.

    `aggregations` has the way of scoring by group; `tests` are those that can be required by themselves.
    """
    searches = 0
    for name, (said, document) in sorted(required.items()):
        for other in said:
            message = _objection(name, other, aggregations, tests)
            if other >= name and other in aggregations and searches < _MAX_SEARCHES:
                searches += 1
                if _reaches(required, other, name):
                    message = f"{name} requires {other}, which in turn requires {name}: the groups form a cycle"
            if message and document is not None:
                key = ("require_pass",) if "require_pass" in document.data else ("scoring", "require_pass")
                document.error("require-pass", f"require_pass: {message}", *key)


def _objection(name: str, other: str, aggregations: Mapping[str, str], tests: Collection[str]) -> str:
    if other not in aggregations and other not in tests:
        return f"there is no group {other[:80]!r}"
    if name == "secret" and other != "sample":
        return "secret can only require sample"
    if other == "secret":
        return "secret itself cannot be required"
    if aggregations.get(other, "pass-fail") != "pass-fail":
        return f"{other} is not pass-fail, which a required group must be"
    if other >= name:
        return f"{other} does not come before {name}"
    return ""


def _reaches(required: Required, start: str, goal: str) -> bool:
    """Whether `start` is or requires `goal`, by way of others too."""
    seen, waiting = {start}, [start]
    while waiting and goal not in seen:
        new = set(required[name][0] if (name := waiting.pop()) in required else ()) - seen
        seen |= new
        waiting += new
    return goal in seen
