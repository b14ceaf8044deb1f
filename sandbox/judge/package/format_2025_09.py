"""The format 2025-09: `secret` has tests or groups, whose scores are said and not inferred.

As clarified in December 2025, a group is a directory with a test_group.yaml; in any other, tests are only kept apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import PlainValidator

from sandbox.judge.package import cases, modern, schema
from sandbox.judge.package.cases import Package, Settings, TestConfig
from sandbox.judge.package.metadata import Metadata, check_resolution
from sandbox.judge.package.require import check_required
from sandbox.judge.package.schema import Document, TextOrTexts, Texts
from sandbox.judge.package.tree import Directory
from sandbox.judge.problem import Grading, Group, Problem, Test

VERSION = "2025-09"
FILE = "test_group.yaml"


def _points_or(word: str) -> Any:
    def convert(value: Any) -> int | str:
        if value == word:
            return word
        try:
            points = schema.integer(value)
        except ValueError:
            points = -1
        if not 0 <= points <= 1 << 53:
            raise ValueError(f"must be a whole number, not negative, or {word}")
        return points

    return PlainValidator(convert)


class GroupConfig(TestConfig):
    """test_group.yaml."""

    max_score: Annotated[int | Literal["unbounded"], _points_or("unbounded")] | None = None
    score_aggregation: Literal["pass-fail", "sum", "min"] | None = None
    static_validation_score: Annotated[int | Literal["pass-fail"], _points_or("pass-fail")] | None = None
    require_pass: TextOrTexts = ()
    static_validator_args: Texts | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """`sample`, `secret` or a group, with what is said of it."""

    directory: Directory
    name: str
    settings: Settings
    config: GroupConfig
    document: Document | None

    def error(self, package: Package, key: str, message: str) -> None:
        """An error about a key, whether it is there or not."""
        if self.document is None:
            package.findings.error(self.directory.name, "scoring", message)
        else:
            self.document.error("scoring", message, key)


def read(package: Package, document: Document) -> Problem | None:
    """The problem of a package of this format; `None` and an error if its problem.yaml is of no use."""
    said = document.model(Metadata)
    if said is None:
        return None
    root = _root(package, said.has("scoring"))
    check_resolution(document, said)
    return modern.problem(package, document, said, root, _settings, VERSION)


def _settings(package: Package, directory: Directory, inherited: Settings) -> Settings:
    return _part(package, directory, "", inherited).settings


def _part(package: Package, directory: Directory, name: str, inherited: Settings) -> _Part:
    document = cases.configuration(package, directory, FILE)
    config = (document and document.model(GroupConfig)) or GroupConfig()
    return _Part(directory, name, config.over(inherited), config, document)


def _root(package: Package, scoring: bool) -> Group:
    data = modern.data(package)
    if data is None:
        return Group("")
    if FILE in data.files:
        package.findings.warning(data.at(FILE), "unused-file", "is not read here, but in sample, secret and groups")
    children: list[Group] = []
    parts: dict[str, _Part] = {}
    if sample := data.directories.get("sample"):
        part = parts["sample"] = _part(package, sample, "sample", Settings(full_feedback=True))
        children.append(_sample(package, part))
    maximum = None
    if secret := data.directories.get("secret"):
        part = parts["secret"] = _part(package, secret, "secret", Settings())
        group = _secret(package, part, scoring, parts)
        children.append(group)
        maximum = group.grading.max_score
    if not scoring:
        return Group("", tuple(children), Grading())
    aggregations = {child.name: child.grading.scores for child in _all(children)}
    required = {name: (part.config.require_pass, part.document) for name, part in parts.items() if name != "sample"}
    check_required(required, aggregations)
    return Group("", tuple(children), Grading(scores="sum", max_score=maximum, stop_early=False, ignore_sample=True))


def _all(children: list[Group]) -> list[Group]:
    return children + [below for group in children for below in group.children if isinstance(below, Group)]


def _sample(package: Package, part: _Part) -> Group:
    for key in ("max_score", "score_aggregation", "require_pass"):
        if key in part.config.model_fields_set:
            part.error(package, key, f"{key} is not for sample")
    for group in filter(_is_group, cases.groups(part.directory)):
        package.findings.error(group.name, "groups", "sample has no groups")
    tests = _flat(package, part, part.directory, "sample")
    static = part.config.static_validation_score
    if isinstance(static, int):
        part.error(package, "static_validation_score", "sample has no score: static_validation_score is pass-fail here")
    grading = Grading(
        static_validation=None if static is None else "pass-fail",
        static_validator_args=part.config.static_validator_args or (),
    )
    return Group("sample", tuple(tests), grading)


def _is_group(directory: Directory) -> bool:
    return not directory.files.keys().isdisjoint(cases.CONFIGURATION)


def _groups(package: Package, part: _Part) -> list[Directory]:
    """The groups of `secret`: if any directory of it is one, all have to be."""
    below = cases.groups(part.directory)
    groups = list(filter(_is_group, below))
    if not groups:
        return []
    loose = next((name for name in sorted(part.directory.files) if name.endswith(".in")), None)
    if loose is not None:
        message = f"has tests, such as {loose}, beside groups, such as {groups[0].name.rpartition('/')[2]}"
        package.findings.error(part.directory.name, "groups", message)
    for directory in below:
        if not _is_group(directory):
            message = f"has no {FILE}, by which a group is known, but lies beside groups: it is read as one"
            package.findings.warning(directory.name, "groups", message)
    return below


def _secret(package: Package, part: _Part, scoring: bool, parts: dict[str, _Part]) -> Group:
    below = _groups(package, part)
    tests = [] if below else _flat(package, part, part.directory, "secret")
    inputs = (name for place in part.directory.walk() for name in place.files if name.endswith(".in"))
    if not below and not any(inputs) and part.config.static_validation_score is None:
        package.findings.error(part.directory.name, "no-tests", "has neither tests nor groups")
    groups = []
    for directory in below:
        name = f"secret/{directory.name.rpartition('/')[2]}"
        parts[name] = inner = _part(package, directory, name, part.settings)
        groups.append(_group(package, inner, scoring))
    grading = _grading(package, part, scoring, len(tests))
    if scoring:
        _check_groups(package, part, grading, groups, parts)
    return Group("secret", (*tests, *groups), grading)


def _group(package: Package, part: _Part, scoring: bool) -> Group:
    tests = _flat(package, part, part.directory, part.name)
    if not tests and part.config.static_validation_score is None:
        package.findings.error(part.directory.name, "no-tests", "is a group without tests")
    return Group(part.name, tuple(tests), _grading(package, part, scoring, len(tests)))


def _flat(package: Package, part: _Part, directory: Directory, prefix: str) -> list[Test]:
    """All tests of a part, in order: directories in it are no groups."""
    if directory is not part.directory and FILE in directory.files:
        message = "is not read: only directories in data/secret are groups"
        package.findings.warning(directory.at(FILE), "unused-file", message)
    found = cases.collect(package, directory, prefix)
    if "test_group" in found.inputs:
        package.findings.error(directory.at("test_group.in"), "name", "a test cannot be called test_group")
    tests = list(cases.paired(package, found, part.settings, needs_answer=True))
    for below in cases.groups(directory):
        tests += _flat(package, part, below, f"{prefix}/{below.name.rpartition('/')[2]}")
    return sorted(tests, key=lambda test: test.name)


def _grading(package: Package, part: _Part, scoring: bool, tests: int) -> Grading:
    config, secret = part.config, part.name == "secret"
    static = config.static_validation_score
    if config.static_validator_args is not None and static is None:
        part.error(package, "static_validator_args", "static_validator_args need a static_validation_score")
    arguments = config.static_validator_args or ()
    if not scoring:
        for key in ("max_score", "score_aggregation", "require_pass"):
            if key in config.model_fields_set:
                part.error(package, key, f"{key} is for scoring problems")
        if isinstance(static, int):
            part.error(package, "static_validation_score", "a number is for scoring problems: pass-fail is meant here")
        static = None if static is None else "pass-fail"
        return Grading(static_validation=static, static_validator_args=arguments)
    aggregation = config.score_aggregation or ("sum" if secret else "pass-fail")
    said = config.max_score if config.max_score is not None else (100 if secret else "unbounded")
    maximum = None if said == "unbounded" else float(said)
    if static is not None and isinstance(static, int) == (aggregation == "pass-fail"):
        wanted = "pass-fail" if aggregation == "pass-fail" else "a number"
        part.error(package, "static_validation_score", f"must be {wanted} where score_aggregation is {aggregation}")
    if aggregation == "pass-fail":
        if maximum is None and secret:
            part.error(package, "max_score", "secret is pass-fail and so needs a max_score that is bounded")
        return Grading(
            scores="pass-fail",
            max_score=maximum,
            require_pass=config.require_pass,
            strict_scores=True,
            static_validation=None if static is None else "pass-fail",
            static_validator_args=arguments,
        )
    points = static if isinstance(static, int) else 0
    if maximum is not None and points > maximum:
        part.error(package, "static_validation_score", f"is more than the {maximum:g} that {part.name} is worth")
    each = maximum if maximum is None or aggregation == "min" else (maximum - points) / max(tests, 1)
    return Grading(
        errors="always_accept",  # what counts is the score, to which a rejected test adds nothing
        scores=aggregation,
        max_score=maximum,
        accept_score=each if tests else None,
        stop_early=aggregation == "min",
        require_pass=config.require_pass,
        strict_scores=True,
        static_validation=None if static is None else float(points),
        static_validator_args=arguments,
    )


def _check_groups(
    package: Package, secret: _Part, grading: Grading, groups: list[Group], parts: Mapping[str, _Part]
) -> None:
    """That the scores of groups fit into that of `secret`."""
    for group in groups:
        part = parts[group.name]
        if grading.scores == "pass-fail":
            if group.grading.scores != "pass-fail":
                part.error(package, "score_aggregation", f"must be pass-fail in {group.name}, as it is in secret")
        elif group.grading.max_score is None and group.grading.scores == "pass-fail":
            part.error(package, "max_score", f"{group.name} is pass-fail and so needs a max_score that is bounded")
        elif group.grading.max_score is None and grading.max_score is not None:
            message = f"{group.name} needs a max_score: secret is worth {grading.max_score:g} at most"
            part.error(package, "max_score", message)
    total = sum(group.grading.max_score or 0 for group in groups)
    if grading.scores == "sum" and grading.max_score is not None and total > grading.max_score:
        message = f"the groups are worth {total:g} together, more than the {grading.max_score:g} of secret"
        secret.error(package, "max_score", message)
