"""From the tests' verdicts to the submission's: a walk through the groups, in the order of judging.

The walk asks for one result after the other and says which tests nobody needs any more; who runs them, and how far
ahead, is not its concern. So a submission has the same judgement on one slot as on sixteen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from sandbox.judge.judgement import GroupResult, TestResult
from sandbox.judge.problem import Grading, Group, Test
from sandbox.judge.verdict import Verdict

WORST_FIRST = (Verdict.JE, Verdict.RTE, Verdict.MLE, Verdict.TLE, Verdict.OLE, Verdict.WA)

Part = TestResult | GroupResult


@dataclass(slots=True)
class Grader:
    """Judges the groups of a problem."""

    result_of: Callable[[Test], TestResult]
    """Runs a test, or waits for its result."""
    leave_out: Callable[[Iterable[Test]], None]
    """Is told of tests that will not be asked for."""
    static_result: Callable[[Group], TestResult] | None = None
    """Validates the submission's source for a group that asks for that."""
    scoring: bool = False
    keep_going: Callable[[], bool] = lambda: False
    """Says whether to run also a test whose result cannot change anything: verdict and score stay the same."""
    passed: dict[str, bool] = field(default_factory=dict)
    """By name, whether the tests so far, and every test of the groups so far, were accepted."""
    without_score: set[str] = field(default_factory=set)
    """Groups whose scores nobody asks for, so that what validators say of them is as good as not said."""

    def grade(self, group: Group) -> GroupResult:
        """The result of a group and of everything below it."""
        if not group.name and group.grading.ignore_sample:
            self.without_score.add("sample")
        missing = [name for name in group.grading.require_pass if not self.passed.get(name, False)]
        parts, counted = self._parts(group, stopped=bool(missing))
        own = parts[:counted]
        left_out = sum(1 for _ in group.tests()) - sum(1 for part in parts for _ in _tests(part))
        all_passed = not missing and not left_out and all(part.verdict is Verdict.AC for part in own)
        self.passed[group.name] = all_passed
        if missing:
            reason = f"needs {', '.join(missing)}, which was not passed"
            score = 0.0 if self.scoring else None
            return GroupResult(group.name, Verdict.WA, score, group.grading.max_score, reason, tuple(parts), left_out)
        verdict = _verdict(group, own)
        score, reason = self._score(group, own, verdict)
        if reason:
            verdict = Verdict.JE
        return GroupResult(group.name, verdict, score, group.grading.max_score, reason, tuple(parts), left_out)

    def _parts(self, group: Group, *, stopped: bool) -> tuple[list[Part], int]:
        """The results of a group's parts, and how many of them count."""
        parts: list[Part] = []
        counted = 0
        if group.grading.static_validation is not None and self.static_result is not None and not stopped:
            parts.append(self._scored(group, self.static_result(group), _static_worth(group)))
            counted = 1
            stopped = group.grading.stop_early and parts[0].verdict is not Verdict.AC
        for child in group.children:
            if stopped and not self.keep_going():
                self.leave_out([child] if isinstance(child, Test) else child.tests())
                continue
            if isinstance(child, Test):
                parts.append(self._scored(group, self.result_of(child), _worth(group)))
                self.passed[child.name] = parts[-1].verdict is Verdict.AC
            else:
                parts.append(self.grade(child))
            if not stopped:
                counted = len(parts)
            stopped = stopped or (group.grading.stop_early and parts[-1].verdict is not Verdict.AC)
        return parts, counted

    def _scored(self, group: Group, result: TestResult, worth: float | None) -> TestResult:
        """A test with its score; a validator's score that may not be is a judge error."""
        if not self.scoring or result.verdict is Verdict.JE:
            return result
        if group.name in self.without_score:
            return replace(result, score=None, multiplier=None)
        wrong = result.wrong_score or _wrong_score(group, result, worth)
        if wrong:
            return replace(result, verdict=Verdict.JE, reason=wrong, score=None)
        if result.verdict is not Verdict.AC:
            given = result.score if result.score is not None and not group.grading.strict_scores else None
            return replace(result, score=group.grading.reject_score if given is None else given)
        if result.multiplier is not None and worth is not None:
            return replace(result, score=result.multiplier * worth)
        return result if result.score is not None else replace(result, score=worth)

    def _score(self, group: Group, parts: Sequence[Part], verdict: Verdict) -> tuple[float | None, str]:
        """The score of a group, and what is wrong with it."""
        grading = group.grading
        if not self.scoring or (not group.name and grading.ignore_sample and not parts):
            return None, ""
        if grading.scores == "pass-fail":
            score = (grading.max_score or 0.0) if verdict is Verdict.AC else 0.0
        else:
            counting = [part.score or 0.0 for part in _counting(group, parts)]
            score = _aggregate(grading, counting)
        low, high = grading.score_range or (-math.inf, math.inf)
        if not low <= score <= high:
            return score, f"the score {score:g} is outside of the range from {low:g} to {high:g}"
        if grading.max_score is not None and score > grading.max_score * (1 + 1e-9):
            return score, f"the score {score:g} is above the largest possible, {grading.max_score:g}"
        return score, ""


