"""The jury's submissions and what became of them, as a table on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sandbox.cli.terminal import colored, harmless
from sandbox.judge.judgement import GroupResult, Judgement, TestResult
from sandbox.judge.problem import Group, Problem, Test
from sandbox.judge.verdict import Verdict
from sandbox.judge.verify import Row, expected

if TYPE_CHECKING:
    from rich.table import Table

MOST_TESTS = 12
"""Tests up to which each has a column; else each group has one."""
MOST_GROUPS = 12
"""Groups up to which each has a column; else none has."""


def matrix(problem: Problem, rows: Sequence[Row], waiting: int = 0) -> Table:
    """A row for each submission so far, a column for each test or group."""
    from rich.table import Table
    from rich.text import Text

    names = _columns(problem.root)
    table = Table(box=None, pad_edge=False)
    right = {"slowest", "points"}
    headings = ["submission", "expected", "got", *(["points"] if problem.scoring else []), "slowest"]
    for heading in (*headings, *(harmless(name.removeprefix("secret/"), 16) for name in names)):
        table.add_column(Text(heading), justify="right" if heading in right else "left", no_wrap=True)
    for row in rows:
        judgement = row.judgement
        verdicts = _verdicts(judgement)
        table.add_row(
            Text(harmless(row.submission.name, 50), "bold red" if row.mismatches else ""),
            Text(harmless(expected(row.submission), 30)),
            colored(judgement.verdict),
            *([_number(judgement.score)] if problem.scoring else []),
            "" if judgement.slowest is None else f"{judgement.slowest:.3f} s",
            *(colored(verdicts[name]) if name in verdicts else Text("–", "dim") for name in names),
        )
    if waiting:
        table.add_row(Text(f"… {waiting} more", "dim"))
    return table


def _columns(root: Group) -> list[str]:
    tests = [test.name for test in root.tests()]
    if len(tests) <= MOST_TESTS:
        return tests
    groups = [group.name for group in _with_tests(root)]
    return groups if len(groups) <= MOST_GROUPS else []


def _with_tests(group: Group) -> Iterator[Group]:
    """Groups that have tests of their own."""
    if any(isinstance(child, Test) for child in group.children):
        yield group
    for child in group.children:
        if isinstance(child, Group):
            yield from _with_tests(child)


def _verdicts(judgement: Judgement) -> dict[str, Verdict]:
    """Of tests and groups, by name."""
    parts: list[TestResult | GroupResult] = list(judgement.tests)
    parts += judgement.root.groups() if judgement.root is not None else ()
    return {part.name: part.verdict for part in parts}


def _number(score: float | None) -> str:
    return "" if score is None else f"{score:g}"
