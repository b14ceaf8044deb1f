"""Grading: verdicts and scores of groups, what is left out, and that this depends on nothing but the results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandbox.judge.grading import Grader
from sandbox.judge.judgement import GroupResult, TestResult
from sandbox.judge.problem import Grading, Group, Test
from sandbox.judge.verdict import Verdict

AC, WA, TLE, RTE, JE = Verdict.AC, Verdict.WA, Verdict.TLE, Verdict.RTE, Verdict.JE


def case(name: str) -> Test:
    """A test without files."""
    return Test(name, Path(name), Path(name))


def group(name: str, *children: Test | Group | str, **grading: Any) -> Group:
    """A group of tests, given by their last names, and of groups."""
    made = [case(f"{name}/{child}") if isinstance(child, str) else child for child in children]
    return Group(name, tuple(made), Grading(**grading))


@dataclass
class Run:
    """A submission whose results are known beforehand."""

    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    multipliers: Mapping[str, float] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def result(self, test: Test) -> TestResult:
        """Of a test, accepted if nothing else is said."""
        self.asked.append(test.name)
        name = test.name
        return TestResult(
            name, self.verdicts.get(name, AC), score=self.scores.get(name), multiplier=self.multipliers.get(name)
        )

    def leave_out(self, tests: Iterable[Test]) -> None:
        """Remember which."""
        self.left_out += [test.name for test in tests]

    def grade(self, root: Group, **options: Any) -> GroupResult:
        """Walk."""
        return Grader(self.result, self.leave_out, **options).grade(root)


def test_all_accepted() -> None:
    """Every test accepted is accepted, and without scoring there is no score."""
    done = Run().grade(group("", group("sample", "1"), group("secret", "1", "2")))
    assert (done.verdict, done.score, done.left_out) == (AC, None, 0)
    assert [test.name for test in done.tests()] == ["sample/1", "secret/1", "secret/2"]


def test_the_first_error_ends_it() -> None:
    """The rest is left out, on every level, and the tests that nobody needs are named."""
    run = Run({"secret/2": TLE})
    done = run.grade(group("", group("sample", "1"), group("secret", "1", "2", "3"), group("more", "1")))
    assert (done.verdict, done.left_out) == (TLE, 2)
    assert run.asked == ["sample/1", "secret/1", "secret/2"]
    assert run.left_out == ["secret/3", "more/1"]


@pytest.mark.parametrize(
    ("errors", "expected"), [("first", WA), ("worst", RTE), ("any_accepted", AC), ("always_accept", AC)]
)
def test_errors(errors: str, expected: Verdict) -> None:
    """Which verdict a group has of several."""
    run = Run({"secret/1": WA, "secret/2": TLE, "secret/3": RTE})
    done = run.grade(group("secret", "1", "2", "3", "4", errors=errors, stop_early=False))
    assert done.verdict is expected


def test_none_accepted() -> None:
    """`any_accepted` of nothing accepted is the worst error."""
    run = Run({"secret/1": WA, "secret/2": RTE})
    assert run.grade(group("secret", "1", "2", errors="any_accepted", stop_early=False)).verdict is RTE


@pytest.mark.parametrize("errors", ["first", "worst", "any_accepted", "always_accept"])
def test_a_judge_error_is_never_hidden(errors: str) -> None:
    """However a group makes its verdict, the jury's own error is the whole submission's."""
    run = Run({"secret/2": JE})
    assert run.grade(group("secret", "1", "2", errors=errors, stop_early=False)).verdict is JE


@pytest.mark.parametrize(("scores", "expected"), [("sum", 6.0), ("avg", 2.0), ("min", 1.0), ("max", 3.0)])
def test_scores(scores: str, expected: float) -> None:
    """The ways to make one score of several."""
    run = Run(scores={"secret/1": 1, "secret/2": 2, "secret/3": 3})
    assert run.grade(group("secret", "1", "2", "3", scores=scores), scoring=True).score == expected


def test_scores_of_tests_without_one() -> None:
    """Accepted and rejected tests have the group's `accept_score` and `reject_score`."""
    run = Run({"secret/2": WA})
    done = run.grade(
        group("secret", "1", "2", "3", scores="sum", accept_score=10.0, reject_score=-1.0, stop_early=False),
        scoring=True,
    )
    assert done.score == 19


def test_a_sum_is_divided_among_the_tests() -> None:
    """Without `accept_score`, the group's maximum is."""
    run = Run({"secret/4": WA}, multipliers={"secret/1": 0.5})
    done = run.grade(group("secret", "1", "2", "3", "4", scores="sum", max_score=100, stop_early=False), scoring=True)
    assert done.score == 12.5 + 25 + 25


