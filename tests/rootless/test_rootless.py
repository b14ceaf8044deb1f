"""The same verdicts without any right: as another user, without control groups."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

TESTS = Path(__file__).parents[1]

AT_LEAST = {"verdicts": 350, "escape/test_attacks.py": 180}
"""Tests that must have run: had most of them been skipped, nothing would have been shown."""

PYTEST = """
import os, sys
os.environ["SANDBOX_TEST_OVERLAY"] = "+weak-no-cgroup"
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("what", AT_LEAST)
def test_without_rights(rootless: Callable[..., CompletedProcess[str]], what: str) -> None:
    """Every verdict that needs no control group is the same for an ordinary user, and every attack comes to nothing."""
    readable = TESTS.stat().st_mode & 0o005 == 0o005
    if not readable:
        pytest.skip(f"another user cannot read {TESTS}")
    done = rootless(
        PYTEST, str(TESTS / what), "-c", str(TESTS.parent / "pyproject.toml"), "-q", "-p", "no:cacheprovider",
        "-k", "not attack_is_real",
        timeout=1100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) >= AT_LEAST[what]
