"""Whether a problem package keeps its own promises: its data is valid, its jury's submissions end as expected."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sandbox.box import BoxPool
from sandbox.judge.calibrate import Calibration, calibrate, judged, matching, slowest
from sandbox.judge.checker import ACCEPTED
from sandbox.judge.compiler import Compiler
from sandbox.judge.judge import Judge
from sandbox.judge.judgement import Judgement, TestResult
from sandbox.judge.package import globs
from sandbox.judge.problem import Complaint, Expectation, JurySubmission, Problem, Test
from sandbox.judge.reasons import verdict_of
from sandbox.judge.slot import NearLimit
from sandbox.judge.stop import Stop
from sandbox.judge.verdict import Verdict
from sandbox.request import Limits

_SAME = {
    Verdict.MLE: {Verdict.MLE, Verdict.RTE},
    Verdict.OLE: {Verdict.OLE, Verdict.RTE, Verdict.WA},
    Verdict.CE: {Verdict.CE},
}
"""The formats know four verdicts: what of theirs each further one of ours may count as."""


_RTE = frozenset({Verdict.RTE, Verdict.MLE, Verdict.OLE})


@dataclass(frozen=True, slots=True)
class Row:
    """One of the jury's submissions: how it was judged, and what of that was not expected."""

    submission: JurySubmission
    judgement: Judgement
    mismatches: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What was found out about a package."""

    problem: Problem
    complaints: tuple[Complaint, ...]
    """Of the data: what validators said. The package's own warnings are in `problem`."""
    rows: tuple[Row, ...]
    time_limit: float | None
    calibration: Calibration | None = None

    @property
    def ok(self) -> bool:
        """Whether there is nothing wrong."""
        return not any(row.mismatches for row in self.rows) and not any(c.error for c in self.complaints)

    def to_json(self) -> dict[str, Any]:
        """As JSON, with the package's own warnings among the complaints."""
        return {
            "problem": self.problem.name,
            "ok": self.ok,
            "time_limit": self.time_limit,
            "complaints": [complaint.to_json() for complaint in (*self.problem.warnings, *self.complaints)],
            "submissions": [
                {
                    "name": row.submission.name,
                    "expected": expected(row.submission),
                    "mismatches": list(row.mismatches),
                    "warnings": list(row.warnings),
                    "judgement": row.judgement.to_json(),
                }
                for row in self.rows
            ],
        }


def expected(jury: JurySubmission) -> str:
    """What a submission is to end with, in few words."""
    return ", ".join(words for expectation in jury.expectations if (words := _expected(expectation)))


def _expected(expectation: Expectation) -> str:
    words = []
    for wanted in (expectation.overall, expectation.required, expectation.permitted):
        if wanted is not None and wanted != frozenset(Verdict):
            words.append("/".join(sorted(verdict.value for verdict in _in_short(wanted))))
            break
    if expectation.partial:
        words.append("in part")
    if expectation.score is not None:
        low, high = expectation.score
        words.append(f"{low:g} points" if low == high else f"{low:g} to {high:g} points")
    if words and expectation.tests:
        words.append(f"in {expectation.tests}")
    return " ".join(words)


def _in_short(verdicts: frozenset[Verdict]) -> frozenset[Verdict]:
    """What the formats call a run-time error is any of three here."""
    return verdicts - _RTE | {Verdict.RTE} if verdicts >= _RTE else verdicts


def verify(
    problem: Problem, *, compiler: Compiler | None = None, jobs: int | None = None,
    on_row: Callable[[Row], object] | None = None, stop: Stop | None = None, lazy: bool = False,
) -> Report:  # fmt: skip
    """Check a problem's data with its validators, and judge all of the jury's submissions on every test, or, if `lazy`,
    each only until it is decided whether it ends as expected.

    Raises `ProblemError` if the jury's programs do not compile, `SandboxError` if the sandbox failed, and `Stopped` if
    `stop` was called.
    """
    compiler = compiler or Compiler()
    calibration = None
    if problem.limits.time is None:
        calibration = calibrate(problem, compiler=compiler, jobs=jobs, stop=stop)
        limit = calibration.limit if calibration is not None else None
        problem = replace(problem, limits=replace(problem.limits, time=limit))
    # Far enough above the limit to see by how much those are too slow that are to be.
    near = NearLimit(distance=max(problem.limits.time_limit_to_tle - 1, 0.05), repeats=0)
    with Judge(problem, compiler=compiler, jobs=jobs, near=near) as judge:
        complaints = validate(judge, stop)
        rows = []
        for jury in problem.submissions:
            seen: list[TestResult] = []
            going = functools.partial(_undecided, jury, seen) if lazy else True
            judgement = judged(judge, jury, keep_going=going, on_result=seen.append, stop=stop)
            rows.append(_row(problem, jury, judgement))
            if on_row is not None:
                on_row(rows[-1])
    return Report(problem, complaints, tuple(rows), problem.limits.time, calibration)


