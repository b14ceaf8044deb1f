"""What tests of faults share: a service in a process of its own, looked at from outside when it has ended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SCRIPTS = HERE.parents[1] / "scripts"

Service = Callable[..., str]


@pytest.fixture(scope="session")
def prelude() -> str:
    """What begins every script: `service.py`, and a path on which it finds the census."""
    return f"import sys; sys.path.insert(0, {str(SCRIPTS)!r})\n" + (HERE / "service.py").read_text()


@pytest.fixture
def service(policy: Callable[[str], str], prelude: str) -> Service:
    """A function that runs a script as a service of its own, under what `wrapper` starts; what it printed.

    The script has `sandbox`, the name POLICY and the functions of `service.py`.
    """

    def run(script: str, *arguments: str, wrapper: tuple[str, ...] = (), timeout: float = 500) -> str:
        command = [*wrapper, sys.executable, "-P", "-W", "error", "-c", prelude + script, policy("native"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert not done.stderr
        return done.stdout

    return run
