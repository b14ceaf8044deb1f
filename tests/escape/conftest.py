"""Hostile programs in C."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def hostile() -> Iterator[Callable[[str], Path]]:
    """A function that gives the compiled form of NAME.c in this directory, where every user can read it."""
    target = Path(tempfile.mkdtemp())
    target.chmod(0o755)

    @functools.cache
    def build(name: str) -> Path:
        alone = ["-nostdlib", "-ffreestanding"] if name == "tiny" else []
        command = ["gcc", "-O1", "-w", "-static", *alone, "-o", str(target / name), str(HERE / f"{name}.c")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return target / name

    yield build
    shutil.rmtree(target)
