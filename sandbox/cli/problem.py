"""`sandbox problem`: what is in a problem package, and whether it keeps its own promises."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from sandbox.cli import EXIT_SANDBOX
from sandbox.cli.interrupts import interruptible
from sandbox.cli.judge import REPORT, can_write
from sandbox.cli.judgements import plain
from sandbox.cli.matrix import matrix
from sandbox.cli.terminal import complaining, harmless, tell
from sandbox.harden import harden
from sandbox.judge.cache import Cache
from sandbox.judge.compiler import Compiler
from sandbox.judge.package import opened
from sandbox.judge.problem import Complaint, Group, Problem, ProblemError, Test
from sandbox.judge.verify import Report, Row, expected, verify

MIB = 1 << 20


@click.group()
def problem() -> None:
    """Show and check a problem package."""


@problem.command()
@click.argument("package", type=click.Path(exists=True, path_type=Path))
@click.option("--no-run", is_flag=True, help="Only read the package.")
@click.option("--lazy", is_flag=True, help="End each submission once it is decided whether it ends as expected.")
@click.option(
    "--jobs", "-j", type=click.IntRange(1), metavar="N", help="Tests at one time (default: one for each CPU)."
)
@click.option("--cache", type=click.Path(path_type=Path), metavar="DIR", help="Where compiled programs are kept.")
@click.option("--overlay", default="", metavar="NAME", help="Laid over every policy, such as weak-no-cgroup.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@click.option("--html", type=REPORT, metavar="FILE", help="Write a report, one page.")
def check(
    package: Path, no_run: bool, lazy: bool, jobs: int | None, cache: Path | None, overlay: str, as_json: bool,
    html: Path | None,
) -> None:  # fmt: skip
    """Read PACKAGE, run its validators on its data, and judge all submissions of the jury on every test.

    \b
    Exit codes: 0 if all is as the package says;
      1 if something is not, or a submission could not be judged;
      125 the package cannot be used, or the sandbox itself failed;
      128 + N if signal N interrupted it;
        2 the command line is wrong.
    """
    harden()
    can_write(html)
    try:
        with interruptible(), opened(package) as read:
            if no_run:
                _read_only(package, read, as_json)
                return
            if not as_json:
                _warn(package, read.warnings)
            with Compiler(Cache(cache), overlay=overlay) as compiler, _live(read) as follow:
                report = verify(read, compiler=compiler, jobs=jobs, on_row=follow, lazy=lazy)
    except ProblemError as error:
        if as_json:
            click.echo(json.dumps(_unusable(package, error.complaints), indent=2))
        _warn(package, error.complaints)
        sys.exit(EXIT_SANDBOX)
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2))
    else:
        _show(package, report)
    if html is not None:
        _write(report, html)
    sys.exit(0 if report.ok else 1)


def _warn(package: Path, complaints: tuple[Complaint, ...]) -> None:
    for complaint in complaints:
        tell(package, complaint)


def _read_only(package: Path, problem: Problem, as_json: bool) -> None:
    """What can be said of a package without running anything."""
    if as_json:
        click.echo(json.dumps(Report(problem, (), (), problem.limits.time).to_json(), indent=2))
        return
    _warn(package, problem.warnings)
    click.echo(f"{harmless(problem.title)}: {sum(1 for _ in problem.root.tests())} tests, format {problem.format}")


@contextlib.contextmanager
def _live(problem: Problem) -> Iterator[Callable[[Row], object] | None]:
    """A matrix on the terminal that grows with the rows that it is given."""
    if not sys.stderr.isatty():
        yield lambda row: plain(row.submission.name, row.judgement)
        return
    from rich.console import Console
    from rich.live import Live

    rows: list[Row] = []
    with Live(
        get_renderable=lambda: matrix(problem, rows, len(problem.submissions) - len(rows)),
        console=Console(stderr=True), transient=True, refresh_per_second=4,
    ):  # fmt: skip
        yield rows.append


def _show(package: Path, report: Report) -> None:
    """Everything on stdout."""
    from rich.console import Console

    # Where nobody sees it, a table is as wide as it likes to be.
    width = None if sys.stdout.isatty() else 1_000
    if report.rows:
        Console(highlight=False, width=width).print(matrix(report.problem, report.rows))
    for row in report.rows:
        name = harmless(row.submission.name, 100)
        for mismatch in row.mismatches:
            click.echo(f"{name}: error: {harmless(mismatch, 600)}")
        for warning in row.warnings:
            click.echo(f"{name}: warning: {harmless(warning, 600)}")
    for complaint in report.complaints:
        tell(package, complaint, err=False)
    click.echo(_limit(report))
    click.echo("everything is as the package says" if report.ok else "something is not as the package says")


def _write(report: Report, html: Path) -> None:
    from sandbox.judge.html import Remark
    from sandbox.judge.html import report as page

    text = page(
        report.problem,
        [row.judgement for row in report.rows],
        remarks=[Remark(expected(row.submission), row.mismatches, row.warnings) for row in report.rows],
        complaints=(*report.problem.warnings, *report.complaints),
        notes=[] if report.time_limit is not None and report.calibration is None else [_limit(report)],
    )
    html.write_text(text, encoding="utf-8")


def _limit(report: Report) -> str:
    if report.time_limit is None:
        return "time limit: none, and no submission of the jury's to take it from"
    if report.calibration is None:
        return f"time limit: {report.time_limit:g} s, as the package says"
    found = report.calibration
    times = report.problem.limits.ac_to_time_limit
    return f"time limit: {found.limit:g} s, {times:g} times {found.slowest:.3f} s of {harmless(found.submission)}"


def _unusable(package: Path, complaints: tuple[Complaint, ...]) -> dict[str, Any]:
    """The same keys, of a package that cannot be read."""
    found = [complaint.to_json() for complaint in complaints]
    return {"problem": package.stem, "ok": False, "time_limit": None, "complaints": found, "submissions": []}


@problem.command()
@click.argument("package", type=click.Path(exists=True, path_type=Path))
def show(package: Path) -> None:
    """Say what is in PACKAGE: its kind, limits, groups and submissions."""
    with complaining(package), opened(package) as read:
        for name, value in _about(read):
            click.echo(f"{name:<12} {harmless(value, 400)}")
        click.echo()
        for line in _tree(read.root, 0):
            click.echo(line)


def _about(problem: Problem) -> Iterator[tuple[str, str]]:
    limits = problem.limits
    kinds = {
        "scoring": problem.scoring, "interactive": problem.interactive, "multi-pass": problem.multi_pass,
        "submit-answer": problem.submit_answer,
    }  # fmt: skip
    yield "name", problem.name
    yield "title", problem.title
    yield "format", problem.format
    yield "kind", ", ".join(name for name, is_so in kinds.items() if is_so) or "pass-fail"
    yield "time limit", "from the jury's submissions" if limits.time is None else f"{limits.time:g} s"
    yield "memory", f"{limits.memory // MIB} MiB"
    yield "output", f"{limits.output // MIB} MiB"
    yield (
        "checker",
        " ".join((", ".join(p.name for p in problem.output_validators) or problem.checker, *problem.checker_args)),
    )
    yield "languages", ", ".join(problem.languages) if problem.languages is not None else "all"
    yield "submissions", ", ".join(jury.name for jury in problem.submissions) or "none"


def _tree(group: Group, depth: int) -> Iterator[str]:
    own = sum(isinstance(child, Test) for child in group.children)
    grading = group.grading
    points = f", {grading.scores} of at most {grading.max_score:g}" if grading.max_score is not None else ""
    needs = f", needs {', '.join(grading.require_pass)}" if grading.require_pass else ""
    yield f"{'  ' * depth}{harmless(group.name.rpartition('/')[2]) or 'data'}: {own} tests{points}{needs}"
    for child in group.children:
        if isinstance(child, Group):
            yield from _tree(child, depth + 1)
