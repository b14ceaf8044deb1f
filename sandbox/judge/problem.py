"""A problem, as every package format describes it: plain data, made by `package.read`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sandbox.errors import SandboxError
from sandbox.judge.verdict import Verdict

MIB = 1 << 20
CONSTANT = r"\{\{([a-zA-Z_][a-zA-Z0-9_]*(?:\.[a-zA-Z_][a-zA-Z0-9_]*)?)\}\}"
"""Where a constant stands, or a variant of one, as a regular expression."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a package: where, what, and which rule says so."""

    file: str
    """Relative to the package; `data/secret` for a directory, `.` for the package itself."""
    line: int | None
    """From 1, where the file has lines."""
    rule: str
    """A short name such as `unknown-key` or `missing-answer`."""
    message: str
    error: bool = True
    """Whether the package cannot be used, or is merely to be looked at (a warning)."""

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {name: getattr(self, name) for name in ("file", "line", "rule", "message", "error")}

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {'error' if self.error else 'warning'}: {self.message} [{self.rule}]"


class ProblemError(SandboxError):
    """A package that cannot be used; says everything that is wrong with it, one line each."""

    def __init__(self, complaints: tuple[Complaint, ...]) -> None:
        """`complaints`, at least one of which is an error."""
        self.complaints = complaints
        super().__init__("\n".join(map(str, complaints)))


@dataclass(frozen=True, slots=True)
class Test:
    """One test: an input, the jury's answer, and how a submission is run and checked on it."""

    name: str
    """Relative to `data`, without extension, such as `secret/group1/02-large`."""
    input: Path
    answer: Path
    args: tuple[str, ...] = ()
    """Arguments of the submission."""
    files: Path | Mapping[str, Path] | None = None
    """A directory, whose files are put where the submission runs, or such files by name."""
    checker_args: tuple[str, ...] = ()
    """Arguments of the output validators."""
    input_validator_args: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Arguments by the name of the input validator; those of `*` are for all that are not named."""
    full_feedback: bool = False
    """Whether contestants may see this test and the difference to its answer."""
    hint: str = ""
    """For contestants who failed it."""
    description: str = ""
    """For the jury."""


Errors = Literal["first", "worst", "any_accepted", "always_accept"]
Scores = Literal["pass-fail", "sum", "avg", "min", "max"]


@dataclass(frozen=True, slots=True)
class Grading:
    """How a group's verdict and score follow from those of its tests and groups."""

    errors: Errors = "first"
    """The verdict if not all are accepted: the first error, the worst (RTE, then TLE, then WA), accepted if any is, or
    accepted in any case."""
    scores: Scores = "pass-fail"
    max_score: float | None = None
    """The most that the group is worth; `None` if unbounded or not a scoring problem. Of an accepted `pass-fail` group,
    its score."""
    accept_score: float | None = None
    """Of an accepted test that has no score of its own, and what its validator's multiplier multiplies. `None`: as
    `max_score` says (all of it for `min`, a tenth for each of ten tests for `sum`)."""
    reject_score: float = 0.0
    """Of a rejected test."""
    stop_early: bool = True
    """Whether the rest of the group is left out once a test or group is rejected (`on_reject: break`)."""
    ignore_sample: bool = False
    """Whether the group `sample` counts for nothing; said in the root."""
    require_pass: tuple[str, ...] = ()
    """Names of groups, or of tests, that must be accepted, else this group has no score and is left out."""
    score_range: tuple[float, float] | None = None
    """A score outside of it is a judge error."""
    strict_scores: bool = False
    """Whether a validator's score where none may be is a judge error (2025-09)."""
    static_validation: float | Literal["pass-fail"] | None = None
    """What the static validator's test of this group is worth, infinite if unbounded; `None` if there is none."""
    static_validator_args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Tests and further groups, in the order of judging. The root, whose name is empty, holds `sample` and `secret`."""

    name: str
    children: tuple[Test | Group, ...] = ()
    grading: Grading = Grading()

    def tests(self) -> Iterator[Test]:
        """Every test, in the order of judging."""
        for child in self.children:
            if isinstance(child, Test):
                yield child
            else:
                yield from child.tests()


@dataclass(frozen=True, slots=True)
class ProblemLimits:
    """Seconds and bytes; `None` for a time limit that follows from the jury's submissions."""

    time: float | None = None
    ac_to_time_limit: float = 2.0
    """The time limit is at least this times the slowest accepted jury submission."""
    time_limit_to_tle: float = 1.5
    """A jury submission that is to be too slow takes at least this times the time limit."""
    time_resolution: float = 1.0
    """A calibrated time limit is a multiple of it."""
    memory: int = 2048 * MIB
    output: int = 8 * MIB
    code: int = 128 << 10
    compilation_time: float = 60.0
    compilation_memory: int = 2048 * MIB
    validation_time: float = 60.0
    validation_memory: int = 2048 * MIB
    validation_output: int = 8 * MIB
    validation_passes: int = 2


