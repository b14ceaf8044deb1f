"""Languages are data: each file is valid, each language that is installed works, and sources are told apart."""

from __future__ import annotations

import re
from pathlib import Path

import lacking
import pytest

from sandbox.box import Box
from sandbox.errors import PolicyError, RequestError
from sandbox.files import File
from sandbox.judge import languages
from sandbox.judge.compiler import Compiler, Rejected
from sandbox.judge.program import Program
from sandbox.judge.selftest import selftest, version
from sandbox.judge.submission import Submission
from sandbox.request import Limits

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


def installed(code: str) -> languages.Language:
    """The language, of which a test needs the tools."""
    language = languages.load(code)
    lacking.needs(language)
    return language


@pytest.mark.parametrize("code", ALL)
def test_works_here(code: str, compiler: Compiler) -> None:
    """The language's own program is compiled and run, and prints the answer."""
    language = installed(code)
    outcome = selftest(language, compiler, ("sum",))
    assert outcome.ok, outcome.problem


def test_every_language_is_there() -> None:
    """Those that courses and contests ask for."""
    wanted = "ada assembly bash c cpp cpp17 cpp20 cpp23 csharp fortran go haskell java javascript kotlin lua ocaml"
    more = "pascal perl php pypy3 python3 racket ruby rust scheme sql typescript"
    packages = "awk cgmp cppgmp d lisp nim prolog python2 python3numpy r scala"
    assert {*wanted.split(), *more.split(), *packages.split()} <= set(ALL)


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
        (("version =", "main_pattern = '('\nversion ="), "main_pattern"),
        (("[run]", "[compile]\nargv = ['a']\nrenames = '['\n[run]"), "compile.renames"),
        (("[run]", "[compile]\nargv = ['a']\nrenames = '(?P<old>a)'\n[run]"), "compile.renames"),
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
        ({"run": b"#!/usr/bin/env -S A=1 python3 -O\n"}, "python3"),
        ({"a.rs": b"", "notes.txt": b""}, "rust"),
        ({"x.R": b""}, "r"),
        ({"a.plg": b""}, "prolog"),
        ({"a.pl": b""}, "perl"),
        ({"a.pl": b"print 3 + 4;\n"}, "perl"),
        ({"a.pl": b"sub main { print(1); }\nmain();\n"}, "perl"),
        ({"a.pl": b"main :- write(7), nl.\n"}, "prolog"),
        ({"a.pl": b"% sums\n:- use_module(library(clpfd)).\n"}, "prolog"),
        ({"a.pl": b"edge(1, 2).\nedge(2, 3).\n"}, "prolog"),
        ({"a.pl": b"#!/usr/bin/swipl\n"}, "prolog"),
        ({"a.pl": b"#!/usr/bin/perl\nmain :- x.\n"}, "perl"),
        ({"a.py2": b""}, "python2"),
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


