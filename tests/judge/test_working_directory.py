"""The directory that a submission runs in (2025-09, "Working directory"): its own files and binaries, those that the
problem includes, and those of the test, for every language and in every format.
"""

from __future__ import annotations

from pathlib import Path

import lacking
import pytest

from sandbox.errors import RequestError
from sandbox.files import File
from sandbox.judge import languages
from sandbox.judge.compiler import Compiler, Rejected
from sandbox.judge.judge import Judge
from sandbox.judge.judgement import Judgement
from sandbox.judge.package import read
from sandbox.judge.program import tree
from sandbox.judge.submission import Submission
from sandbox.judge.verdict import Verdict

AC, RTE = Verdict.AC, Verdict.RTE

READERS = {
    "main.py": "print(open('NAME').read().strip())",
    "main.sh": "cat NAME",
    "main.pl": "open my $f, '<', 'NAME' or die; print <$f>;",
    "main.rb": "print File.read('NAME')",
    "main.php": "<?php echo file_get_contents('NAME');",
    "main.lua": "io.write(io.open('NAME'):read('a'))",
    "main.js": "process.stdout.write(require('fs').readFileSync('NAME'))",
    "main.ts": "declare var require: any; console.log(require('fs').readFileSync('NAME', 'utf8').trim())",
    "main.scm": '(use-modules (ice-9 textual-ports)) (display (call-with-input-file "NAME" get-string-all))',
    "main.rkt": '#lang racket/base\n(require racket/file)\n(display (file->string "NAME"))',
    "main.c": '#include <stdio.h>\nint main(void) { FILE *f = fopen("NAME", "r"); int x; if (!f) return 9;'
    ' if (fscanf(f, "%d", &x) != 1) return 8; printf("%d\\n", x); }',
    "main.cpp": '#include <fstream>\n#include <iostream>\nint main() { std::ifstream f("NAME"); int x = -1; f >> x;'
    ' std::cout << x << "\\n"; }',
    "main.rs": 'fn main() { print!("{}", std::fs::read_to_string("NAME").unwrap()); }',
    "main.go": 'package main\nimport ("fmt"; "os")\nfunc main() { b, e := os.ReadFile("NAME");'
    " if e != nil { panic(e) }; fmt.Print(string(b)) }",
    "Main.java": "import java.nio.file.*;\npublic class Main { public static void main(String[] a) throws Exception {"
    ' System.out.print(Files.readString(Path.of("NAME"))); } }',
    "main.kt": 'import java.io.File\nfun main() { print(File("NAME").readText()) }',
    "Main.cs": 'class M { static void Main() { System.Console.Write(System.IO.File.ReadAllText("NAME")); } }',
    "main.pas": "program p; var f: text; x: longint; begin assign(f, 'NAME'); reset(f); read(f, x); writeln(x); end.",
    "main.hs": 'main :: IO ()\nmain = readFile "NAME" >>= putStr',
    "main.ml": 'let () = print_endline (input_line (open_in "NAME"))',
    "main.f90": "program p\ninteger x\nopen(10, file='NAME')\nread(10,*) x\nprint '(I0)', x\nend program",
    "main.adb": "with Ada.Text_IO; use Ada.Text_IO; procedure Main is F : File_Type; begin"
    ' Open (F, In_File, "NAME"); Put_Line (Get_Line (F)); end Main;',
    "main.sql": ".import NAME t\nSELECT '42' FROM sqlite_master WHERE name = 't';",
}
"""By the name of a source: a program that prints what a file in its working directory holds."""

WRITES = "import os\nopen('new', 'w').write('x')\nopen('own.txt', 'a').write('x')\nos.remove('own.txt')\nprint(42)"
LISTS = "import os\nprint(sorted(os.listdir()))"


