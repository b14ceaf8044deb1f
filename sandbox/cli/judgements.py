"""How judgements look on a terminal: while they are made, and when they are there."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from sandbox.cli.terminal import bars, colored, harmless, harmless_lines
from sandbox.judge.judgement import GroupResult, Judgement, TestResult
from sandbox.judge.verdict import Verdict

if TYPE_CHECKING:
    from rich.table import Table

COMPILER_LINES = 40
"""Lines of a compiler's output that are shown."""


class Live:
    """A table on the terminal that follows the results which it is told; nothing where there is no terminal."""

    def __init__(self, names: Sequence[str], count: int, limit: float | None) -> None:
        """Of submissions with these names, each on `count` tests."""
        self._results: dict[str, list[TestResult]] = {name: [] for name in names}
        self._ended: dict[str, Judgement] = {}
        self._count = count
        self._limit = limit
        self.on = sys.stderr.isatty()
        self._shown = contextlib.ExitStack()

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


def show(judgement: Judgement, *, jury: bool) -> None:
    """One judgement on stdout."""
    from rich.console import Console
    from rich.text import Text

    width = shutil.get_terminal_size((100, 24)).columns
    console = Console(width=width, highlight=False, soft_wrap=True)
    line = Text.assemble(colored(judgement.verdict), "  ", Text(harmless(judgement.submission, 60), "bold"))
    for part in _facts(judgement):
        line.append(f"  {part}", "dim")
    console.print(line)
    if judgement.root is not None and judgement.tests:
        console.print(Text("    ") + bars(judgement.root, judgement.time_limit, width - 8))
    for text in _explanation(judgement, jury=jury):
        console.print(Text(f"    {text}"))


def _facts(judgement: Judgement) -> Iterator[str]:
    if judgement.score is not None:
        most = "" if judgement.max_score is None else f" of {judgement.max_score:g}"
        yield f"{judgement.score:g}{most} points"
    if judgement.language:
        yield judgement.language
    if judgement.root is not None:
        left_out = f" of {len(judgement.tests) + judgement.root.left_out}" if judgement.root.left_out else ""
        yield f"{len(judgement.tests)}{left_out} tests"
    if judgement.slowest is not None:
        limit = "" if judgement.time_limit is None else f" of {judgement.time_limit:g}"
        yield f"{judgement.slowest:.3f}{limit} s"


def _explanation(judgement: Judgement, *, jury: bool) -> Iterator[str]:
    """Why it is so, in lines."""
    if judgement.verdict is Verdict.CE:
        yield from harmless_lines(judgement.compiler_output or judgement.reason, COMPILER_LINES)
        return
    if judgement.reason and jury:
        yield from harmless_lines(judgement.reason, 12)
    for test in judgement.tests:
        if test.attempts:
            times = ", ".join(f"{time:.3f}" for time in test.attempts)
            yield f"{test.name}: near the limit, so it was run {len(test.attempts)} times: {times} s"
        if test.verdict is not Verdict.AC and test.hint:
            yield f"{test.name}: hint: {harmless(test.hint, 400)}"
        if test.transcript and jury:
            yield f"{test.name}:"
            yield from (f"    {line}" for line in harmless_lines(test.transcript, 200))
        if not jury and test.verdict is not Verdict.AC:
            told = f": {harmless(test.reason, 400)}" if test.full_feedback else ""
            yield f"{test.name}: {test.verdict}{told}"
        if test.team_message:
            yield f"{test.name}: {' '.join(harmless_lines(test.team_message, 3))}"
