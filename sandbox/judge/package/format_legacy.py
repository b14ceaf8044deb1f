"""The formats legacy and legacy-icpc, the latter being the part of the former that ICPC contests use."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from sandbox.judge.package import metadata, modern, programs, submissions, timelimit, tree
from sandbox.judge.package.cases import Package
from sandbox.judge.package.legacy_groups import FILE, Groups, inherited
from sandbox.judge.package.legacy_models import Metadata
from sandbox.judge.package.schema import Document
from sandbox.judge.problem import Problem

VERSIONS = ("legacy", "legacy-icpc")
_NOT_ICPC = ("type", "grading")
_FOREIGN = ("time_limit", "time_resolution", "validation_passes")
_PLAIN_NAME = re.compile(r"^\s*%+\s*plainproblemname:(.*)$", re.MULTILINE)
_LATEX_NAME = re.compile(r"\\problemname\{([^{}\\$]*)\}")
_STATEMENT = re.compile(r"problem(?:\.([a-zA-Z-]+))?\.(tex|pdf|md|html|txt)")


def read(package: Package, document: Document, version: str) -> Problem | None:
    """The problem of a package of this format; `None` and an error if its problem.yaml is of no use."""
    said = document.model(Metadata)
    if said is None:
        return None
    _check(document, said, version)
    validators = _output_validators(package, document, said)
    scoring = "scoring" in said.type
    reader = Groups(package, scoring, version == "legacy-icpc", validators)
    root = reader.root(inherited(said))
    inputs = programs.several(package, "input_validators", "input_format_validators")
    modern.check_input_validators(package, inputs, root)
    limits = replace(said.limits.resolved(), time=timelimit.chosen(package, said.limits.time_limit))
    jury = submissions.found(package, submissions.LEGACY, comments=True)
    for submission in jury:
        if any(one.partial for one in submission.expectations) and not scoring:
            message = "partially_accepted is for scoring problems"
            package.findings.warning(f"submissions/{submission.name}", "expectation", message)
    submissions.check(package, jury, limits.time)
    languages = None if "all" in said.languages else said.languages
    modes = {*said.type, *said.validation}
    return Problem(
        name=package.name,
        title=_title(package, said),
        format=version,
        directory=Path(package.top.path),
        root=root,
        limits=limits,
        scoring=scoring,
        interactive="interactive" in modes,
        multi_pass="multi-pass" in modes,
        minimise=said.grading.objective == "min",
        checker_args=said.validator_flags,
        output_validators=validators,
        input_validators=inputs,
        languages=languages,
        include=programs.include(package, languages),
        submissions=tuple(jury),
        invalid_inputs=tuple(modern.invalid_inputs(package, reader.settings)),
        outputs=tuple(modern.outputs(package, reader.settings)),
    )


def _check(document: Document, said: Metadata, version: str) -> None:
    for key in _NOT_ICPC if version == "legacy-icpc" else ():
        if key in document.data:
            document.warning("not-icpc", f"{key} is not in legacy-icpc, and read as in legacy", key)
    for key in _FOREIGN:
        if key in said.limits.model_fields_set:
            document.warning("foreign-key", f"limits.{key} is of a later format, and read as there", "limits", key)
    if "languages" in said.model_fields_set:
        document.warning("foreign-key", "languages is of a later format, and read as there", "languages")
    for key in ("accept_score", "reject_score", "range", "on_reject"):
        if key in said.grading.model_fields_set:
            document.warning("deprecated", f"grading.{key} belongs into data/{FILE} now", "grading", key)
    if {"interactive", "multi-pass"} & {*said.type}:
        document.warning("deprecated", "in this format it is validation that says interactive or multi-pass", "type")
    if "score" in said.validation and "scoring" not in said.type:
        document.error("validation", "validation: score is for scoring problems", "validation")
    if said.grading.model_fields_set and "scoring" not in said.type:
        document.warning("grading", "grading is for scoring problems", "grading")
    if said.source_url is not None and said.source is None:
        document.warning("source", "source_url needs a source", "source_url")
    metadata.check_rights(document, said.license, said.rights_owner, bool(said.author or said.source))


def _output_validators(package: Package, document: Document, said: Metadata) -> tuple[Path, ...]:
    found = programs.several(package, "output_validators")
    if not found and (one := programs.single(package, "output_validator")):
        package.findings.warning("output_validator", "deprecated", "in this format it is called output_validators")
        found = (one,)
    custom = said.validation[0] == "custom" or bool({"interactive", "multi-pass"} & {*said.type})
    if custom and not found:
        document.error("missing-validator", "validation is custom, but there is no output validator", "validation")
    if found and not custom:
        message = "validation is default: the output validators are not run"
        package.findings.warning("output_validators", "unused-file", message)
        return ()
    return found


def _title(package: Package, said: Metadata) -> str:
    """Of problem.yaml, domjudge-problem.ini, or the statements: English if there is such, else the first."""
    given = metadata.title(said.name) or timelimit.settings(package).get("name")
    place = package.top.below("problem_statement") or package.top.below("statement")
    files = place.files if place else {}
    matches = [match for name in sorted(files) if (match := _STATEMENT.fullmatch(name))]
    if not matches:
        package.findings.warning("problem_statement", "missing-statement", "there is no problem.<language>.tex or .pdf")
    names = {}
    for match in matches:
        if given is None and place is not None and match[2] == "tex":
            text = tree.text(files[match[0]], place.at(match[0]), package.findings) or ""
            if named := _PLAIN_NAME.search(text) or _LATEX_NAME.search(text):
                names[match[1] or "en"] = named[1].strip()
    return given or metadata.title(names) or package.name
