"""Files into a box and out of it: what goes in is as asked for, what comes out is hostile."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox import Box, NotCollected, RequestError, Result, Status

Name = Callable[[str], str]
Program = Callable[[str], Path]
Run = Callable[..., Result]


def test_files_go_in(box: Box, tmp_path: Path) -> None:
    """Content and paths, nested names, modes: scripts can be executed, and everything belongs to the program."""
    data, script = tmp_path / "data", tmp_path / "script"
    data.write_bytes(b"from path")
    data.chmod(0o600)
    script.write_bytes(b"#!/bin/sh\necho script")
    script.chmod(0o711)
    files: dict[str, bytes | Path] = {
        "a": b"bytes",
        "d/e/f": b"deep",
        "data": data,
        "script": script,
        "d/g": b"",
        "ü\udcff": b"name",
    }
    result = box.run(["sh", "-c", "cat a d/e/f data; ./script; stat -c '%n %a %u %g %s' * d/* d/e/*"], files=files)
    assert (result.status, result.stderr) == (Status.OK, b"")
    assert result.stdout.startswith(b"bytesdeepfrom pathscript\n")
    lines = result.stdout.splitlines()[1:]
    assert set(lines) >= {
        b"a 755 1000 1000 5",
        b"d/e/f 755 1000 1000 4",
        b"data 644 1000 1000 9",
        b"script 755 1000 1000 21",
        b"d/g 755 1000 1000 0",
        "ü".encode() + b"\xff 755 1000 1000 4",
    }
    directory = next(line for line in lines if line.startswith(b"d "))
    assert directory.split()[1:4] == [b"755", b"1000", b"1000"]


def test_the_program_may_change_them(box: Box) -> None:
    """The working directory is the program's own."""
    script = "echo more >> d/a; mv d e; rm b; mkdir c; cat e/a"
    result = box.run(["sh", "-c", script], files={"d/a": b"some ", "b": b""})
    assert (result.status, result.stdout) == (Status.OK, b"some more\n")


def test_many_files(box: Box) -> None:
    """Several hundred files are no trouble."""
    files = {f"d{i % 10}/{i}": b"%d" % i for i in range(500)}
    assert box.run(["sh", "-c", "cat d*/* | wc -c"], files=files).stdout == b"1390\n"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"/etc/x": b""}, "is absolute"),
        ({"../x": b""}, "'..'"),
        ({"a/../x": b""}, "'..'"),
        ({"a//b": b""}, "an empty"),
        ({"": b""}, "an empty"),
        ({"a/": b"x"}, "'a/' is a directory"),
        ({"a//": b""}, "an empty"),
        ({"a/": b"", "a": b""}, "is given twice"),
        ({"a": b"", "a/": b""}, "is given twice"),
        ({"a": b"", "a/b/": b""}, "'a' is given as a file and as the directory of 'a/b/'"),
        ({".": b""}, "'.'"),
        ({"./": b"x"}, "'./' is a directory"),
        ({"./a": b""}, "'.'"),
        ({"a\0b": b""}, "NUL"),
        ({"x" * 256: b""}, "too long"),
        ([("a", b"1"), ("a", b"2")], "'a' is given twice"),
        ({"a": b"", "a/b": b""}, "'a' is given as a file and as the directory of 'a/b'"),
        ({"a": "text"}, "must be bytes or a Path, not str"),
        ({"a": 7}, "must be bytes or a Path, not int"),
        ({f"{i}": b"" for i in range(1001)}, "more than 1000"),
        ("name", ""),
        (7, ""),
    ],
)
def test_wrong_names_and_contents(box: Box, files: Any, reason: str) -> None:
    """Malformed files are refused by a sentence that names the field, before anything starts."""
    with pytest.raises(RequestError, match=r"^files: ") as caught:
        box.run(["true"], files=files)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("missing", "No such file"), ("fifo", "not a regular file")],
)
def test_wrong_paths(box: Box, tmp_path: Path, kind: str, reason: str) -> None:
    """Paths that are no regular files are refused by name, at once, and nothing of the request stays."""
    path = tmp_path / kind
    if kind == "fifo":
        os.mkfifo(path)
    with pytest.raises(RequestError, match=f"^files: 'b': .*{kind}.*{reason}"):
        box.run(["true"], files={"a": b"before", "b": path})
    assert box.run(["ls"]).stdout == b""


def test_too_much_for_the_scratch(box: Box) -> None:
    """Files that the box cannot hold are refused by the first that does not fit, and the box works on."""
    files = {"a": bytes(600_000), "b": bytes(600_000)}
    with pytest.raises(RequestError, match=r"^files: 'b': No space left on device; the limits scratch and inodes"):
        box.run(["true"], files=files, limits={"scratch": 1 << 20})
    assert box.run(["ls"], limits={"scratch": 1 << 20}).stdout == b""
    assert box.run(["ls", "a"], files={"a": bytes(600_000)}, limits={"scratch": 1 << 20}).stdout == b"a\n"


def test_too_many_for_the_inodes(box: Box) -> None:
    """Inodes are limited as well."""
    with pytest.raises(RequestError, match="No space left"):
        box.run(["true"], files={f"f{i}": b"" for i in range(20)}, limits={"inodes": 10})


