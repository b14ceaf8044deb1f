"""Compiling: hostile sources are compile errors, and what is made is kept, whole, and out of everybody's reach."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lacking import missing_tool

from sandbox import Box, Limits
from sandbox.errors import RequestError
from sandbox.files import File
from sandbox.judge.cache import Cache
from sandbox.judge.compiler import MESSAGE, Compiler, Rejected
from sandbox.judge.program import Program
from sandbox.judge.submission import Submission

HELLO = "#include <stdio.h>\nint main(void) { puts(WORD); }\n"


def source(files: dict[str, str | bytes], **known: Any) -> Submission:
    """A submission of these files."""
    made = {name: File(text.encode() if isinstance(text, str) else text) for name, text in files.items()}
    return Submission("test", made, **known)


def output(program: Program) -> bytes | None:
    """What a program prints."""
    limits = program.limits(Limits(memory=256 << 20))
    with program, Box(program.under(limits)) as box:
        return box.run(program.argv(limits), limits=limits).stdout


def compiled(compiler: Compiler, files: dict[str, str | bytes], **options: Any) -> Program:
    """The program of sources that are right."""
    made = compiler.compile(source(files), **options)
    assert isinstance(made, Program), made.message
    return made


def rejected(compiler: Compiler, files: dict[str, str | bytes], **options: Any) -> str:
    """What is said of sources that are wrong."""
    made = compiler.compile(source(files), **options)
    assert isinstance(made, Rejected)
    return made.message


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.c", "int main( {}", r"a\.c:1:\d+: error: .*"),
        ("a.c", "int f(void) { return 0; }", r".*undefined reference to .?main.*"),
        ("a.c", '#include "/etc/shadow"', r".*/etc/shadow: No such file or directory.*"),
        ("a.c", '__asm__(".incbin \\"/etc/shadow\\"");\nint main(void) {}', r".*/etc/shadow.*"),
        ("a.c", '#include "a.c"', r".*nested.*"),
        ("a.c", '#include "/dev/zero"', r"compiler: .* of .*|.*not a regular file.*|.*error.*"),
        ("a.c", "char a[1 << 30] = {1};\nint main(void) {}", r"compiler: .*|.*(No space|File size|final close).*"),
        ("a.cpp", "template<int n> struct A { A<n + 1> next; }; A<0> a; int main() {}", r".*template.*depth.*"),
        (
            "a.cpp",
            "constexpr int f(long n) { int x = 0; for (long i = 0; i < n; i++) x ^= i; return x; }\n"
            "constexpr int y = f(1L << 40); int main() {}",
            r".*constexpr.*|compiler: CPU time .*",
        ),
        ("a.py", "def f(:", r".*SyntaxError.*"),
        ("A.java", "class B { public static void main(String[] a) {} ", r".*error: reached end of file.*"),
        ("a.js", "function (", r".*SyntaxError.*"),
        ("a.rs", "fn main() { 1 + ; }", r".*expected expression.*"),
    ],
)  # fmt: skip
def test_what_does_not_compile(compiler: Compiler, name: str, text: str, message: str) -> None:
    """Mistakes and attacks of every kind are compile errors, in bounded time, with the compiler's words or a limit."""
    if name == "a.js" and not os.path.exists("/usr/bin/node"):
        missing_tool("node", "nodejs")
    if name == "a.rs" and not os.path.exists("/usr/bin/rustc"):
        missing_tool("rustc", "rustc")
    said = rejected(compiler, {name: text}, time=3.0, memory=512 << 20)
    assert re.fullmatch(message, said, re.DOTALL), said
    assert len(said) < MESSAGE + 500


def test_a_flood_of_words_is_cut(compiler: Compiler) -> None:
    """Of what a compiler says without end, the beginning and the end are kept, and how much is missing."""
    said = rejected(compiler, {"a.c": "\n".join(f"#warning {'x' * 500}" for _ in range(2000)) + "\n#error last"})
    assert "bytes left out" in said or said.startswith("compiler: more than")
    assert len(said) < MESSAGE + 500


def test_words_are_harmless(compiler: Compiler) -> None:
    """What a compiler quotes of a source commands no terminal."""
    assert "\x1b" not in rejected(compiler, {"a.c": '#error "\x1b[2J\x1b]0;owned\x07"'})


