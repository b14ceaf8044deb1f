"""Why a test does not run: for want of a tool, which scripts/setup installs, or because this host cannot do it."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from sandbox.judge.languages import Language

TOOL = "no tool here: "
"""What the reasons of those begin with that lack a tool. Every other skip is the host's."""


def in_ci() -> bool:
    """Whether everything that scripts/setup installs has to be there."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false", "no")


def missing_tool(name: str, *packages: str) -> NoReturn:
    """Give up a test for want of a tool, whose Debian packages are named; with CI set, that is a failure."""
    reason = f"{TOOL}{name}" + (f" (apt-get install {' '.join(packages)})" if packages else "")
    if in_ci():
        pytest.fail(f"{reason}; with CI set nothing may lack that `scripts/setup test` installs", pytrace=False)
    pytest.skip(reason)


def tool(name: str, *packages: str) -> str:
    """The path of a program, without which the test is given up; see `missing_tool`."""
    return shutil.which(name) or missing_tool(name, *packages)


def needs(language: Language) -> None:
    """Give up a test for want of what a language is compiled or run by, which may be nowhere to be had; see
    `missing_tool`.
    """
    if not language.installed():
        if language.absent:
            pytest.skip(language.absent)
        missing_tool(language.name, *language.packages)


def summary(skipped: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Lines that say what was skipped and why, of pairs of a test's file and a reason: tools first."""
    files: dict[str, list[str]] = defaultdict(list)
    for file, reason in skipped:
        files[reason].append(file)
    for heading, of_tools in (
        ("for want of a tool, which `scripts/setup test` installs", True),
        ("because of this host or the way the tests are run", False),
    ):
        reasons = sorted(reason for reason in files if reason.startswith(TOOL) is of_tools)
        if reasons:
            yield f"{sum(len(files[reason]) for reason in reasons)} skipped {heading}:"
        for reason in reasons:
            where = ", ".join(sorted(set(files[reason])))
            yield f"  {len(files[reason]):3} × {reason.removeprefix(TOOL)}: {where}"