def test_files_that_cannot_be_written_over(run: Run, tmp_path: Path) -> None:
    """A Path is copied: the program changes its copy, never the caller's file."""
    path = tmp_path / "file"
    path.write_bytes(b"host")
    run("end", "exit", 0, files={"x": path})
    assert path.read_bytes() == b"host"


COLLECTED = [
    ("file", "x", b"content"),
    ("secret", "x", b"content"),
    ("link", "x", "a link; links are not followed"),
    ("dangling", "x", "a link; links are not followed"),
    ("magic", "x", "a link; links are not followed"),
    ("through", "d/passwd", "a link; links are not followed"),
    ("hard", "x", "has more than one name (hard link)"),
    ("fifo", "x", "not a regular file"),
    ("directory", "x", "a directory"),
    ("file", "n" * 255, b"content"),
    ("file", os.fsdecode(b"\xff\xfe"), b"content"),
    ("file", " \n\t'\"", b"content"),
]


@pytest.mark.parametrize(("kind", "name", "content"), COLLECTED)
def test_collecting(run: Run, kind: str, name: str, content: bytes | str) -> None:
    """Regular files come out; for everything else there is a reason, and nobody hangs or follows."""
    result = run("leave", kind, name, collect=[name, "missing"])
    assert (result.status, result.stderr) == (Status.OK, b"")
    expected = content if isinstance(content, bytes) else NotCollected(content)
    assert result.files == {name: expected, "missing": NotCollected("no such file")}
    json.dumps(result.to_json())


def test_collecting_a_socket(program: Program, policy: Callable[[str], str]) -> None:
    """A policy that lets programs make sockets does not let one out."""
    with Box(policy("python")) as box:
        result = box.run(["./leave", "socket", "x"], files={"leave": program("leave")}, collect=["x"])
    assert (result.status, result.files) == (Status.OK, {"x": NotCollected("not a regular file")})


def test_collecting_a_name_below_a_file(run: Run) -> None:
    """A file is no directory."""
    assert run("leave", "file", "x", collect=["x/y"]).files == {"x/y": NotCollected("no such file")}


def test_collecting_from_a_deep_directory(box: Box) -> None:
    """Nested names come out by the names that were asked for."""
    result = box.run(["sh", "-c", "mkdir -p a/b; echo deep > a/b/c"], collect=["a/b/c"])
    assert result.files == {"a/b/c": b"deep\n"}


def test_collecting_from_an_unreadable_directory(box: Box) -> None:
    """What a program hides from itself is not hidden from who collects."""
    result = box.run(["sh", "-c", "mkdir a; echo deep > a/b; chmod 0 a/b a"], collect=["a/b"])
    assert result.files == {"a/b": b"deep\n"}


def test_collecting_after_a_limit(box: Box) -> None:
    """What a program has written before a limit ended it is there."""
    result = box.run(["sh", "-c", "echo kept > a; sleep 100"], collect=["a"], limits={"wall_time": 0.3})
    assert (result.status, result.files) == (Status.WALL_TIME_LIMIT, {"a": b"kept\n"})


def test_collecting_a_huge_sparse_file(program: Program, write_policy: Name) -> None:
    """A file that says that it is 1 TiB is refused by its size, before a byte is read."""
    wide = write_policy("[limits]\nfile_size = '2T'\n[ceilings]\nfile_size = '4T'\n")
    with Box(wide) as box:
        result = box.run(["./program", "sparse", "x"], files={"program": program("leave")}, collect=["x"])
    assert result.status is Status.OK
    assert result.files == {
        "x": NotCollected(f"larger than the {result.limits.scratch} bytes that are left of the limit scratch")
    }


def test_collecting_what_the_box_can_hold(box: Box) -> None:
    """A file up to the scratch limit comes out, a larger sparse one does not."""
    limits = {"scratch": 1 << 20, "file_size": 8 << 20}
    script = "head -c 1000000 /dev/zero > full; truncate -s 2M sparse"
    result = box.run(["sh", "-c", script], collect=["full", "sparse"], limits=limits)
    assert result.files == {
        "full": bytes(1_000_000),
        "sparse": NotCollected("larger than the 48576 bytes that are left of the limit scratch"),
    }


@pytest.mark.parametrize(
    ("collect", "reason"),
    [
        (["/etc/passwd"], "is absolute"),
        (["../x"], "'..'"),
        ([""], "an empty"),
        (["/"], "an empty"),
        (["."], "'.'"),
        (["../"], "'..'"),
        (["a//"], "an empty"),
        (["a", "a"], "twice"),
        (["a/", "a/"], "twice"),
        ("a", "must be a list of names"),
        (b"a", "must be a list of names"),
        ([str(i) for i in range(1001)], "more than 1000"),
        ([7], ""),
        (7, ""),
    ],
)
def test_wrong_names_to_collect(box: Box, collect: Any, reason: str) -> None:
    """Malformed names are refused by a sentence that names the field."""
    with pytest.raises(RequestError, match=r"^collect: ") as caught:
        box.run(["true"], collect=collect)
    assert reason in str(caught.value)