def package(directory: Path, *, writing: bool | None = None, files: dict[str, str] | None = None, answer: str = "42"):
    """A package of one test; `writing` is what it says of writing files, `None` for a legacy one."""
    said = (
        f"problem_format_version: 2025-09\nuuid: 7e5a3d0c-7a3c-4b8e-9d3a-3a7b7b0a2f11\nallow_file_writing: {writing}\n"
    )
    written = {
        "problem.yaml": ("" if writing is None else said) + "name: Test\nlimits: {memory: 512}\n",
        "data/secret/1.in": "",
        "data/secret/1.ans": answer + "\n",
        **{f"data/secret/1.files/{name}": text for name, text in (files or {}).items()},
    }
    for name, text in written.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("True", "true").replace("False", "false") if name == "problem.yaml" else text)
    return directory


def judged(compiler: Compiler, where: Path, sources: dict[str, str], language: str | None = None) -> Judgement:
    """How these files are judged."""
    with Judge(read(where), compiler=compiler, time_limit=10.0) as judge:
        return judge.judge(Submission("it", {name: File(text.encode()) for name, text in sources.items()}, language))


@pytest.mark.parametrize("name", READERS)
def test_a_submitted_file(name: str, compiler: Compiler, tmp_path: Path) -> None:
    """A program in any language reads a file that was submitted with it, whether it may write there or not."""
    language = languages.detect(name, {name: b""})
    lacking.needs(language)
    source = READERS[name].replace("NAME", "own.txt")
    for writing in (False, True, None):
        judgement = judged(compiler, package(tmp_path, writing=writing), {name: source, "own.txt": "42\n"})
        assert judgement.verdict is AC, (writing, judgement.reason, judgement.compiler_output)


@pytest.mark.parametrize("writing", [False, True, None])
@pytest.mark.parametrize("name", ["main.py", "main.c", "Main.java"])
def test_an_included_file_and_the_tests_over_it(
    name: str, writing: bool | None, compiler: Compiler, tmp_path: Path
) -> None:  # fmt: skip
    """A program reads what the problem includes, in place of its own; what comes with a test goes over both."""
    source = {name: READERS[name].replace("NAME", "table.txt"), "table.txt": "1\n"}
    for where, files in ((tmp_path / "included", None), (tmp_path / "given", {"table.txt": "42\n"})):
        package(where, writing=writing, files=files)
        included = where / "include" / ("default" if writing is not None else languages.detect(name, {name: b""}).code)
        included.mkdir(parents=True)
        (included / "table.txt").write_text("42\n" if files is None else "2\n")
        judgement = judged(compiler, where, source)
        assert judgement.verdict is AC, judgement.reason


@pytest.mark.parametrize(("writing", "verdict"), [(False, RTE), (True, AC), (None, AC)])
def test_writing(writing: bool | None, verdict: Verdict, compiler: Compiler, tmp_path: Path) -> None:
    """A submission creates, changes and removes files where it runs if the package says so, or cannot say."""
    judgement = judged(compiler, package(tmp_path, writing=writing), {"a.py": WRITES, "own.txt": "1"})
    assert judgement.verdict is verdict, judgement.reason


@pytest.mark.parametrize(
    ("writing", "files", "listed"),
    [
        (False, None, ["main.py", "own.txt"]),
        (True, None, ["main.py", "own.txt"]),
        (False, {"in.txt": "1", "sub/x": "2"}, ["in.txt", "main.py", "own.txt", "sub"]),
        (None, {"own.txt": "1", "main.py": "print(0)"}, ["main.py", "own.txt"]),
    ],
)
def test_nothing_else(
    writing: bool | None, files: dict[str, str] | None, listed: list[str], compiler: Compiler, tmp_path: Path
) -> None:  # fmt: skip
    """These files are there and nothing else: none of the jury's data."""
    where = package(tmp_path, writing=writing, files=files, answer=str(listed))
    judgement = judged(compiler, where, {"main.py": LISTS, "own.txt": "1"})
    assert judgement.verdict is AC, judgement.reason


