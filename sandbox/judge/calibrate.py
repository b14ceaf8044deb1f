"""The time limit of a problem that does not say it: from how long the jury's own submissions take."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.errors import RequestError
from sandbox.judge.compiler import Compiler
from sandbox.judge.judge import DEFAULT_TIME, Judge, attempted
from sandbox.judge.judgement import Judgement, TestResult
from sandbox.judge.package.globs import matches
from sandbox.judge.problem import Bound, JurySubmission, Problem
from sandbox.judge.slot import NearLimit
from sandbox.judge.stop import Stop
from sandbox.judge.submission import Submission

LONGEST = 60.0
"""CPU seconds that a jury's submission has for a test while there is no limit yet."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Where a time limit came from. Times are seconds."""

    limit: float
    slowest: float
    """The largest CPU time of a test of a submission that must not be too slow."""
    submission: str
    """Which that is."""
    without: tuple[str, ...] = ()
    """Names of those that were to be run, too, and could not be."""


def calibrate(
    problem: Problem, *, compiler: Compiler | None = None, jobs: int | None = None,
    on_judgement: Callable[[JurySubmission, Judgement], object] | None = None, stop: Stop | None = None,
) -> Calibration | None:  # fmt: skip
    """Run the submissions that bound the time limit from below; `None` if there are none that ran.

    The limit is `ac_to_time_limit` times the slowest, rounded up to a multiple of `time_resolution`.
    """
    found: list[tuple[float, str]] = []
    without: list[str] = []
    with Judge(problem, compiler=compiler, jobs=jobs, time_limit=LONGEST, near=NearLimit(repeats=0)) as judge:
        for jury in problem.submissions:
            if not bounds(jury, "lower"):
                continue
            try:
                judgement = judge.judge(read(problem, jury), only=_bounding(jury), keep_going=True, stop=stop)
            except RequestError:  # whoever judges it says why; a limit from what the sandbox failed at would be none
                without.append(jury.name)
                continue
            found += [(time, jury.name) for time in (slowest(jury, judgement, "lower"),) if time is not None]
            if on_judgement is not None:
                on_judgement(jury, judgement)
    if not found:
        return None
    time, name = max(found)
    limits = problem.limits
    steps = math.ceil(time * limits.ac_to_time_limit / limits.time_resolution - 1e-9)
    return Calibration(max(steps, 1) * limits.time_resolution, time, name, tuple(without))


def time_limit(
    problem: Problem, *, compiler: Compiler | None = None, jobs: int | None = None, stop: Stop | None = None
) -> tuple[float, str]:
    """The problem's, or what follows from the jury's submissions, or the default; and why, unless it is the first."""
    if problem.limits.time is not None:
        return problem.limits.time, ""
    if problem.submit_answer:
        return DEFAULT_TIME, ""
    found = calibrate(problem, compiler=compiler, jobs=jobs, stop=stop)
    if found is None:
        return DEFAULT_TIME, "the default, for the problem says none, and no submission of the jury's that could be run"
    times, took = problem.limits.ac_to_time_limit, f"{found.submission} takes {found.slowest:.3f} s"
    lacking = f"; {', '.join(found.without)} could not be judged" if found.without else ""
    return found.limit, f"{took}, and the limit is {times:g} times that, rounded up{lacking}"


def _bounding(jury: JurySubmission) -> Callable[[str], bool]:
    """Whether a submission bounds the time limit from below on what has this name; on others it may take for ever."""
    globs = [expectation.tests for expectation in jury.expectations if expectation.bound == "lower"]
    return lambda name: any(not glob or matches(glob, name) for glob in globs)


def bounds(jury: JurySubmission, bound: Bound) -> bool:
    """Whether a submission bounds the time limit from that side."""
    return any(expectation.bound == bound for expectation in jury.expectations)


def slowest(jury: JurySubmission, judgement: Judgement, bound: Bound) -> float | None:
    """The largest CPU time of the tests on which a submission bounds the time limit."""
    globs = [expectation.tests for expectation in jury.expectations if expectation.bound == bound]
    times = [test.cpu_time for glob in globs for test in matching(judgement, glob) if test.cpu_time is not None]
    return max(times, default=None)


def matching(judgement: Judgement, glob: str) -> Iterator[TestResult]:
    """The tests whose name, or that of a group that they are in, a glob matches; all of them if it is empty."""
    return (test for test in judgement.tests if not glob or matches(glob, test.name))


def judged(judge: Judge, jury: JurySubmission, **options: Any) -> Judgement:
    """What a submission of the jury's comes to, under its name in the package; options as of `Judge.judge`."""
    reading = functools.partial(read, judge.problem, jury)
    return attempted(judge.problem, jury.name, reading, functools.partial(judge.judge, **options))


def read(problem: Problem, jury: JurySubmission) -> Submission:
    """The submission, under its name in the package. Raises what `Submission.read` raises."""
    submission = Submission.read(jury.path, within=problem.directory).with_constants(problem.constants)
    return submission.named(jury.name, jury.language, jury.entry_point)
