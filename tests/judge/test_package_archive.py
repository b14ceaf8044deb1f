"""Zip archives: unpacked for as long as they are open, and refused if anything in them is not plain."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lacking
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
        ("a//x", 0, "a//x: error: has a name that leads elsewhere [zip]"),
        ("/etc/x", 0, "/etc/x: error: has an absolute name [zip]"),
        ("C:/x", 0, "C:/x: error: has an absolute name [zip]"),
        ("__MACOSX/../../x", 0, "__MACOSX/../../x: error: has a name that leads elsewhere [zip]"),
        (".git//x", 0, ".git//x: error: has a name that leads elsewhere [zip]"),
        ("x" * 300, 0, f"{'x' * 200}: error: has a name that is too long [zip]"),
        ("a/" * 40 + "x", 0, f"{'a/' * 40}x: error: is more than 32 directories deep [zip]"),
        ("link", stat.S_IFLNK | 0o777, "link: error: is a link that leads out of the archive [zip]"),
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
    assert len(complaints(make(tmp_path / "x.zip", {"../a": "", "/b": "", "c//d": ""}))) == 3


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


def _renamed(path: Path, old: bytes, new: bytes, **header: int) -> Path:
    """The archive with another name, as bytes, in the place of one as long; and what its headers say besides."""
    raw = path.read_bytes().replace(old, new)
    for at in [at for at in range(len(raw)) if raw.startswith(b"PK\x01\x02", at)]:
        raw = raw[: at + 5] + bytes([header.get("system", raw[at + 5])]) + raw[at + 6 :]
    path.write_bytes(raw)
    return path


NAMES = {
    "UTF-8, without the flag": ("é.in".encode(), 3, "é"),
    "UTF-8, decomposed, as macOS has it": ("e\u0301.in".encode(), 19, "e\u0301"),
    "the first PCs' letters": (b"\x82.in", 0, "é"),
    "DOS's separators": (b"d\\a.in", 0, "a"),  # in the only directory, which is the package's
    "no separator but a character": (b"d\\a.in", 3, "d\\a"),
    "an old coding of Windows": (b"\xe9.in", 0, "Θ"),  # which nothing tells from the first PCs'
}
"""Bytes of a name, the system that made the archive, and the test of that name."""


@pytest.mark.parametrize("case", NAMES)
def test_names_are_their_bytes(tmp_path: Path, case: str) -> None:
    """Not what a flag says that most tools do not set: UTF-8 if they are that, else as the first archives had them."""
    raw, system, name = NAMES[case]
    stem = "X" * (len(raw) - 3)
    path = make(tmp_path / "x.zip", {f"{stem}.in": "", f"{stem}.out": ""})
    _renamed(path, f"{stem}.in".encode(), raw, system=system)
    with opened(_renamed(path, f"{stem}.out".encode(), raw[:-3] + b".out", system=system)) as problem:
        assert [test.name for test in problem.root.tests()] == [f"secret/{name}"]


def test_names_in_an_extra_field(tmp_path: Path) -> None:
    """Info-ZIP gives names in UTF-8 beside those of its own coding; one that is for another name does not count."""
    for good in (True, False):
        files: dict[Any, str] = {}
        for end in ("in", "out"):
            info = entry(f"#U00e9.{end}")
            checksum = zlib.crc32(info.filename.encode()) ^ (not good)
            value = b"\1" + checksum.to_bytes(4, "little") + f"é.{end}".encode()
            info.extra = b"up" + len(value).to_bytes(2, "little") + value
            files[info] = ""
        with opened(make(tmp_path / f"{good}.zip", files)) as problem:
            assert [test.name for test in problem.root.tests()] == ["secret/é" if good else "secret/#U00e9"]


@pytest.mark.parametrize(
    ("name", "system", "message"),
    [
        (b"..\\x.in", 0, "../x.in: error: has a name that leads elsewhere [zip]"),
        (b"\\\\x.in", 0, "//x.in: error: has an absolute name [zip]"),
        (b"X\\\\.in", 11, "X//.in: error: has a name that leads elsewhere [zip]"),
        (b"\x0012.in", 3, "\\x0012.in: error: has a name with a NUL byte [zip]"),
    ],
)
def test_names_that_lead_elsewhere(tmp_path: Path, scratch: Path, name: bytes, system: int, message: str) -> None:
    """Whichever way they are written."""
    stem = "X" * (len(name) - 3)
    path = make(tmp_path / "x.zip", {f"{stem}.in": ""})
    assert message in complaints(_renamed(path, f"{stem}.in".encode(), name, system=system))
    assert not list(scratch.iterdir())


IGNORED = ["ü.txt", "-dash.in", "a\nb.in", "x y.in", "a\u202eb.in", "\\back.in"]


@pytest.mark.parametrize("name", IGNORED)
def test_names_that_the_format_does_not_have(tmp_path: Path, name: str) -> None:
    """General Requirements: such files are as good as not there, with a warning, in archives as in directories."""
    path = make(tmp_path / "sums.zip", {**PACKAGE, f"data/secret/{name}": ""})
    with opened(path) as problem:
        (warning,) = problem.warnings
        assert (warning.rule, warning.file.isprintable()) == ("name", True)
        assert len(list(problem.root.tests())) == 1


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("data/secret/.2.in", True),
        ("submissions/accepted/.other.py", True),
        ("data/secret/._2.in", False),
        ("submissions/accepted/.good.py.swp", False),
        (".gitignore", False),
        (".DS_Store", False),
        ("__MACOSX/data/secret/._1.in", False),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_what_is_hidden(tmp_path: Path, name: str, told: bool, packed: bool) -> None:
    """A dot in front hides a file; it is told only of what looks like a test or a submission that would be missed."""
    files = {**PACKAGE, name: ""}
    if packed:
        place = make(tmp_path / "sums.zip", files)
    else:
        place = tmp_path / "sums"
        for file, text in files.items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_text(text)
    with opened(place) as problem:
        assert [warning.file for warning in problem.warnings] == [name] * told
        assert (len(list(problem.root.tests())), len(problem.submissions)) == (1, 1)


def link(name: str) -> zipfile.ZipInfo:
    """An entry that is a link; its content says where to."""
    return entry(name, stat.S_IFLNK | 0o777)


def test_links(tmp_path: Path) -> None:
    """General Requirements: links to other files of the package, such as `zip -y` keeps, are what they lead to."""
    files: dict[Any, str] = {**PACKAGE, link("data/secret/2.in"): "1.in", link("data/secret/2.ans"): "../secret/1.ans"}
    with opened(make(tmp_path / "sums.zip", {**files, link("submissions/accepted/also.py"): "good.py"})) as problem:
        assert [test.name for test in problem.root.tests()] == ["secret/1", "secret/2"]
        assert {test.input.read_text() for test in problem.root.tests()} == {"1\n"}
        assert [jury.name for jury in problem.submissions] == ["accepted/also.py", "accepted/good.py"]


@pytest.mark.parametrize(
    "links",
    [
        {"out": "/etc/passwd"},
        {"out": "../x"},
        {"a/out": "../../x"},
        {"out": ""},
        {"out": "x\0y"},
        {"out": "x" * 5000},
        {"a/b/c/d": "../../..", "out": "a/b/c/d/../x"},  # each of them stays inside
        {"one": ".", "two": "one/..", "out": "two/etc"},
    ],
)
def test_links_that_lead_out(tmp_path: Path, scratch: Path, links: dict[str, str]) -> None:
    """By themselves or by way of others, they are refused, and nothing is left."""
    files: dict[Any, str] = {**PAIR, **{link(name): to for name, to in links.items()}}
    found = complaints(make(tmp_path / "x.zip", files))
    assert all(": error: is a link that leads " in line for line in found)
    assert not list(scratch.iterdir())


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("under", ["sub/1.in", "sub"])
def test_nothing_is_written_through_links(tmp_path: Path, under: str) -> None:
    """What is in a link, or has its name, is an error before the first byte."""
    (tmp_path / "outside").mkdir()
    files: dict[Any, str] = {link("sub"): "../../outside", entry(under): "text"}
    complaints(make(tmp_path / "x.zip", files))
    assert not list((tmp_path / "outside").iterdir())


@pytest.mark.parametrize("beside", ["META-INF/MANIFEST.MF", "README.md", "notes/a.txt", "__MACOSX/x", ".git/config"])
def test_what_lies_beside_the_package(tmp_path: Path, beside: str) -> None:
    """Java's tool, and people, put something beside the directory of the package: it is found by its problem.yaml."""
    files = {f"any/{name}": text for name, text in PACKAGE.items()}
    with opened(make(tmp_path / "sums.zip", {beside: "", **files})) as problem:
        assert (problem.title, problem.warnings) == ("Sums", ())


