"""The kernel-facing tests once more, on a kernel with cgroup v2 only, in an emulated machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
CANNOT = 77


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_cgroup_v2() -> None:
    """As root, as a user with a delegated group, and as a user with nothing, boxes do what they do here."""
    if not shutil.which("qemu-system-x86_64"):
        pytest.skip("no qemu-system-x86_64 here (apt-get install qemu-system-x86)")
    done = subprocess.run(
        [CHECKOUT / "scripts/vm-test", "--deadline", "1400"], capture_output=True, text=True, check=False
    )
    if done.returncode == CANNOT:
        pytest.skip(done.stderr.strip().rpartition("\n")[2])
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
