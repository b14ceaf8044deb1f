"""How things look on a terminal: text of programs without its claws, verdicts in their colours, times as bars."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sandbox.cli import EXIT_SANDBOX

if TYPE_CHECKING:
    from rich.text import Text

    from sandbox.judge.judgement import GroupResult, TestResult
    from sandbox.judge.problem import Complaint, ProblemError
    from sandbox.judge.verdict import Verdict

FURTHER = 20
"""Lines that a complaint may have below its first."""

_BARS = "▁▂▃▄▅▆▇█"

_STYLES = {
    "AC": "green", "WA": "red", "TLE": "yellow", "MLE": "yellow", "OLE": "yellow", "RTE": "magenta", "CE": "cyan",
    "JE": "bold white on red",
}  # fmt: skip


def harmless(text: str, most: int = 10_000) -> str:
    """What a program has written, without anything that a terminal would obey, and not longer than `most`."""
    shown = "".join(char if char.isprintable() or char == "\t" else ascii(char)[1:-1] for char in text[: most + 1])
    return shown if len(shown) <= most else shown[:most] + "…"


def harmless_lines(text: str, most: int) -> list[str]:
    """The first `most` lines of a text, each harmless; the last says how many were left out."""
    lines = text.strip("\n").split("\n")
    shown = [harmless(line, 400) for line in lines[:most]]
    return shown if len(lines) <= most else [*shown, f"… {len(lines) - most} lines more"]


def located(place: Path, complaint: Complaint) -> str:
    """What is wrong with a package, with the path to it as the caller gave it."""
    told = str(replace(complaint, message=complaint.message.strip().partition("\n")[0]))
    return harmless(f"{place}{told[1:]}" if complaint.file == "." else f"{place}/{told}", 1_000)


def tell(place: Path, complaint: Complaint, *, err: bool = True) -> None:
    """A complaint, `located`, on stderr or else stdout; what a compiler says of it below, indented."""
    click.echo(located(place, complaint), err=err)
    further = complaint.message.strip().partition("\n")[2]
    for line in harmless_lines(further, FURTHER) if further else ():
        click.echo(f"    {line}", err=err)


@contextlib.contextmanager
def complaining(place: Path, also: Callable[[ProblemError], object] | None = None) -> Iterator[None]:
    """A package that cannot be used is told of in a line for each complaint, and ends the command; `also` is told."""
    from sandbox.judge.problem import ProblemError

    try:
        yield
    except ProblemError as error:
        for complaint in error.complaints:
            tell(place, complaint)
        if also is not None:
            also(error)
        sys.exit(EXIT_SANDBOX)


def style(verdict: Verdict) -> str:
    """The colour of a verdict."""
    return _STYLES[verdict.value]


def colored(verdict: Verdict | None) -> Text:
    """A verdict in its colour; of what was not judged, that."""
    from rich.text import Text

    return Text("not judged", "bold yellow") if verdict is None else Text(verdict.value, style(verdict))


def bars(root: GroupResult, limit: float | None, width: int) -> Text:
    """A bar for each test, as high as its CPU time is against the limit, in its verdict's colour; groups are apart.

    If there are more tests than columns, a bar is the slowest of several.
    """
    from rich.text import Text

    groups, share = _fitting([list(tests) for tests in _leaves(root)], max(width, 1))
    line = Text()
    for number, tests in enumerate(groups):
        if number:
            line.append(" ")
        for first in range(0, len(tests), share):
            line.append_text(bar(tests[first : first + share], limit))
    return line


def _fitting(groups: list[list[TestResult]], width: int) -> tuple[list[list[TestResult]], int]:
    """How many tests share a bar; where there are too many groups for the width, they are not apart."""
    share = max(1, math.ceil(sum(map(len, groups)) / width))
    while sum(math.ceil(len(tests) / share) for tests in groups) + len(groups) - 1 > width:
        if share >= max(map(len, groups)):
            tests = [test for group in groups for test in group]
            return [tests], math.ceil(len(tests) / width)
        share += 1
    return groups, share


def bar(tests: Sequence[TestResult], limit: float | None) -> Text:
    """One for several tests: of the slowest, in the colour of the first that was not accepted."""
    from rich.text import Text

    worst = next((test for test in tests if test.verdict.value != "AC"), tests[0])
    time = max(test.cpu_time or 0.0 for test in tests)
    height = min(int(time / limit * len(_BARS)), len(_BARS) - 1) if limit else 0
    return Text(_BARS[height], style(worst.verdict))


def _leaves(group: GroupResult) -> Iterable[Sequence[TestResult]]:
    """The tests of each group that has some of its own."""
    from sandbox.judge.judgement import TestResult

    for part in group.groups():
        own = [child for child in part.children if isinstance(child, TestResult)]
        if own:
            yield own
