"""One place where a submission runs on one test after the other, in a warm box of its own."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sandbox.box import Box
from sandbox.judge.checker import NEXT_INPUT, Checked, Checker, Feedback, Validator
from sandbox.judge.inputs import Inputs
from sandbox.judge.interactor import interact
from sandbox.judge.judgement import EXCERPT, Finding, TestResult
from sandbox.judge.problem import Problem, Test
from sandbox.judge.program import Program
from sandbox.judge.reasons import of_submission
from sandbox.judge.stop import Stop
from sandbox.judge.verdict import Verdict
from sandbox.policy import Policy
from sandbox.request import Limits
from sandbox.result import Result

KEPT = 16 << 20
"""Bytes of output up to which it is kept in memory; what may be more goes to a file."""


@dataclass(frozen=True, slots=True)
class NearLimit:
    """What is done about a run that ends close to its time limit: noise alone could have made the difference."""

    distance: float = 0.05
    """How close, as a part of the limit, on both sides of it."""
    repeats: int = 2
    """How often it is run again, at most. The fastest run counts: noise makes no program faster."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A submission on a problem, with everything that is the same for each test."""

    problem: Problem
    program: Program
    policy: Policy
    limits: Limits
    """Of one run; its CPU time is larger than `time_limit` by the distance that is near."""
    time_limit: float | None
    checker: Checker
    inputs: Inputs
    near: NearLimit = NearLimit()
    transcript: bool = False


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of the submission on one test, all its passes, as far as it went."""

    result: Result
    verdict: Verdict
    reason: str
    checked: Checked
    output: bytes = b""
    transcript: str = ""


class TestSlot:
    """See `ahead.Slot`."""

    def __init__(self, trial: Trial) -> None:
        """Makes the box. Raises what `Box` raises."""
        self._trial = trial
        self._box = Box(trial.policy)
        self._stop = Stop()

    def close(self) -> None:
        """See `ahead.Slot`."""
        self._box.close()

    def run(self, test: Test, stop: Stop) -> TestResult:
        """See `ahead.Slot`. Raises `SandboxError` if the sandbox failed."""
        self._stop = stop
        best = self._once(test)
        attempts: tuple[float, ...] = ()
        for _ in range(self._trial.near.repeats):
            if not self._is_near(best) or stop.wanted:
                break
            again = self._once(test)
            attempts = (*(attempts or (best.result.cpu_time or 0.0,)), again.result.cpu_time or 0.0)
            best = min(best, again, key=lambda run: run.result.cpu_time or 0.0)
        return self._conclude(test, best, attempts)

    def _is_near(self, run: _Run) -> bool:
        limit, time = self._trial.time_limit, run.result.cpu_time
        if limit is None or time is None or run.verdict not in (Verdict.AC, Verdict.TLE, Verdict.WA):
            return False
        return abs(time - limit) <= limit * self._trial.near.distance

    def _conclude(self, test: Test, run: _Run, attempts: tuple[float, ...]) -> TestResult:
        result, finding = run.result, run.checked.finding
        return TestResult(
            test.name,
            run.verdict,
            run.reason,
            result.cpu_time,
            result.wall_time,
            result.memory_peak,
            attempts,
            run.checked.time,
            finding.score,
            finding.multiplier,
            finding.judge_message,
            finding.team_message,
            run.output[:EXCERPT],
            (result.stderr or b"")[:EXCERPT],
            run.transcript,
            test.full_feedback,
            test.hint,
            finding.difference,
            finding.wrong_score,
        )

    def _once(self, test: Test) -> _Run:
        """Every pass of a test: one, unless the jury's program asks for another with an input of its own."""
        problem = self._trial.problem
        passes = problem.limits.validation_passes if problem.multi_pass else 1
        feedback: Feedback = {}
        slowest: Result | None = None
        said: list[str] = []
        for _ in range(passes):
            run = self._interact(test, feedback) if problem.interactive else self._batch(test, feedback)
            feedback = run.checked.feedback
            said.append(run.transcript)
            run = replace(run, transcript="\n---\n".join(filter(None, said)))
            slowest = run.result if slowest is None else max(slowest, run.result, key=_time)
            again = problem.multi_pass and run.verdict is Verdict.AC and NEXT_INPUT in feedback
            if not again:
                return run if run.verdict is not Verdict.AC else replace(run, result=slowest)
        why = f"validator: it asked for more than the {passes} passes that problem.yaml allows"
        return replace(run, verdict=Verdict.JE, reason=why)

    def _options(self, test: Test) -> dict[str, Any]:
        trial = self._trial
        at_work = trial.program.at_work(test.files, writable=trial.problem.allow_file_writing)
        return {"limits": trial.limits, **at_work}

    @property
    def _out_of_memory(self) -> tuple[str, ...]:
        return self._trial.program.language.run.out_of_memory

    def _argv(self, test: Test) -> tuple[str, ...]:
        return (*self._trial.program.argv(self._trial.limits), *test.args)

    def _batch(self, test: Test, feedback: Feedback) -> _Run:
        with (
            self._trial.inputs.get(test, feedback.get(NEXT_INPUT)) as stdin,
            _spool(self._trial.limits.output) as spool,
        ):
            options = self._options(test) if spool is None else {**self._options(test), "stdout": spool.fileno()}
            with self._stop.control() as control:
                result = self._box.run(self._argv(test), stdin=stdin, control=control, **options)
            printed = None if spool is None else os.stat(spool.name).st_size
            verdict, reason = of_submission(result, self._trial.time_limit, self._out_of_memory, printed)
            output = result.stdout if spool is None else _head(spool.name)
            if verdict is not Verdict.AC:
                return _Run(result, verdict, reason, Checked(Finding(verdict)), output or b"")
            found = Path(spool.name) if spool else result.stdout or b""
            checked = self._trial.checker.check(test, found, feedback, self._trial.program.files)
            return _Run(result, checked.finding.verdict, checked.finding.reason, checked, output or b"")

    def _interact(self, test: Test, feedback: Feedback) -> _Run:
        validator = self._trial.checker
        assert isinstance(validator, Validator)
        talk = interact(
            self._box, self._argv(test), self._options(test), validator, test, feedback, self._stop,
            time_limit=self._trial.time_limit, submitted=self._trial.program.files, transcript=self._trial.transcript,
            out_of_memory=self._out_of_memory,
        )  # fmt: skip
        finding = talk.checked.finding
        return _Run(talk.contestant, finding.verdict, finding.reason, talk.checked, transcript=talk.transcript)


def _time(result: Result) -> float:
    return result.cpu_time or 0.0


@contextlib.contextmanager
def _spool(limit: int | None) -> Iterator[Any]:
    """A file for output that may be too much for memory, or `None`."""
    if limit is not None and limit <= KEPT:
        yield None
        return
    with tempfile.NamedTemporaryFile(prefix="sandbox-judge-") as file:
        yield file


def _head(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, EXCERPT)
    finally:
        os.close(fd)