def validate(judge: Judge, stop: Stop | None = None) -> tuple[Complaint, ...]:
    """What a problem's validators say of its data. Raises `SandboxError`, and `Stopped` if that is called."""
    stop = stop or Stop()
    return (*_validate_inputs(judge, stop), *_validate_outputs(judge, stop))


def _undecided(jury: JurySubmission, seen: Sequence[TestResult]) -> bool:
    """Whether tests can still tell something about what is expected of a submission whose verdict is certain."""
    undecided = False
    for expectation in jury.expectations:
        tests = [test for test in seen if not expectation.tests or globs.matches(expectation.tests, test.name)]
        verdicts = [_as_format(test.verdict) for test in tests]
        permitted, required = expectation.permitted, expectation.required
        if permitted is not None and not all(verdict & permitted for verdict in verdicts):
            return False  # it does not end as expected, whatever follows
        met = required is None or any(verdict & required for verdict in verdicts)
        said = not expectation.message or any(expectation.message in test.judge_message for test in tests)
        some = bool(expectation.tests) and (permitted is not None or expectation.score is not None or not tests)
        undecided = undecided or some or not (met and said)
    return undecided


def _row(problem: Problem, jury: JurySubmission, judgement: Judgement) -> Row:
    if judgement.verdict is None:
        return Row(jury, judgement, (f"not judged: {judgement.reason}",))
    wanted: frozenset[Verdict] = frozenset().union(*(expected.overall or () for expected in jury.expectations))
    if judgement.verdict in (Verdict.CE, Verdict.JE) and judgement.verdict not in wanted:
        return Row(jury, judgement, (f"{judgement.verdict}: {judgement.reason}",))
    mismatches = [why for expectation in jury.expectations for why in _unmet(problem, expectation, judgement)]
    limits, warnings = problem.limits, []
    fast, slow = slowest(jury, judgement, "lower"), slowest(jury, judgement, "upper")
    if fast is not None and limits.time is not None and fast * limits.ac_to_time_limit > limits.time * (1 + 1e-9):
        warnings.append(f"{fast:.3f} s is close to the time limit: {limits.ac_to_time_limit:g} times that is above it")
    if slow is not None and limits.time is not None and limits.time < slow < limits.time * limits.time_limit_to_tle:
        warnings.append(f"{slow:.3f} s is only just too slow: less than {limits.time_limit_to_tle:g} times the limit")
    return Row(jury, judgement, tuple(mismatches), tuple(warnings))


def _unmet(problem: Problem, expected: Expectation, judgement: Judgement) -> Iterator[str]:
    """What an expectation asks for, and is not so."""
    assert judgement.verdict is not None
    if expected.overall is not None and not _as_format(judgement.verdict) & expected.overall:
        yield f"it is {judgement.verdict}, not {_names(expected.overall)}: {judgement.reason}"
    if judgement.root is None:
        return
    tests = list(matching(judgement, expected.tests))
    where = f" in {expected.tests}" if expected.tests else ""
    if expected.tests and not tests:
        yield f"no test matches {expected.tests}"
        return
    if expected.permitted is not None:
        for test in tests:
            if not _as_format(test.verdict) & expected.permitted:
                yield f"{test.name}: {test.verdict} is not among {_names(expected.permitted)}: {test.reason}"
                break
    if expected.required is not None and not any(_as_format(test.verdict) & expected.required for test in tests):
        yield f"no test{where} is {_names(expected.required)}"
    if expected.message and not any(expected.message in test.judge_message for test in tests):
        yield f"no judge message{where} says {expected.message!r}"
    if expected.score is not None:
        yield from _wrong_scores(judgement, expected.tests, *expected.score)
    if expected.partial:
        yield from _not_partial(problem, judgement)


