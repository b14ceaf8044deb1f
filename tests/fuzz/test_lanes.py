"""Lanes under the sanitizers: threads in C, beside an interpreter that knows nothing of them."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import lacking
import pytest

HERE = Path(__file__).parent
SOURCES = [str(HERE.parents[1] / "sandbox/launch" / name) for name in ("packets.c", "lanes.c")]


@pytest.mark.parametrize(
    ("sanitizers", "libraries"),
    [("thread", ["libtsan.so"]), ("address,undefined", ["libasan.so", "libubsan.so"])],
    ids=["threads", "memory"],
)
def test_a_storm(sanitizers: str, libraries: list[str], tmp_path: Path) -> None:
    """Thousands of exchanges that are answered, late, withdrawn or left: no race, no error of memory."""
    module = tmp_path / "packets.so"
    include = sysconfig.get_path("include")
    command = ["gcc", "-std=gnu17", "-g", "-O1", "-shared", "-fPIC", f"-fsanitize={sanitizers}", f"-I{include}"]
    built = subprocess.run([*command, *SOURCES, "-o", module], capture_output=True, text=True, check=False)
    if "cannot find" in built.stderr:
        lacking.missing_tool("gcc's sanitizers", "gcc")
    assert built.returncode == 0, built.stderr
    found = [subprocess.check_output(["gcc", f"-print-file-name={name}"], text=True).strip() for name in libraries]
    environment = os.environ | {
        "LD_PRELOAD": " ".join(found), "PYTHONMALLOC": "malloc", "ASAN_OPTIONS": "detect_leaks=0",
        "TSAN_OPTIONS": "exitcode=66",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, HERE / "stress.py", module], capture_output=True, text=True, env=environment, check=False,
        timeout=500,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "over\n", "")
