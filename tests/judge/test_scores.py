"""Scores that validators write: numbers of the format's grammar, or the jury's error."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sandbox.files import File
from sandbox.judge.compiler import Compiler
from sandbox.judge.judge import Judge
from sandbox.judge.judgement import Judgement
from sandbox.judge.package import read
from sandbox.judge.submission import Submission
from sandbox.judge.tolerance import GRAMMAR, decimal
from sandbox.judge.verdict import Verdict

AC, JE = Verdict.AC, Verdict.JE
HEAD = "name: T\ntype: scoring\nlimits: {time_limit: 2}\n"
HEADS = {
    "2025-09": HEAD + "problem_format_version: 2025-09\nuuid: 1\n",
    "2023-07-draft": HEAD + "problem_format_version: 2023-07-draft\nuuid: 1\n",
    "legacy": HEAD + "validation: custom score\n",
}
GROUPS = {
    "2025-09": "max_score: unbounded\n",
    "2023-07-draft": "scoring: {score: unbounded}\n",
    "legacy": "on_reject: continue\n",
}
VALIDATOR = """import sys, pathlib
wanted = pathlib.Path(sys.argv[1]).read_bytes()
pathlib.Path(sys.argv[3], "score.txt").write_bytes(wanted)
sys.exit(42)
"""
MULTIPLIER = VALIDATOR.replace("score.txt", "score_multiplier.txt")
TEXTS = {
    "1": 1.0,
    "0": 0.0,
    "-0": 0.0,
    "+12.5\n": 12.5,
    " \t.5e1\r\n": 5.0,
    "1.": 1.0,
    "1E-2": 0.01,
    "3" * 30 + "." + "3" * 30: None,  # more than a score can be
    "0." + "3" * 30: 1 / 3,
    "9007199254740992": 2.0**53,
    "1e17": None,
    "1e999": None,
    "": None,
    ".": None,
    "e5": None,
    "1 2": None,
    "1,5": None,
    "1_000": None,
    "0x10": None,
    "inf": None,
    "Infinity": None,
    "nan": None,
    "\u0663": None,  # a digit of another alphabet
    "1\u00a0": None,
    "5 points": None,
}
"""What a validator writes, and its value; `None` for what is an error."""


def package(place: Path, format_: str, validator: str, inputs: list[str], group: str | None = None) -> Path:
    """A package of one validator, with a test for each input."""
    plural = "s" if format_ == "legacy" else ""
    files = {
        "problem.yaml": HEADS[format_],
        f"output_validator{plural}/v.py": validator,
        f"data/secret/{'testdata' if plural else 'test_group'}.yaml": GROUPS[format_] if group is None else group,
    }
    for number, text in enumerate(inputs, 10):
        files |= {f"data/secret/{number}.in": text, f"data/secret/{number}.ans": ""}
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(text.encode())
    return place


def judged(compiler: Compiler, place: Path) -> Judgement:
    """What becomes of a submission that prints nothing."""
    with Judge(read(place), compiler=compiler) as judge:
        return judge.judge(Submission("a.py", {"a.py": File(b"")}), keep_going=True)


@pytest.mark.parametrize("format_", HEADS)
def test_scores(compiler: Compiler, tmp_path: Path, format_: str) -> None:
    """`score.txt` is a decimal number by the grammar of General Requirements, within bounds, or a judge error."""
    found = judged(compiler, package(tmp_path, format_, VALIDATOR, list(TEXTS)))
    for test, (text, value) in zip(found.tests, TEXTS.items(), strict=True):
        wanted = (JE, None) if value is None else (AC, pytest.approx(value))
        assert (test.verdict, test.score) == wanted, (text, test.reason)
        assert value is not None or "score.txt" in test.reason


@pytest.mark.parametrize(("format_", "verdict"), [("2025-09", JE), ("2023-07-draft", JE), ("legacy", AC)])
def test_scores_below_zero(compiler: Compiler, tmp_path: Path, format_: str, verdict: Verdict) -> None:
    """Scoring Test Cases: a score is not negative; legacy, whose `range` begins anywhere, knows such."""
    found = judged(compiler, package(tmp_path, format_, VALIDATOR, ["-1"]))
    assert found.verdict is verdict
    assert verdict is AC or "is negative" in found.reason


def test_multipliers(compiler: Compiler, tmp_path: Path) -> None:
    """Scoring Test Cases: `score_multiplier.txt` is such a number from 0 to 1."""
    texts = {"0": 0.0, "1": 5.0, ".5\n": 2.5, "1.0000001": None, "-0.1": None, "1_0": None, "nan": None}
    found = judged(compiler, package(tmp_path, "2025-09", MULTIPLIER, list(texts), "max_score: 35\n"))
    assert [test.score for test in found.tests] == list(texts.values())
    assert [test.verdict is AC for test in found.tests] == [value is not None for value in texts.values()]


def test_both(compiler: Compiler, tmp_path: Path) -> None:
    """Reporting Additional Feedback: there is one of the two, or none."""
    both = VALIDATOR.replace("sys.exit", "pathlib.Path(sys.argv[3], 'score_multiplier.txt').write_text('1')\nsys.exit")
    found = judged(compiler, package(tmp_path, "2025-09", both, ["1"], "max_score: 35\n"))
    assert (found.verdict, "both" in found.reason) == (JE, True)


def test_what_nobody_asks_for(compiler: Compiler, tmp_path: Path) -> None:
    """Samples For Judging: a score of a sample is ignored, whatever it is; so is one in a problem without scores."""
    place = package(tmp_path, "2025-09", VALIDATOR, ["7"])
    (place / "data/sample").mkdir()
    for end in ("in", "ans"):
        (place / f"data/sample/1.{end}").write_text("nonsense")
    found = judged(compiler, place)
    assert (found.verdict, found.score, [test.score for test in found.tests]) == (AC, 7.0, [None, 7.0])
    (place / "problem.yaml").write_text(HEADS["2025-09"].replace("scoring", "pass-fail"))
    (place / "data/secret/test_group.yaml").unlink()
    assert judged(compiler, place).verdict is AC


@given(st.from_regex(GRAMMAR, fullmatch=True) | st.text("0123456789+-.eE_infa \n\u0663x") | st.text())
@example("1\n")
@example("\u0661")
@example("0" * 100_000)
def test_decimal(text: str) -> None:
    """Whatever the grammar has, but for what no double holds or is longer than anybody writes, and nothing else."""
    value = decimal(text)
    if re.fullmatch(r"[-+]?([0-9]*\.[0-9]+|[0-9]+\.?)([eE][-+]?[0-9]+)?", text) and len(text) <= 1 << 16:
        assert value == float(text) or (value is None and float(text) in (float("inf"), float("-inf")))
    else:
        assert value is None
