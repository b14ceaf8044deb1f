"""The class that a program begins with is found in the class files that were made, whatever the sources look like."""

from __future__ import annotations

import shutil
import subprocess

import lacking
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import RequestError
from sandbox.files import File
from sandbox.judge import languages
from sandbox.judge.classfiles import parse, startable
from sandbox.judge.compiler import Compiler, Rejected
from sandbox.judge.products import entry_class
from sandbox.judge.staging import Staged
from sandbox.judge.submission import Submission

MAIN = "public static void main(String[] x) { }"
JAVA = languages.load("java")

needs_javac = pytest.mark.usefixtures("javac")


@pytest.fixture
def javac() -> None:
    """What the mark is for: a compiler of Java."""
    lacking.needs(JAVA)


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory):
    """A function that gives the class files of one Java source."""
    lacking.needs(JAVA)

    def compiled(source: str) -> list[File]:
        where = tmp_path_factory.mktemp("java")
        (where / "T.java").write_text(source)
        subprocess.run([shutil.which("javac") or "javac", "-d", "out", "T.java"], cwd=where, check=True)
        return [File(path.read_bytes()) for path in sorted(where.glob("out/**/*.class"))]

    return compiled


ONE = Staged({}, ("Main.java",), "Main.java", "Main.java")
TWO = Staged({}, ("A.java", "B.java"), "", "A.java")


@pytest.mark.parametrize(
    ("source", "entry"),
    [
        (f"class A {{ {MAIN} }}", "A"),
        (f"package a.b; class A {{ {MAIN} }}", "a.b.A"),
        (f"/* package x; static void main */ class A {{ }} class B {{ {MAIN} }}", "B"),
        (f"class Main {{ {MAIN} }} class A {{ {MAIN} }}", "Main"),
        (f"class B {{ {MAIN} }}\nclass A {{ {MAIN} }}", "B"),
        (f"class A {{ static class B {{ {MAIN} }} }}", "A$B"),
        (f"class A {{ static class B {{ {MAIN} }} {MAIN} }}", "A"),
        (f"class A {{ {MAIN} }} class Main extends A {{ }}", "Main"),
        (f"interface A {{ {MAIN} }}", "A"),
        ("interface A { static void main(String... x) { } }", "A"),
        (f"enum A {{ X; {MAIN} }}", "A"),
        (f"record A(int x) {{ {MAIN} }}", "A"),
        ("class A { public static\n void\n main(final String x[]) { } }", "A"),
        ("class A { \\u0070ublic static void \\u006dain(String[] x) { } }", "A"),
        (f"class Größe {{ {MAIN} }}", "Größe"),
        (f"class A {{ void main(int x) {{ }} static void main() {{ }} }} class B {{ {MAIN} }}", "B"),
        (
            'class A { String s = "public static void main(String[] x)"; } class B { long l; double d; ' + MAIN + " }",
            "B",
        ),
    ],
)
def test_the_main_class(classes, source: str, entry: str) -> None:
    """Of one source: the class with a `main` that Java can start, Main before others, outer, public and early ones."""
    assert entry_class(classes(source), JAVA, ONE, None) == entry


@pytest.mark.parametrize(
    "source",
    [
        "class A { }",
        "class A { static void main(String[] x) { } }",
        "class A { public void main(String[] x) { } }",
        "class A { public static void main(String x) { } }",
        "class A { public static int main(String[] x) { return 0; } }",
        "interface A { void main(String[] x); }",
    ],
)
def test_no_main_class(classes, source: str) -> None:
    """A program without such a method is an error of its author's."""
    with pytest.raises(RequestError, match="there is no class with a method main that Java can start"):
        entry_class(classes(source), JAVA, ONE, None)


def test_several_main_classes(classes) -> None:
    """Of several sources, the choice between two main classes is not ours, unless one is called Main or asked for."""
    files = classes(f"class A {{ {MAIN} }} class B {{ {MAIN} }}")
    with pytest.raises(RequestError, match="which of these classes is the main one: A, B"):
        entry_class(files, JAVA, TWO, None)
    assert entry_class(files, JAVA, TWO, "B") == entry_class(files, JAVA, TWO, "B.java") == "B"
    with pytest.raises(RequestError, match="there is no class C with a method main that Java can start"):
        entry_class(files, JAVA, TWO, "C")


def test_a_public_class_of_another_name(compiler: Compiler) -> None:
    """A file is compiled whatever its public classes are called; two in one file are the author's mistake."""
    lacking.needs(JAVA)
    for kind in ("class", "interface", "enum", "record"):
        source = f"public {kind} Other{'()' if kind == 'record' else ''} {{ {';' if kind == 'enum' else ''} {MAIN} }}"
        made = compiler.compile(Submission("x", {"some file.java": File(source.encode())}))
        assert not isinstance(made, Rejected), made.message
        assert made.entry_point == "Other"
        made.close()
    made = compiler.compile(
        Submission("x", {"a.java": File(f"public class A {{ {MAIN} }} public class B {{ }}".encode())})
    )
    assert isinstance(made, Rejected)
    assert "is public, should be declared in a file named" in made.message


def test_a_main_of_later_versions(classes) -> None:
    """In class files of Java 25 and later `main` may be an instance method without a parameter (JEP 512)."""
    (content,) = classes("class A { void main() { } }")
    later = File(content[:7] + bytes([69]) + content[8:])
    assert not startable([content])
    assert [found.name for found in startable([later])] == ["A"]


def test_damaged_files(classes) -> None:
    """A class file that was cut or changed anywhere is a class or none, and never an error."""
    content = classes("class A { long l = 1L << 40; static class B { } " + MAIN + " }")[0]

    @given(st.integers(0, len(content) - 1), st.binary(max_size=4))
    def damaged(at: int, other: bytes) -> None:
        parse(content[:at] + other + content[at + 2 :])
        parse(content[:at])

    damaged()


@given(st.binary(max_size=200))
def test_anything(content: bytes) -> None:
    """What is no class file is no class."""
    assert parse(content) is None
    parse(b"\xca\xfe\xba\xbe" + content)


def test_a_class_above_itself() -> None:
    """Classes that extend each other in a circle, which no compiler makes, are looked at once."""
    assert startable([File(_circle("A", "B")), File(_circle("B", "A"))]) == []


def _circle(name: str, above: str) -> bytes:
    """A class file with a name, a superclass and nothing else."""
    texts = [b"\x01" + len(text).to_bytes(2, "big") + text.encode() for text in (name, above)]
    pool = texts[0] + b"\x07\0\x01" + texts[1] + b"\x07\0\x03"
    return b"\xca\xfe\xba\xbe\0\0\0\x3d" + b"\0\x05" + pool + b"\0\x20" + b"\0\x02\0\x04" + b"\0\0" * 4


def test_a_cycle_is_parsed() -> None:
    """The hand-made file is one that is understood."""
    found = parse(_circle("A", "B"))
    assert found is not None
    assert (found.name, found.superclass, found.main) == ("A", "B", False)
