"""`sandbox judge`: submissions to a problem, judged, with their reasons."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from sandbox.cli.judgements import Live, show
from sandbox.cli.terminal import complaining, harmless, located
from sandbox.harden import harden
from sandbox.judge.cache import Cache
from sandbox.judge.calibrate import calibrate
from sandbox.judge.compare import CHECKERS
from sandbox.judge.compiler import Compiler
from sandbox.judge.judge import DEFAULT_TIME, Judge
from sandbox.judge.judgement import Judgement
from sandbox.judge.package import opened
from sandbox.judge.problem import Group, Problem, Test
from sandbox.judge.slot import NearLimit
from sandbox.judge.submission import Submission
from sandbox.judge.verdict import Verdict


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
    with complaining(problem), opened(problem) as read, Compiler(Cache(cache), overlay=options["overlay"]) as compiler:
        package = _with_checker(read, options["checker"], options["checker_args"], testlib=options["testlib"])
        for warning in package.warnings:
            click.echo(located(problem, warning), err=True)
        only = _chosen(package, (*groups, *tests))
        limit = time_limit or _time_limit(package, compiler, jobs)
        given = {str(path): Submission.read(path, language) for path in submissions}
        near = NearLimit(options["near"] / 100, options["repeats"])
        judgements = []
        with (
            Judge(package, compiler=compiler, jobs=jobs, time_limit=limit, near=near) as judge,
            Live(tuple(given), _count(package, only), limit) as live,
        ):
            for name, submission in given.items():
                judgement = judge.judge(
                    submission, only=only, keep_going=options["keep_going"], transcript=options["transcript"],
                    on_result=live.told(name),
                )  # fmt: skip
                live.ended(name, judgement)
                judgements.append(judgement)
                if not as_json and not live.on:
                    show(judgement, jury=not contestant)
    if not as_json and live.on:  # it would have written between the lines of the table
        for judgement in judgements:
            show(judgement, jury=not contestant)
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
