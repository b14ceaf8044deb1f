"""What the judge's tests share: a compiler with a cache that boxes can reach."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.judge.cache import Cache
from sandbox.judge.compiler import Compiler


@pytest.fixture(scope="session")
def programs() -> Iterator[Path]:
    """A directory for compiled programs: under pytest's own, which is closed to others, no box could run them."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o711)
        yield Path(place)


@pytest.fixture(scope="session")
def compiler(programs: Path) -> Iterator[Compiler]:
    """One for all tests."""
    with Compiler(Cache(programs), overlay=os.environ.get("SANDBOX_TEST_OVERLAY", "")) as compiler:
        yield compiler
