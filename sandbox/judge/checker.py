"""Whether an output is right: built-in comparisons, and the jury's own programs in boxes of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from sandbox.box import BoxPool
from sandbox.capture import Stdin
from sandbox.files import File
from sandbox.judge.compare import Comparison, parse_flags
from sandbox.judge.judgement import EXCERPT, Finding
from sandbox.judge.problem import Problem, Test
from sandbox.judge.products import PROGRAM
from sandbox.judge.program import Program
from sandbox.judge.reasons import verdict_of
from sandbox.judge.tolerance import decimal
from sandbox.judge.verdict import Verdict
from sandbox.request import Limits
from sandbox.result import NotCollected, Result, Status

ACCEPTED, REJECTED = 42, 43
"""Exit codes of a validator, by the Problem Package Format."""

TESTLIB = {0: Verdict.AC, 1: Verdict.WA, 2: Verdict.WA, 4: Verdict.WA, 8: Verdict.WA}
"""Verdicts by the exit codes of checkers made with testlib: ok, wrong answer, presentation, dirt, unexpected end."""
TESTLIB_POINTS = 7
"""Its exit code for points, which are in the message behind this word."""

FEEDBACK = "feedback/"
SUBMITTED = "submission/"
"""A directory with the submission's files and nothing else. It is not the one that the jury's own files are in: a
submission's may have any name.
"""
AMONG = frozenset({"python3", "c", "cpp", "script"})
"""Languages in which the format has the jury's programs written (2025-09, Other programs), and has them run in that
directory. Programs in others, many of which look there first for what they include, run beside their own files.
"""
NEXT_INPUT = "nextpass.in"
SCORE, MULTIPLIER = "score.txt", "score_multiplier.txt"
MAX_SCORE = 2.0**53
"""The most that a test can be worth: up to here every whole number is exact, and sums of scores are finite."""

OWN_ROOM = 128 << 20
"""Bytes of scratch for what a validator itself writes, and for the submission's files, of which there are fewer."""

Feedback = Mapping[str, bytes]
"""What a validator left in its feedback directory, by name."""

Files = Mapping[str, bytes | Path]
"""Contents, or paths on the host, by names."""
NOTHING: Files = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Checked:
    """What came out of checking one output."""

    finding: Finding
    feedback: Feedback = field(default_factory=dict)
    time: float | None = None
    """CPU seconds of the jury's programs."""


class Checker(Protocol):
    """Something that tells right outputs from wrong ones. Used by many threads at once."""

    def check(self, test: Test, output: bytes | Path, feedback: Feedback, submitted: Files = NOTHING) -> Checked:
        """Look at an output, given as such or in a file; `feedback` is what was left by the passes before this one,
        `submitted` are the files of the program that made it.
        """

    def close(self) -> None:
        """Give everything back."""


class BuiltIn:
    """One of the comparisons of `compare`."""

    def __init__(self, problem: Problem) -> None:
        """Raises `ValueError` for wrong flags of any test."""
        self._problem = problem
        self._comparisons: dict[tuple[str, ...], Comparison] = {}
        for test in problem.root.tests():
            self._comparison(test)

    def _comparison(self, test: Test) -> Comparison:
        flags = (*self._problem.checker_args, *test.checker_args)
        if flags not in self._comparisons:
            self._comparisons[flags] = parse_flags(self._problem.checker, flags)
        return self._comparisons[flags]

    def check(self, test: Test, output: bytes | Path, feedback: Feedback, submitted: Files = NOTHING) -> Checked:
        """See `Checker`."""
        comparison = self._comparison(test)
        with test.answer.open("rb") as answer:
            if isinstance(output, Path):
                with output.open("rb") as file:
                    difference = comparison.compare(file, answer)
            else:
                difference = comparison.compare(output, answer)
        if difference is None:
            return Checked(Finding(Verdict.AC))
        return Checked(Finding(Verdict.WA, str(difference), difference=difference))

    def close(self) -> None:
        """See `Checker`."""