UNREADABLE = {
    "a byte in a comment in Python": ("python3", b"# \xff\nprint(7)\n"),
    "Latin-1 in a text in Python": ("python3", b"print('\xe9')\n"),
    "half a character in Python": ("python3", b"# \xed\xa0\x80\nprint(7)\n"),
    "an unknown encoding in Python": ("python3", b"# -*- coding: nonsense -*-\nprint(7)\n"),
    "a null byte in Python": ("python3", b"print(7)\n\0\n"),
    "UTF-16 in Python": ("python3", "print(7)\n".encode("utf-16")),
    "a byte in a comment in PyPy": ("pypy3", b"# \xff\nprint(7)\n"),
    "Latin-1 in a text in Ruby": ("ruby", b"puts '\xe9'\n"),
    "an unknown encoding in Ruby": ("ruby", b"# -*- coding: nonsense -*-\nputs 7\n"),
    "a null byte in PHP": ("php", b"<?php\necho 7;\n\0\n"),
    "a null byte in JavaScript": ("javascript", b"console.log(7);\n\0\n"),
    "UTF-16 in JavaScript": ("javascript", "console.log(7);\n".encode("utf-16")),
    "a name in Latin-1 in Perl": ("perl", b"\xe9 = 1;\n"),
    "a null byte in Lua": ("lua", b"print(7)\n\0\n"),
    "a parenthesis in Scheme": ("scheme", b"(display 7)\n(newline\n"),
    "a parenthesis in Racket": ("racket", b"#lang racket/base\n(displayln 7)\n(displayln\n"),
    "a parenthesis in Lisp": ("lisp", b"(print 7)\n(print\n"),
    "Latin-1 in a text in Lisp": ("lisp", b'(print "\xe9")\n'),
    "a clause in Prolog": ("prolog", b"main :- write(7), nl.\nmain :- write(\n"),
    "a null byte in AWK": ("awk", b"{ print 7 }\n\0\n"),
    "Latin-1 in a text in R": ("r", b'print("\xe9")\n'),
    "a brace in Bash": ("bash", b"echo 7\nf() {\n"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_ce(name: str, compiler: Compiler) -> None:
    """A source that its language would refuse to read, to its last line, does not compile, and the tool says why."""
    code, source = UNREADABLE[name]
    language = installed(code)
    made = compiler.compile(Submission("test", {language.selftest.file: File(source)}, code))
    assert isinstance(made, Rejected)
    assert made.message.strip(), "without words of the tool's"
    assert "left no program" not in made.message


LIBRARIES = {
    "unix, str and threads in OCaml": (
        "ocaml",
        "let () = Thread.join (Thread.create (fun () -> ignore (Unix.gettimeofday ())) ());\n"
        'print_string (Str.replace_first (Str.regexp "x") "7" "x")',
    ),
    "extensions of PHP": (
        "php",
        "<?php echo ctype_digit('7') && mb_strlen('\u00e4') && json_encode([1]) && bcadd('3', '4') == gmp_add(3, 4)"
        " ? 7 : 0;",
    ),
    "a warning in PHP": ("php", "<?php $a = []; $a['x'] += 7; echo $a['x'];"),
    "packages of Haskell": (
        "haskell",
        "import qualified Data.Map as M\nimport qualified Data.Text as T\nimport qualified Data.Vector as V\n"
        "import Control.Monad.State\nmain = putStr (T.unpack (T.pack (show (evalState get (V.sum (V.fromList"
        " (M.elems (M.fromList [(1, 3), (2, 4)]))))))))",
    ),
    "modules of Perl": ("perl", "use List::Util qw(sum); use bigint; use POSIX; print sum(3, 4);"),
    "libraries of Ruby": (
        "ruby",
        "require 'set'; require 'bigdecimal'; require 'prime'; puts Prime.lazy.first(4).last",
    ),
    "modules of Racket": ("racket", "#lang racket\n(require data/heap racket/list)\n(displayln (+ 3 4))"),
    "modules of Guile": (
        "scheme",
        "(use-modules (srfi srfi-1) (srfi srfi-9) (ice-9 rdelim)) (display (fold + 0 '(3 4)))",
    ),
    "big numbers of C#": (
        "csharp",
        "using System.Linq; class P { static void Main() {"
        " System.Console.Write(new System.Numerics.BigInteger(new[] { 3, 4 }.Sum())); } }",
    ),
    "constraints in Prolog": (
        "prolog",
        ":- use_module(library(clpfd)).\n:- initialization(main).\nmain :- X #= 3 + 4, print(X).\n",
    ),
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_usual_libraries_are_there(name: str, compiler: Compiler) -> None:
    """What the language's users take for granted can be used, and nothing else is printed for it."""
    code, source = LIBRARIES[name]
    language = installed(code)
    made = compiler.compile(Submission("test", {language.selftest.file: File(source.encode())}, code))
    assert isinstance(made, Program), made.message
    limits = made.limits(Limits(memory=256 << 20))
    with made, Box(made.under(limits)) as box:
        result = box.run(made.argv(limits), limits=limits, **made.at_work())
    assert (result.stdout or b"").strip() == b"7", result.stderr


def test_python_2_is_ce(compiler: Compiler) -> None:
    """A language that is not going to be installed is CE, with a reason, and no error of the judge's."""
    missing = languages.load("python2")
    if missing.installed():
        pytest.skip("it is installed")
    made = compiler.compile(Submission("test", {"a.py2": File(b"print 7")}))
    assert isinstance(made, Rejected)
    assert "use Python 3" in made.message


def test_what_a_language_needs() -> None:
    """A language whose library is missing is not installed, though its compiler is."""
    c = languages.load("c")
    assert c.model_copy(update={"needs": ("/usr/include/**/stdio.h",)}).installed()
    assert not c.model_copy(update={"needs": ("/usr/include/**/no-such-header.h",)}).installed()


@pytest.mark.parametrize("text", [b"\n", b" ", b"main ", b"fn ", b"a\n", b":-", b"%", b"#"])
def test_patterns_take_linear_time(text: bytes) -> None:
    """What a language looks for in sources is found, or not, in a mebibyte of anything that may look like it."""
    for code in ALL:
        language = languages.load(code)
        for pattern in filter(None, (language.main_pattern, language.content)):
            re.search(pattern.encode(), text * ((1 << 20) // len(text)), re.MULTILINE)
