"""What judging found out: of a test, of a group, of the whole submission. Plain data, with a stable JSON form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.judge.difference import Difference
from sandbox.judge.verdict import Verdict

EXCERPT = 4096
"""Bytes that are kept of what a program printed, for people to look at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a checker says of an output."""

    verdict: Verdict
    """AC, WA, or JE if the checker itself failed."""
    reason: str = ""
    """The first difference, or how the checker failed; for the jury."""
    score: float | None = None
    """Of a scoring problem: points, or `None` if it says nothing."""
    multiplier: float | None = None
    """From 0 to 1: the part of the test's points, if it says that instead."""
    judge_message: str = ""
    team_message: str = ""
    difference: Difference | None = None
    """What `reason` says, as data, if a built-in checker found it."""
    wrong_score: str = ""
    """What is wrong with what was written as its score: a judge error wherever the score counts."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test. Times are seconds, sizes bytes; `None` for what was not measured."""

    name: str
    verdict: Verdict
    reason: str = ""
    """One sentence for the jury: which limit, which value and by what it was measured, which signal, what differs."""
    cpu_time: float | None = None
    wall_time: float | None = None
    memory: int | None = None
    attempts: tuple[float, ...] = ()
    """CPU seconds of each run, if it was run more than once because it was near the limit; the fastest counts."""
    validator_time: float | None = None
    """CPU seconds of the jury's side, where that is a program."""
    score: float | None = None
    """What its checker gave, or what its group says that it is worth; `None` in a problem without scores."""
    multiplier: float | None = None
    judge_message: str = ""
    team_message: str = ""
    output: bytes = b""
    """The beginning of what the program printed."""
    error_output: bytes = b""
    transcript: str = ""
    """Of an interactive problem, if asked for: who said what."""
    full_feedback: bool = False
    """Whether the contestant may see it all."""
    hint: str = ""
    difference: Difference | None = None
    """See `Finding`; for those who may see the reason."""
    wrong_score: str = ""
    """See `Finding`."""

    def to_json(self, *, jury: bool = True) -> dict[str, Any]:
        """Plain JSON types; without `jury`, only what the contestant may see."""
        seen: dict[str, Any] = {
            "name": self.name,
            "verdict": self.verdict.value,
            "cpu_time": self.cpu_time,
            "wall_time": self.wall_time,
            "memory": self.memory,
            "score": self.score,
            "team_message": self.team_message,
        }
        if self.attempts:
            seen["attempts"] = list(self.attempts)
        if self.verdict is not Verdict.AC and self.hint:
            seen["hint"] = self.hint
        if jury or self.full_feedback:
            seen |= {
                "reason": self.reason,
                "output": self.output.decode(errors="replace"),
                "error_output": self.error_output.decode(errors="replace"),
            }
        if jury:
            seen |= {
                "validator_time": self.validator_time,
                "judge_message": self.judge_message,
                "transcript": self.transcript,
            }
            if self.difference is not None:
                sides = {"expected": self.difference.expected, "found": self.difference.found}
                seen["difference"] = {side: text.decode(errors="replace") for side, text in sides.items()}
        return seen


@dataclass(frozen=True, slots=True)
class GroupResult:
    """A group. Of its tests and groups, those that were left out are not there."""

    name: str
    verdict: Verdict
    score: float | None = None
    max_score: float | None = None
    reason: str = ""
    """Why it was not run, or why its score is the jury's error."""
    children: tuple[TestResult | GroupResult, ...] = ()
    left_out: int = 0
    """Tests below it that were not run."""

    def tests(self) -> Iterator[TestResult]:
        """Every test that was run, in the order of judging."""
        for child in self.children:
            if isinstance(child, TestResult):
                yield child
            else:
                yield from child.tests()

    def groups(self) -> Iterator[GroupResult]:
        """The group itself, and all below it."""
        yield self
        for child in self.children:
            if isinstance(child, GroupResult):
                yield from child.groups()

    def to_json(self, *, jury: bool = True) -> dict[str, Any]:
        """Plain JSON types; see `TestResult.to_json`."""
        return {
            "name": self.name,
            "verdict": self.verdict.value,
            "score": self.score,
            "max_score": self.max_score,
            "reason": self.reason,
            "left_out": self.left_out,
            "children": [child.to_json(jury=jury) for child in self.children],
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer to one submission."""

    problem: str
    submission: str
    language: str | None
    verdict: Verdict | None
    """`None` if it was not judged, which says nothing of the submission."""
    score: float | None = None
    max_score: float | None = None
    reason: str = ""
    """As of the test that decided; of one that does not compile, or was not judged, why."""
    compiler_output: str = ""
    compile_time: float | None = None
    """Seconds; `None` if it came from the cache or there was nothing to compile."""
    time_limit: float | None = None
    memory_limit: int | None = None
    root: GroupResult | None = None
    """`None` if nothing was run."""
    enforced: tuple[str, ...] = ()
    """The protections that were really in place for every run of the submission."""

    @property
    def tests(self) -> tuple[TestResult, ...]:
        """Every test that was run."""
        return () if self.root is None else tuple(self.root.tests())

    @property
    def slowest(self) -> float | None:
        """CPU seconds of the slowest test."""
        times = [test.cpu_time for test in self.tests if test.cpu_time is not None]
        return max(times, default=None)

    def to_json(self, *, jury: bool = True) -> dict[str, Any]:
        """A stable form of plain JSON types; without `jury`, only what the contestant may see."""
        return {
            "problem": self.problem,
            "submission": self.submission,
            "language": self.language,
            "verdict": None if self.verdict is None else self.verdict.value,
            "not_judged": self.reason if self.verdict is None else None,
            "score": self.score,
            "max_score": self.max_score,
            "reason": self.reason if jury or self.verdict in (Verdict.CE, None) else "",
            "compiler_output": self.compiler_output,
            "compile_time": self.compile_time,
            "time_limit": self.time_limit,
            "memory_limit": self.memory_limit,
            "root": None if self.root is None else self.root.to_json(jury=jury),
            "enforced": list(self.enforced),
        }
