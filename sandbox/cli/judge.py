"""`sandbox judge`: submissions to a problem, judged, with their reasons."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from sandbox.cli import EXIT_SANDBOX
from sandbox.cli.interrupts import interruptible
from sandbox.cli.judgements import Live, plain, show
from sandbox.cli.selection import Selection
from sandbox.cli.terminal import complaining, harmless, tell
from sandbox.harden import harden
from sandbox.judge.cache import Cache
from sandbox.judge.calibrate import time_limit as limit_of
from sandbox.judge.compare import CHECKERS, parse_flags
from sandbox.judge.compiler import Compiler
from sandbox.judge.judge import Judge, attempted
from sandbox.judge.judgement import Judgement
from sandbox.judge.languages import codes
from sandbox.judge.package import opened
from sandbox.judge.problem import Problem, ProblemError
from sandbox.judge.slot import NearLimit
from sandbox.judge.submission import Submission
from sandbox.judge.tolerance import decimal
from sandbox.judge.verdict import Verdict


class _Number(click.FloatRange):
    """A decimal number as the package format has it, within a range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See `click.ParamType`."""
        if isinstance(value, str) and decimal(value) is None:
            self.fail(f"{value[:40]!r} is not a decimal number", param, ctx)
        return super().convert(value, param, ctx)


REPORT = click.Path(path_type=Path, dir_okay=False, writable=True)


def _known(_ctx: click.Context, _param: click.Parameter, code: str | None) -> str | None:
    if code is not None and code not in codes():
        raise click.BadParameter(f"{code!r} is not one of {', '.join(codes())}")
    return code


def _are_there(_ctx: click.Context, _param: click.Parameter, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """A link to nothing is there, and cannot be judged; a name of nothing is a mistake of the command line."""
    for path in paths:
        if not os.path.lexists(path):
            raise click.BadParameter(f"{str(path)!r} does not exist")
    return paths


@click.command()
@click.argument("problem", type=click.Path(exists=True, path_type=Path))
@click.argument(
    "submissions", nargs=-1, required=True, type=click.Path(readable=False, path_type=Path), callback=_are_there
)
@click.option("--group", "groups", multiple=True, metavar="GLOB", help="Only this group, such as secret/1; repeatable.")
@click.option(
    "--testcase", "tests", multiple=True, metavar="GLOB", help="Only this test, such as secret/02; repeatable."
)
@click.option(
    "--jobs", "-j", type=click.IntRange(1), metavar="N", help="Tests at one time (default: one for each CPU)."
)
@click.option("--keep-going", is_flag=True, help="Run also those tests that cannot change the verdict.")
@click.option("--time-limit", type=_Number(0.001), metavar="SECONDS", help="Instead of the problem's.")
@click.option(
    "--near",
    type=_Number(0, 100),
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
@click.option(
    "--language", metavar="CODE", callback=_known, help="Of all submissions, instead of what their names say."
)
@click.option("--checker", metavar="NAME|FILE", help=f"Instead of the problem's: {', '.join(CHECKERS)}, or a program.")
@click.option("--checker-args", default="", metavar="ARGS", help="Its arguments, in one word, quoted as in a shell.")
@click.option("--testlib", is_flag=True, help="The checker is one made with testlib.")
@click.option("--transcript", is_flag=True, help="Show what was said in an interactive problem.")
@click.option("--contestant", is_flag=True, help="Show only what a contestant may see.")
@click.option("--cache", type=click.Path(path_type=Path), metavar="DIR", help="Where compiled programs are kept.")
@click.option("--overlay", default="", metavar="NAME", help="Laid over every policy, such as weak-no-cgroup.")
@click.option("--json", "as_json", is_flag=True, help="Print the judgements as JSON.")
@click.option("--html", type=REPORT, metavar="FILE", help="Write a report, one page.")
@click.option("--verbose", "-v", is_flag=True, help="Show every test, with its times and memory.")
def judge(
    problem: Path,
    submissions: tuple[Path, ...],
    groups: tuple[str, ...],
    tests: tuple[str, ...],
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
      125 the problem cannot be used (a verdict JE says so too), the sandbox itself failed, or a submission could not
          be judged (its language is not installed, or it cannot be read): nothing is said of it;
      128 + N if signal N interrupted it;
        2 the command line is wrong.
    """
    harden()
    can_write(html)
    judging = Compiler(Cache(cache), overlay=options["overlay"])

    def unusable(error: ProblemError) -> None:
        """Nothing was judged then, which the JSON says of each."""
        why = "the problem cannot be used" + ("" if contestant else f": {error.complaints[0]}")
        rows = [Judgement(problem.stem, name, None, None, reason=why).to_json() for name in _names(submissions)]
        if as_json:
            click.echo(json.dumps(rows, indent=2))

    with interruptible(), complaining(problem, unusable), opened(problem) as read, judging as compiler:
        package = _with_checker(read, options["checker"], options["checker_args"], testlib=options["testlib"])
        for warning in () if contestant else package.warnings:
            tell(problem, warning)
        selection = Selection(package, groups, tests)
        limit, why = (time_limit, "") if time_limit is not None else limit_of(package, compiler=compiler, jobs=jobs)
        if why and not contestant:
            click.echo(f"sandbox: time limit {limit:g} s: {harmless(why, 400)}", err=True)
        given = _names(submissions)
        near = NearLimit(options["near"] / 100, options["repeats"])
        judgements: list[Judgement] = []
        with (
            _shown(judgements, as_json=as_json, jury=not contestant, verbose=options["verbose"]) as ended,
            Judge(package, compiler=compiler, jobs=jobs, time_limit=limit, near=near) as judge,
            Live(tuple(given), selection.count, limit) as live,
        ):
            how = {"only": selection, "keep_going": options["keep_going"], "transcript": options["transcript"]}
            for name, path in given.items():
                reading = functools.partial(_read, path, name, options["language"])
                judging_it = functools.partial(judge.judge, on_result=live.told(name), **how)
                judgement = attempted(package, name, reading, judging_it)
                live.ended(name, judgement)
                ended(judgement)
    if as_json:
        click.echo(json.dumps([judgement.to_json(jury=not contestant) for judgement in judgements], indent=2))
    if html is not None:
        from sandbox.judge.html import report

        notes = [f"The time limit, {limit:g} s: {why}."] if why and not contestant else []
        html.write_text(report(package, judgements, jury=not contestant, notes=notes), encoding="utf-8")
    sys.exit(_exit_code(package, judgements))


