"""File names that editors, browsers and downloads give do not matter to a program, in any language."""

from __future__ import annotations

from pathlib import Path

import lacking
import pytest

from sandbox import Box, Limits
from sandbox.errors import RequestError
from sandbox.files import File
from sandbox.judge import languages
from sandbox.judge.compiler import Compiler, Rejected
from sandbox.judge.languages import Language
from sandbox.judge.selftest import INPUT, OUTPUT
from sandbox.judge.staging import Include, stage
from sandbox.judge.submission import Submission

MEMORY = 256 << 20

STEMS = [
    "my program (1)", "2.1", "7", "a.b.c", "sum_test", "sum_windows", "sum_arm64", "test", "-v", "@list", "_hidden",
    "größe", "it's", 'say "hi"', "$HOME", "a;b&c", "std", "list", "unix", "math", "random", "string", "os", "sum.min",
    "CON", "Program", "main.test", "x.d", "%s", "a\\b", "{main}", "#x", "new\nline",
]  # fmt: skip
"""Names without extension: with what a shell, a make, a module system or an operating system gives a meaning."""


def selftest_as(language: Language, name: str) -> Submission:
    """The language's own program, in a file of that name."""
    return Submission(name, {name: File(language.selftest.source.encode())}, language.code)


def answer(compiler: Compiler, submission: Submission, include: Include | None = None) -> bytes:
    """What a program prints for the self-test's input; a compiler's words if there is none."""
    made = compiler.compile(submission, include=include)
    if isinstance(made, Rejected):
        return made.message.encode()
    limits = made.limits(Limits(memory=MEMORY))
    with made, Box(made.under(limits)) as box:
        result = box.run(made.argv(limits), stdin=INPUT, limits=limits, **made.at_work())
    return (result.stdout or b"").strip() or (result.stderr or b"")


def spelled(language: Language) -> list[str]:
    """Each of a language's extensions, and in capitals where that is no other language's."""
    taken = {extension for code in languages.codes() for extension in languages.load(code).extensions}
    capitals = [extension.upper() for extension in language.extensions if extension.upper() not in taken]
    return [language.extensions[0], *capitals[:1]]


@pytest.mark.parametrize("code", languages.codes())
def test_any_name_will_do(code: str, compiler: Compiler) -> None:
    """The language's own program gives its answer under every name, with its extension in capitals too."""
    language = languages.load(code)
    lacking.needs(language)
    # All tools of the family take any name alike.
    stems = STEMS if language.names != "own" or code == "c" else STEMS[:3]
    wrong, right = {}, set()
    for extension in spelled(language):
        for stem in stems:
            submission = selftest_as(language, stem + extension)
            made = compiler.compile(submission)
            if not isinstance(made, Rejected):
                made.close()
                if made.directory in right:  # the very same program
                    continue
                right.add(made.directory)
            said = answer(compiler, submission)
            if said != OUTPUT:
                wrong[stem + extension] = said[:200]
    assert not wrong
    assert language.names == "own" or len(right) <= len(spelled(language))


@pytest.mark.parametrize("name", ["noextension", "sum.txt", "sum"])
def test_a_named_language_needs_no_extension(name: str, compiler: Compiler) -> None:
    """Of a language that was said, the only file is the source; of none, a script says it in its first line."""
    assert answer(compiler, selftest_as(languages.load("c"), name)) == OUTPUT
    assert answer(compiler, selftest_as(languages.load("python3"), name)) == OUTPUT
    script = b"#!/usr/bin/env python3\n" + languages.load("python3").selftest.source.encode()
    assert answer(compiler, Submission(name, {name: File(script)})) == OUTPUT


@pytest.mark.parametrize(
    ("name", "code"),
    [("a.PY", "python3"), ("a.C", "cpp"), ("a.CPP", "cpp"), ("a.c", "c"), ("A.JAVA", "java"), ("a.Rs", "rust")],
)
def test_extensions_in_capitals(name: str, code: str) -> None:
    """An extension in capitals is the language's, unless it is another's as it is spelled (`.C` is C++)."""
    assert languages.detect(name, {name: b""}).code == code


def test_messages_have_the_submitted_name(compiler: Compiler) -> None:
    """A compiler's words are about the file that was handed in, whatever it was called where it was compiled."""
    for name, source, said in [
        ("my program (1).py", "def f(:\n", 'File "./my program (1).py", line 1'),
        ("back\\slash.py", "def f(:\n", "back\\slash.py"),
        ("sum-2.java", "class Main { int x = y; }", "sum-2.java:1: error"),
        ("x.rs", "fn main() { 1 + ; }", "x.rs:1:"),
    ]:
        made = compiler.compile(Submission(name, {name: File(source.encode())}))
        assert isinstance(made, Rejected)
        assert said.replace("./", "") in made.message.replace("./", "")
        assert "main.py" not in made.message


GO = {
    "main_test.go": b"package main\n\nfunc main() { answer() }\n",
    "x_windows.go": b'package main\n\nimport "fmt"\n\nfunc answer() {\n\tvar a, b int\n\tfmt.Scan(&a, &b)\n'
    b"\tfmt.Println(add(a, b))\n}\n",
    "x windows.go": b"package main\n\nfunc add(a, b int) int { return a + b }\n",
}
JAVA = {
    "the main.JAVA": b"import java.util.*;\nclass Start { public static void main(String[] x) {"
    b" Scanner s = new Scanner(System.in); System.out.println(Tool.add(s.nextInt(), s.nextInt())); } }\n",
    "tool (2).java": b"public class Tool { static int add(int a, int b) { return a + b; } }\n",
}
C = {
    "a (1).C": b'extern "C" int add(int a, int b) { return a + b; }\n',
    "b.2.cc": b'#include <cstdio>\nextern "C" int add(int, int);\n'
    b'int main() { int a, b; std::scanf("%d %d", &a, &b); std::printf("%d\\n", add(a, b)); }\n',
}


