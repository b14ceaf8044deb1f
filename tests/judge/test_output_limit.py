"""The output limit of a problem: all that a submission writes, wherever it writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.files import File
from sandbox.judge.compiler import Compiler
from sandbox.judge.judge import Judge
from sandbox.judge.judgement import Judgement
from sandbox.judge.package import read
from sandbox.judge.submission import Submission
from sandbox.judge.verdict import Verdict

AC, WA, TLE, MLE, OLE, RTE, CE, JE = Verdict
MIB = 1 << 20
HEAD = "problem_format_version: 2025-09\nname: T\nuuid: 1\nallow_file_writing: true\n"
VALIDATOR = "import sys\nsys.stdin.read()\nsys.exit(42)\n"


def package(place: Path, output: int, more: str = "") -> Path:
    """A package with a test that wants a 1, and that many MiB of output."""
    files = {
        "problem.yaml": f"{HEAD}{more}limits: {{time_limit: 5, output: {output}}}\n",
        "data/secret/1.in": "",
        "data/secret/1.ans": "1\n",
        "data/secret/1.files/given.txt": "x" * (2 * MIB),
    }
    if more:
        files["output_validator/v.py"] = VALIDATOR
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return place


def judged(compiler: Compiler, place: Path, source: str) -> Judgement:
    """What becomes of a program that prints a 1 and does something more."""
    source = f"import os, sys\nprint(1)\nM = 1 << 20\n{source}\n"
    with Judge(read(place), compiler=compiler) as judge:
        return judge.judge(Submission("a.py", {"a.py": File(source.encode())}))


OUT, ERR = "sys.stdout.write(' ' * {} * M)", "sys.stderr.write('x' * {} * M)"
LEFT = "open('{}', 'wb').write(b'x' * {} * M)"
WRITES = {
    "stdout and stderr": (f"{OUT.format(5)}; {ERR.format(5)}", OLE),
    "stdout and a file": (f"{OUT.format(5)}; {LEFT.format('left', 5)}", OLE),
    "stderr and a file": (f"{ERR.format(5)}; {LEFT.format('left', 5)}", OLE),
    "a file": (LEFT.format("left", 9), OLE),
    "files in all directories": ("; ".join(LEFT.format(f"{at}/left", 3) for at in ("/box", "/tmp", "/dev/shm")), OLE),
    "all three": (f"{OUT.format(3)}; {ERR.format(3)}; {LEFT.format('left', 3)}", OLE),
    "a crash, too": (f"{OUT.format(5)}; {ERR.format(5)}; sys.exit(1)", OLE),
    "within": (f"{OUT.format(2)}; {ERR.format(2)}; {LEFT.format('left', 2)}", AC),
    "all that there may be": (f"sys.stdout.write(' ' * (4 * M - 2)); {ERR.format(4)}", AC),
    "a byte more": (f"sys.stdout.write(' ' * (4 * M - 1)); {ERR.format(4)}", OLE),
    "what was there": ("os.rename('given.txt', 'other.txt'); sys.stderr.write('x' * 7 * M)", AC),
    "a wrong answer, too": (f"print(2); {OUT.format(5)}; {ERR.format(5)}", OLE),
    "a crash within": (f"{OUT.format(2)}; sys.exit(1)", RTE),
}
"""What a program writes under a limit of 8 MiB, and its verdict."""


@pytest.mark.parametrize("case", WRITES)
def test_everything_counts(compiler: Compiler, tmp_path: Path, case: str) -> None:
    """Limits: `output` is for stdout, stderr and files together; the reason has each of them."""
    source, verdict = WRITES[case]
    judgement = judged(compiler, package(tmp_path, 8), source)
    assert judgement.verdict is verdict, judgement.reason
    if verdict is OLE:
        assert "8388608 are allowed: " in judgement.reason
        assert "in files (measured by statfs)" in judgement.reason


@pytest.mark.parametrize(("megabytes", "verdict"), [(9, AC), (12, OLE)])
def test_output_in_a_file_of_ours(compiler: Compiler, tmp_path: Path, megabytes: int, verdict: Verdict) -> None:
    """So it is where there may be so much that stdout is not kept in memory."""
    source = f"{OUT.format(megabytes)}; {ERR.format(10)}"
    assert judged(compiler, package(tmp_path, 20), source).verdict is verdict


@pytest.mark.parametrize(("megabytes", "verdict"), [(3, AC), (5, OLE)])
def test_interactive(compiler: Compiler, tmp_path: Path, megabytes: int, verdict: Verdict) -> None:
    """Of a submission that talks with a validator, stderr and files count."""
    place = package(tmp_path, 8, "type: interactive\n")
    source = f"{ERR.format(megabytes)}; {LEFT.format('left', megabytes)}"
    assert judged(compiler, place, source).verdict is verdict
