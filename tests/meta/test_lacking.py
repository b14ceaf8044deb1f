"""Tests that are not run say why, and where everything has to be installed a tool that is missing fails them."""

from __future__ import annotations

import re
from pathlib import Path

import lacking
import pytest

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("ci", ["true", "1", "yes"])
def test_in_ci_a_missing_tool_is_a_failure(monkeypatch: pytest.MonkeyPatch, ci: str) -> None:
    """A test that lacks a program fails, by its name and its package."""
    monkeypatch.setenv("CI", ci)
    with pytest.raises(pytest.fail.Exception, match=r"no-such-program \(apt-get install a b\); with CI set"):
        lacking.tool("no-such-program", "a", "b")


@pytest.mark.parametrize("ci", ["", "0", "false"])
def test_elsewhere_a_missing_tool_is_a_skip(monkeypatch: pytest.MonkeyPatch, ci: str) -> None:
    """A test that lacks a program is skipped, for a reason that the summary knows again; one that has it goes on."""
    monkeypatch.setenv("CI", ci)
    with pytest.raises(pytest.skip.Exception, match="no-such-program") as skipped:
        lacking.tool("no-such-program", "a")
    assert list(lacking.summary([("tests/a.py", str(skipped.value))])) == [
        "1 skipped for want of a tool, which `scripts/setup test` installs:",
        "    1 × no-such-program (apt-get install a): tests/a.py",
    ]
    assert lacking.tool("sh", "dash").endswith("/sh")


def test_the_summary_groups_reasons() -> None:
    """Tools come first, and each reason once, with how often and where."""
    reasons = [("b.py", "old kernel"), ("a.py", f"{lacking.TOOL}x"), ("c.py", "old kernel"), ("b.py", "old kernel")]
    assert list(lacking.summary(reasons)) == [
        "1 skipped for want of a tool, which `scripts/setup test` installs:",
        "    1 × x: a.py",
        "3 skipped because of this host or the way the tests are run:",
        "    3 × old kernel: b.py, c.py",
    ]
    assert list(lacking.summary([])) == []


def test_tools_are_asked_for_in_one_way() -> None:
    """No test skips itself for want of a tool or module but by `lacking`, which CI makes a failure."""
    otherwise = re.compile(r"importorskip|skipif\(.*which\(|skip(?:if)?\(.*(?:not installed|apt-get)")
    found = [
        f"{path.relative_to(TESTS)}: {line.strip()}"
        for path in sorted(TESTS.rglob("test_*.py")) + sorted(TESTS.rglob("conftest.py"))
        if path != Path(__file__)
        for line in path.read_text().splitlines()
        if otherwise.search(line)
    ]
    assert not found
