"""The checker `default` against others' default output validators, where there are any.

`SANDBOX_SECOND_OPINION` names programs, separated by colons, that are called as the Problem Package Format says:
problemtools' `support/default_validator`, or BAPCtools' `resources/support/default_output_validator.cpp`, compiled.
Else these two are asked, which `scripts/setup test` fetches, and a `default_validator` on PATH. The pairs leave out on
what these two do not agree with each other and with the format: NUL bytes, `1e`, hexadecimal, numbers that no double
can hold, and relative errors of 0.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from lacking import missing_tool

from sandbox.judge.compare import parse_flags

TOKENS = [
    "1", "1.0", "+1", ".5", "5.", "1e3", "1E3", "0", "1e-9", "nan", "inf", "NaN", "1_0", "1.0f", "1.3", "1.00001",
    "1.25", "0.9999995", "120", "1e-320", "9" * 40, ".", "a", "A", "Yes", "YES", "\xff", "\xe9", "\xc9", "a,b", "\x1b",
]  # fmt: skip
SPACES = [" ", "\n", "\r\n", "  ", "\t", "\v", "\f", "\n\n"]
FLAGS = [
    "",
    "case_sensitive",
    "space_change_sensitive",
    "float_tolerance 0.25",
    "float_tolerance 1e-6",
    "float_relative_tolerance 0.15",
    "float_absolute_tolerance 0.25",
    "float_relative_tolerance 0",
    "float_absolute_tolerance 1 float_relative_tolerance 0.5",
    "case_sensitive space_change_sensitive float_tolerance 0.2",
]
PAIRS = 400

FETCHED = Path(__file__).parents[2] / "build/second-opinion"


def validators() -> list[str]:
    """Those that this host has."""
    named = os.environ.get("SANDBOX_SECOND_OPINION")
    if named:
        return named.split(":")
    on_path = shutil.which("default_validator")
    return [*map(str, sorted(FETCHED.glob("*"))), *([on_path] if on_path else [])]


def pair(chosen: random.Random) -> tuple[bytes, bytes]:
    """An output and an answer that differ in two places at most."""
    count = chosen.randrange(5)
    tokens, spaces = chosen.choices(TOKENS, k=count), chosen.choices(SPACES, k=count + 1)

    def text() -> bytes:
        return (spaces[0] + "".join(map(str.__add__, tokens, spaces[1:]))).encode("latin-1")

    answer = text()
    for _ in range(chosen.randrange(3)):
        if chosen.random() < 0.3 or not tokens:
            spaces[chosen.randrange(len(spaces))] = chosen.choice([*SPACES, ""])
        elif chosen.random() < 0.2:
            tokens.pop()
        else:
            tokens[chosen.randrange(len(tokens))] = chosen.choice(TOKENS)
    return text(), answer


@pytest.mark.parametrize("flags", FLAGS)
def test_others_agree(flags: str, tmp_path: Path) -> None:
    """Whether an output is accepted: the same answer from everybody who is asked."""
    asked = validators()
    if not asked:
        missing_tool("a second opinion: no default validator of others")
    chosen = random.Random(flags)
    own = parse_flags("default", flags.split())
    (tmp_path / "in").touch()
    wrong = []
    for _ in range(PAIRS):
        output, answer = pair(chosen)
        (tmp_path / "ans").write_bytes(answer)
        accepted = own.compare(output, answer) is None
        for validator in asked:
            command = [validator, str(tmp_path / "in"), str(tmp_path / "ans"), f"{tmp_path}/", *flags.split()]
            code = subprocess.run(command, input=output, capture_output=True, check=False).returncode
            if code != (42 if accepted else 43):
                wrong.append((validator, code, output, answer))
    assert not wrong
