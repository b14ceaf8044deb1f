"""Languages are data: each file is valid, each language that is installed works, and sources are told apart."""

from __future__ import annotations

from pathlib import Path

import lacking
import pytest

from sandbox.errors import PolicyError, RequestError
from sandbox.files import File
from sandbox.judge import languages
from sandbox.judge.compiler import Compiler
from sandbox.judge.selftest import selftest, version

ALL = languages.codes()

FILE = """
name = "Test"
extensions = [".test"]
version = ["test"]
[run]
argv = ["test"]
[selftest]
file = "a.test"
source = ""
"""


@pytest.mark.parametrize("code", ALL)
def test_works_here(code: str, compiler: Compiler) -> None:
    """The language's own program is compiled and run, and prints the answer."""
    language = languages.load(code)
    lacking.needs(language)
    outcome = selftest(language, compiler, ("sum",))
    assert outcome.ok, outcome.problem


def test_every_language_is_there() -> None:
    """Those that courses and contests ask for."""
    wanted = "ada assembly bash c cpp cpp17 cpp20 cpp23 csharp fortran go haskell java javascript kotlin lua ocaml"
    more = "pascal perl php pypy3 python3 racket ruby rust scheme sql typescript"
    assert {*wanted.split(), *more.split()} <= set(ALL)


def test_versions_are_told() -> None:
    """The version is that of the compiler in the box; what is not installed has none."""
    assert "gcc" in (version(languages.load("c")) or "")
    missing = languages.load("c").model_copy(update={"version": ("no-such-compiler",)})
    assert version(missing) is None


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("name", "nome"), "name"),
        (('extensions = [".test"]', "extensions = []"), "extensions"),
        (('extensions = [".test"]', 'extensions = ["test"]'), "extensions.0"),
        (('argv = ["test"]', "argv = []"), "run.argv"),
        (("[run]", "[run]\nspeed = 1"), "run.speed"),
        (("[selftest]", '[allowance]\nmemory = "much"\n[selftest]'), "allowance.memory"),
        (("[selftest]", "[allowance]\ntime_factor = 0\n[selftest]"), "allowance.time_factor"),
        (("[selftest]", "[selftest]\ndepth = 1000"), "selftest"),
        (("[selftest]", '[selftest]\nshallow = "for no reason"'), "selftest"),
        (("[selftest]", "[selftest]\ndepth = 0"), "selftest.depth"),
        (('name = "Test"', 'code = "x"\nname = "Test"'), "code"),
        (("[run]", "[run"), ""),
    ],
)
def test_mistakes_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: tuple[str, str], key: str) -> None:
    """A mistake in an operator's file names the file and the key."""
    (tmp_path / "languages").mkdir()
    (tmp_path / "languages" / "test.toml").write_text(FILE.replace(*change, 1))
    monkeypatch.setenv("SANDBOX_POLICIES", str(tmp_path))
    with pytest.raises(PolicyError) as raised:
        languages.load("test")
    assert raised.value.source.endswith("languages/test.toml")
    assert raised.value.key == key


def test_a_new_language_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in an operator's directory is a language; one of a known code takes the place of ours."""
    (tmp_path / "languages").mkdir()
    (tmp_path / "languages" / "brand-new.toml").write_text(FILE)
    (tmp_path / "languages" / "c.toml").write_text(FILE)
    monkeypatch.setenv("SANDBOX_POLICIES", str(tmp_path))
    assert languages.load("brand-new").name == languages.load("c").name == "Test"
    assert languages.detect("x", {"x.test": b""}, ("brand-new",)).code == "brand-new"


@pytest.mark.parametrize("code", ["klingon", "../c", "", "C", "c/../c"])
def test_unknown_languages(code: str) -> None:
    """A code that is none is an error that lists those that there are."""
    with pytest.raises(RequestError, match="python3"):
        languages.load(code)


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"a.c": b""}, "c"),
        ({"a.cpp": b"", "a.h": b""}, "cpp"),
        ({"A.java": b"", "B.java": b""}, "java"),
        ({"a.py": b""}, "python3"),
        ({"run": b"#!/usr/bin/env python3\n"}, "python3"),
        ({"run": b"#!/usr/bin/perl -w\n"}, "perl"),
        ({"a.rs": b"", "notes.txt": b""}, "rust"),
    ],
)
def test_detection(files: dict[str, bytes], code: str) -> None:
    """By the names of the files, or by what they say in their first line."""
    assert languages.detect("it", files).code == code


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"a.txt": b""}, "the language of it is not known: no language has files such as .txt"),
        ({"a.c": b"", "b.py": b""}, "c or python3"),
        ({}, "it has no files"),
        ({"run": b"#!\n"}, "no language has files such as run"),
        ({"run": b"#! \xff\n"}, "no language has files such as run"),
    ],
)
def test_what_cannot_be_told(files: dict[str, bytes], why: str) -> None:
    """Nothing, or more than one language, is an error that says so."""
    with pytest.raises(RequestError, match=why):
        languages.detect("it", files)


def test_only_allowed_languages() -> None:
    """A language that the problem does not allow is not found."""
    with pytest.raises(RequestError, match="the language of it is not known"):
        languages.detect("it", {"a.c": b""}, ("python3", "java"))


@pytest.mark.parametrize(
    ("code", "files", "main"),
    [
        ("c", {"odd name.c": b""}, "odd name.c"),
        ("python3", {"main.py": b"", "other.py": b""}, "main.py"),
        ("java", {"A.java": b"", "B.java": b""}, None),
        ("c", {"a.c": b"", "b.c": b""}, None),
        ("haskell", {"A.hs": b"module A where\n", "B.hs": b"import A\nmain = a\n"}, "B.hs"),
        ("rust", {"a.rs": b"pub fn f() {}", "b.rs": b"mod a;\nfn main() {}"}, "b.rs"),
        ("pascal", {"u.pas": b"unit u;\n", "p.pas": b"program p;\nuses u;\n"}, "p.pas"),
        ("cpp", {"a.cpp": b"", "sub/main.cpp": b"", "main.cpp": b""}, "main.cpp"),
    ],
)
def test_the_main_file(code: str, files: dict[str, bytes], main: str | None) -> None:
    """The only one, or the one of the right name, or the one that holds the beginning; none where no tool asks."""
    assert languages.load(code).main_file(files) == main


@pytest.mark.parametrize("files", [{"a.py": b"", "b.py": b""}, {"sub/main.py": b"", "a.py": b""}])
def test_an_unclear_main_file(files: dict[str, bytes]) -> None:
    """Which of several it is has to be said, and the error says how."""
    with pytest.raises(RequestError, match="Call it main"):
        languages.load("python3").main_file(files)


def test_sources_are_files() -> None:
    """Nothing in a language's own program is missing."""
    for code in ALL:
        language = languages.load(code)
        assert language.main_file({language.selftest.file: File(language.selftest.source.encode())})