def _counting(group: Group, parts: Sequence[Part]) -> Sequence[Part]:
    """The parts that count, for verdict and score."""
    if group.name == "" and group.grading.ignore_sample:
        return [part for part in parts if part.name != "sample"]
    return parts


def _verdict(group: Group, parts: Sequence[Part]) -> Verdict:
    verdicts = [part.verdict for part in _counting(group, parts)]
    if Verdict.JE in verdicts:
        return Verdict.JE
    errors = group.grading.errors
    failed = [verdict for verdict in verdicts if verdict is not Verdict.AC]
    if not failed or errors == "always_accept" or (errors == "any_accepted" and len(failed) < len(verdicts)):
        return Verdict.AC
    return failed[0] if errors == "first" else min(failed, key=WORST_FIRST.index)


def _aggregate(grading: Grading, scores: Sequence[float]) -> float:
    if not scores:
        return 0.0
    if grading.scores == "sum":
        return math.fsum(scores)
    if grading.scores == "avg":
        return math.fsum(scores) / len(scores)
    return min(scores) if grading.scores == "min" else max(scores)


def _worth(group: Group) -> float | None:
    """What an accepted test of the group is worth; `None` if its checker has to say."""
    grading = group.grading
    if grading.accept_score is not None:
        return grading.accept_score
    if grading.max_score is None or grading.scores == "pass-fail":
        return None
    if grading.scores != "sum":
        return grading.max_score
    tests = sum(isinstance(child, Test) for child in group.children)
    return (grading.max_score - (_static_worth(group) or 0.0)) / tests


def _static_worth(group: Group) -> float | None:
    worth = group.grading.static_validation
    return worth if isinstance(worth, (int, float)) else None


def _wrong_score(group: Group, result: TestResult, worth: float | None) -> str:
    """What is wrong with the score that a validator gave; empty if nothing is."""
    grading = group.grading
    if not grading.strict_scores or not group.name.startswith("secret"):
        return ""
    given = result.score is not None or result.multiplier is not None
    if result.verdict is not Verdict.AC:
        return "the validator gave a score to what it did not accept" if given else ""
    if grading.scores == "pass-fail":
        return "the validator gave a score in a group that is passed or failed" if given else ""
    if worth is None:
        if result.multiplier is not None:
            return "the validator gave a multiplier, and there is no maximum to multiply it with"
        return "" if result.score is not None else "the validator gave no score, and there is no maximum"
    if result.score is not None and result.score > worth * (1 + 1e-9):
        return f"the validator gave {result.score:g} points, and the test is worth {worth:g}"
    return ""


def _tests(part: Part) -> Iterable[TestResult]:
    return [part] if isinstance(part, TestResult) else part.tests()
