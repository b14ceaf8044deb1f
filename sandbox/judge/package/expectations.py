"""submissions.yaml: what is expected of the jury's submissions, by patterns of their names and of those of tests."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import PlainValidator

from sandbox.judge.package import globs, schema
from sandbox.judge.package.cases import Package
from sandbox.judge.package.metadata import Persons
from sandbox.judge.package.schema import Document, Model, Text, Truth
from sandbox.judge.package.submissions import AC, RTE, TLE, WA
from sandbox.judge.problem import Bound, Expectation, Group, JurySubmission
from sandbox.judge.verdict import Verdict

FILE = "submissions/submissions.yaml"
MAX_PATTERNS = 1_000
"""Of the file."""
MAX_CHECKED = 10_000
"""Tests and groups up to which a pattern that matches none of them is noticed."""
_VERDICTS = {"AC": AC, "WA": WA, "TLE": TLE, "RTE": RTE}


def _verdicts(value: Any) -> frozenset[Verdict]:
    names = value if isinstance(value, list) else [value]
    found: frozenset[Verdict] = frozenset()
    for name in names:
        if not isinstance(name, str) or name not in _VERDICTS:
            raise ValueError(f"must be a list of {', '.join(_VERDICTS)}")
        found |= _VERDICTS[name]
    return found


def _score(value: Any) -> tuple[float, float]:
    both = value if isinstance(value, list) else [value, value]
    try:
        least, most = map(schema.number, both)
    except ValueError:
        raise ValueError("must be a number, or a list of the least and the most") from None
    if least > most:
        raise ValueError("must have the least before the most")
    return least, most


def _use(value: Any) -> bool | str:
    if value in ("lower", "upper"):
        return str(value)
    try:
        return schema.truth(value)
    except ValueError:
        raise ValueError("must be true, false, lower or upper") from None


Verdicts = Annotated[frozenset[Verdict], PlainValidator(_verdicts)]


class Rule(Model):
    """What is to hold of a submission on all tests, or on some."""

    permitted: Verdicts | None = None
    required: Verdicts | None = None
    score: Annotated[tuple[float, float], PlainValidator(_score)] | None = None
    message: Text = ""
    use_for_time_limit: Annotated[bool | Literal["lower", "upper"], PlainValidator(_use)] | None = None


class Entry(Rule):
    """What is said of the submissions that a pattern matches."""

    language: Text | None = None
    entrypoint: Text | None = None
    authors: Persons | None = None
    model_solution: Truth = False


@dataclass(frozen=True, slots=True)
class _Said:
    pattern: str
    entry: Entry
    expectations: tuple[Expectation, ...]


def applied(
    package: Package,
    submissions: list[JurySubmission],
    defaults: Mapping[str, Expectation],
    root: Group,
    scoring: bool,
) -> list[JurySubmission]:
    """The submissions with what submissions.yaml says of them; `defaults` are those of their directories."""
    top = package.top.below("submissions")
    if top is None or "submissions.yaml" not in top.files:
        return submissions
    document = schema.load(top.files["submissions.yaml"], FILE, package.findings)
    if document is None:
        return submissions
    entries = [value for value in document.data.values() if isinstance(value, dict)]
    if len(document.data) + sum(map(len, entries)) > MAX_PATTERNS:
        document.error("too-many", f"more than {MAX_PATTERNS} patterns and keys")
        return submissions
    names = [submission.name for submission in submissions]
    tests = list(dict.fromkeys(_names(root)))
    said = [
        one
        for pattern in document.data
        if (one := _said(document, pattern, defaults.get(pattern.rstrip("/")), names, tests, scoring))
    ]
    return [_with(submission, said, defaults) for submission in submissions]


def _names(group: Group) -> Iterator[str]:
    if group.name:
        yield group.name
    for child in group.children:
        if isinstance(child, Group):
            yield from _names(child)
        else:
            yield child.name
            yield child.name.rpartition("/")[0]  # which may be a directory that is no group


def _said(
    document: Document,
    pattern: str,
    default: Expectation | None,
    submissions: Collection[str],
    tests: Collection[str],
    scoring: bool,
) -> _Said | None:
    """The entry of one pattern, or `None` and an error."""
    if not isinstance(document.data[pattern], dict):
        document.error("type", f"{pattern[:60]} must be a map", pattern)
        return None
    if not _check_pattern(document, pattern, submissions, "submission", pattern):
        return None
    inner = {
        key for key, value in document.data[pattern].items() if isinstance(value, dict)
    } - Entry.model_fields.keys()
    entry = document.part(pattern, without=inner).model(Entry)
    if entry is None:
        return None
    expectations = [_expectation(document, entry, "", default or Expectation(), scoring, pattern)]
    for key in sorted(inner):
        if _check_pattern(document, key, tests, "test or group", pattern, key):
            rule = document.part(pattern).part(key).model(Rule)
            if rule is not None:
                expectations.append(_expectation(document, rule, key, Expectation(), scoring, pattern, key))
    return _Said(pattern, entry, tuple(one for one in expectations if one != Expectation(tests=one.tests)))


def _check_pattern(document: Document, pattern: str, names: Collection[str], what: str, *where: str) -> bool:
    """Whether it is a pattern; warnings if it looks like another kind, or matches nothing."""
    try:
        regex = globs.compiled(pattern)
    except globs.PatternError as error:
        document.error("pattern", f"{pattern[:60]!r} {error}", *where)
        return False
    if "**" in pattern or "[" in pattern or "?" in pattern:
        document.warning("pattern", f"{pattern[:60]!r}: only * and {{a,b}} are special in a pattern", *where)
    if len(names) <= MAX_CHECKED and not any(map(regex.fullmatch, names)):
        document.warning("pattern", f"{pattern[:60]!r} matches no {what}", *where)
    return True


def _expectation(
    document: Document, rule: Rule, tests: str, default: Expectation, scoring: bool, *where: str
) -> Expectation:
    permitted = default.permitted if rule.permitted is None else rule.permitted
    required = default.required if rule.required is None else rule.required
    use = rule.use_for_time_limit
    if use == "lower":
        permitted = (permitted or AC | WA | TLE | RTE) - TLE
    if use == "upper":
        required = TLE if required is None else required & TLE
    if required is not None and not required & (permitted or required):
        document.error("expectation", "what is required is not permitted", *where)
    if rule.score is not None and not scoring:
        document.warning("expectation", "a score is expected, but this is not a scoring problem", *where, "score")
    bound: Bound | None = None
    if isinstance(use, str):
        bound = use
    elif use is not False and required == TLE:
        bound = "upper"
    elif use is not False and permitted is not None and not permitted & TLE:
        bound = "lower"
    return Expectation(tests, permitted, required, score=rule.score, message=rule.message, bound=bound)


def _with(submission: JurySubmission, said: list[_Said], defaults: Mapping[str, Expectation]) -> JurySubmission:
    directory = submission.name.partition("/")[0]
    matching = [one for one in said if globs.matches(one.pattern, submission.name)]
    expectations = list(submission.expectations)
    if any(one.pattern.rstrip("/") == directory for one in matching):  # which has what it does not say from the default
        expectations = [one for one in expectations if one != defaults.get(directory)]
    language, entry_point = submission.language, submission.entry_point
    for one in matching:
        expectations += one.expectations
        language, entry_point = one.entry.language or language, one.entry.entrypoint or entry_point
    return replace(submission, expectations=tuple(expectations), language=language, entry_point=entry_point)
