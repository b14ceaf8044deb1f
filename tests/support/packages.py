"""Small problem packages, for tests of their readers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sandbox.judge.package import read
from sandbox.judge.problem import Group, Problem, ProblemError

AROUND = {
    "problem_statement/problem.tex": "",  # where the older formats have it
    "statement/problem.en.tex": "",  # and the newer ones
    "input_validators/check.py": "",
    "submissions/accepted/good.py": "",
}
PAIR = {"data/secret/1.in": "1\n", "data/secret/1.ans": "2\n"}


def make(root: Path, files: Mapping[str, str]) -> Path:
    """A package called sums, complete but for what it is given."""
    place = root / "sums"
    for name, text in {**AROUND, **files}.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
        (place / name).chmod(0o755 if name.endswith(("/build", "/run")) else 0o644)
    return place


def problem(root: Path, files: Mapping[str, str]) -> Problem:
    """The problem of such a package, nothing being wrong with it."""
    found = read(make(root, files))
    assert not found.warnings
    return found


def complaints(root: Path, files: Mapping[str, str]) -> list[str]:
    """Everything that is said about such a package."""
    try:
        return [str(complaint) for complaint in read(make(root, files)).warnings]
    except ProblemError as error:
        return [str(complaint) for complaint in error.complaints]


def groups(*names: str) -> dict[str, str]:
    """A test in each of these groups."""
    return {f"data/secret/{name}/1.{end}": "" for name in names for end in ("in", "ans")}


def by_name(found: Problem) -> dict[str, Group]:
    """All groups."""
    waiting, seen = [found.root], {}
    for group in waiting:
        seen[group.name] = group
        waiting += [below for below in group.children if isinstance(below, Group)]
    return seen