@pytest.mark.parametrize("files", [GO, JAVA, C], ids=["go", "java", "cpp"])
def test_names_of_several_files(files: dict[str, bytes], compiler: Compiler) -> None:
    """Where the files of a program do not name each other, their names do not matter either."""
    submission = Submission("dir", {name: File(content) for name, content in files.items()})
    lacking.needs(languages.detect("dir", submission.files))
    assert answer(compiler, submission) == OUTPUT


# What is staged


def staged(
    code: str, files: dict[str, str], include: dict[str, dict[str, str]] | None = None, entry: str | None = None
):
    """What is put where these files are compiled."""
    own = {name: File(content.encode()) for name, content in files.items()}
    jury = {key: {name: File(text.encode()) for name, text in value.items()} for key, value in (include or {}).items()}
    return stage(Submission("dir", own, code, entry), languages.load(code), jury)


def test_the_main_file_is_a_submitted_one() -> None:
    """Included sources make a single file no less the main one, and keep every name as it is: they may name it."""
    found = staged("python3", {"sol.py": ""}, {"python3": {"lib.py": ""}, "default": {"table.txt": "1"}})
    assert (found.main, set(found.files)) == ("sol.py", {"sol.py", "lib.py", "table.txt"})
    assert staged("python3", {"sol.py": ""}, {"default": {"table.txt": "1"}}).main == "main.py"


def test_an_included_main_file_calls_the_submission() -> None:
    """A main file that the jury includes is the language's default entry point, and the submission keeps its name."""
    found = staged("python3", {"sol.py": ""}, {"python3": {"main.py": "import sol"}})
    assert (found.main, set(found.files)) == ("main.py", {"sol.py", "main.py"})


def test_the_jurys_files_go_over_the_submissions() -> None:
    """Of a name that both have, the jury's content counts, and that for the language before that for all."""
    include = {"default": {"a.h": "all", "b.h": "all"}, "c": {"a.h": "c"}, "java": {"a.h": "java"}}
    files = staged("c", {"x.c": "", "a.h": "mine", "b.h": "mine"}, include).files
    assert (files["a.h"], files["b.h"]) == (b"c", b"all")


def test_an_entry_point_that_is_there() -> None:
    """The file that a package names is the main one, and one that is not there is an error that names it."""
    assert staged("python3", {"a.py": "", "b.py": ""}, entry="b.py").main == "b.py"
    with pytest.raises(RequestError, match=r"dir has no file c\.py"):
        staged("python3", {"a.py": "", "b.py": ""}, entry="c.py")


@pytest.mark.parametrize("files", [{}, {"a.txt": ""}, {"a.txt": "", "b.txt": ""}])
def test_no_source(files: dict[str, str]) -> None:
    """A submission without a source of its language is told so; a single file is taken for one."""
    if len(files) == 1:
        assert staged("python3", files).main == "main.py"
        return
    with pytest.raises(RequestError, match="dir has no file of Python 3"):
        staged("python3", files)


def test_directories_are_kept() -> None:
    """A single source stays in its directory if other files are there, and a single file does not."""
    assert staged("python3", {"my dir/[x]*/it's.py": ""}).main == "main.py"
    found = staged("python3", {"src/prog 1.py": "", "src/data.txt": ""})
    assert (found.main, sorted(found.files)) == ("src/main.py", ["src/data.txt", "src/main.py"])


def test_every_language_says_what_names_mean() -> None:
    """A language whose tools take any name says so; all others have a name for a single source."""
    for code in languages.codes():
        language = languages.load(code)
        assert language.main, code
        assert Path(language.main[0]).name == language.main[0]


OCAML = {
    "main.ml": b"let () = Scanf.scanf \" %d %d\" (fun a b -> Printf.printf \"%d\\n\" (Util.add a b))\n",
    "util.ml": b"let add a b = a + b\n",
}  # fmt: skip
FORTRAN = {
    "main.f90": b"program p\nuse h\ninteger :: a, b\nread *, a, b\nprint '(I0)', add(a, b)\nend program\n",
    "util.f90": b"module h\ncontains\ninteger function add(a, b)\ninteger :: a, b\nadd = a + b\n"
    b"end function\nend module\n",
}
PACKAGE = {
    "__init__.py": b"",
    "__main__.py": b"import program\nfrom .tools import read\nprint(program.add(*read()))\n",
    "program.py": b"def add(a, b):\n    return a + b\n",
    "tools.py": b"def read():\n    return map(int, input().split())\n",
}


@pytest.mark.parametrize("files", [OCAML, FORTRAN, PACKAGE], ids=["ocaml", "fortran", "python"])
def test_parts_of_a_program(files: dict[str, bytes], compiler: Compiler) -> None:
    """What the main file needs comes before it, and modules of a package have any name."""
    submission = Submission("dir", {name: File(content) for name, content in files.items()})
    lacking.needs(languages.detect("dir", submission.files))
    assert answer(compiler, submission) == OUTPUT


@pytest.mark.parametrize("script", ["brute.py", "gen.sh"])
def test_a_script_beside_a_program(script: str) -> None:
    """Of sources in two languages, a script's first line does not say which of them it is (2025-09, Submissions)."""
    with pytest.raises(RequestError, match="could be"):
        languages.detect("dir", {"sol.cpp": b"", script: b"#!/usr/bin/env python3\n"})
