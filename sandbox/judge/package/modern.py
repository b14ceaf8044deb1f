"""What 2023-07-draft and 2025-09 have in common but for their test data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from sandbox.judge.package import cases, metadata, programs, submissions, timelimit
from sandbox.judge.package.cases import Package, Settings
from sandbox.judge.package.expectations import applied
from sandbox.judge.package.metadata import Metadata
from sandbox.judge.package.schema import Document
from sandbox.judge.package.tree import Directory
from sandbox.judge.problem import Group, Problem, Test

_STATEMENT = re.compile(r"problem\.([a-zA-Z]{2,3}(-[A-Z]{2})?)\.(tex|md|pdf)")
_KINDS = ("sample", "secret", "invalid_input", "invalid_output", "valid_output")

Configured = Callable[[Package, Directory, Settings], Settings]
"""The settings of a directory's tests, from its configuration and those that it inherits."""


def data(package: Package) -> Directory | None:
    """The directory `data`, or `None` and an error if it has no secret tests; warnings about what is not read."""
    found = package.top.below("data")
    if found is None or "secret" not in found.directories:
        package.findings.error("data/secret", "missing-data", "there is no such directory with tests")
    if found is None:
        return None
    loose = next((name for name in sorted(found.files) if name.endswith((".in", ".ans"))), None)
    if loose is not None:
        message = "is neither in data/sample nor in data/secret, where tests are"
        package.findings.error(found.at(loose), "misplaced-test", message)
    for name in sorted(found.directories):
        if name not in _KINDS and name.removesuffix("s") not in _KINDS:
            package.findings.warning(found.at(name), "unused-file", "is not read: this format has no such test data")
    return found


def problem(
    package: Package, document: Document, said: Metadata, root: Group, configured: Configured, format_: str
) -> Problem:
    """The problem, given its tests."""
    metadata.check(document, said)
    _check_statements(package, document, said)
    languages = None if "all" in said.languages else said.languages
    for number, code in enumerate(languages or ()):
        if code not in programs.LANGUAGES:
            document.warning("language", f"{code[:40]!r} is not the code of a language", "languages", number)
    limits = replace(said.limits.resolved(), time=timelimit.chosen(package, said.limits.time_limit))
    validator = programs.single(package, "output_validator")
    if validator is None and "output_validators" in package.top.directories:
        package.findings.warning("output_validators", "deprecated", "in this format it is called output_validator")
        validator = programs.single(package, "output_validators")
    for kind in ("interactive", "multi-pass"):
        if said.has(kind) and validator is None:
            document.error("missing-validator", f"{kind} problems need an output_validator", "type")
    static = programs.single(package, "static_validator")
    _check_static(package, root, static, said)
    inputs = programs.several(package, "input_validators")
    check_input_validators(package, inputs, root)
    jury = submissions.found(package, submissions.MODERN, comments=False)
    jury = applied(package, jury, submissions.MODERN, root, said.has("scoring"))
    submissions.check(package, jury, limits.time)
    return Problem(
        name=package.name,
        title=metadata.title(said.name) or package.name,
        format=format_,
        directory=Path(package.top.path),
        root=root,
        limits=limits,
        scoring=said.has("scoring"),
        interactive=said.has("interactive"),
        multi_pass=said.has("multi-pass"),
        submit_answer=said.has("submit-answer"),
        allow_file_writing=said.allow_file_writing,
        checker_args=said.validator_flags,
        output_validators=() if validator is None else (validator,),
        input_validators=inputs,
        static_validator=static,
        languages=languages,
        include=programs.include(package, languages),
        constants=said.constants,
        submissions=tuple(jury),
        invalid_inputs=tuple(invalid_inputs(package, configured)),
        outputs=(*_shown(package, said, root), *outputs(package, configured)),
    )


