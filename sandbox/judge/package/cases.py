"""The tests of one directory: which files belong together, what is missing, and what each test says of itself.

A directory may hold 100,000 tests. No file is opened or looked at here but those that configure or describe a test.
Inputs and answers go to programs byte for byte; empty ones, and those with CRLF, are as good as others.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator

from sandbox.judge.package import schema, tree
from sandbox.judge.package.findings import Findings
from sandbox.judge.package.schema import Document, Model, Text, Texts, Truth
from sandbox.judge.package.tree import Directory
from sandbox.judge.problem import Test

CONFIGURATION = ("test_group.yaml", "testdata.yaml")
MAX_HINT = 64 << 10
"""Bytes of a hint, description or list of arguments."""

_OWN = frozenset({"yaml", "args", "hint", "desc"})
"""Extensions of files that say something about a test."""
_SHOWN = frozenset({"out", "interaction", "png", "jpg", "jpeg", "svg", "statement", "download"})
"""Those of files that are for statements and reports, not for judging."""


@dataclass(frozen=True, slots=True)
class Package:
    """The package that is being read."""

    name: str
    top: Directory
    findings: Findings
    constants: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """What tests have from their group, unless they say otherwise; see `Test`."""

    args: tuple[str, ...] = ()
    checker_args: tuple[str, ...] = ()
    input_validator_args: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    full_feedback: bool = False
    hint: str = ""
    description: str = ""


def _by_validator(value: Any) -> Any:
    """A list is for all validators."""
    return {"*": value} if isinstance(value, list) else value


InputArgs = Annotated[dict[str, Texts], BeforeValidator(_by_validator)]


class TestConfig(Model):
    """The YAML file of a test, and what groups say on behalf of their tests (2023-07-draft, 2025-09)."""

    __test__ = False  # for pytest

    args: Texts | None = None
    input_validator_args: InputArgs | None = None
    output_validator_args: Texts | None = None
    input_visualizer_args: Texts | None = None
    output_visualizer_args: Texts | None = None
    full_feedback: Truth | None = None
    hint: Text | None = None
    description: Text | None = None

    def over(self, settings: Settings) -> Settings:
        """These settings, with what is said here."""
        said = {
            "args": self.args,
            "checker_args": self.output_validator_args,
            "input_validator_args": self.input_validator_args,
            "full_feedback": self.full_feedback,
            "hint": self.hint,
            "description": self.description,
        }
        changes: dict[str, Any] = {key: value for key, value in said.items() if value is not None}
        return replace(settings, **changes) if changes else settings


@dataclass(slots=True)
class Cases:
    """The files of a directory, by test."""

    directory: Directory
    prefix: str
    """The name of the directory relative to `data`."""
    inputs: list[str] = field(default_factory=list)
    """Names of the tests within the directory, in order."""
    answers: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)
    own: dict[str, list[str]] = field(default_factory=dict)
    """By test: extensions of what it says of itself."""


def collect(package: Package, directory: Directory, prefix: str) -> Cases:
    """The tests of a directory, without those below; warnings about files that belong to none."""
    cases = Cases(directory, prefix)
    unknown: dict[str, list[str]] = {}
    shown: list[tuple[str, str]] = []
    for name in directory.files:
        stem, _, extension = name.rpartition(".")
        if not stem:
            unknown.setdefault(name, []).append(name)
        elif extension == "in":
            cases.inputs.append(stem)
        elif extension == "ans":
            cases.answers.add(stem)
        elif name in CONFIGURATION:
            continue
        elif extension in _OWN:
            cases.own.setdefault(stem, []).append(extension)
        elif extension in _SHOWN:
            shown.append((stem, extension))
        else:
            unknown.setdefault(extension, []).append(name)
    cases.inputs.sort()
    cases.outputs = {stem for stem, extension in shown if extension == "out"}
    for stem in sorted(cases.outputs & {stem.removesuffix(".ans") for stem, end in shown if end == "statement"}):
        if f"{stem}.ans.statement" in directory.files:
            message = f"is there beside {stem}.out: one of them is to be shown, and it is the latter"
            package.findings.warning(directory.at(f"{stem}.ans.statement"), "duplicate", message)
    _tell_misfits(package, cases, unknown)
    return cases


def _tell_misfits(package: Package, cases: Cases, unknown: Mapping[str, list[str]]) -> None:
    """What belongs to no test; `unknown` are names that tests do not have, by extension."""
    directory, inputs = cases.directory, set(cases.inputs)
    for stem in sorted(cases.answers - inputs):
        package.findings.error(directory.at(f"{stem}.ans"), "missing-input", f"there is no {stem}.in to this answer")
    for stem in sorted(cases.own.keys() - inputs):
        name = directory.at(f"{stem}.{cases.own[stem][0]}")
        package.findings.warning(name, "unused-file", f"there is no test {stem}: it is ignored")
    for stem in sorted(cases.outputs - inputs):
        package.findings.warning(directory.at(f"{stem}.out"), "unused-file", f"there is no test {stem}: it is ignored")
    for _, names in sorted(unknown.items()):
        count = f" and {len(names) - 1} more like it are" if len(names) > 1 else " is"
        message = f"{min(names)}{count} of no use to a test: ignored"
        package.findings.warning(directory.at(min(names)), "unused-file", message)
    for stem in sorted(inputs & directory.directories.keys()):
        package.findings.error(directory.at(stem), "duplicate", f"is both a test ({stem}.in) and a directory")


def _placed(directory: Directory) -> Path | dict[str, Path]:
    """A directory whose files go into a box: one with links in it, which no box takes, by what they lead to."""
    if not any(below.has_links for below in directory.walk()):
        return Path(directory.path)
    start = len(directory.name) + 1
    return {below.at(name)[start:]: Path(path) for below in directory.walk() for name, path in below.files.items()}


def groups(directory: Directory) -> list[Directory]:
    """Directories in it that may be groups, in order: not those with the files of a test."""
    return [below for name, below in sorted(directory.directories.items()) if not name.endswith(".files")]


def paired(package: Package, cases: Cases, settings: Settings, needs_answer: bool = True) -> Iterator[Test]:
    """The tests of a directory, in order. Without `needs_answer`, the input stands in for it."""
    directory, files = cases.directory, cases.directory.files
    used = {f"{stem}.files" for stem in cases.inputs}
    for name in directory.directories:
        if name.endswith(".files") and name not in used:
            package.findings.warning(directory.at(name), "unused-file", "belongs to no test: it is ignored")
    for stem in cases.inputs:
        name = f"{stem}.in"
        answer = f"{stem}.ans" if needs_answer else name
        if answer not in files:
            message = f"there is no {stem}.ans with the answer to this input"
            package.findings.error(directory.at(name), "missing-answer", message)
            continue
        extra = directory.directories.get(f"{stem}.files")
        own = _own(package, cases, stem, settings) if stem in cases.own else settings
        yield Test(
            f"{cases.prefix}/{stem}",
            Path(files[name]),
            Path(files[answer]),
            own.args,
            _placed(extra) if extra else None,
            own.checker_args,
            own.input_validator_args,
            own.full_feedback,
            own.hint,
            own.description,
        )


def _own(package: Package, cases: Cases, stem: str, settings: Settings) -> Settings:
    """The settings of a test with files of its own; what its YAML file says is above the others."""
    for extension in sorted(cases.own[stem]):  # args, desc, hint, yaml
        file = f"{stem}.{extension}"
        name, path = cases.directory.at(file), cases.directory.files[file]
        if extension == "yaml":
            document = schema.load(path, name, package.findings)
            config = document and document.model(TestConfig)
            settings = config.over(settings) if config else settings
            continue
        text = tree.text(path, name, package.findings, MAX_HINT)
        if text is None:
            continue
        if extension == "args":
            settings = replace(settings, args=_split(package, name, text))
        elif extension == "hint":
            settings = replace(settings, hint=text.strip())
        else:
            settings = replace(settings, description=text.strip())
    return settings


def _split(package: Package, name: str, text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        package.findings.error(name, "type", f"cannot be split into arguments: {error}")
        return ()


def configuration(package: Package, directory: Directory, wanted: str) -> Document | None:
    """The file that configures a group; of another format's name for it, with a warning, if there is only that."""
    other = CONFIGURATION[1 - CONFIGURATION.index(wanted)]
    name = wanted if wanted in directory.files else other
    if name not in directory.files:
        return None
    if name != wanted:
        package.findings.warning(directory.at(name), "deprecated", f"in this format it is called {wanted}")
    elif other in directory.files:
        package.findings.warning(directory.at(other), "unused-file", f"is ignored: {wanted} is what counts here")
    return schema.load(directory.files[name], directory.at(name), package.findings, package.constants)
