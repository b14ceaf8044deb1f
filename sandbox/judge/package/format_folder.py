"""A plain folder of inputs and answers: `1.in` and `1.out`, without any configuration.

Answers end in `.out` or `.ans`. Pairs lie in the folder itself or in `data`, in groups of their own below (`sample` is
the sample), or apart in `input` and `output`. Their order is that of a reader: 2 before 10.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sandbox.judge.package import timelimit
from sandbox.judge.package.cases import Package
from sandbox.judge.package.tree import Directory
from sandbox.judge.problem import Group, Problem, ProblemLimits, Test

FORMAT = "folder"
_ANSWERS = ("out", "ans")
_INPUTS_IN = ("input", "inputs", "in")
_ANSWERS_IN = ("output", "outputs", "out", "answer", "answers", "ans")
_SAMPLES = ("sample", "samples")
_NOT_TESTS = frozenset({"submissions", "attachments", "generators", "input_validators", "output_validators"})
_DIGITS = re.compile(r"(\d+)")
_PREFIX = re.compile(r"(input|output|answer|in|out|ans)(?=.)")


def natural(name: str) -> tuple[tuple[str, int, str], ...]:
    """A key for sorting in which numbers count as such, so that `2` comes before `10` and `02` beside `2`."""
    parts = _DIGITS.split(name)
    pairs = zip(parts[::2], [*parts[1::2], ""], strict=True)
    return tuple((text, int(digits) if 0 < len(digits) < 4000 else -1, digits) for text, digits in pairs)


def read(package: Package) -> Problem:
    """The problem of a folder, which is pass or fail."""
    top = package.top.directories.get("data", package.top)
    sample = [test for name in _SAMPLES if name in top.directories for test in _all(package, top, name, "sample")]
    secret = Group("secret", tuple(_children(package, top, "secret")))
    if not any(secret.tests()) and not sample:
        message = "there is no problem.yaml, and no pair of files such as 1.in and 1.out"
        package.findings.error(".", "no-tests", message)
    groups = (Group("sample", tuple(sample)), secret) if sample else (secret,)
    title = timelimit.settings(package).get("name") or package.name
    return Problem(
        name=package.name,
        title=title,
        format=FORMAT,
        directory=Path(package.top.path),
        root=Group("", groups),
        limits=ProblemLimits(time=timelimit.chosen(package, None)),
    )


def _all(package: Package, top: Directory, name: str, prefix: str) -> Iterator[Test]:
    for child in _children(package, top.directories[name], prefix, full_feedback=True):
        yield from child.tests() if isinstance(child, Group) else (child,)


def _children(
    package: Package, directory: Directory, prefix: str, full_feedback: bool = False
) -> Iterator[Test | Group]:
    """Tests and groups of a directory, in order."""
    pairs = _pairs(package, directory)
    names = {name: None for name in directory.directories if name not in (*_INPUTS_IN, *_ANSWERS_IN, *_NOT_TESTS)}
    if directory.name in (".", "data"):
        names = {name: None for name in names if name not in _SAMPLES}
    for name in sorted({**pairs, **names}, key=natural):
        if name in pairs:
            input_, answer = pairs[name]
            yield Test(f"{prefix}/{name}", Path(input_), Path(answer), full_feedback=full_feedback)
            if name in names:
                message = f"is both a test ({name}.in) and a directory"
                package.findings.error(directory.at(name), "duplicate", message)
            continue
        group = f"{prefix}/{name}"
        children = tuple(_children(package, directory.directories[name], group, full_feedback))
        if children:  # a directory without tests is none of ours
            yield Group(group, children)


def _pairs(package: Package, directory: Directory) -> dict[str, tuple[str, str]]:
    """Inputs and answers by the name of the test; errors about those that have no counterpart."""
    inputs, answers = _beside(package, directory)
    for name in _INPUTS_IN:
        if name in directory.directories:
            inputs |= _apart(package, directory.directories[name], inputs)
            for other in _ANSWERS_IN:
                if other in directory.directories:
                    answers |= _apart(package, directory.directories[other], answers)
    for name in inputs.keys() - answers.keys():
        message = f"there is no {name}.out or {name}.ans with the answer to this input"
        package.findings.error(inputs[name][0], "missing-answer", message)
    for name in answers.keys() - inputs.keys():
        package.findings.error(answers[name][0], "missing-input", f"there is no {name}.in to this answer")
    return {name: (inputs[name][1], answers[name][1]) for name in inputs.keys() & answers.keys()}


_Files = dict[str, tuple[str, str]]
"""By name of the test: the name of the file, relative to the package, and where it is."""


def _beside(package: Package, directory: Directory) -> tuple[_Files, _Files]:
    inputs: _Files = {}
    answers: _Files = {}
    for name, path in directory.files.items():
        stem, _, extension = name.rpartition(".")
        if extension == "in" and stem:
            inputs[stem] = directory.at(name), path
        elif extension in _ANSWERS and stem:
            if stem in answers:
                message = f"there is another answer to this test, {answers[stem][0]}"
                package.findings.error(directory.at(name), "duplicate", message)
            answers[stem] = directory.at(name), path
    return inputs, answers


def _apart(package: Package, directory: Directory, known: _Files) -> _Files:
    """Files of one kind, whose names may say so once more: `input/input01.txt`."""
    found: _Files = {}
    for name, path in directory.files.items():
        stem = _PREFIX.sub("", name.rpartition(".")[0] or name, count=1).strip("_-.")
        if stem in found or stem in known:
            package.findings.error(directory.at(name), "duplicate", f"there is another file for the test {stem}")
        found[stem] = directory.at(name), path
    return found
