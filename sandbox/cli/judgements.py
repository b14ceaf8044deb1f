"""How judgements look on a terminal: while they are made, and when they are there."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from sandbox.cli.terminal import bars, colored, harmless, harmless_lines
from sandbox.judge.judgement import GroupResult, Judgement, TestResult
from sandbox.judge.verdict import Verdict

if TYPE_CHECKING:
    from rich.table import Table

COMPILER_LINES = 40
"""Lines of a compiler's output that are shown."""
ERROR_LINES = 5
"""Lines of stderr that are shown of the first test that ended by a run-time error."""
NOTES = 20
"""Lines about single tests that are shown of a submission, of each kind."""
INDENT = "    "


class Live:
    """A table on the terminal that follows the results which it is told; nothing where there is no terminal."""

    def __init__(self, names: Sequence[str], count: int, limit: float | None) -> None:
        """Of submissions with these names, each on `count` tests."""
        self._results: dict[str, list[TestResult]] = {name: [] for name in names}
        self._ended: dict[str, Judgement] = {}
        self._count = count
        self._limit = limit
        self.on = self.possible()
        self._shown = contextlib.ExitStack()

    @staticmethod
    def possible() -> bool:
        """Whether there is a terminal."""
        return sys.stderr.isatty()

    def __enter__(self) -> Live:
        if self.on:
            from rich import live
            from rich.console import Console

            table = live.Live(
                get_renderable=self._table, console=Console(stderr=True), transient=True, refresh_per_second=8
            )
            self._shown.enter_context(table)
        return self

    def __exit__(self, *_: object) -> None:
        self._shown.close()

    def told(self, name: str) -> Callable[[TestResult], object]:
        """What is to be told each result of that submission."""
        return self._results[name].append

    def ended(self, name: str, judgement: Judgement) -> None:
        """It is judged."""
        self._ended[name] = judgement

    def _table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False)
        for heading in ("", "submission", "tests", ""):
            table.add_column(heading, no_wrap=True)
        for name, results in self._results.items():
            verdict = colored(self._ended[name].verdict) if name in self._ended else Text("…", "dim")
            root = GroupResult("", Verdict.AC, children=tuple(results))
            tests = f"{len(results)}/{self._count}"
            table.add_row(verdict, Text(harmless(name, 40)), tests, bars(root, self._limit, 60))
        return table


def show(judgement: Judgement, *, jury: bool, verbose: bool = False) -> None:
    """One judgement on stdout; without `jury`, what a contestant may see of it."""
    from rich.console import Console
    from rich.text import Text

    width = shutil.get_terminal_size((100, 24)).columns
    console = Console(width=width, highlight=False, soft_wrap=True)
    line = Text.assemble(colored(judgement.verdict), "  ", Text(harmless(judgement.submission, 60), "bold"))
    for part in _facts(judgement):
        line.append(f"  {part}", "dim")
    console.print(line)
    if judgement.root is not None and judgement.tests:
        console.print(Text(INDENT).append_text(bars(judgement.root, judgement.time_limit, width - 2 * len(INDENT))))
        for group in _scored(judgement.root):
            console.print(Text.assemble(INDENT, colored(group.verdict), f"  {_points(group)}"))
    if verbose:
        for test in judgement.tests:
            console.print(Text.assemble(INDENT, colored(test.verdict), _test(test, jury=jury)))
    for text in _explanation(judgement, jury=jury):
        console.print(Text(INDENT + text))


def _facts(judgement: Judgement) -> Iterator[str]:
    if judgement.score is not None:
        most = "" if judgement.max_score is None else f" of {judgement.max_score:g}"
        yield f"{judgement.score:g}{most} points"
    if judgement.language:
        yield judgement.language
    if judgement.root is not None:
        left_out = f" of {len(judgement.tests) + judgement.root.left_out}" if judgement.root.left_out else ""
        yield f"{len(judgement.tests)}{left_out} {'test' if len(judgement.tests) == 1 and not left_out else 'tests'}"
    if judgement.slowest is not None:
        limit = "" if judgement.time_limit is None else f" of {judgement.time_limit:g}"
        yield f"{judgement.slowest:.3f}{limit} s"


