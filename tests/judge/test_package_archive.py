"""Zip archives: unpacked for as long as they are open, and refused if anything in them is not plain."""

from __future__ import annotations

import os
import stat
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.judge.package import archive, opened
from sandbox.judge.package.archive import unpack
from sandbox.judge.package.findings import Findings
from sandbox.judge.problem import ProblemError

PACKAGE = {
    "problem.yaml": "problem_format_version: 2025-09\nname: Sums\nuuid: 0b4f\nlimits: {time_limit: 1}\n",
    "statement/problem.en.tex": "",
    "input_validators/check.py": "",
    "submissions/accepted/good.py": "",
    "data/secret/1.in": "1\n",
    "data/secret/1.ans": "2\n",
}
PAIR = {"1.in": "1\n", "1.out": "2\n"}


def entry(name: str, mode: int = stat.S_IFREG | 0o644, method: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    """An entry of that name and mode."""
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.compress_type = method
    return info


def make(path: Path, files: Mapping[Any, str]) -> Path:
    """An archive with these entries, given by name or as `entry` makes them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            made.writestr(name if isinstance(name, zipfile.ZipInfo) else entry(name), text)
    return path


def complaints(path: Path) -> list[str]:
    """What is wrong with an archive."""
    with pytest.raises(ProblemError) as caught, opened(path):
        pass
    return [str(complaint) for complaint in caught.value.complaints]


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where archives are unpacked."""
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.mark.parametrize("top", ["", "sums/", "anything/"])
@pytest.mark.parametrize("suffix", [".zip", ".kpp"])
def test_an_archive_is_a_package(tmp_path: Path, scratch: Path, top: str, suffix: str) -> None:
    """With or without a directory around it; its name is that of the archive, and its files go when it is closed."""
    path = make(tmp_path / f"sums{suffix}", {f"{top}{name}": text for name, text in PACKAGE.items()})
    with opened(path) as problem:
        assert (problem.name, problem.title, problem.warnings) == ("sums", "Sums", ())
        (test,) = problem.root.tests()
        assert test.input.read_text() == "1\n"
        (place,) = scratch.iterdir()
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert not list(scratch.iterdir())


def test_a_directory_can_be_opened_too(tmp_path: Path) -> None:
    """It stays where it is."""
    for name, text in PAIR.items():
        (tmp_path / name).write_text(text)
    with opened(tmp_path) as problem:
        assert problem.directory == tmp_path.resolve()
    assert (tmp_path / "1.in").exists()


def test_nothing_is_left_of_a_package_with_errors(tmp_path: Path, scratch: Path) -> None:
    """Its files go before the error is told."""
    assert complaints(make(tmp_path / "x.zip", {"problem.yaml": "[", "data/secret/1.in": ""}))
    assert not list(scratch.iterdir())


def test_what_other_systems_leave_in_archives(tmp_path: Path) -> None:
    """It is ignored, and does not count as a directory beside that of the package."""
    extra = {"__MACOSX/sums/._1.in": "", "sums/.DS_Store": "", ".git/config": "", "sums/.timelimit": "2"}
    path = make(tmp_path / "sums.zip", {**{f"sums/{name}": text for name, text in PAIR.items()}, **extra})
    with opened(path) as problem:
        assert [test.name for test in problem.root.tests()] == ["secret/1"]
        assert problem.limits.time == 2.0


def test_only_data(tmp_path: Path) -> None:
    """A directory called data is part of the package."""
    path = make(tmp_path / "sums.zip", {f"data/{name}": text for name, text in PAIR.items()})
    with opened(path) as problem:
        assert [test.name for test in problem.root.tests()] == ["secret/1"]


def test_programs_stay_executable(tmp_path: Path) -> None:
    """And no more than that is taken of a mode."""
    files = {entry("run", stat.S_IFREG | 0o4755): "", entry("data", stat.S_IFREG | 0o666): ""}
    (target := tmp_path / "out").mkdir()
    findings = Findings()
    unpack(make(tmp_path / "x.zip", files), target, findings)
    assert not findings.failed
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in target.iterdir()} == {"run": 0o700, "data": 0o600}


@pytest.mark.parametrize(
    ("name", "mode", "message"),
    [
        ("../x", 0, "../x: error: has a name that leads elsewhere [zip]"),
        ("a/../../x", 0, "a/../../x: error: has a name that leads elsewhere [zip]"),
        ("a/./x", 0, "a/./x: error: has a name that leads elsewhere [zip]"),
        ("a//x", 0, "a//x: error: has a name that leads elsewhere [zip]"),
        ("/etc/x", 0, "/etc/x: error: has an absolute name [zip]"),
        ("C:/x", 0, "C:/x: error: has an absolute name [zip]"),
        ("a\\..\\x", 0, "a\\..\\x: error: has a name with a backslash [zip]"),
        ("a\nb", 0, "a\\x0ab: error: has a name that is not printable [zip]"),
        ("x" * 300, 0, f"{'x' * 200}: error: has a name that is too long [zip]"),
        ("a/" * 40 + "x", 0, f"{'a/' * 40}x: error: is more than 32 directories deep [zip]"),
        ("link", stat.S_IFLNK | 0o777, "link: error: is a link; links in archives are not read [zip]"),
        ("fifo", stat.S_IFIFO | 0o644, "fifo: error: is neither a file nor a directory [zip]"),
        ("device", stat.S_IFCHR | 0o644, "device: error: is neither a file nor a directory [zip]"),
        ("1.in/x", 0, "1.in/x: error: is in 1.in, which is a file [zip]"),
    ],
)
def test_entries_that_are_refused(tmp_path: Path, scratch: Path, name: str, mode: int, message: str) -> None:
    """Nothing is unpacked if one entry is not a plain file or directory under a plain name."""
    assert complaints(make(tmp_path / "x.zip", {**PAIR, entry(name, mode): "/etc/passwd"})) == [message]
    assert not list(scratch.iterdir())
    assert not (tmp_path / "x").exists()