def test_a_binary_is_there(compiler: Compiler, tmp_path: Path) -> None:
    """What was made of the sources is beside them."""
    source = '#include <stdio.h>\nint main(void) { puts(fopen("program", "r") && fopen("a.c", "r") ? "42" : "0"); }'
    for writing in (False, True):
        judgement = judged(compiler, package(tmp_path, writing=writing), {"a.c": source})
        assert judgement.verdict is AC, judgement.reason


def test_files_in_each_others_way(compiler: Compiler, tmp_path: Path) -> None:
    """A file of the test takes the place of a directory of the submission, and the other way round."""
    where = package(tmp_path, writing=True, files={"x": "4", "y/z": "2"})
    source = "print(open('x').read() + open('y/z').read())"
    judgement = judged(compiler, where, {"main.py": source, "x/deep/file": "1", "y": "1"})
    assert judgement.verdict is AC, judgement.reason


def test_a_link_among_a_tests_files(tmp_path: Path) -> None:
    """A link that a tree of the host holds is not followed."""
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(RequestError, match="'link': a link"):
        tree(tmp_path)


@pytest.mark.parametrize("name", ["program/x.txt", "program/program/x"])
def test_a_directory_in_the_way_of_a_binary(name: str, compiler: Compiler) -> None:
    """A submission with a directory where its binary has to be is a compile error, and no failure of the sandbox."""
    made = compiler.compile(Submission("it", {"a.c": File(b"int main() {}"), name: File(b"")}))
    assert isinstance(made, Rejected)
    assert "call one otherwise" in made.message


@pytest.mark.parametrize("name", ["out", "out/x.c"])
def test_the_compilers_own_name(name: str, compiler: Compiler) -> None:
    """A submission with an entry where compilers leave their products is a compile error that says so."""
    made = compiler.compile(Submission("it", {"a.c": File(b"int main() {}"), name: File(b"")}))
    assert isinstance(made, Rejected)
    assert "the name out is the compiler's" in made.message


def test_more_files_than_a_box_takes(compiler: Compiler) -> None:
    """A submission of too many files is a compile error, and no failure of the sandbox."""
    files = {f"{number}.txt": File(b"") for number in range(1_001)}
    made = compiler.compile(Submission("it", {"a.c": File(b"int main() {}"), **files}))
    assert isinstance(made, Rejected)
    assert "1002 files and directories, and 500 are allowed" in made.message


OUTPUT_VALIDATOR = """
import os, sys
assert sorted(os.listdir()) == ["my sol.c", "program", "table.txt"], os.listdir()
assert "main" in open("my sol.c").read() and os.access("program", os.X_OK)
assert os.listdir(sys.argv[3]) == [], "somebody left feedback"
import json
sys.exit(42 if sys.stdin.read() == open(sys.argv[2]).read() else 43)
"""
STATIC_VALIDATOR = """
import os, sys
language, entry, feedback = sys.argv[1:4]
assert os.path.isfile(entry), (entry, os.listdir())
assert os.listdir(feedback) == [], "somebody left feedback"
sys.exit(42)
"""


def declare(where: Path) -> None:
    """Have the package be one of 2025-09."""
    said = ["problem_format_version: 2025-09", "uuid: 7e5a3d0c-7a3c-4b8e-9d3a-3a7b7b0a2f11", "name: Test"]
    (where / "problem.yaml").write_text("\n".join(said) + "\n")


def test_a_validators(compiler: Compiler, tmp_path: Path) -> None:
    """An output validator runs among the submitted and included files and the binaries, and nothing else: not its own
    files, and none of the test's.
    """
    where = package(tmp_path)
    declare(where)
    for name, text in {"output_validator/v.py": OUTPUT_VALIDATOR, "include/default/table.txt": "1\n"}.items():
        (where / name).parent.mkdir(parents=True)
        (where / name).write_text(text)
    judgement = judged(compiler, where, {"my sol.c": '#include <stdio.h>\nint main(void) { puts("42"); }'})
    assert judgement.verdict is AC, judgement.reason


