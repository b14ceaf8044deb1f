"""`sandbox judge`: submissions to a problem, judged, with their reasons."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sandbox.cli.terminal import bars, colored, harmless, harmless_lines
from sandbox.harden import harden
from sandbox.judge.cache import Cache
from sandbox.judge.calibrate import calibrate
from sandbox.judge.compare import CHECKERS
from sandbox.judge.compiler import Compiler
from sandbox.judge.judge import DEFAULT_TIME, Judge
from sandbox.judge.judgement import GroupResult, Judgement, TestResult
from sandbox.judge.package import opened
from sandbox.judge.problem import Group, Problem, Test
from sandbox.judge.slot import NearLimit
from sandbox.judge.submission import Submission
from sandbox.judge.verdict import Verdict

if TYPE_CHECKING:
    from rich.table import Table

COMPILER_LINES = 40
"""Lines of a compiler's output that are shown."""


@click.command()
@click.argument("problem", type=click.Path(exists=True, path_type=Path))
@click.argument("submissions", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--group", "groups", multiple=True, metavar="GLOB", help="Only this group, such as secret/1; repeatable.")
@click.option(
    "--testcase", "tests", multiple=True, metavar="GLOB", help="Only this test, such as secret/02; repeatable."
)
@click.option(
    "--jobs", "-j", type=click.IntRange(1), metavar="N", help="Tests at one time (default: one for each CPU)."
)
@click.option("--keep-going", is_flag=True, help="Run also those tests that cannot change the verdict.")
@click.option("--time-limit", type=click.FloatRange(0.001), metavar="SECONDS", help="Instead of the problem's.")
@click.option(
    "--near",
    type=click.FloatRange(0, 100),
    default=5.0,
    metavar="PERCENT",
    show_default=True,
    help="How close to the time limit a run is repeated.",
)
@click.option(
    "--repeats",
    type=click.IntRange(0, 100),
    default=2,
    metavar="N",
    show_default=True,
    help="How often; the fastest counts.",
)
@click.option("--language", metavar="CODE", help="Of all submissions, instead of what their names say.")
@click.option("--checker", metavar="NAME|FILE", help=f"Instead of the problem's: {', '.join(CHECKERS)}, or a program.")
@click.option("--checker-args", default="", metavar="ARGS", help="Its arguments, separated by spaces.")
@click.option("--testlib", is_flag=True, help="The checker is one made with testlib.")
@click.option("--transcript", is_flag=True, help="Show what was said in an interactive problem.")
@click.option("--contestant", is_flag=True, help="Show only what a contestant may see.")
@click.option("--cache", type=click.Path(path_type=Path), metavar="DIR", help="Where compiled programs are kept.")
@click.option("--overlay", default="", metavar="NAME", help="Laid over every policy, such as weak-no-cgroup.")
@click.option("--json", "as_json", is_flag=True, help="Print the judgements as JSON.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write a report, one page."
)
def judge(
    problem: Path,
    submissions: tuple[Path, ...],
    groups: tuple[str, ...],
    tests: tuple[str, ...],
    language: str | None,
    time_limit: float | None,
    jobs: int | None,
    cache: Path | None,
    as_json: bool,
    html: Path | None,
    contestant: bool,
    **options: Any,
) -> None:
    """Judge SUBMISSIONS, files or directories, to PROBLEM: a package, a zip archive of one, or a folder of 1.in, 1.ans.

    \b
    Exit codes: 0 if every submission is accepted (scored, in a scoring problem);
      1 if one is not;
      125 the problem cannot be used, or the sandbox itself failed;
        2 the command line is wrong.
    """
    harden()
    with opened(problem) as read, Compiler(Cache(cache), overlay=options["overlay"]) as compiler:
        package = _with_checker(read, options["checker"], options["checker_args"], testlib=options["testlib"])
        for warning in package.warnings:
            click.echo(f"sandbox: {harmless(str(warning))}", err=True)
        only = _chosen(package, (*groups, *tests))
        limit = time_limit or _time_limit(package, compiler, jobs)
        given = {str(path): Submission.read(path, language) for path in submissions}
        near = NearLimit(options["near"] / 100, options["repeats"])
        judgements = []
        with (
            Judge(package, compiler=compiler, jobs=jobs, time_limit=limit, near=near) as judge,
            _Live(tuple(given), _count(package, only), limit) as live,
        ):
            for name, submission in given.items():
                judgement = judge.judge(
                    submission, only=only, keep_going=options["keep_going"], transcript=options["transcript"],
                    on_result=live.told(name),
                )  # fmt: skip
                live.ended(name, judgement)
                judgements.append(judgement)
                if not as_json and not live.on:
                    _show(judgement, jury=not contestant)
    if not as_json and live.on:  # it would have written between the lines of the table
        for judgement in judgements:
            _show(judgement, jury=not contestant)
    if as_json:
        click.echo(json.dumps([judgement.to_json(jury=not contestant) for judgement in judgements], indent=2))
    if html is not None:
        from sandbox.judge.html import report

        html.write_text(report(package, judgements, jury=not contestant))
    sys.exit(0 if all(_is_well(package, judgement) for judgement in judgements) else 1)


def _is_well(problem: Problem, judgement: Judgement) -> bool:
    if problem.scoring:
        return judgement.verdict not in (Verdict.CE, Verdict.JE)
    return judgement.verdict is Verdict.AC


def _with_checker(problem: Problem, checker: str | None, args: str, *, testlib: bool) -> Problem:
    """The problem with the checker of the command line."""
    if checker is None:
        if args or testlib:
            raise click.UsageError("--checker-args and --testlib need --checker")
        return problem
    arguments = tuple(args.split())
    if checker in CHECKERS:
        return replace(problem, checker=checker, checker_args=arguments, output_validators=())
    path = Path(checker)
    if not path.exists():
        raise click.BadParameter(
            f"{checker!r} is neither a file nor one of {', '.join(CHECKERS)}", param_hint="--checker"
        )
    kind = "testlib" if testlib else "default"
    return replace(problem, checker=kind, checker_args=arguments, output_validators=(path.resolve(),))


def _chosen(problem: Problem, globs: tuple[str, ...]) -> tuple[str, ...]:
    """The globs in full: `secret/` may be left out. `click.UsageError` for one that matches nothing."""
    names = [*(group.name for group in _groups(problem.root)), *(test.name for test in problem.root.tests())]
    chosen = []
    for glob in globs:
        found = next((g for g in (glob, f"secret/{glob}") if any(fnmatchcase(name, g) for name in names)), None)
        if found is None:
            raise click.UsageError(f"no group or test is called {glob!r}; there is {', '.join(names[1:8])} …")
        chosen.append(found)
    return tuple(chosen)


def _groups(group: Group) -> Iterator[Group]:
    yield group
    for child in group.children:
        if isinstance(child, Group):
            yield from _groups(child)


def _count(problem: Problem, only: tuple[str, ...]) -> int:
    """How many tests there are to run."""

    def matches(test: Test) -> bool:
        parts = test.name.split("/")
        names = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        return not only or any(fnmatchcase(name, glob) for name in names for glob in only)

    return sum(map(matches, problem.root.tests()))


def _time_limit(problem: Problem, compiler: Compiler, jobs: int | None) -> float:
    """The problem's, or what follows from the jury's submissions, or the default; says which unless it is the first."""
    if problem.limits.time is not None:
        return problem.limits.time
    if problem.submit_answer:
        return DEFAULT_TIME
    found = calibrate(problem, compiler=compiler, jobs=jobs)
    if found is None:
        click.echo(f"sandbox: no time limit is given: {DEFAULT_TIME:g} s (see --time-limit)", err=True)
        return DEFAULT_TIME
    why = f"{harmless(found.submission)} takes {found.slowest:.3f} s"
    click.echo(f"sandbox: time limit {found.limit:g} s: {why}", err=True)
    return found.limit


class _Live:
    """A table on the terminal that follows the results which it is told; nothing where there is no terminal."""

    def __init__(self, names: Sequence[str], count: int, limit: float | None) -> None:
        """Of submissions with these names, each on `count` tests."""
        self._results: dict[str, list[TestResult]] = {name: [] for name in names}
        self._ended: dict[str, Judgement] = {}
        self._count = count
        self._limit = limit
        self.on = sys.stderr.isatty()
        self._shown = contextlib.ExitStack()

    def __enter__(self) -> _Live:
        if self.on:
            from rich.console import Console
            from rich.live import Live

            live = Live(get_renderable=self._table, console=Console(stderr=True), transient=True, refresh_per_second=8)
            self._shown.enter_context(live)
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


def _show(judgement: Judgement, *, jury: bool) -> None:
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
