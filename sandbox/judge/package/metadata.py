"""problem.yaml of the formats from 2023-07-draft on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from sandbox.judge.package.schema import (
    Document,
    Flags,
    Integer,
    Model,
    Number,
    Positive,
    Seconds,
    SomeTexts,
    Text,
    Texts,
    Truth,
)
from sandbox.judge.package.yaml import Word
from sandbox.judge.problem import MIB, ProblemLimits

LICENSES = ("unknown", "public domain", "cc0", "cc by", "cc by-sa", "educational", "permission")
INCOMPATIBLE = (
    ("pass-fail", "scoring"),
    ("submit-answer", "multi-pass"),
    ("submit-answer", "interactive"),
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?")
_CONSTANT = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

Kind = Annotated[
    Literal["pass-fail", "scoring", "multi-pass", "interactive", "submit-answer"],
    BeforeValidator(lambda value: str(value) if isinstance(value, str) else value),
]


def _words(value: Any) -> Any:
    """A list; text of several words stands for one, as it once did."""
    return [Word(word, True) for word in value.split()] if isinstance(value, str) else _one_or_more(value)


def _kinds(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("must not be empty")
    if len(set(value)) < len(value):
        raise ValueError("must not name a type twice")
    for one, other in INCOMPATIBLE:
        if one in value and other in value:
            raise ValueError(f"cannot be both {one} and {other}")
    return value


def _names(value: Any) -> Any:
    return {"en": value} if isinstance(value, str) else value


def _titles(value: dict[str, str]) -> dict[str, str]:
    if not value:
        raise ValueError("must not be empty")
    return value


def _date(value: Any) -> str:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("must be a date as 2025-09-30 or 2025-09-30T12:00:00Z")
    return value


def _constants(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError("must be a map")
    for name, one in value.items():
        said = one if isinstance(one, dict) else {"value": one}
        for key in (name, *said):
            if not _CONSTANT.fullmatch(key):
                raise ValueError(f"{key[:60]!r} is not a name of letters, digits and _")
        if "value" not in said:
            raise ValueError(f"{name[:60]!r} has no value, but {', '.join(said)[:60] or 'nothing'}")
        if not all(isinstance(text, str) for text in said.values()):
            raise ValueError(f"{name[:60]!r} must be a number or text, or a map of these")
    return constants(value)


def constants(said: Any) -> dict[str, str]:
    """What stands for each `{{name}}`, and for `{{name.variant}}` where a constant has several forms; `value` is the
    one without a name. Whatever is none is left out.
    """
    found: dict[str, str] = {}
    for name, one in said.items() if isinstance(said, dict) else ():
        forms = one if isinstance(one, dict) else {"value": one}
        texts = {form: str(text) for form, text in forms.items() if isinstance(text, str)}
        found |= {f"{name}.{form}": text for form, text in texts.items() if isinstance(one, dict)}
        found |= {name: texts["value"]} if "value" in texts else {}
    return found


def _person(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _one_or_more(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _authors(value: Any) -> Any:
    return {"authors": value} if isinstance(value, str) else value


class PersonModel(Model):
    """Somebody who is to be thanked."""

    name: Text
    email: Text | None = None
    orcid: Text | None = None
    kattis: Text | None = None


Person = Annotated[PersonModel, BeforeValidator(_person)]
Persons = Annotated[tuple[Person, ...], BeforeValidator(_one_or_more), Field(min_length=1)]


class Credits(Model):
    """Who has made the problem."""

    authors: Persons | None = None
    contributors: Persons | None = None
    testers: Persons | None = None
    translators: dict[str, Persons] = Field(default_factory=dict)
    packagers: Persons | None = None
    acknowledgements: Persons | None = None


class SourceModel(Model):
    """Where the problem was used first."""

    name: Text
    url: Text | None = None


class TimeMultipliers(Model):
    """Margins of a calibrated time limit."""

    ac_to_time_limit: Annotated[Number, Field(ge=1, le=1000)] = 2.0
    time_limit_to_tle: Annotated[Number, Field(ge=1, le=1000)] = 1.5


class Limits(Model):
    """Sizes in MiB, of code in KiB; times in seconds."""

    time_multipliers: TimeMultipliers = TimeMultipliers()
    time_limit: Seconds | None = None
    time_resolution: Seconds = 1.0
    memory: Positive = 2048
    output: Positive = 8
    code: Positive = 128
    compilation_time: Positive = 60
    compilation_memory: Positive = 2048
    validation_time: Positive = 60
    validation_memory: Positive = 2048
    validation_output: Positive = 8
    validation_passes: Annotated[Integer, Field(ge=2, le=10_000)] | None = None

    def resolved(self) -> ProblemLimits:
        """The same in seconds and bytes."""
        return ProblemLimits(
            time=self.time_limit,
            ac_to_time_limit=self.time_multipliers.ac_to_time_limit,
            time_limit_to_tle=self.time_multipliers.time_limit_to_tle,
            time_resolution=self.time_resolution,
            memory=self.memory * MIB,
            output=self.output * MIB,
            code=self.code << 10,
            compilation_time=float(self.compilation_time),
            compilation_memory=self.compilation_memory * MIB,
            validation_time=float(self.validation_time),
            validation_memory=self.validation_memory * MIB,
            validation_output=self.validation_output * MIB,
            validation_passes=self.validation_passes or 2,
        )


Titles = Annotated[dict[str, Text], BeforeValidator(_names), AfterValidator(_titles)]


class Metadata(Model):
    """problem.yaml of 2023-07-draft and 2025-09. `validation` and `validator_flags` are of older ones, but in use."""

    problem_format_version: Text
    type: Annotated[tuple[Kind, ...], BeforeValidator(_words), AfterValidator(_kinds)] = ("pass-fail",)
    name: Titles | None = None
    uuid: Text | None = None
    version: Text | None = None
    credits: Annotated[Credits, BeforeValidator(_authors)] = Credits()
    source: Annotated[tuple[Annotated[SourceModel, BeforeValidator(_person)], ...], BeforeValidator(_one_or_more)] = ()
    license: Text = "unknown"
    rights_owner: Text | None = None
    embargo_until: Annotated[str, PlainValidator(_date)] | None = None
    limits: Limits = Limits()
    keywords: Texts = ()
    languages: SomeTexts = ("all",)
    allow_file_writing: Truth = False
    constants: Annotated[dict[str, str], PlainValidator(_constants)] = Field(default_factory=dict)
    validation: Text = "default"
    validator_flags: Flags = ()

    def has(self, kind: str) -> bool:
        """Whether the problem is of this type, among others."""
        return kind in self.type or kind in self.validation.split()


def title(names: Mapping[str, str] | None) -> str | None:
    """The English name if there is one, else the first."""
    if not names:
        return None
    english = [name for language, name in names.items() if language.partition("-")[0] == "en"]
    return names.get("en") or [*english, *names.values()][0]


def check_rights(document: Document, license_: str, rights_owner: str | None, owned: bool) -> None:
    """Warnings about licence and owner; `owned` says whether authors or a source stand in for the owner."""
    if license_.lower() not in LICENSES:
        document.warning("license", f"license {license_[:60]!r} is none of {', '.join(LICENSES)}", "license")
    elif license_ == "public domain" and rights_owner:
        document.warning("license", "what is in the public domain has no rights_owner", "rights_owner")
    elif license_ not in ("unknown", "public domain") and not (rights_owner or owned):
        document.warning("license", f"license {license_!r} needs a rights_owner", "license")


def check_resolution(document: Document, metadata: Metadata) -> None:
    """An error if a time limit is not a multiple of the resolution; a warning if that is the one which nobody said."""
    said = metadata.limits.model_fields_set
    if "time_limit" not in said:
        return
    written = document.data["limits"]  # as text, so that 0.3 is 3 times 0.1
    limit, resolution = str(written["time_limit"]), str(written.get("time_resolution", 1))
    if Fraction(limit) % Fraction(resolution):
        told = document.error if "time_resolution" in said else document.warning
        message = f"time_limit {limit[:20]} is no multiple of time_resolution, {resolution[:20]}"
        told("time-limit", message, "limits", "time_limit")


def check(document: Document, metadata: Metadata) -> None:
    """Warnings about what is required, but not needed for judging, and about what has another place now."""
    if len(str(document.data.get("type", "")).split()) > 1 and isinstance(document.data["type"], str):
        document.warning("deprecated", "several types are a list now", "type")
    if "validation" in metadata.model_fields_set:
        document.warning("deprecated", "validation is a matter of type and of output_validator now", "validation")
    if "validator_flags" in metadata.model_fields_set:
        message = "validator_flags are called output_validator_args now, and stand in test_group.yaml"
        document.warning("deprecated", message, "validator_flags")
    for key in ("name", "uuid"):
        if getattr(metadata, key) is None:
            document.warning("missing-key", f"{key} is missing")
    owned = bool(metadata.credits.authors or metadata.source)
    check_rights(document, metadata.license, metadata.rights_owner, owned)
    if metadata.limits.validation_passes is not None and not metadata.has("multi-pass"):
        document.warning("limits", "validation_passes is for multi-pass problems", "limits", "validation_passes")