@pytest.mark.parametrize(
    "hostile",
    [
        {"json.py": "raise SystemExit(42)", "os.py": "raise SystemExit(42)"},
        {"feedback/score.txt": "100", "feedback/judgemessage.txt": "well done"},
        {"test.ans": "7\n", "test.in": ""},
        {"submission/x": "", "feedback": "", "output": ""},
    ],
)
def test_a_submission_cannot_speak_for_a_validator(
    hostile: dict[str, str], compiler: Compiler, tmp_path: Path
) -> None:  # fmt: skip
    """Files that a submission brings are neither modules of the jury's programs nor their feedback or data."""
    where = package(tmp_path)
    declare(where)
    (where / "data/secret/test_group.yaml").write_text("static_validation_score: pass-fail\n")
    for name, text in {
        "output_validator/v.py": OUTPUT_VALIDATOR.replace("assert sorted", "sorted").replace("assert \"main", "\"main")
        .replace('open("my sol.c")', 'open("main.py")'),
        "static_validator/v.py": STATIC_VALIDATOR,
    }.items():  # fmt: skip
        (where / name).parent.mkdir(parents=True)
        (where / name).write_text(text)
    for source, verdict in (("print(42)", AC), ("print(7)", Verdict.WA)):
        judgement = judged(compiler, where, {"main.py": source, **hostile})
        assert judgement.verdict is verdict, judgement.reason


def test_a_validator_beside_a_large_test(compiler: Compiler, tmp_path: Path) -> None:
    """A test of a hundred megabytes and a large binary fit into a validator's box."""
    where = package(tmp_path)
    (where / "output_validator").mkdir()
    (where / "output_validator/v.py").write_text("import sys\nsys.exit(42 if sys.stdin.read() else 43)\n")
    with (where / "data/secret/1.in").open("wb") as file:
        file.truncate(100 << 20)
    declare(where)
    source = '#include <stdio.h>\nchar a[60 << 20] = {1};\nint main(int c, char **v) { printf("%d\\n", a[c]); }'
    judgement = judged(compiler, where, {"a.c": source})
    assert judgement.verdict is AC, judgement.reason


def test_a_large_binary_in_a_writable_directory(compiler: Compiler, tmp_path: Path) -> None:
    """A binary of sixty megabytes can be copied to where it runs."""
    source = '#include <stdio.h>\nchar a[60 << 20] = {42};\nint main(int c, char **v) { printf("%d\\n", a[c - 1]); }'
    judgement = judged(compiler, package(tmp_path, writing=True), {"a.c": source})
    assert judgement.verdict is AC, judgement.reason


WITH_PARTS = {
    "php": (
        "<?php include 'lib.php'; exit(right(file_get_contents('php://stdin')) ? 42 : 43);",
        "<?php function right($o) { return %s; }",
        ("trim($o) === '42'", "true"),
    ),
    "lua": (
        "local lib = require 'lib'\nos.exit(lib(io.read('a')) and 42 or 43)",
        "return function(o) return %s end",
        ("o == '42\\n'", "true"),
    ),
    "awk": (
        '@include "lib.awk"\nBEGIN { getline o < "-"; exit right(o) ? 42 : 43 }',
        "function right(o) { return %s }",
        ('o == "42"', "1"),
    ),
    "bash": (
        ". lib.bash\nread o\nif right; then exit 42; else exit 43; fi",
        "right() { %s; }",
        ('[ "$o" = 42 ]', "true"),
    ),
}
"""Of a language: a validator, the part of it that it looks for by name, and what that says honestly and otherwise."""