def _names(submissions: Sequence[Path]) -> dict[str, Path]:
    """What each submission is called: by its own name, or, if that is another's too, by its path as it was given."""
    own = [path.name for path in submissions]
    return {path.name if own.count(path.name) == 1 else str(path): path for path in submissions}


def _read(path: Path, name: str, language: str | None) -> Submission:
    return Submission.read(path, language).named(name)


def can_write(report: Path | None) -> None:
    """Find out before anything is run. `click.BadParameter` if there is no such directory."""
    if report is not None and not report.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no directory {str(report.parent)!r}", param_hint="--html")


@contextlib.contextmanager
def _shown(
    judgements: list[Judgement], *, as_json: bool, jury: bool, verbose: bool
) -> Iterator[Callable[[Judgement], None]]:  # fmt: skip
    """Shows each judgement as soon as it is there: if a table is in the way, as soon as that is gone, whyever."""

    def ended(judgement: Judgement) -> None:
        judgements.append(judgement)
        if as_json:
            plain(judgement.submission, judgement)
        elif not Live.possible():
            show(judgement, jury=jury, verbose=verbose)

    try:
        yield ended
    finally:
        if Live.possible() and not as_json:
            for judgement in judgements:
                show(judgement, jury=jury, verbose=verbose)


def _exit_code(problem: Problem, judgements: Sequence[Judgement]) -> int:
    broken = [judgement for judgement in judgements if judgement.verdict is Verdict.JE]
    for judgement in broken:
        click.echo(f"sandbox: {harmless(judgement.submission, 100)}: the problem itself failed", err=True)
    if broken or any(judgement.verdict is None for judgement in judgements):
        return EXIT_SANDBOX
    well = all(judgement.verdict is Verdict.AC or (problem.scoring and judgement.root) for judgement in judgements)
    return 0 if well else 1


def _with_checker(problem: Problem, checker: str | None, args: str, *, testlib: bool) -> Problem:
    """The problem with the checker of the command line."""
    if checker is None:
        if args or testlib:
            raise click.UsageError("--checker-args and --testlib need --checker")
        return problem
    try:
        arguments = tuple(shlex.split(args))
        if checker in CHECKERS:
            parse_flags(checker, arguments)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--checker-args") from None
    if checker in CHECKERS:
        return replace(problem, checker=checker, checker_args=arguments, output_validators=())
    path = Path(checker)
    if not path.exists():
        raise click.BadParameter(
            f"{checker!r} is neither a file nor one of {', '.join(CHECKERS)}", param_hint="--checker"
        )
    kind = "testlib" if testlib else "default"
    return replace(problem, checker=kind, checker_args=arguments, output_validators=(path.resolve(),))
