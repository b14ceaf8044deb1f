"""The files of a package: links, what is no file, names, sizes and numbers."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from sandbox.judge.package import read, tree
from sandbox.judge.problem import ProblemError

HEADS = {
    "legacy": "name: Sums\n",
    "2023-07-draft": "problem_format_version: 2023-07-draft\nname: Sums\nuuid: 1\n",
    "2025-09": "problem_format_version: 2025-09\nname: Sums\nuuid: 1\n",
}


@pytest.fixture(params=sorted(HEADS))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A package with two groups, in one of the formats."""
    found = tmp_path / "sums"
    for name in ("a/1.in", "a/1.ans", "b/2.in", "b/2.ans"):
        (found / "data/secret" / name).parent.mkdir(parents=True, exist_ok=True)
        (found / "data/secret" / name).write_text(name)
    (found / "problem.yaml").write_text(HEADS[request.param])
    return found


def errors(place: Path) -> list[str]:
    """What is wrong with a package, without the warnings."""
    with pytest.raises(ProblemError) as caught:
        read(place)
    return [str(complaint) for complaint in caught.value.complaints if complaint.error]


def names(place: Path) -> list[str]:
    """The tests of a package that can be read."""
    return [test.name for test in read(place).root.tests()]


def test_links_within_the_package(place: Path) -> None:
    """One test may be in two groups; where its files really are is what the problem says."""
    for end in ("in", "ans"):
        (place / f"data/secret/b/1.{end}").symlink_to(f"../a/1.{end}")
    (place / "data/secret/c").symlink_to("a")
    assert names(place) == ["secret/a/1", "secret/b/1", "secret/b/2", "secret/c/1"]
    for test in read(place).root.tests():
        assert test.input.is_file()
        assert not test.input.is_symlink()
        assert test.input == test.input.resolve()


def test_links_in_programs(place: Path) -> None:
    """A program that is a link keeps its name; about links in one there is nothing to tell."""
    (place / "submissions/accepted/deep").mkdir(parents=True)
    (place / "submissions/accepted/deep/b.py").symlink_to("../../../problem.yaml")
    (place / "submissions/accepted/a.py").symlink_to("../../problem.yaml")
    found = read(place)
    assert [submission.path.name for submission in found.submissions] == ["a.py", "deep"]
    assert not [warning for warning in found.warnings if warning.rule == "link"]


@pytest.mark.parametrize("target", ["/etc/passwd", "nothing", "b.py", "..", "/dev/null"])
@pytest.mark.parametrize("name", ["b.py", "deep/b.py"])
def test_links_of_submissions_that_are_refused(place: Path, name: str, target: str) -> None:
    """What is wrong with a submission is a warning: it cannot be judged, and the rest of the package can."""
    (place / "submissions/accepted/deep").mkdir(parents=True)
    (place / "submissions/accepted" / name).symlink_to(target)
    found = read(place)
    (warning,) = (warning for warning in found.warnings if warning.file.startswith("submissions/accepted"))
    assert "the submission cannot be judged" in warning.message
    assert name.partition("/")[0] in {submission.path.name for submission in found.submissions}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("/etc/passwd", "is a link that leads out of the package"),
        ("../../../../other/x", "is a link that leads out of the package"),
        ("/", "is a link that leads out of the package"),
        ("/dev/null", "is a link that leads out of the package"),
        ("nothing", "is a link to nothing"),
        ("x.in", "is a link to itself"),
        (".", "is a link to a directory that it is in: the groups form a cycle"),
        ("../..", "is a link to a directory that it is in: the groups form a cycle"),
        ("../../..", "is a link to a directory that it is in: the groups form a cycle"),
    ],
)
def test_links_that_are_refused(place: Path, target: str, message: str) -> None:
    """None is followed out of the package, nor round in circles."""
    (place.parent / "other").mkdir()
    (place.parent / "other/x").write_text("secret")
    (place / "data/secret/a/x.in").symlink_to(target)
    assert f"data/secret/a/x.in: error: {message} [link]" in errors(place)


def test_a_package_with_a_name_like_ours(place: Path) -> None:
    """A directory whose name begins as the package's is not in it."""
    (place.parent / "sums2").mkdir()
    (place / "data/secret/c").symlink_to(place.parent / "sums2")
    assert errors(place) == ["data/secret/c: error: is a link that leads out of the package [link]"]


def test_links_that_cross(place: Path) -> None:
    """Two groups that contain each other are a cycle."""
    (place / "data/secret/a/b").symlink_to("../b")
    (place / "data/secret/b/a").symlink_to("../a")
    assert "the groups form a cycle" in "".join(errors(place))