def test_warnings_are_kept(compiler: Compiler) -> None:
    """What a compiler says of sources that it takes is there, also when the program comes from the cache."""
    for cached in (False, True):
        made = compiled(compiler, {"a.c": "#warning careful\nint main(void) {}"})
        assert (made.cached, "careful" in made.message) == (cached, True)
        made.close()


def test_what_was_compiled_is_kept(compiler: Compiler) -> None:
    """The same sources are compiled once; any other content, name or included file makes another program."""
    first = compiled(compiler, {"a.c": HELLO.replace("WORD", '"one"')})
    again = compiled(compiler, {"a.c": HELLO.replace("WORD", '"one"')})
    other = compiled(compiler, {"a.c": HELLO.replace("WORD", '"two"')})
    renamed = compiled(compiler, {"b.c": HELLO.replace("WORD", '"one"')})
    assert [made.cached for made in (first, again, other, renamed)] == [False, True, False, False]
    assert [output(made) for made in (first, again, other, renamed)] == [b"one\n", b"one\n", b"two\n", b"one\n"]


def test_the_jurys_files_go_over_the_submissions(compiler: Compiler) -> None:
    """A file that the problem brings cannot be replaced, and is in the key of the cache."""
    files: dict[str, str | bytes] = {"a.c": '#include "word.h"\n' + HELLO, "word.h": '#define WORD "mine"\n'}
    words = [{"c": {"word.h": File(f'#define WORD "{word}"\n'.encode())}} for word in ("jury", "other")]
    assert [output(compiled(compiler, files, include=include)) for include in words] == [b"jury\n", b"other\n"]


@pytest.mark.parametrize(
    "name", ["a b.c", "-o.c", "--help.c", "a\nb.c", "$(id).c", "'.c", "é.c", os.fsdecode(b"\xff.c"), "x" * 253 + ".c"]
)
def test_odd_names(compiler: Compiler, name: str) -> None:
    """A name is a name, whatever is in it: no option, no word for a shell."""
    assert output(compiled(compiler, {name: HELLO.replace("WORD", '"odd"')})) == b"odd\n"


def test_a_program_cannot_be_changed(compiler: Compiler) -> None:
    """What runs can read its own program, and neither write nor replace it."""
    script = 'import os\ntry: open("/program/a.py", "w")\nexcept OSError as e: print(e.errno)\n'
    script += 'try: os.rename("/program/a.py", "/program/b.py")\nexcept OSError as e: print(e.errno)\n'
    assert output(compiled(compiler, {"a.py": script})) == b"30\n30\n"


def scripts(build: str, run: str) -> Submission:
    """A jury's program of two scripts."""
    files = {"build": build, "run": run}
    return Submission("scripts", {name: File(f"#!/bin/sh\n{text}\n".encode(), True) for name, text in files.items()})


@pytest.mark.parametrize(
    "build", ["ln -s /etc/passwd out/x", "mkfifo out/x", "echo > out/y; ln out/y out/x", "head -c 2G /dev/zero > out/x"]
)
def test_artefacts_are_hostile(compiler: Compiler, build: str) -> None:
    """Links, pipes, files with two names and more than fits are no program."""
    made = compiler.compile(scripts(f"mkdir out; {build}", "true"), jury=True)
    assert isinstance(made, Rejected)
    assert made.message.startswith(("compiler: it left 'out/", "File size"))


def test_scripts_that_build(compiler: Compiler) -> None:
    """A jury's program can bring a script that builds it and one that runs it."""
    both = scripts("echo 'echo built' > inner", "exec sh /program/inner")
    made = compiler.compile(both, jury=True)
    assert isinstance(made, Program), made.message
    assert output(made) == b"built\n"
    assert isinstance(compiler.compile(both, languages=("c",)), Rejected)  # of anybody else's, they are sources


def test_a_named_language_needs_no_extension(compiler: Compiler) -> None:
    """The only file of a submission whose language is said is its source, whatever it is called."""
    made = compiler.compile(source({"solution.txt": HELLO.replace("WORD", '"said"')}, language="c"))
    assert isinstance(made, Program), made.message
    assert output(made) == b"said\n"