ARCHIVERS = {
    "zip": ["zip", "-qr", "{to}", "{top}"],
    "zip -y": ["zip", "-qry", "{to}", "{top}"],
    "7z": ["7z", "a", "-tzip", "-bd", "{to}", "{top}"],
    "7z -snl": ["7z", "a", "-tzip", "-bd", "-snl", "{to}", "{top}"],
    "jar": ["jar", "cf", "{to}", "{top}"],
    "jar without manifest": ["jar", "cMf", "{to}", "{top}"],
    "python": [sys.executable, "-m", "zipfile", "-c", "{to}", "{top}"],
    "bsdtar": ["bsdtar", "-cf", "{to}", "--format", "zip", "./{top}"],
}
"""Tools that make archives, as their users call them."""
PACKAGED = {"7z": ["p7zip-full"], "jar": ["default-jdk-headless"], "bsdtar": ["libarchive-tools"]}
"""Debian packages of those that are called otherwise."""
SCRIPT = "#!/bin/sh\nexit 42\n"


@pytest.mark.parametrize("top", ["sums", "."])
@pytest.mark.parametrize("language", ["C", "C.UTF-8"])
@pytest.mark.parametrize("tool", ARCHIVERS)
def test_archives_of_real_tools(tmp_path: Path, tool: str, language: str, top: str) -> None:
    """A package with names of all kinds, links and scripts is the same whoever packed it, in whatever locale."""
    command = ARCHIVERS[tool]
    lacking.tool(command[0], *PACKAGED.get(command[0], [command[0]]))
    if command[0] == "jar":
        language = "C.UTF-8"  # else Java does not find files with such names
    place = tmp_path / "sums"
    odd = {"statement/größe.png": "", "attachments/übung.txt": "", ".DS_Store": "", "output_validator/run": SCRIPT}
    for name, text in {**PACKAGE, **odd}.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    (place / "output_validator/run").chmod(0o755)
    (place / "data/secret/2.in").symlink_to("1.in")
    (place / "data/secret/2.ans").symlink_to("1.ans")
    packed = tmp_path / "packed.zip"
    words = [word.format(to=packed, top=top) for word in command]
    done = subprocess.run(
        words, cwd=tmp_path if top == "sums" else place, env={**os.environ, "LC_ALL": language},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with opened(packed) as problem:
        assert [test.name for test in problem.root.tests()] == ["secret/1", "secret/2"]
        assert {test.input.read_text() for test in problem.root.tests()} == {"1\n"}
        rules = {warning.rule for warning in problem.warnings}
        assert rules <= {"name", "not-executable"}
        executable = os.access(problem.output_validators[0] / "run", os.X_OK) if problem.output_validators else True
        assert executable is ("not-executable" not in rules)


def test_scripts_that_lost_their_mode(tmp_path: Path) -> None:
    """Archives of Windows have no modes: a script is named, and whether it can be started nevertheless."""
    dos = SCRIPT.replace("\n", "\r\n")
    with opened(make(tmp_path / "dos.zip", {**PACKAGE, entry("output_validator/run", 0o100755): dos})) as problem:
        assert [(warning.rule, warning.line) for warning in problem.warnings] == [("line-ends", 1)]
    for text, told in ((SCRIPT, "is started nevertheless"), ("exit 42\n", "by the shell")):
        files: dict[Any, str] = {**PACKAGE, entry("output_validator/run", 0): text}
        with opened(make(tmp_path / "sums.zip", files)) as problem:
            (warning,) = problem.warnings
            assert (warning.file, warning.rule) == ("output_validator/run", "not-executable")
            assert told in warning.message


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


PARTS = st.sampled_from(["a", "b", "..", ".", "", "1.in", "x\\..\\y", "C:", "é", "__MACOSX", ".h", "\x01", "a" * 256])
KINDS = st.sampled_from([0, stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755, stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644])
ENTRIES = st.tuples(st.lists(PARTS, min_size=1, max_size=5).map("/".join), KINDS, st.sampled_from([0, 3]))
CONTENTS = st.sampled_from(["text", "a", "..", "../..", "a/..", "b/../..", ".", "/etc/passwd", "1.in"])


@pytest.mark.filterwarnings("ignore:Duplicate name")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)  # it writes files
@given(st.lists(st.tuples(ENTRIES, CONTENTS), max_size=6))
def test_any_entries(made: list[tuple[tuple[str, int, int], str]]) -> None:
    """Whatever entries are, what is unpacked is in the directory, and leads nowhere else; or it is an error."""
    with tempfile.TemporaryDirectory() as top:
        (target := Path(top) / "deep/er/out").mkdir(parents=True)
        files: dict[Any, str] = {}
        for (name, mode, system), text in made:
            info = entry(name, mode)
            info.create_system = system
            files[info] = text
        findings = Findings()
        place = unpack(make(Path(top) / "x.zip", files), target, findings)
        outside = {path for path in Path(top).rglob("*") if not path.is_relative_to(target)}
        assert outside == {Path(top) / part for part in ("x.zip", "deep", "deep/er")}
        assert place.is_relative_to(target)
        if not findings.failed:
            real = target.resolve()
            assert all(path.resolve().is_relative_to(real) for path in target.rglob("*"))
