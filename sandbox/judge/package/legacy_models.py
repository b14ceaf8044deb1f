"""problem.yaml and testdata.yaml of the formats legacy and legacy-icpc."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator

from sandbox.judge.package import schema
from sandbox.judge.package.metadata import Titles
from sandbox.judge.package.schema import Flags, Integer, Model, Number, Seconds, Text, Truth
from sandbox.judge.problem import MIB, ProblemLimits

KINDS = ("pass-fail", "scoring", "interactive", "multi-pass")
GRADER_FLAGS = (
    "worst_error",
    "first_error",
    "always_accept",
    "sum",
    "avg",
    "min",
    "max",
    "ignore_sample",
    "accept_if_any_accepted",
)
_MODES = {"score": "score", "interactive": "interactive", "multi-pass": "multi-pass", "multipass": "multi-pass"}
"""What may follow `custom`; multi-pass is DOMjudge's."""
_INFINITE = re.compile(r"[-+]?\.?inf(inity)?", re.IGNORECASE)


def _kinds(value: Any) -> tuple[str, ...]:
    words = value.split() if isinstance(value, str) else value
    if not isinstance(words, list) or not words or not all(word in KINDS for word in words):
        raise ValueError("must be pass-fail or scoring")
    if "pass-fail" in words and "scoring" in words:
        raise ValueError("cannot be both pass-fail and scoring")
    return tuple(map(str, words))


def _validation(value: Any) -> tuple[str, ...]:
    words = value.split() if isinstance(value, str) else []
    if words == ["default"]:
        return ("default",)
    if words[:1] != ["custom"] or not all(word in _MODES for word in words[1:]):
        raise ValueError("must be default, or custom and any of score, interactive and multi-pass")
    return ("custom", *(_MODES[word] for word in words[1:]))


def _words(value: Any) -> tuple[str, ...]:
    words = value.split() if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError("must be words, separated by spaces")
    return tuple(map(str, words))


def _bound(word: str) -> float:
    """A bound of a range, which may be infinite."""
    infinite = _INFINITE.fullmatch(word)
    return math.copysign(math.inf, -1 if word[0] == "-" else 1) if infinite else schema.as_number(word)


def _range(value: Any) -> tuple[float, float]:
    words = value.split() if isinstance(value, str) else value
    try:
        least, most = map(_bound, words)
    except (TypeError, ValueError, AttributeError):
        raise ValueError("must be two numbers, such as 0 100 or -inf +inf") from None
    if least > most:
        raise ValueError("must have the least before the most")
    return least, most


def _grader_flags(value: Any) -> tuple[str, ...]:
    words = schema.flags(value)
    for word in words:
        if word not in GRADER_FLAGS:
            raise ValueError(f"has {word[:40]!r}, which is none of {', '.join(GRADER_FLAGS)}")
    return words


def _validator_flags(value: Any) -> Any:
    return {"flags": value} if isinstance(value, str) else value


Size = Annotated[Number, Field(gt=0, le=1 << 30)]
Range = Annotated[tuple[float, float], PlainValidator(_range)]
Words = Annotated[tuple[str, ...], PlainValidator(_words)]


class Limits(Model):
    """Sizes in MiB, of code in KiB; times in seconds. The last three are not of this format, but in use."""

    time_multiplier: Annotated[Number, Field(gt=0, le=1000)] = 5.0
    time_safety_margin: Annotated[Number, Field(gt=0, le=1000)] = 2.0
    memory: Size = 2048
    output: Size = 8
    code: Size = 128
    compilation_time: Seconds = 60
    compilation_memory: Size = 2048
    validation_time: Seconds = 60
    validation_memory: Size = 2048
    validation_output: Size = 8
    time_limit: Seconds | None = None
    time_resolution: Seconds = 1.0
    validation_passes: Annotated[Integer, Field(ge=2, le=10_000)] = 2

    def resolved(self) -> ProblemLimits:
        """The same in seconds and bytes."""
        return ProblemLimits(
            time=self.time_limit,
            ac_to_time_limit=self.time_multiplier,
            time_limit_to_tle=self.time_safety_margin,
            time_resolution=self.time_resolution,
            memory=_bytes(self.memory),
            output=_bytes(self.output),
            code=max(1, round(self.code * 1024)),
            compilation_time=self.compilation_time,
            compilation_memory=_bytes(self.compilation_memory),
            validation_time=self.validation_time,
            validation_memory=_bytes(self.validation_memory),
            validation_output=_bytes(self.validation_output),
            validation_passes=self.validation_passes,
        )


def _bytes(size: float) -> int:
    return max(1, round(size * MIB))


class ProblemGrading(Model):
    """`grading` of problem.yaml. The last four have moved to testdata.yaml long ago, and are still in use."""

    objective: Literal["min", "max"] = "max"
    show_test_data_groups: Truth = False
    accept_score: Number | None = None
    reject_score: Number | None = None
    range: Range | None = None
    on_reject: Literal["first_error", "worst_error", "grade"] | None = None


class Metadata(Model):
    """problem.yaml. `languages` is not of this format, but in use."""

    problem_format_version: Text = "legacy"
    type: Annotated[tuple[str, ...], PlainValidator(_kinds)] = ("pass-fail",)
    name: Titles | None = None
    uuid: Text | None = None
    author: Text | None = None
    source: Text | None = None
    source_url: Text | None = None
    license: Text = "unknown"
    rights_owner: Text | None = None
    limits: Limits = Limits()
    validation: Annotated[tuple[str, ...], PlainValidator(_validation)] = ("default",)
    validator_flags: Flags = ()
    grading: ProblemGrading = ProblemGrading()
    keywords: Words = ()
    languages: Words = ("all",)


class ValidatorFlags(Model):
    """Arguments of all validators, or of one."""

    name: Text | None = None
    flags: Flags = ()


NamedFlags = Annotated[ValidatorFlags, BeforeValidator(_validator_flags)]


class GroupConfig(Model):
    """testdata.yaml; `None` for what is as in the group above."""

    on_reject: Literal["break", "continue"] | None = None
    grading: Literal["default", "custom"] | None = None
    grader_flags: Annotated[tuple[str, ...], PlainValidator(_grader_flags)] | None = None
    input_validator_flags: NamedFlags | None = None
    output_validator_flags: NamedFlags | None = None
    accept_score: Number | None = None
    reject_score: Number | None = None
    range: Range | None = None