def test_unknown_and_forbidden_languages(compiler: Compiler) -> None:
    """A language that cannot be told, or is not allowed, is the submission's error, and says which are."""
    assert "the language of test is not known" in rejected(compiler, {"a.txt": ""})
    made = compiler.compile(source({"a.c": ""}, language="c"), languages=("java", "python3"))
    assert isinstance(made, Rejected)
    assert "java, python3" in made.message


# The cache


def entry(cache: Cache, key: str = "k", text: bytes = b"text") -> Path:
    """One entry's directory."""
    stored = cache.put(key, [("bin/x", File(text, True)), ("y", File(text))], {"a": 1})
    stored.close()
    return stored.directory


def test_an_entry_is_found_again(tmp_path: Path) -> None:
    """Its files, with their modes, and what was said about it; any other key has none."""
    cache = _cache(tmp_path)
    entry(cache)
    found = cache.get("k")
    assert found is not None
    assert (found.directory / "bin/x").stat().st_mode & 0o777 == 0o755
    assert (found.directory / "y").stat().st_mode & 0o777 == 0o644
    assert found.about == {"a": 1}
    found.close()
    assert cache.get("other") is None


def _cache(tmp_path: Path, **options: Any) -> Cache:
    """A cache whose place is not looked at: nothing of it runs."""
    cache = object.__new__(Cache)
    cache.directory, cache.size, cache._used = tmp_path, options.get("size", 1 << 30), None
    return cache


@pytest.mark.parametrize("damage", ["flip", "remove", "add", "mode", "about", "link"])
def test_damage_is_noticed(tmp_path: Path, damage: str) -> None:
    """An entry that is not as it was stored is no entry, and is gone."""
    cache = _cache(tmp_path)
    directory = entry(cache)
    if damage == "flip":
        (directory / "y").write_bytes(b"tExt")
    elif damage == "remove":
        (directory / "y").unlink()
    elif damage == "add":
        (directory / "z").touch()
    elif damage == "mode":
        (directory / "y").chmod(0o755)
    elif damage == "link":
        (directory / "y").unlink()
        (directory / "y").symlink_to("bin/x")
    else:
        (directory.parent / "about.json").write_text("[]")
    assert cache.get("k") is None
    assert not directory.exists()


def test_the_oldest_go_first(tmp_path: Path) -> None:
    """When there is no room, those not used for longest go, but none that is in use."""
    cache = _cache(tmp_path, size=350_000)
    for number in range(3):
        directory = entry(cache, f"k{number}", b"x" * 50_000)
        os.utime(directory.parent, (number, number))
    cache._used = None  # as of another process
    held = cache.get("k0")
    assert held is not None
    os.utime(held.directory.parent, (0, 0))
    entry(cache, "k3", b"x" * 50_000)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["k0", "k2", "k3"]
    held.close()


STORE = """
import sys
from pathlib import Path
from sandbox.files import File
from sandbox.judge.cache import Cache
cache = object.__new__(Cache)
cache.directory, cache.size, cache._used = Path(sys.argv[1]), 1 << 30, None
for number in range(50):
    found = cache.get(str(number)) or cache.put(str(number), [("x", File(b"same"))], {})
    assert (found.directory / "x").read_bytes() == b"same"
    found.close()
"""


def test_many_at_once(tmp_path: Path) -> None:
    """Processes that store and read the same keys at once all get them whole, and there is one of each."""
    many = [subprocess.Popen([sys.executable, "-c", STORE, str(tmp_path)]) for _ in range(4)]
    assert [one.wait(60) for one in many] == [0] * 4
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(map(str, range(50)))


def test_any_umask(programs: Path) -> None:
    """What is stored can be run, also by a service whose files nobody else can read."""
    old = os.umask(0o077)
    try:
        with Compiler(Cache(programs / "new" / "deep"), overlay=os.environ.get("SANDBOX_TEST_OVERLAY", "")) as compiler:
            assert output(compiled(compiler, {"a.c": HELLO.replace("WORD", '"open"')})) == b"open\n"
    finally:
        os.umask(old)


@pytest.mark.root
def test_a_place_that_boxes_cannot_reach(tmp_path: Path) -> None:
    """The error says which directory to open, before anything is compiled."""
    (tmp_path / "closed").mkdir(mode=0o700)
    with pytest.raises(RequestError, match="chmod o"):
        Cache(tmp_path / "closed" / "cache")