def test_links_that_multiply(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Directories that link twice to the next one make many of few; there is an end to it."""
    monkeypatch.setattr(tree, "MAX_LINKED_DIRECTORIES", 100)
    for n in range(12):
        (place / f"many/{n}").mkdir(parents=True)
        for side in ("left", "right"):
            (place / f"many/{n}/{side}").symlink_to(f"../{n + 1}")
    (place / "many/12").mkdir()
    assert "more than 100 links to directories [too-many-files]" in errors(place)[0]


def test_a_package_that_is_a_link(place: Path) -> None:
    """Where the caller's own path leads is the caller's business."""
    (place.parent / "link").symlink_to(place)
    assert read(place.parent / "link").name == "sums"


def test_what_is_no_file(place: Path) -> None:
    """FIFOs and sockets are neither opened nor waited for."""
    os.mkfifo(place / "data/secret/a/2.in")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place / "s"))
        found = errors(place)
    assert "s: error: is neither a file nor a directory [not-a-file]" in found
    assert "data/secret/a/2.in: error: is neither a file nor a directory [not-a-file]" in found


def test_problem_yaml_that_is_no_file(place: Path) -> None:
    """It must be a file in the package."""
    (place / "problem.yaml").unlink()
    (place / "problem.yaml").symlink_to("/etc/hostname")
    assert "problem.yaml: error: is not a file in the package [not-a-file]" in errors(place)
    (place / "problem.yaml").unlink()
    os.mkfifo(place / "problem.yaml")
    assert "problem.yaml: error: is not a file in the package [not-a-file]" in errors(place)


def test_names_that_are_not_utf8(place: Path) -> None:
    """Such files are ignored, with a warning that can be printed."""
    (place / os.fsdecode(b"data/secret/a/\xff.in")).write_text("")
    (place / "data/secret/a/x\ny.in").write_text("")
    found = read(place)
    told = [str(warning) for warning in found.warnings if warning.rule == "name"]
    assert len(told) == 2
    assert sum("data/secret/a/\\xff.in: warning: has a name" in text for text in told) == 1
    assert sum("data/secret/a/x\\x0ay.in: warning: has a name" in text for text in told) == 1
    assert [test.name for test in found.root.tests()] == ["secret/a/1", "secret/b/2"]


def test_problem_yaml_that_is_not_utf8(place: Path) -> None:
    """The message has the line of the first byte that is wrong."""
    (place / "problem.yaml").write_bytes(b"# \nname: \xe9\n")
    assert errors(place) == ["problem.yaml:2: error: is not UTF-8: byte 0xe9 [encoding]"]


def test_a_byte_order_mark(place: Path) -> None:
    """It is a warning, and no part of the first key."""
    text = (place / "problem.yaml").read_text()
    (place / "problem.yaml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    found = read(place)
    assert found.title == "Sums"
    assert "problem.yaml:1: warning: begins with a byte-order mark [encoding]" in map(str, found.warnings)


def test_line_ends_of_windows(place: Path) -> None:
    """They are as good as others in YAML; inputs and answers are left as they are."""
    text = (place / "problem.yaml").read_text()
    (place / "problem.yaml").write_bytes(text.replace("\n", "\r\n").encode())
    (place / "data/secret/a/1.in").write_bytes(b"1\r\n")
    found = read(place)
    assert found.title == "Sums"
    assert next(iter(found.root.tests())).input.read_bytes() == b"1\r\n"


def test_empty_tests(place: Path) -> None:
    """An empty input with an empty answer is a test."""
    for end in ("in", "ans"):
        (place / f"data/secret/a/0.{end}").write_bytes(b"")
    assert names(place) == ["secret/a/0", "secret/a/1", "secret/b/2"]


def test_a_large_problem_yaml(place: Path) -> None:
    """Its size is enough to refuse it: 100 MB are not read."""
    with open(place / "problem.yaml", "ab") as file:
        file.truncate(100_000_000)
    start = time.monotonic()
    assert errors(place) == [
        "problem.yaml: error: has more than 1048576 bytes, which is the most that is read [too-large]"
    ]
    assert time.monotonic() - start < 1


def test_deep_directories(place: Path) -> None:
    """There is a limit, and it is told."""
    (place / "data/secret/a" / "/".join("d" * 40)).mkdir(parents=True)
    (message,) = errors(place)
    assert message.endswith("/d: error: more than 32 directories deep [too-deep]")


def test_many_files(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a limit to their number."""
    monkeypatch.setattr(tree, "MAX_ENTRIES", 5)
    assert "the package has more than 5 files [too-many-files]" in errors(place)[0]


def test_many_complaints(place: Path) -> None:
    """After a thousand, the rest is counted."""
    for number in range(1_500):
        (place / f"data/secret/a/x{number}.in").write_text("")
    found = errors(place)
    assert len(found) == 1_001
    assert found[-1] == ".: error: 500 more of these are left out [too-many]"


@pytest.mark.slow
def test_a_hundred_thousand_tests(place: Path) -> None:
    """They are read in less than five seconds."""
    for number in range(100_000):
        for end in ("in", "ans"):
            os.close(os.open(place / f"data/secret/a/{number:06}.{end}", os.O_CREAT | os.O_WRONLY))
    start = time.monotonic()
    found = read(place)
    assert time.monotonic() - start < 5
    assert sum(1 for _ in found.root.tests()) == 100_002
