"""The kernel-facing tests once more, on a kernel with cgroup v2 only, in an emulated machine."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import lacking
import pytest

RUN = Path(__file__).resolve().parents[2] / "scripts/vm/run.py"
CANNOT = 77
DEADLINE = 5400
"""Seconds for the machine, which takes some ten minutes of two CPUs that have nothing else to do."""

UNDER_WAY = os.environ.get("SANDBOX_TEST_MACHINE", "")
"""A directory in which scripts/test, which has started the machine beside all other tests, writes what came of it."""


def outcome() -> tuple[int, str]:
    """The machine's exit status, and what it printed."""
    if not UNDER_WAY:
        command = [sys.executable, str(RUN), "--deadline", str(DEADLINE)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout
    status = Path(UNDER_WAY, "status")
    # Nothing of ours is waiting but this; it may have ended before.
    with contextlib.suppress(PermissionError, ProcessLookupError):
        os.setpriority(os.PRIO_PGRP, int(Path(UNDER_WAY, "group").read_text()), 0)
    while not status.exists():
        time.sleep(0.5)
    return int(status.read_text()), Path(UNDER_WAY, "log").read_text(errors="replace")


@pytest.mark.slow
@pytest.mark.timeout(DEADLINE + 300)
def test_cgroup_v2() -> None:
    """As root, as a user with a delegated group, and as a user with nothing, boxes do what they do here."""
    if platform.machine() != "x86_64":
        pytest.skip(f"the machine that is emulated is an x86-64, and this is {platform.machine()}")
    lacking.tool("qemu-system-x86_64", "qemu-system-x86")
    status, printed = outcome()
    if status == CANNOT:
        lacking.missing_tool(f"a machine: {printed.strip().rpartition(chr(10))[2]}")
    assert status == 0, printed[-20_000:]
