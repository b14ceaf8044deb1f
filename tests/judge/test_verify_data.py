"""What a package's validators are asked about its own data: every input and every output that the format names."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.judge.compiler import Compiler
from sandbox.judge.package import read
from sandbox.judge.verify import verify

pytestmark = pytest.mark.cgroup

HEAD = "problem_format_version: 2025-09\nname: T\nuuid: 1\nlimits: {time_limit: 1}\n"
INPUT = """import os, sys
assert sorted(os.listdir()) == (["known.txt", "main.py"] if sys.argv[1:] == ["files"] else ["main.py"]), os.listdir()
sys.exit(42 if sys.stdin.read() == "good\\n" else 43)
"""
OUTPUT = "import sys\nsys.exit(42 if sys.stdin.read() == 'right\\n' else 43)\n"
FILES = {
    "problem.yaml": HEAD,
    "input_validators/check.py": INPUT,
    "output_validator/check.py": OUTPUT,
    "data/secret/1.in": "good\n",
    "data/secret/1.ans": "",
}


def found(compiler: Compiler, place: Path, files: dict[str, str]) -> list[str]:
    """What is wrong with the data of a package: file and rule."""
    for name, text in {**FILES, **files}.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return [f"{one.file} [{one.rule}]" for one in verify(read(place), compiler=compiler).complaints]


CASES = {
    "nothing": ({}, []),
    "an input of secret": ({"data/secret/1.in": "bad\n"}, ["data/secret/1 [invalid-input]"]),
    "an input of sample": (
        {"data/sample/1.in": "bad\n", "data/sample/1.ans": "right\n"},
        ["data/sample/1 [invalid-input]"],
    ),
    "an invalid input that is valid": ({"data/invalid_input/1.in": "good\n"}, ["data/invalid_input/1 [valid-input]"]),
    "the input of an output": (
        {"data/valid_output/1.in": "bad\n", "data/valid_output/1.ans": "", "data/valid_output/1.out": "right\n"},
        ["data/valid_output/1 [invalid-input]"],
    ),
    "the input of a wrong output": (
        {"data/invalid_output/1.in": "bad\n", "data/invalid_output/1.ans": "", "data/invalid_output/1.out": "no\n"},
        ["data/invalid_output/1 [invalid-input]"],
    ),
    "an output": (
        {"data/valid_output/1.in": "good\n", "data/valid_output/1.ans": "", "data/valid_output/1.out": "no\n"},
        ["data/valid_output/1 [output]"],
    ),
    "an answer that samples show": (
        {"data/sample/1.in": "good\n", "data/sample/1.ans": "no\n"},
        ["data/sample/1 [output]"],
    ),
    "an output that samples show": (
        {"data/sample/1.in": "good\n", "data/sample/1.ans": "right\n", "data/sample/1.out": "no\n"},
        ["data/sample/1 [output]"],
    ),
    "an answer behind an output": (
        {"data/sample/d/1.in": "good\n", "data/sample/d/1.ans": "no\n", "data/sample/d/1.out": "right\n"},
        [],
    ),
    "an answer behind a statement's": (
        {"data/sample/1.in": "good\n", "data/sample/1.ans": "no\n", "data/sample/1.ans.statement": "x\n"},
        [],
    ),
    "files of a test": (
        {"data/secret/1.files/known.txt": "", "data/secret/1.yaml": "input_validator_args: [files]\n"},
        [],
    ),
}
"""Files of a package, and what is to be said of them."""


def test_files_of_input_validators(compiler: Compiler, tmp_path: Path) -> None:
    """Working Directory: what lies beside a validator's sources is where it runs, with the files of the test."""
    check = "import sys\nassert open('known.txt').read() == open('words/list.txt').read() == 'x'\nsys.exit(42)\n"
    files = {
        "input_validators/own/main.py": check, "input_validators/own/words/list.txt": "x",
        "data/secret/1.files/known.txt": "x",
        "data/secret/1.yaml": "input_validator_args: [files]\n",
    }  # fmt: skip
    assert found(compiler, tmp_path, files) == []


@pytest.mark.parametrize("case", CASES)
def test_data(compiler: Compiler, tmp_path: Path, case: str) -> None:
    """Input Validators, Samples (Validation), Invalid and Valid Output: what must be accepted or rejected is."""
    files, wanted = CASES[case]
    assert found(compiler, tmp_path, files) == wanted
