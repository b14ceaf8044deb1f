"""Plain folders of inputs and answers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.judge.package import read
from sandbox.judge.package.format_folder import natural
from sandbox.judge.problem import ProblemError


def make(root: Path, names: Iterable[str]) -> Path:
    """A folder with these files, each of which holds its name."""
    for name in names:
        (root / "f" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "f" / name).write_text(name)
    return root / "f"


def complaints(root: Path, names: Iterable[str]) -> list[str]:
    """What is wrong with such a folder."""
    with pytest.raises(ProblemError) as caught:
        read(make(root, names))
    return [str(complaint) for complaint in caught.value.complaints]


@pytest.mark.parametrize(
    ("files", "tests"),
    [
        (["1.in", "1.out", "10.in", "10.out", "2.in", "2.ans"], ["1", "2", "10"]),
        (["data/01.in", "data/01.out", "data/02.in", "data/02.out"], ["01", "02"]),
        (["input/1.txt", "input/2.txt", "output/1.txt", "output/2.txt"], ["1", "2"]),
        (["input/input00.txt", "output/output00.txt"], ["00"]),
        (["in/a", "out/a", "README.md"], ["a"]),
        (["sub/1.in", "sub/1.out", "0.in", "0.out"], ["0", "sub/1"]),
        (["a.b.in", "a.b.out", "checker.cpp"], ["a.b"]),
    ],
)
def test_layouts(tmp_path: Path, files: list[str], tests: list[str]) -> None:
    """Pairs beside each other, in `data`, in groups, or in directories of inputs and of answers."""
    found = read(make(tmp_path, files))
    assert (found.format, found.name, found.title, found.warnings) == ("folder", "f", "f", ())
    assert [test.name for test in found.root.tests()] == [f"secret/{name}" for name in tests]
    for test in found.root.tests():
        assert test.input != test.answer
        assert "in" in test.input.read_text()
        assert "out" in test.answer.read_text() or test.answer.suffix == ".ans"


def test_a_sample(tmp_path: Path) -> None:
    """What is in `sample` may be seen, and comes first."""
    found = read(make(tmp_path, ["1.in", "1.out", "sample/1.in", "sample/1.out"]))
    assert [(test.name, test.full_feedback) for test in found.root.tests()] == [("sample/1", True), ("secret/1", False)]


def test_a_time_limit(tmp_path: Path) -> None:
    """It can stand in a file."""
    place = make(tmp_path, ["1.in", "1.out"])
    (place / ".timelimit").write_text("1.5")
    assert read(place).limits.time == 1.5


@pytest.mark.parametrize(
    ("files", "messages"),
    [
        ([".x"], [".: error: there is no problem.yaml, and no pair of files such as 1.in and 1.out [no-tests]"]),
        (
            ["1.in", "2.out"],
            [
                "1.in: error: there is no 1.out or 1.ans with the answer to this input [missing-answer]",
                "2.out: error: there is no 2.in to this answer [missing-input]",
                ".: error: there is no problem.yaml, and no pair of files such as 1.in and 1.out [no-tests]",
            ],
        ),
        (["1.in", "1.out", "1/1.in", "1/1.out"], ["1: error: is both a test (1.in) and a directory [duplicate]"]),
        (
            ["input/1.txt"],
            [
                "input/1.txt: error: there is no 1.out or 1.ans with the answer to this input [missing-answer]",
                ".: error: there is no problem.yaml, and no pair of files such as 1.in and 1.out [no-tests]",
            ],
        ),
    ],
)
def test_what_is_wrong(tmp_path: Path, files: list[str], messages: list[str]) -> None:
    """What has no counterpart, or is there twice, is named."""
    assert complaints(tmp_path, files) == messages


def test_two_answers(tmp_path: Path) -> None:
    """Which of them counts is not for us to say."""
    (message,) = complaints(tmp_path, ["1.in", "1.out", "1.ans"])
    assert "there is another answer to this test" in message


@given(st.lists(st.text(max_size=10), max_size=10))
def test_natural_order(names: list[str]) -> None:
    """It is an order of all names."""
    backwards = names[::-1]
    assert sorted(names, key=natural) == sorted(backwards, key=natural)


def test_numbers_in_natural_order() -> None:
    """Numbers count as such, wherever they are."""
    names = ["a10", "a2", "a02", "a", "b1", "2", "10", "a2b10", "a2b9"]
    assert sorted(names, key=natural) == ["2", "10", "a", "a02", "a2", "a2b9", "a2b10", "a10", "b1"]
