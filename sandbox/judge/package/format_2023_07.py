"""The format 2023-07-draft: groups to any depth, and the most that a group or test is worth follows from the rest.

Packages were written for every stage of the draft. What its earlier stages called otherwise is read, with a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from sandbox.judge.package import cases, modern
from sandbox.judge.package.cases import Cases, Package, Settings
from sandbox.judge.package.draft_models import GroupConfig
from sandbox.judge.package.metadata import Metadata
from sandbox.judge.package.require import check_required
from sandbox.judge.package.schema import Document
from sandbox.judge.package.tree import Directory
from sandbox.judge.problem import Grading, Group, Problem, Test

VERSION = "2023-07-draft"
FILE = "test_group.yaml"
_OLD = {"input_validator_flags": "input_validator_args", "output_validator_flags": "output_validator_args"}


@dataclass(slots=True)
class _Part:
    """A group before it is known what it is worth."""

    name: str
    directory: Directory
    config: GroupConfig
    document: Document | None
    tests: list[Test]
    parts: list[_Part] = field(default_factory=list)
    aggregation: Literal["pass-fail", "sum", "min"] = "pass-fail"

    def error(self, package: Package, message: str, *keys: str) -> None:
        """An error about a key, whether it is there or not."""
        if self.document is None:
            package.findings.error(self.directory.name, "scoring", message)
        else:
            self.document.error("scoring", message, *keys)

    def all(self) -> Iterator[_Part]:
        """This group and all below."""
        yield self
        for part in self.parts:
            yield from part.all()


def read(package: Package, document: Document) -> Problem | None:
    """The problem of a package of this format; `None` and an error if its problem.yaml is of no use."""
    said = document.model(Metadata)
    if said is None:
        return None
    root = _root(package, said.has("scoring"))
    return modern.problem(package, document, said, root, _settings, VERSION)


def _configured(
    package: Package, directory: Directory, inherited: Settings
) -> tuple[GroupConfig, Document | None, Settings]:
    document = cases.configuration(package, directory, FILE)
    for old, new in _OLD.items():
        if document is not None and old in document.data:
            document.warning("deprecated", f"{old} is called {new} now, and is a list", old)
    config = (document and document.model(GroupConfig)) or GroupConfig()
    return config, document, config.over(inherited)


def _settings(package: Package, directory: Directory, inherited: Settings) -> Settings:
    return _configured(package, directory, inherited)[2]


def _root(package: Package, scoring: bool) -> Group:
    data = modern.data(package)
    if data is None:
        return Group("")
    config, _, settings = _configured(package, data, Settings())
    children: list[Group] = []
    parts: list[_Part] = []
    sample, secret = data.directories.get("sample"), data.directories.get("secret")
    if sample:
        # What the root says is for sample as well; where it does not, feedback has a default of its own there.
        feedback = config.full_feedback is not False
        part = _part(package, sample, "sample", replace(settings, full_feedback=feedback))
        parts.append(part)
        children.append(Group("sample", tuple(part.tests), _without_scores(package, part)))
        if part.config.scoring:
            part.error(package, "sample has no score", "scoring")
        for below in part.parts:
            package.findings.error(below.directory.name, "groups", "sample has no groups")
    if secret:
        part = _part(package, secret, "secret", settings)
        parts += part.all()
        if not any(below.tests for below in part.all()):
            package.findings.error(part.directory.name, "no-tests", "has no tests")
        children.append(_group(package, part, scoring, None))
    if not scoring:
        return Group("", tuple(children))
    tests = {test.name for part in parts for test in part.tests}
    required = {part.name: (_required(part), part.document) for part in parts if part.name != "sample"}
    check_required(required, {part.name: part.aggregation for part in parts}, tests)
    maximum = children[-1].grading.max_score if secret else None
    return Group("", tuple(children), Grading(scores="sum", max_score=maximum, stop_early=False, ignore_sample=True))


def _part(package: Package, directory: Directory, name: str, inherited: Settings) -> _Part:
    """A directory of tests, and all that are below it."""
    config, document, settings = _configured(package, directory, inherited)
    found: Cases = cases.collect(package, directory, name)
    if "test_group" in found.inputs:
        package.findings.error(directory.at("test_group.in"), "name", "a test cannot be called test_group")
    tests = list(cases.paired(package, found, settings, needs_answer=True))
    part = _Part(name, directory, config, document, tests)
    for below in cases.groups(directory):
        part.parts.append(_part(package, below, f"{name}/{below.name.rpartition('/')[2]}", settings))
    if not tests and not part.parts and config.static_validation is None and name not in ("sample", "secret"):
        package.findings.warning(directory.name, "no-tests", "is a group without tests")
    said = config.scoring and config.scoring.aggregation
    part.aggregation = said or ("sum" if name == "secret" else "pass-fail")
    return part


def _children(part: _Part, groups: Mapping[str, Group]) -> tuple[Test | Group, ...]:
    """Tests and groups, in the order of their names."""
    return tuple(sorted((*part.tests, *groups.values()), key=lambda child: child.name))


def _without_scores(package: Package, part: _Part) -> Grading:
    static = part.config.static_validation
    if static and static.score is not None:
        part.error(package, "static_validation.score is for scoring", "static_validation", "score")
    arguments = static.args if static else ()
    return Grading(static_validation="pass-fail" if static else None, static_validator_args=arguments)


def _group(package: Package, part: _Part, scoring: bool, inferred: float | None) -> Group:
    """The group, which is worth `inferred` unless it says otherwise."""
    if not scoring:
        if part.config.scoring:
            part.error(package, "scoring is for scoring problems", "scoring")
        groups = {below.name: _group(package, below, scoring, None) for below in part.parts}
        return Group(part.name, _children(part, groups), _without_scores(package, part))
    maximum = _maximum(part, inferred)
    if part.aggregation == "pass-fail":
        for below in part.parts:
            if below.aggregation != "pass-fail":
                below.error(package, f"{below.name} must be pass-fail, as {part.name} is", "scoring", "aggregation")
        groups = {below.name: _group(package, below, scoring, None) for below in part.parts}
        plain = _without_scores(package, part)
        grading = Grading(
            max_score=maximum,
            require_pass=_required(part),
            strict_scores=True,
            static_validation=plain.static_validation,
            static_validator_args=plain.static_validator_args,
        )
        return Group(part.name, _children(part, groups), grading)
    each = _each(package, part, maximum)
    for below in part.parts:
        if below.aggregation == "pass-fail" and _maximum(below, each) is None:
            message = f"{below.name} is pass-fail and so needs a score that is bounded"
            below.error(package, message, "scoring", "score")
        if maximum is not None and below.config.scoring and below.config.scoring.score == "unbounded":
            below.error(package, f"{below.name} cannot be unbounded, as {part.name} is not", "scoring", "score")
    groups = {below.name: _group(package, below, scoring, each) for below in part.parts}
    static = part.config.static_validation
    worth = None if static is None else each if static.score is None else float(static.score)
    grading = Grading(
        errors="always_accept",  # what counts is the score, to which a rejected test adds nothing
        scores=part.aggregation,
        max_score=maximum,
        accept_score=each,
        stop_early=part.aggregation == "min",
        require_pass=_required(part),
        strict_scores=True,
        static_validation=worth if static is None or worth is not None else float("inf"),
        static_validator_args=static.args if static else (),
    )
    return Group(part.name, _children(part, groups), grading)


def _required(part: _Part) -> tuple[str, ...]:
    return part.config.scoring.require_pass if part.config.scoring else ()


def _maximum(part: _Part, inferred: float | None) -> float | None:
    said = part.config.scoring.score if part.config.scoring else None
    if said is None:
        return 100.0 if part.name == "secret" else inferred
    return None if said == "unbounded" else float(said)


def _each(package: Package, part: _Part, maximum: float | None) -> float | None:
    """What a test or group in it is worth that does not say so: its share of what the others leave."""
    if maximum is None or part.aggregation == "min":
        return maximum
    scores = [below.config.scoring.score if below.config.scoring else None for below in part.parts]
    if part.config.static_validation:
        scores.append(part.config.static_validation.score)
    provided = sum(float(score) for score in scores if score is not None and score != "unbounded")
    if provided > maximum:
        message = f"the parts of {part.name} are worth {provided:g} together, more than its own {maximum:g}"
        part.error(package, message, "scoring", "score")
    sharing = scores.count(None) + len(part.tests)
    return max(maximum - provided, 0.0) / sharing if sharing else 0.0
