"""test_group.yaml of the format 2023-07-draft, in the forms that its stages had."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator

from sandbox.judge.package import schema
from sandbox.judge.package.cases import Settings, TestConfig
from sandbox.judge.package.schema import Flags, Integer, Model, TextOrTexts


def _score(value: Any) -> int | str:
    if value == "unbounded":
        return "unbounded"
    try:
        points = schema.integer(value)
    except ValueError:
        points = -1
    if not 0 <= points <= 1 << 53:
        raise ValueError("must be a whole number, not negative, or unbounded")
    return points


def _arguments(value: Any) -> Any:
    """A list, or text that is split as a shell does."""
    return list(schema.flags(value)) if isinstance(value, str) else value


def _flags_by_validator(value: Any) -> dict[str, tuple[str, ...]]:
    if isinstance(value, dict):
        return {str(name): schema.flags(flags) for name, flags in value.items()}
    return {"*": schema.flags(value)}


def _static(value: Any) -> Any:
    """`true` is a test with nothing said of it; `false` is none."""
    if isinstance(value, dict):
        return value
    try:
        return {} if schema.truth(value) else None
    except ValueError:
        raise ValueError("must be true, false, or a map with args and score") from None


class Static(Model):
    """A static validation test."""

    args: Annotated[tuple[str, ...], BeforeValidator(_arguments)] = ()
    score: Annotated[Integer, Field(ge=0, le=1 << 53)] | None = None


class Scoring(Model):
    """How the results in a group make up its own."""

    score: Annotated[int | Literal["unbounded"], PlainValidator(_score)] | None = None
    aggregation: Literal["pass-fail", "sum", "min"] | None = None
    require_pass: TextOrTexts = ()


class GroupConfig(TestConfig):
    """test_group.yaml."""

    scoring: Scoring | None = None
    static_validation: Annotated[Static | None, BeforeValidator(_static)] = None
    input_validator_flags: Annotated[dict[str, tuple[str, ...]], PlainValidator(_flags_by_validator)] | None = None
    output_validator_flags: Flags | None = None

    def over(self, settings: Settings) -> Settings:
        """These settings, with what is said here."""
        old = TestConfig.model_construct(
            input_validator_args=self.input_validator_flags, output_validator_args=self.output_validator_flags
        )
        return super().over(old.over(settings))
