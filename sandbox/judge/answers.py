"""Problems whose submissions are the answers themselves: nothing is run but the checker."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.judge.checker import Checker
from sandbox.judge.judgement import EXCERPT, TestResult
from sandbox.judge.problem import Problem, Test
from sandbox.judge.stop import Stop
from sandbox.judge.submission import Submission
from sandbox.judge.verdict import Verdict


@dataclass(frozen=True, slots=True)
class AnswerSlot:
    """See `ahead.Slot`. A test's answer is the file of its name, with or without its directories, and `.out` or `.ans`
    behind it; to a problem with one test, the only file is.
    """

    problem: Problem
    submission: Submission
    checker: Checker

    def run(self, test: Test, _stop: Stop) -> TestResult:
        """See `ahead.Slot`; nothing runs for long but a validator, which has its own limits."""
        answer = self._answer(test)
        if answer is None:
            return TestResult(test.name, Verdict.WA, "there is no answer", hint=test.hint)
        if len(answer) > self.problem.limits.output:
            why = f"the answer has {len(answer)} bytes, and {self.problem.limits.output} are allowed"
            return TestResult(test.name, Verdict.OLE, why, hint=test.hint)
        checked = self.checker.check(test, answer, {})
        said = checked.finding
        return TestResult(
            test.name,
            said.verdict,
            said.reason,
            validator_time=checked.time,
            score=said.score,
            multiplier=said.multiplier,
            judge_message=said.judge_message,
            team_message=said.team_message,
            output=answer[:EXCERPT],
            full_feedback=test.full_feedback,
            hint=test.hint,
            difference=said.difference,
            wrong_score=said.wrong_score,
        )

    def _answer(self, test: Test) -> bytes | None:
        files = self.submission.files
        for name in (test.name, test.name.rpartition("/")[2]):
            for ending in (".out", ".ans", ""):
                if name + ending in files:
                    return files[name + ending]
        only = len(files) == 1 and sum(1 for _ in self.problem.root.tests()) == 1
        return next(iter(files.values())) if only else None

    def close(self) -> None:
        """See `ahead.Slot`."""