class Validator:
    """One of the jury's programs: it reads the output, and its exit code is the verdict."""

    def __init__(self, program: Program, problem: Problem, slots: int, *, testlib: bool = False) -> None:
        """Boxes are made when they are first needed, up to `slots`."""
        self.program = program
        self._problem = problem
        self.testlib = testlib
        limits = problem.limits
        self.limits = program.limits(
            Limits(
                cpu_time=limits.validation_time,
                wall_time=2 * limits.validation_time + 1,
                memory=limits.validation_memory,
                output=limits.validation_output,
                scratch=_room(problem),
            )
        )
        self._among = program.language.code in AMONG
        self.boxes = BoxPool(program.under(self.limits), slots, warm=False)

    def limits_beside(self, submission: Limits) -> Limits:
        """Its limits while it talks with a submission: on the clock it has as long as that, and its own time."""
        wall = (submission.wall_time or 0.0) + self._problem.limits.validation_time
        return self.limits.model_copy(update={"wall_time": wall})

    def arguments(self, test: Test) -> tuple[str, ...]:
        """Its command line for a test."""
        flags = (*self._problem.checker_args, *test.checker_args)
        files = (f"/box/{FEEDBACK}",) if not self.testlib else ("/box/output",)
        order = ("/box/test.in", *files, "/box/test.ans") if self.testlib else ("/box/test.in", "/box/test.ans", *files)
        return (*self.program.argv(self.limits), *order, *flags)

    def at_work(self, test: Test, feedback: Feedback, submitted: Files) -> dict[str, Any]:
        """Options of its run: what the submission was given in this pass, the answer, and what earlier passes left."""
        files = {"test.in": feedback.get(NEXT_INPUT, test.input), "test.ans": test.answer}
        kept: dict[str, bytes | Path] = {
            FEEDBACK + name: File(content) for name, content in feedback.items() if name != NEXT_INPUT
        }
        return self._place(submitted, files | (kept or {FEEDBACK: b""}))

    def _place(self, submitted: Files, files: Files) -> dict[str, Any]:
        """Options of a run with a submission's files below a directory of theirs, and others beside that."""
        below = {SUBMITTED + name: content for name, content in submitted.items()} or {SUBMITTED: b""}
        cwd = SUBMITTED.rstrip("/") if self._among else PROGRAM
        return {"files": {**files, **below}, "cwd": cwd, "collect": [FEEDBACK]}

    def check(self, test: Test, output: bytes | Path, feedback: Feedback, submitted: Files = NOTHING) -> Checked:
        """See `Checker`."""
        options = self.at_work(test, feedback, submitted)
        stdin: Stdin = output
        if self.testlib:
            options["files"]["output"] = output
            stdin = None
        with self.boxes.box() as box:
            return self.conclude(box.run(self.arguments(test), stdin=stdin, limits=self.limits, **options))

    def check_source(self, program: Program, args: Sequence[str]) -> Checked:
        """Look at a submission's source, as a static validator; there is no output."""
        language, entry = program.language.code, program.entry_point
        if entry in program.files and not self._among:
            entry = f"/box/{SUBMITTED}{entry}"
        argv = (*self.program.argv(self.limits), language, entry, f"/box/{FEEDBACK}", *args)
        with self.boxes.box() as box:
            return self.conclude(box.run(argv, limits=self.limits, **self._place(program.files, {FEEDBACK: b""})))

    def conclude(self, result: Result) -> Checked:
        """What a run of the validator says."""
        feedback = {
            name.removeprefix(FEEDBACK): content
            for name, content in result.files.items()
            if isinstance(content, bytes) and not name.endswith("/")
        }
        left = [reason.reason for reason in result.files.values() if isinstance(reason, NotCollected)]
        signed = self._problem.format.startswith("legacy")
        finding = _testlib(result, signed) if self.testlib else _by_exit_code(result)
        if finding.verdict is not Verdict.JE:
            if left and result.status in (Status.OK, Status.NONZERO_EXIT):
                finding = broken(result, f"its feedback cannot be read: {left[0]}")
            else:
                finding = _with_feedback(finding, feedback, signed)
        return Checked(finding, feedback, result.cpu_time)

    def close(self) -> None:
        """See `Checker`."""
        self.boxes.close()
        self.program.close()


def _room(problem: Problem) -> int:
    """Bytes of scratch for a test, an output, and what the validator and the submission bring."""
    largest = max((test.input.stat().st_size + test.answer.stat().st_size for test in problem.root.tests()), default=0)
    return largest + problem.limits.output + problem.limits.validation_output + OWN_ROOM