def _check_statements(package: Package, document: Document, said: Metadata) -> None:
    place = package.top.below("statement") or package.top.below("problem_statement")
    found = {match[1] for name in (place.files if place else ()) if (match := _STATEMENT.fullmatch(name))}
    if not found:
        package.findings.warning("statement", "missing-statement", "there is no problem.<language>.tex, .md or .pdf")
    elif said.name and set(said.name) != found:
        message = f"has the languages {', '.join(sorted(said.name))}, but the statements {', '.join(sorted(found))}"
        document.warning("languages-of-name", f"name {message}", "name")


def _check_static(package: Package, root: Group, static: Path | None, said: Metadata) -> None:
    using = [group.name for group in _groups(root) if group.grading.static_validation is not None]
    if using and static is None:
        message = f"{using[0]} has a static validation test, but there is no static validator"
        package.findings.error("static_validator", "missing-validator", message)
    if static is not None and said.has("submit-answer"):
        message = "a submit-answer problem has no program to validate"
        package.findings.error("static_validator", "static-validation", message)
    elif static is not None and not using:
        package.findings.warning("static_validator", "unused-file", "no group has a static validation test")


def _groups(group: Group) -> Iterator[Group]:
    yield group
    for child in group.children:
        if isinstance(child, Group):
            yield from _groups(child)


def check_input_validators(package: Package, validators: tuple[Path, ...], root: Group) -> None:
    """Warnings if there are none, or if arguments are for one that there is not."""
    if not validators:
        package.findings.warning("input_validators", "no-input-validator", "there is no input validator")
    known = {"*"} | {part for path in validators for part in (path.name, path.stem)}
    told: set[str] = set()
    for test in root.tests():
        for name in test.input_validator_args.keys() - known - told:
            told.add(name)
            message = f"there are arguments for {name[:60]!r}, which is not among the input validators"
            package.findings.warning("input_validators", "unknown-validator", message)


def below(package: Package, name: str, configured: Configured) -> Iterator[tuple[cases.Cases, Settings]]:
    """The tests of a directory of `data`, which may be called so with an s, and of all that are below it."""
    top = package.top.below("data")
    for found in (top.directories.get(name), top.directories.get(f"{name}s")) if top else ():
        if found is not None:
            yield from _below(package, found, name, Settings(), configured)


def _below(
    package: Package, directory: Directory, prefix: str, settings: Settings, configured: Configured
) -> Iterator[tuple[cases.Cases, Settings]]:
    settings = configured(package, directory, settings)
    yield cases.collect(package, directory, prefix), settings
    for group in cases.groups(directory):
        name = group.name.rpartition("/")[2]
        yield from _below(package, group, f"{prefix}/{name}", settings, configured)


def invalid_inputs(package: Package, configured: Configured) -> Iterator[Test]:
    """Inputs that an input validator must reject."""
    for found, settings in below(package, "invalid_input", configured):
        yield from cases.paired(package, found, settings, needs_answer=False)


def outputs(package: Package, configured: Configured) -> Iterator[tuple[Test, Path, bool]]:
    """Outputs that the output validator must reject or accept."""
    for name, good in (("invalid_output", False), ("valid_output", True)):
        for found, settings in below(package, name, configured):
            for test in cases.paired(package, found, settings, needs_answer=True):
                output = f"{test.name.rpartition('/')[2]}.out"
                if output in found.directory.files:
                    yield test, Path(found.directory.files[output]), good
                else:
                    message = f"there is no {output} with the output to validate"
                    package.findings.error(found.directory.at(output), "missing-output", message)


def _shown(package: Package, said: Metadata, root: Group) -> Iterator[tuple[Test, Path, bool]]:
    """What samples show as output, which must be right: the answer, if nothing else is shown instead."""
    if said.has("interactive") or said.has("multi-pass"):
        return
    sample = next((child for child in root.children if isinstance(child, Group) and child.name == "sample"), None)
    for test in sample.tests() if sample else ():
        directory, _, stem = test.name.rpartition("/")
        place = package.top.below(f"data/{directory}")
        shown = place.files if place else {}
        if f"{stem}.out" in shown:
            yield test, Path(shown[f"{stem}.out"]), True
        elif f"{stem}.ans.statement" not in shown:
            yield test, test.answer, True