def test_pass_fail_groups() -> None:
    """A group that is passed or failed is worth its maximum or nothing; the others go on."""
    run = Run({"secret/a/2": WA})
    groups = [group(f"secret/{name}", "1", "2", max_score=points) for name, points in [("a", 30), ("b", 70)]]
    done = run.grade(group("secret", *groups, scores="sum", max_score=100, stop_early=False), scoring=True)
    assert (done.score, done.verdict) == (70, WA)
    assert [part.score for part in done.children] == [0, 70]


def test_required_groups() -> None:
    """A group is left out, and has no points, unless every test of those that it needs was accepted."""
    run = Run({"secret/a/1": WA})
    done = run.grade(
        group(
            "secret",
            group("secret/a", "1", max_score=10),
            group("secret/b", "1", max_score=20),
            group("secret/c", "1", max_score=30, require_pass=("secret/b",)),
            group("secret/d", "1", max_score=40, require_pass=("secret/a", "secret/b")),
            scores="sum", max_score=100, stop_early=False,
        ),
        scoring=True,
    )  # fmt: skip
    assert done.score == 50
    assert "secret/d/1" not in run.asked
    assert done.children[3].reason == "needs secret/a, which was not passed"


def test_a_group_that_is_accepted_by_grace_was_not_passed() -> None:
    """`require_pass` asks for every test, not for the group's verdict."""
    run = Run({"secret/a/1": WA})
    done = run.grade(
        group(
            "secret",
            group("secret/a", "1", "2", errors="any_accepted", stop_early=False),
            group("secret/b", "1", require_pass=("secret/a",)),
            stop_early=False,
        )
    )
    assert (done.children[0].verdict, done.children[1].left_out) == (AC, 1)


def test_samples_that_do_not_count() -> None:
    """With `ignore_sample` neither their verdict nor their score does."""
    run = Run({"sample/1": WA}, scores={"sample/1": 5, "secret/1": 3})
    root = group(
        "", group("sample", "1"), group("secret", "1", scores="sum"), scores="sum", ignore_sample=True, stop_early=False
    )
    done = run.grade(root, scoring=True)
    assert (done.verdict, done.score) == (AC, 3)


@pytest.mark.parametrize("stop_early", [True, False])
def test_keep_going_changes_nothing(stop_early: bool) -> None:
    """With `keep_going` every test is run, and verdict and scores are those without."""
    verdicts = {"secret/a/2": TLE, "secret/a/3": RTE, "secret/b/1": WA}
    root = group(
        "secret",
        group("secret/a", "1", "2", "3", errors="worst", max_score=10),
        group("secret/b", "1", "2", max_score=10, require_pass=("secret/a",)),
        scores="sum", errors="worst", stop_early=stop_early,
    )  # fmt: skip
    short, long = (Run(verdicts).grade(root, scoring=True, keep_going=on) for on in (lambda: False, lambda: True))
    assert (short.verdict, short.score) == (long.verdict, long.score) == (TLE, 0)
    assert len(list(long.tests())) == 5 > len(list(short.tests()))


@pytest.mark.parametrize(
    ("result", "grading", "complaint"),
    [
        ({"scores": {"secret/1": 11}}, {"max_score": 10, "scores": "sum"}, "worth 10"),
        ({"scores": {"secret/1": 1}}, {"max_score": 10}, "passed or failed"),
        ({"multipliers": {"secret/1": 0.5}}, {"scores": "sum"}, "no maximum"),
        ({}, {"scores": "sum"}, "gave no score"),
        ({"scores": {"secret/1": 1}, "verdicts": {"secret/1": WA}}, {"scores": "sum"}, "did not accept"),
    ],
)
def test_scores_that_may_not_be(result: dict[str, Any], grading: dict[str, Any], complaint: str) -> None:
    """Where the format forbids a validator's score or asks for one, the opposite is the jury's error."""
    done = Run(**result).grade(group("secret", "1", strict_scores=True, **grading), scoring=True)
    assert done.verdict is JE
    assert complaint in next(done.tests()).reason


def test_a_score_out_of_range() -> None:
    """A group's score outside of its range, or above its maximum, is the jury's error."""
    run = Run(scores={"secret/1": 20})
    assert run.grade(group("secret", "1", scores="sum", score_range=(0.0, 10.0)), scoring=True).verdict is JE
    assert run.grade(group("secret", "1", scores="max", max_score=10), scoring=True).verdict is JE


def test_a_static_validation_counts_as_the_first_test() -> None:
    """What the source is worth is added to what is left for the tests."""
    root = group("secret", "1", "2", scores="sum", max_score=100, static_validation=20.0, stop_early=False)
    done = Run({"secret/2": WA}).grade(
        root, scoring=True, static_result=lambda group: TestResult(f"{group.name}/static", AC)
    )
    assert [test.score for test in done.tests()] == [20, 40, 0]
