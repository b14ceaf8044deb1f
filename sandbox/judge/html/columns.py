"""The tests of a problem as columns, of a table or a plot: one each, or several together where there are too many."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from sandbox.judge.html.texts import clean
from sandbox.judge.judgement import Judgement, TestResult
from sandbox.judge.problem import Problem
from sandbox.judge.verdict import Verdict

MOST = 200
"""Columns that a page has, about."""


@dataclass(frozen=True, slots=True)
class Column:
    """Tests that follow each other in one group, mostly a single one."""

    group: str
    tests: tuple[str, ...]
    first: bool
    """Whether it is the first of its group."""

    @property
    def name(self) -> str:
        """Of its test, or of the first and the last of them."""
        first, last = clean(self.tests[0], 100), clean(self.tests[-1].rpartition("/")[2], 100)
        return first if len(self.tests) == 1 else f"{first} to {last}"


@dataclass(frozen=True, slots=True)
class Cell:
    """What a submission made of a column."""

    verdict: str
    """The first that is not AC; empty if no test was run."""
    time: float | None
    """CPU seconds of the slowest test."""
    failed: int
    """How many of the tests were not accepted."""


def columns(problem: Problem, judgements: Sequence[Judgement], most: int = MOST) -> list[Column]:
    """Of all tests that any submission ran, in the order of judging."""
    groups = [(group, list(names)) for group, names in groupby(_names(problem, judgements), key=group_of)]
    count = sum(len(names) for _, names in groups)
    share = 1 if count <= most else math.ceil(count / max(most - len(groups), 1))
    return [
        Column(group, tuple(names[start : start + share]), start == 0)
        for group, names in groups
        for start in range(0, len(names), share)
    ]


def spans(all_columns: Sequence[Column]) -> list[tuple[str, int]]:
    """The groups, each with how many columns it has."""
    return [(group, sum(1 for _ in same)) for group, same in groupby(all_columns, key=lambda column: column.group)]


def cell(column: Column, tests: Mapping[str, TestResult]) -> Cell:
    """What a submission made of a column; `tests` are its tests, by name."""
    found = [tests[name] for name in column.tests if name in tests]
    times = [test.cpu_time for test in found if test.cpu_time is not None]
    failed = [test.verdict.value for test in found if test.verdict is not Verdict.AC]
    verdict = (failed or [test.verdict.value for test in found] or [""])[0]
    return Cell(verdict, max(times, default=None), len(failed))


def group_of(name: str) -> str:
    """The group that a test is in."""
    return name.rpartition("/")[0]


def _names(problem: Problem, judgements: Iterable[Judgement]) -> list[str]:
    """Tests that are not the problem's own, such as the static validator's, come first in their group."""
    places: dict[str, float] = {}
    groups: dict[str, float] = {}
    for number, test in enumerate(problem.root.tests()):
        places[test.name] = number
        groups.setdefault(group_of(test.name), number - 0.5)
    run = dict.fromkeys(test.name for judgement in judgements for test in judgement.tests)
    return sorted(run, key=lambda name: places.get(name, groups.get(group_of(name), math.inf)))