def test_all_complaints_at_once(tmp_path: Path) -> None:
    """Every entry is looked at."""
    assert len(complaints(make(tmp_path / "x.zip", {"../a": "", "/b": "", "c\\d": ""}))) == 3


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_are_there_twice(tmp_path: Path) -> None:
    """Which of them counts is not for us to say; names that differ in case are different."""
    path = make(tmp_path / "x.zip", {entry("1.in"): "", entry("1.out"): ""} | {entry("1.in"): "other"})
    assert complaints(path) == ["1.in: error: is in the archive twice [zip]"]
    with opened(make(tmp_path / "y.zip", {"a.in": "", "a.out": "", "A.in": "", "A.out": ""})) as problem:
        assert len(list(problem.root.tests())) == 2


def test_encrypted_entries(tmp_path: Path) -> None:
    """There is nobody to ask for the password."""
    raw = make(tmp_path / "x.zip", {"1.in": ""}).read_bytes()
    at = raw.index(b"PK\x01\x02") + 8  # the flags of the entry in the table of contents
    (tmp_path / "x.zip").write_bytes(raw[:at] + bytes([raw[at] | 1]) + raw[at + 1 :])
    assert complaints(tmp_path / "x.zip") == ["1.in: error: is encrypted [zip]"]


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    """What they would be is anybody's guess."""
    raw = make(tmp_path / "x.zip", {"XX.in": ""}).read_bytes()
    (tmp_path / "x.zip").write_bytes(raw.replace(b"XX.in", b"\xe9\xe8.in"))
    (message,) = complaints(tmp_path / "x.zip")
    assert message.endswith("error: has a name that is not UTF-8 [zip]")


@pytest.mark.parametrize("cut", [0, 10, 60, -30])
def test_what_is_not_an_archive(tmp_path: Path, cut: int) -> None:
    """Neither half an archive nor an empty file is one."""
    raw = make(tmp_path / "x.zip", PAIR).read_bytes()
    (tmp_path / "x.zip").write_bytes(raw[:cut])
    assert complaints(tmp_path / "x.zip") == [
        ".: error: x.zip is not a zip archive that can be read: File is not a zip file [zip]"
    ]


def test_a_damaged_archive(tmp_path: Path) -> None:
    """A wrong checksum is noticed."""
    path = make(tmp_path / "x.zip", {entry("1.in", method=zipfile.ZIP_STORED): "first", "1.out": ""})
    path.write_bytes(path.read_bytes().replace(b"first", b"FIRST"))
    assert complaints(path) == ["1.in: error: is damaged: Bad CRC-32 for file '1.in' [zip]"]


def test_what_is_not_there(tmp_path: Path) -> None:
    """Nothing, a device and a FIFO are no packages, and are not waited for."""
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "nothing", tmp_path / "fifo", Path("/dev/zero")):
        assert complaints(path) == [f".: error: {path} is neither a directory nor a zip archive [not-a-package]"]


def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes, ratio and number of entries have limits, which are known before anything is written."""
    path = make(tmp_path / "x.zip", {**PAIR, "zeros": "0" * 1_000_000})
    monkeypatch.setattr(archive, "_FREE", 100_000)
    assert complaints(path) == [".: error: unpacks to more than 200 times its size [zip]"]
    monkeypatch.setattr(archive, "MAX_SIZE", 500_000)
    assert complaints(path) == [".: error: unpacks to more than 0 GiB [zip]"]
    monkeypatch.setattr(archive, "MAX_ENTRIES", 2)
    assert complaints(path) == [".: error: has more than 2 entries [zip]"]
    monkeypatch.setattr(archive, "_MAX_DIRECTORY", 100)
    (message,) = complaints(path)
    assert "its table of contents is too large" in message


def test_sizes_that_are_lies(tmp_path: Path) -> None:
    """An entry that says less than it is ends with an error."""
    path = make(tmp_path / "x.zip", {"1.in": "0" * 100_000})
    raw = path.read_bytes()
    path.write_bytes(raw.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    (message,) = complaints(path)
    assert message.startswith("1.in: error: ")


def test_archives_in_archives(tmp_path: Path) -> None:
    """They are files like others."""
    inner = make(tmp_path / "inner.zip", {"../x": ""}).read_bytes()
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("attachments/inner.zip", inner)
        for name, text in PAIR.items():
            made.writestr(name, text)
    with opened(path) as problem:
        assert len(list(problem.root.tests())) == 1


PARTS = st.sampled_from(["a", "b", "..", ".", "", "1.in", "x\\y", "C:", "é", "__MACOSX", ".h", "\x01", "a" * 256])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(PARTS, min_size=1, max_size=5).map("/".join), max_size=6, unique=True))
def test_any_names(names: list[str]) -> None:
    """Whatever entries are called, what is unpacked is in the directory, or it is an error and nothing is."""
    with tempfile.TemporaryDirectory() as top:
        (target := Path(top) / "deep/er/out").mkdir(parents=True)
        findings = Findings()
        unpack(make(Path(top) / "x.zip", dict.fromkeys(names, "text")), target, findings)
        outside = {path for path in Path(top).rglob("*") if not path.is_relative_to(target)}
        assert outside == {Path(top) / part for part in ("x.zip", "deep", "deep/er")}
        assert not findings.failed or not list(target.iterdir())
