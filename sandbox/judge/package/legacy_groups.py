"""The test data of legacy packages: groups to any depth, and testdata.yaml.

Where a group says nothing of a key, it is as in the group above – key by key, as the format's own tools do it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sandbox.judge.package import cases, modern
from sandbox.judge.package.cases import Package, Settings
from sandbox.judge.package.legacy_models import GroupConfig, Metadata, ValidatorFlags
from sandbox.judge.package.schema import Document
from sandbox.judge.package.tree import Directory
from sandbox.judge.problem import Errors, Grading, Group, Scores, Test

FILE = "testdata.yaml"


def inherited(said: Metadata) -> GroupConfig:
    """What testdata.yaml has where nobody says otherwise, and where problem.yaml still says it."""
    old = said.grading
    reject = {"first_error": "break", "worst_error": "continue", "grade": "continue"}
    return GroupConfig.model_construct(
        on_reject=reject[old.on_reject] if old.on_reject else "break",
        grading="default",
        grader_flags=(),
        input_validator_flags=None,
        output_validator_flags=None,
        accept_score=1.0 if old.accept_score is None else old.accept_score,
        reject_score=0.0 if old.reject_score is None else old.reject_score,
        range=old.range,
    )


class Groups:
    """Reads the groups of one package."""

    def __init__(self, package: Package, scoring: bool, icpc: bool, validators: tuple[Path, ...]) -> None:
        self._package = package
        self._scoring = scoring
        self._icpc = icpc
        self._validators = validators

    def root(self, above: GroupConfig) -> Group:
        """The root with all that is below it; `above` is what holds where nobody says otherwise."""
        data = modern.data(self._package)
        if data is None:
            return Group("")
        config, grading, settings = self._configured(data, above, Settings(), root=True)
        children = [
            self._group(data.directories[name], name, config, settings)
            for name in ("sample", "secret")
            if name in data.directories
        ]
        if "secret" in data.directories and not any(children[-1].tests()):
            self._package.findings.error("data/secret", "no-tests", "has no tests")
        return Group("", tuple(children), grading)

    def settings(self, package: Package, directory: Directory, inherited: Settings) -> Settings:
        """Those of test data that is not judged."""
        return self._configured(directory, GroupConfig(), inherited, root=False)[2]

    def _group(self, directory: Directory, name: str, above: GroupConfig, inherited: Settings) -> Group:
        if name == "sample":
            inherited = replace(inherited, full_feedback=True)
        config, grading, settings = self._configured(directory, above, inherited, root=False)
        found = cases.collect(self._package, directory, name)
        tests = cases.paired(self._package, found, settings, needs_answer=True)
        groups = [
            self._group(below, f"{name}/{below.name.rpartition('/')[2]}", config, settings)
            for below in cases.groups(directory)
        ]
        if not found.inputs and not groups and "/" in name:
            self._package.findings.warning(directory.name, "no-tests", "is a group without tests")
        children: list[Test | Group] = [*tests, *groups]
        children.sort(key=lambda child: child.name)
        return Group(name, tuple(children), grading)

    def _configured(
        self, directory: Directory, above: GroupConfig, inherited: Settings, root: bool
    ) -> tuple[GroupConfig, Grading, Settings]:
        document = cases.configuration(self._package, directory, FILE)
        said = (document and document.model(GroupConfig)) or GroupConfig()
        if document is not None:
            self._check(document, said, root)
        merged = above.model_copy(update={key: getattr(said, key) for key in said.model_fields_set})
        settings = replace(
            inherited,
            checker_args=self._checker_args(document, said, inherited),
            input_validator_args=_input_validator_args(said.input_validator_flags, inherited),
        )
        return merged, self._grading(merged, root), settings

    def _check(self, document: Document, said: GroupConfig, root: bool) -> None:
        if self._icpc:
            document.warning("not-icpc", f"{FILE} is not in legacy-icpc, and read as in legacy")
        if said.grading == "custom":
            document.error("unsupported", "custom graders are not supported", "grading")
        if "ignore_sample" in (said.grader_flags or ()):
            if not root:
                document.error("grader-flags", f"ignore_sample is for data/{FILE}", "grader_flags")
            elif said.on_reject != "continue":
                message = "with on_reject: break, a sample that fails would end the judging, and is ignored"
                document.warning("grader-flags", message, "grader_flags")
        for key in ("accept_score", "reject_score", "range"):
            if key in said.model_fields_set and not self._scoring:
                document.warning("scoring", f"{key} is for scoring problems", key)

    def _checker_args(self, document: Document | None, said: GroupConfig, inherited: Settings) -> tuple[str, ...]:
        flags = said.output_validator_flags
        if flags is None:
            return inherited.checker_args
        names = {part for path in self._validators for part in (path.name, path.stem)}
        if flags.name is not None and document is not None:
            if flags.name not in names:
                message = f"there is no output validator {flags.name[:60]!r}"
                document.error("unknown-validator", message, "output_validator_flags")
            elif len(self._validators) > 1:
                message = "to choose among several output validators by group is not supported"
                document.error("unsupported", message, "output_validator_flags")
        return flags.flags

    def _grading(self, config: GroupConfig, root: bool) -> Grading:
        errors: Errors = "worst"
        scores: Scores = "sum"
        flags = config.grader_flags or ()
        for flag in flags:  # of modes that exclude each other, the last one counts
            if flag == "first_error":
                errors = "first"
            elif flag == "worst_error":
                errors = "worst"
            elif flag == "always_accept":
                errors = "always_accept"
            elif flag in ("sum", "avg", "min", "max"):
                scores = flag  # type: ignore[assignment]  # mypy does not narrow to the literals
        if "accept_if_any_accepted" in flags:
            errors = "any_accepted"
        ignored = root and "ignore_sample" in flags
        stop_early = config.on_reject != "continue" and not ignored
        if not self._scoring:
            return Grading(errors, stop_early=stop_early, ignore_sample=ignored)
        return Grading(
            errors,
            scores,
            accept_score=1.0 if config.accept_score is None else config.accept_score,
            reject_score=config.reject_score or 0.0,
            stop_early=stop_early,
            ignore_sample=ignored,
            score_range=config.range,
        )


def _input_validator_args(flags: ValidatorFlags | None, inherited: Settings) -> dict[str, tuple[str, ...]]:
    if flags is None:
        return dict(inherited.input_validator_args)
    return {flags.name or "*": flags.flags} if flags.flags or flags.name else {}
