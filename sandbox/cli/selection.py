"""Which groups and tests of a problem a command line means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

import click

from sandbox.judge.problem import Group, Problem

SHOWN = 8
"""Names that an error tells, of those that there are."""


class Selection:
    """Names of groups and tests. It can be called, as `Judge.judge(only=…)` wants it."""

    def __init__(self, problem: Problem, groups: Sequence[str], tests: Sequence[str]) -> None:
        """All, if no globs are given. `click.UsageError` for a glob that means nothing, or two things."""
        by_kind = {
            "group": list(dict.fromkeys(_groups(problem.root))),
            "test": [test.name for test in problem.root.tests()],
        }
        chosen = [name for glob in groups for name in _matching("group", glob, by_kind)]
        chosen += [name for glob in tests for name in _matching("test", glob, by_kind)]
        self._names = frozenset(chosen) if groups or tests else None
        self.count = sum(map(self, by_kind["test"]))
        """How many tests there are in it."""

    def __call__(self, name: str) -> bool:
        """Whether a group or test has been named, or a directory that it is in."""
        parts = name.split("/")
        return self._names is None or any("/".join(parts[:end]) in self._names for end in range(1, len(parts) + 1))


def _matching(kind: str, glob: str, by_kind: dict[str, list[str]]) -> list[str]:
    """What a glob means: `secret/` or `sample/` may be left out where only one of the two has such names."""
    if found := [name for name in by_kind[kind] if fnmatchcase(name, glob)]:
        return found
    below = [[name for name in by_kind[kind] if fnmatchcase(name, f"{top}/{glob}")] for top in ("secret", "sample")]
    if all(below):
        raise click.UsageError(f"{glob!r} is a {kind} in secret and in sample: say secret/{glob} or sample/{glob}")
    if found := below[0] or below[1]:
        return found
    other, option = ("test", "--testcase") if kind == "group" else ("group", "--group")
    for name in (glob, f"secret/{glob}", f"sample/{glob}"):
        if any(fnmatchcase(known, name) for known in by_kind[other]):
            raise click.UsageError(f"{glob!r} is a {other}, for {option}, and no {kind}")
    names = ", ".join(by_kind[kind][:SHOWN]) + (" …" if len(by_kind[kind]) > SHOWN else "")
    raise click.UsageError(f"no {kind} is called {glob!r}; there is {names or 'none'}")


def _groups(group: Group) -> Iterator[str]:
    """Names of groups, and of directories in them, in which a format may have tests without that these make a group."""
    if group.name:
        yield group.name
    for child in group.children:
        if isinstance(child, Group):
            yield from _groups(child)
        else:
            above = child.name.rpartition("/")[0].removeprefix(group.name).split("/")
            yield from (group.name + "/".join(above[:end]) for end in range(2, len(above) + 1))