def _scored(root: GroupResult) -> Iterator[GroupResult]:
    """Groups with points of their own, if there are several."""
    groups = [group for group in root.groups() if "/" in group.name and group.score is not None]
    return iter(groups if len(groups) > 1 else ())


def _points(group: GroupResult) -> str:
    most = "" if group.max_score is None else f" of {group.max_score:g}"
    reason = f": {harmless(group.reason, 200)}" if group.reason else ""
    return f"{harmless(group.name, 60)}  {group.score:g}{most} points{reason}"


def _test(test: TestResult, *, jury: bool) -> str:
    """A test on a line, behind its verdict."""
    parts = [harmless(test.name, 60)]
    if test.score is not None:
        parts.append(f"{test.score:g} points")
    if test.cpu_time is not None:
        parts.append(f"{test.cpu_time:.3f} s")
    if test.wall_time is not None:
        parts.append(f"({test.wall_time:.3f} s on the clock)")
    if test.memory is not None:
        parts.append(f"{test.memory / (1 << 20):.1f} MiB")
    if test.reason and (jury or test.full_feedback):
        parts.append(harmless(test.reason, 300))
    return "".join(f"  {part}" for part in parts)


def _explanation(judgement: Judgement, *, jury: bool) -> Iterator[str]:
    """Why it is so, in lines."""
    if judgement.verdict is None:
        yield from harmless_lines(judgement.reason, 12)
        return
    if judgement.verdict is Verdict.CE:
        yield from harmless_lines(judgement.compiler_output or judgement.reason, COMPILER_LINES)
        return
    if judgement.reason and jury:
        yield from harmless_lines(judgement.reason, 12)
    if not jury:
        yield from _bounded(_told_contestants(judgement))
    first = next((test for test in judgement.tests if test.verdict is Verdict.RTE), None)
    if first is not None and (jury or first.full_feedback):
        written = first.error_output.decode(errors="backslashreplace").strip("\n").split("\n")[-ERROR_LINES:]
        yield from (f"{INDENT}{line}" for line in harmless_lines("\n".join(written), ERROR_LINES) if line)
    yield from _bounded(note for test in judgement.tests for note in _notes(test))
    for test in judgement.tests if jury else ():
        if test.transcript:
            yield f"{harmless(test.name, 100)}: what was said, < by the jury and > by the submission:"
            yield from (f"{INDENT}{line}" for line in harmless_lines(test.transcript, 200))


def _bounded(notes: Iterable[str]) -> Iterator[str]:
    """As many as are read; the report and the JSON have them all."""
    found = list(notes)
    yield from found[:NOTES]
    if len(found) > NOTES:
        yield f"… {len(found) - NOTES} more"


def _told_contestants(judgement: Judgement) -> Iterator[str]:
    for test in judgement.tests:
        if test.verdict is not Verdict.AC:
            told = f": {harmless(test.reason, 400)}" if test.full_feedback and test.reason else ""
            yield f"{harmless(test.name, 100)}: {test.verdict}{told}"


def _notes(test: TestResult) -> Iterator[str]:
    name = harmless(test.name, 100)
    if test.attempts:
        times = ", ".join(f"{time:.3f}" for time in test.attempts)
        yield f"{name}: near the limit, so it was run {len(test.attempts)} times: {times} s; the fastest counts"
    if test.verdict is not Verdict.AC and test.hint:
        yield f"{name}: hint: {harmless(test.hint, 400)}"
    if test.team_message:
        yield f"{name}: {' '.join(harmless_lines(test.team_message, 3))}"


def plain(name: str, judgement: Judgement) -> None:
    """A line on stderr where there is no terminal: that a submission is done."""
    if not sys.stderr.isatty():
        click.echo(f"{harmless(name, 100)}: {judgement.verdict or 'not judged'}", err=True)