Bound = Literal["lower", "upper"]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is to hold of a jury submission, on the tests that `tests` matches."""

    tests: str = ""
    """A glob of names of tests or groups, as `secret/*-easy`; empty for all."""
    permitted: frozenset[Verdict] | None = None
    """Every verdict is among these; `None` for any."""
    required: frozenset[Verdict] | None = None
    """At least one verdict is among these."""
    overall: frozenset[Verdict] | None = None
    """The verdict of the submission as a whole is among these."""
    score: tuple[float, float] | None = None
    """The score of the submission, or of the group that `tests` names, is within."""
    message: str = ""
    """Is part of at least one judge message."""
    bound: Bound | None = None
    """Whether its running time bounds the time limit, from below or from above."""
    partial: bool = False
    """Whether it is to be accepted with neither the best nor the worst score (`partially_accepted`)."""


@dataclass(frozen=True, slots=True)
class JurySubmission:
    """A submission that came with the package."""

    name: str
    """Relative to `submissions`, as `wrong_answer/greedy.py`."""
    path: Path
    """A file or a directory."""
    expectations: tuple[Expectation, ...] = ()
    language: str | None = None
    entry_point: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Everything that judging needs to know.

    Paths are below `directory`, and are regular files or directories; a program that is one file may be a link to one.
    """

    name: str
    """The short name: of the directory or archive."""
    title: str
    """English if there is such, else the first."""
    format: str
    """`legacy`, `legacy-icpc`, `2023-07-draft`, `2025-09`, or `folder`."""
    directory: Path
    root: Group
    limits: ProblemLimits = ProblemLimits()
    scoring: bool = False
    interactive: bool = False
    multi_pass: bool = False
    submit_answer: bool = False
    minimise: bool = False
    """Whether less is better in a scoring problem (legacy `objective: min`)."""
    allow_file_writing: bool | None = None
    """Whether submissions may write files where they run; `None` if the format does not say: then they may."""
    checker: str = "default"
    """A built-in one: `default`, or, chosen by the caller, `exact`, `tokens`, `lines`, `floats`, `unordered`."""
    checker_args: tuple[str, ...] = ()
    """Of all tests (`validator_flags`), before those of each."""
    output_validators: tuple[Path, ...] = ()
    """The jury's programs, files or directories, all of which must accept; if there is none, `checker` checks."""
    input_validators: tuple[Path, ...] = ()
    static_validator: Path | None = None
    languages: tuple[str, ...] | None = None
    """Codes of those that are allowed; `None` for all."""
    include: Mapping[str, Path] = field(default_factory=dict)
    """By language code, or `default`: directories whose files go over those of each submission."""
    constants: Mapping[str, str] = field(default_factory=dict)
    """By name, and by `name.variant`."""
    submissions: tuple[JurySubmission, ...] = ()
    warnings: tuple[Complaint, ...] = ()
    invalid_inputs: tuple[Test, ...] = ()
    """Inputs that an input validator must reject; their `answer` is the input."""
    outputs: tuple[tuple[Test, Path, bool], ...] = ()
    """Of tests of the jury's: an output, and whether the output validator must accept it."""