class All:
    """Several validators, each of which must accept."""

    def __init__(self, validators: Sequence[Validator]) -> None:
        """At least one."""
        self.validators = validators

    def check(self, test: Test, output: bytes | Path, feedback: Feedback, submitted: Files = NOTHING) -> Checked:
        """See `Checker`; the first that does not accept has the last word."""
        checked = Checked(Finding(Verdict.AC), feedback)
        time = 0.0
        for validator in self.validators:
            checked = validator.check(test, output, feedback, submitted)
            time += checked.time or 0.0
            if checked.finding.verdict is not Verdict.AC:
                break
        return replace(checked, time=time)

    def close(self) -> None:
        """See `Checker`."""
        for validator in self.validators:
            validator.close()


def broken(result: Result, why: str) -> Finding:
    """A judge error, with what the jury's program said last."""
    said = (result.stderr or b"")[-EXCERPT:].decode(errors="replace").strip()
    return Finding(Verdict.JE, f"validator: {why}" + (f"; its stderr: {said}" if said else ""))


def _by_exit_code(result: Result) -> Finding:
    if result.exit_code in (ACCEPTED, REJECTED) and result.status is Status.NONZERO_EXIT:
        return Finding(Verdict.AC if result.exit_code == ACCEPTED else Verdict.WA)
    _, why = verdict_of(result, None)
    return broken(result, why or f"exit code {result.exit_code}, which is neither {ACCEPTED} nor {REJECTED}")


def _testlib(result: Result, signed: bool) -> Finding:
    said = (result.stderr or b"")[:EXCERPT].decode(errors="replace").strip()
    if result.status in (Status.OK, Status.NONZERO_EXIT):
        if (verdict := TESTLIB.get(result.exit_code or 0)) is not None:
            return Finding(verdict, "" if verdict is Verdict.AC else said, judge_message=said)
        if result.exit_code == TESTLIB_POINTS:
            words = said.split()
            if words[:1] != ["points"] or len(words) < 2:
                return broken(result, "it gave points without saying how many")
            points, wrong = _score(words[1], MAX_SCORE, signed)
            wrong = wrong and f"validator: its points {wrong}: {words[1][:40]!r}"
            return Finding(Verdict.AC, score=points, judge_message=said, wrong_score=wrong)
    return broken(result, verdict_of(result, None)[1])


def _with_feedback(finding: Finding, feedback: Feedback, signed: bool) -> Finding:
    """The finding with messages and scores, or a judge error if there is an input for a pass that cannot be."""
    if finding.verdict is not Verdict.AC and NEXT_INPUT in feedback:
        return Finding(Verdict.JE, f"validator: it left {NEXT_INPUT}, and did not accept")
    said = _message(feedback, "judgemessage.txt") or finding.judge_message
    reason = finding.reason or ("" if finding.verdict is Verdict.AC else said.strip())
    scored = _scored(finding, feedback, signed)
    return replace(scored, reason=reason, judge_message=said, team_message=_message(feedback, "teammessage.txt"))


def _scored(finding: Finding, feedback: Feedback, signed: bool) -> Finding:
    """The finding with the score that a validator left, or with what is wrong with that."""
    if {SCORE, MULTIPLIER} <= feedback.keys():
        return replace(finding, wrong_score=f"validator: it left both {SCORE} and {MULTIPLIER}")
    for name, most in ((SCORE, MAX_SCORE), (MULTIPLIER, 1.0)):
        if name in feedback:
            if len(feedback[name]) > EXCERPT:
                return Finding(Verdict.JE, f"validator: {name} has {len(feedback[name])} bytes, which is no number")
            text = feedback[name][:EXCERPT].decode(errors="replace")
            value, wrong = _score(text.strip(" \t\r\n\f\v"), most, signed and name == SCORE)
            if wrong:
                return replace(finding, wrong_score=f"validator: {name} {wrong}: {text[:40]!r}")
            return replace(finding, score=value) if name == SCORE else replace(finding, multiplier=value)
    return finding


def _score(text: str, most: float, signed: bool) -> tuple[float | None, str]:
    """A number as the format has it, and what is wrong with it; only legacy formats know some below 0."""
    value = decimal(text)
    if value is None:
        return None, "is not a decimal number"
    if value < 0 and not signed:
        return None, "is negative"
    if abs(value) > most:
        return None, f"is more than {most:.0f}"
    return value, ""


def _message(feedback: Feedback, name: str) -> str:
    return feedback.get(name, b"")[:EXCERPT].decode(errors="replace")