def _not_partial(problem: Problem, judgement: Judgement) -> Iterator[str]:
    if judgement.verdict is not Verdict.AC:
        yield f"it is to be accepted in part, and is {judgement.verdict}"
    worst, best = problem.root.grading.score_range or (-math.inf, math.inf)
    if judgement.score is not None and judgement.score == (worst if problem.minimise else best):
        yield f"it is to be accepted in part, and has the best score, {judgement.score:g}"


def _wrong_scores(judgement: Judgement, glob: str, low: float, high: float) -> Iterator[str]:
    for name, score in _scores(judgement, glob):
        if score is None or not low - 1e-9 <= score <= high + 1e-9:
            got = "missing" if score is None else f"{score:g}"
            yield f"the score{name and f' in {name}'} is {got}, not from {low:g} to {high:g}"


def _scores(judgement: Judgement, glob: str) -> Iterator[tuple[str, float | None]]:
    """Name and score of each group that a glob matches, of the submission itself if it is empty."""
    if not glob or judgement.root is None:
        yield "", judgement.score
        return
    found = False
    for group in judgement.root.groups():
        if globs.matches(glob, group.name) and not globs.matches(glob, group.name.rpartition("/")[0]):
            found = True
            yield group.name, group.score
    if not found:
        yield glob, None


def _as_format(verdict: Verdict) -> set[Verdict]:
    return _SAME.get(verdict, {verdict})


def _names(verdicts: frozenset[Verdict]) -> str:
    return " or ".join(sorted(verdict.value for verdict in verdicts))


def _validate_inputs(judge: Judge, stop: Stop) -> Iterator[Complaint]:
    """Every input must be accepted by all input validators, and every invalid one rejected by one."""
    problem = judge.problem
    limits = Limits(cpu_time=problem.limits.validation_time, memory=problem.limits.validation_memory)
    # Of samples, too, an output may be checked, and their inputs are there already.
    valid = list(
        {test.name: test for test in (*problem.root.tests(), *(test for test, _, _ in problem.outputs))}.values()
    )
    accepted: dict[str, bool] = {test.name: True for test in problem.invalid_inputs}
    for path in problem.input_validators:
        with judge.compile_jury(path) as program:
            own = program.limits(limits)
            with BoxPool(program.under(own), 1) as boxes:
                for test in (*valid, *problem.invalid_inputs):
                    stop.check()
                    by_name = test.input_validator_args
                    args = by_name.get(path.name, by_name.get(path.stem, by_name.get("*", ())))
                    argv = (*program.argv(own), *args, *test.args)
                    result = boxes.run(argv, stdin=test.input, limits=own, **program.at_work(test.files))
                    well = result.exit_code == ACCEPTED
                    if test.name in accepted:
                        accepted[test.name] = accepted[test.name] and well
                    elif not well:
                        said = (result.stdout or b"") + (result.stderr or b"")
                        why = said[-200:].decode(errors="replace").strip() or verdict_of(result, None)[1]
                        yield _of(test, "invalid-input", f"{path.name} does not accept the input: {why}")
    if problem.input_validators:
        for test in problem.invalid_inputs:
            if accepted[test.name]:
                yield _of(test, "valid-input", "no input validator rejects it")


def _validate_outputs(judge: Judge, stop: Stop) -> Iterator[Complaint]:
    """The jury's own answers and outputs must be judged as the package says."""
    problem = judge.problem
    if problem.interactive or problem.multi_pass:
        return
    for test, output, right in problem.outputs:
        stop.check()
        finding = judge.check(test, output)
        if finding.verdict is Verdict.JE or (finding.verdict is Verdict.AC) != right:
            wanted = "accepted" if right else "rejected"
            yield _of(test, "output", f"{output.name} is to be {wanted} and is {finding.verdict}: {finding.reason}")


def _of(test: Test, rule: str, message: str) -> Complaint:
    return Complaint(f"data/{test.name}", None, rule, message)