@pytest.mark.parametrize("code", WITH_PARTS)
def test_a_validators_own_parts(code: str, compiler: Compiler, tmp_path: Path) -> None:
    """What a validator includes by name is its own, in languages that look into the working directory too."""
    lacking.needs(languages.load(code))
    main, part, (honest, hostile) = WITH_PARTS[code]
    extension = languages.load(code).extensions[-1]
    where = package(tmp_path)
    (where / "problem.yaml").write_text("name: Test\nvalidation: custom\n")
    directory = where / "output_validators" / "v"
    directory.mkdir(parents=True)
    (directory / f"main{extension}").write_text(main + "\n")
    (directory / f"lib{extension}").write_text(part % honest + "\n")
    brought = {"main.py": "print(%s)", f"lib{extension}": part % hostile}
    for said, verdict in ((42, AC), (7, Verdict.WA)):
        judgement = judged(compiler, where, {**brought, "main.py": f"print({said})"}, "python3")
        assert judgement.verdict is verdict, judgement.reason


@pytest.mark.parametrize("scripts", [
    {"run": "cat > /dev/null; exit 42\n"},
    {"build": "printf 'exit 42\\n' > run\n"},
    {"build": "echo 'int main(void) { return 42; }' > a.c && cc -o run a.c\n"},
    {"run": ". part; part\n", "part": "part() { exit 42; }\n"},
])  # fmt: skip
def test_scripts_of_the_shell(scripts: dict[str, str], compiler: Compiler, tmp_path: Path) -> None:
    """A `build` or `run` is a script of the shell (2025-09, Other programs), whatever its first line says."""
    where = package(tmp_path)
    (where / "problem.yaml").write_text("name: Test\nvalidation: custom\n")
    for name, text in scripts.items():
        (where / "output_validators/v").mkdir(parents=True, exist_ok=True)
        (where / "output_validators/v" / name).write_text(text)
    judgement = judged(compiler, where, {"main.py": "print(1)", "part": "part() { exit 43; }\n"})
    assert judgement.verdict is AC, judgement.reason


def test_a_script_that_cannot_be_started(compiler: Compiler, tmp_path: Path) -> None:
    """A `build` for an interpreter that is not there is a mistake in the package, and no failure of the sandbox."""
    (tmp_path / "build").write_text("#!/nowhere\n")
    made = compiler.compile(Submission.read(tmp_path), jury=True)
    assert isinstance(made, Rejected)
    assert "execve ./build" in made.message


@pytest.mark.parametrize("count", [20, 300])
def test_many_directories(count: int, compiler: Compiler, tmp_path: Path) -> None:
    """Directories count as files do: more than a box takes are a compile error."""
    deep = {f"d{number}/{'x/' * 10}f": "" for number in range(count)}
    judgement = judged(compiler, package(tmp_path, writing=True), {"main.py": "print(42)", **deep})
    assert judgement.verdict is (AC if count == 20 else Verdict.CE), judgement.reason
    assert count == 20 or "files and directories" in judgement.reason


def test_a_link_that_is_a_submission(tmp_path: Path) -> None:
    """A link is read if what it leads to lies where it does: who hands in a link to a file of the host gets nothing."""
    (tmp_path / "a.py").write_text("print(1)")
    (tmp_path / "b.py").symlink_to("a.py")
    (tmp_path / "c.py").symlink_to("/etc/passwd")
    (tmp_path / "d").symlink_to("/etc")
    assert Submission.read(tmp_path / "b.py").files["b.py"] == b"print(1)"
    for name in ("c.py", "d"):
        with pytest.raises(RequestError, match="a link that leads out"):
            Submission.read(tmp_path / name)


def test_files_within_a_large_limit(compiler: Compiler, tmp_path: Path) -> None:
    """A problem that allows a hundred mebibytes of output allows a file of eighty, and one of more is OLE."""
    where = package(tmp_path, writing=True)
    said = (where / "problem.yaml").read_text().replace("memory: 512", "memory: 1024, output: 100")
    (where / "problem.yaml").write_text(said)
    for size, verdict in ((80, AC), (130, Verdict.OLE)):
        source = f"with open('x', 'wb') as f:\n    for _ in range({size}): f.write(bytes(1 << 20))\nprint(42)"
        judgement = judged(compiler, where, {"main.py": source})
        assert judgement.verdict is verdict, judgement.reason
