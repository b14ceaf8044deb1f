"""Run times of languages live within the limits of the problem: no cap of their own comes first, or ends in RTE."""

from __future__ import annotations

import lacking
import pytest

from sandbox.box import Box
from sandbox.files import File
from sandbox.judge import languages
from sandbox.judge.compiler import Compiler
from sandbox.judge.program import Program
from sandbox.judge.reasons import verdict_of
from sandbox.judge.selftest import MEMORY, selftest
from sandbox.judge.submission import Submission
from sandbox.judge.verdict import Verdict
from sandbox.request import Limits
from sandbox.result import Result

ALL = languages.codes()
MIB = 1 << 20


def installed(code: str) -> languages.Language:
    """The language, of which a test needs the tools."""
    language = languages.load(code)
    lacking.needs(language)
    return language


@pytest.mark.cgroup
@pytest.mark.parametrize("code", ALL)
def test_memory(code: str, compiler: Compiler) -> None:
    """Nine tenths of 512 and of 2048 MiB can be held in data of the language; a fifth more than the limit is MLE."""
    outcome = selftest(installed(code), compiler, ("memory",))
    assert outcome.ok, outcome.problem
    assert len(outcome.trials) == 2 * len(MEMORY)


@pytest.mark.parametrize("code", ALL)
def test_recursion(code: str, compiler: Compiler) -> None:
    """A million calls deep is possible, or the language's file says why not."""
    outcome = selftest(installed(code), compiler, ("recursion",))
    assert outcome.ok, outcome.problem
    assert len(outcome.trials) == 1


REFUSED = {
    "one array in Java": ("java", "class Main { public static void main(String[] a) { var x = new int[1 << 30]; } }"),
    "a list in Java": (
        "java",
        """
import java.util.*;
class Main { public static void main(String[] a) { var x = new ArrayList<long[]>(); for (;;) x.add(new long[99]); } }
""",
    ),
    "small objects in JavaScript": ("javascript", "const held = []; for (;;) held.push({});"),
    "names in JavaScript": ("javascript", "const held = {}; for (let i = 0; ; i++) held['name' + i] = i;"),
    "buffers in JavaScript": ("javascript", "const held = []; for (;;) held.push(Buffer.alloc(1 << 20, 1));"),
    "one array in Haskell": (
        "haskell",
        "import qualified Data.ByteString as B\nmain = print (B.last (B.replicate 999999999 1))",
    ),
    "one text in PHP": ("php", "<?php $x = str_repeat('x', 1 << 30); echo strlen($x);"),
    "a list in Python": ("python3", "held = []\nwhile True: held.append(bytes(1000))"),
    "a list in PyPy": ("pypy3", "held = []\nwhile True: held.append([held])"),
    "a list in Lua": ("lua", "local held = {} while true do held[#held + 1] = {} end"),
    "a text in Ruby": ("ruby", "x = 'x'\nloop { x += x }"),
    "a slice in Go": (
        "go",
        "package main\nfunc main() { held := []*[99]int{}; for { held = append(held, new([99]int)) } }",
    ),
}


def run(compiler: Compiler, code: str, source: str, memory: int) -> tuple[Result, Verdict]:
    """How a program ends under a memory limit of that many MiB, and what is concluded from it."""
    language = installed(code)
    made = compiler.compile(Submission("test", {language.selftest.file: File(source.encode())}, code))
    assert isinstance(made, Program), made
    limits = made.limits(Limits(cpu_time=60, wall_time=120, memory=memory * MIB))
    with made, Box(made.under(limits)) as box:
        result = box.run(made.argv(limits), limits=limits, **made.at_work())
    return result, verdict_of(result, None, language.run.out_of_memory)[0]


@pytest.mark.cgroup
@pytest.mark.parametrize("name", REFUSED)
def test_what_a_run_time_refuses_is_mle(name: str, compiler: Compiler) -> None:
    """Too much memory is MLE, by the kernel or by the run time, whether it is asked for at once or bit by bit."""
    code, source = REFUSED[name]
    result, verdict = run(compiler, code, source, 128)
    assert verdict is Verdict.MLE, f"{result}\n{(result.stderr or b'').decode(errors='replace')}"


GARBAGE = {
    "java": "class Main { public static void main(String[] a) { for (int i = 0; i < 2000; i++) copy(new int[1 << 18]);"
    " } static int[] last; static void copy(int[] x) { last = x.clone(); } }",
    "javascript": "for (let i = 0, x; i < 2000; i++) x = new Array(1 << 17).fill(i + 0.5);",
    "go": "package main\nvar x []int\nfunc main() { for i := 0; i < 2000; i++ { x = make([]int, 1 << 17); x[i] = i } }",
    "pypy3": "for i in range(2000): x = [i + 0.5] * (1 << 17)",
    "haskell": "main = mapM_ (\\n -> print (length (show (product [1 .. n :: Integer])))) [3000 .. 3200]",
    "csharp": "class P { static void Main() { for (int i = 0; i < 2000; i++) { var x = new int[1 << 18]; x[i] = i; }}}",
    "racket": "#lang racket/base\n(for ([i 2000]) (vector-fill! (make-vector (expt 2 17) 0) i))",
}


@pytest.mark.cgroup
@pytest.mark.parametrize("code", GARBAGE)
def test_garbage_is_not_counted(code: str, compiler: Compiler) -> None:
    """A program that makes 2 GiB of garbage, and holds next to nothing, is well below a limit of 128 MiB."""
    result, verdict = run(compiler, code, GARBAGE[code], 128)
    assert verdict is Verdict.AC, f"{result}\n{(result.stderr or b'').decode(errors='replace')}"


@pytest.mark.parametrize("code", ["java", "kotlin", "php", "pypy3", "ruby", "python3", "javascript", "csharp"])
def test_run_times_say_nothing(code: str, compiler: Compiler) -> None:
    """What is on stderr is the program's alone: no run time tells there of its options, or of what it found out."""
    language = installed(code)
    made = compiler.compile(Submission("test", {language.selftest.file: File(language.selftest.source.encode())}, code))
    assert isinstance(made, Program), made
    limits = made.limits(Limits(memory=64 * MIB))
    with made, Box(made.under(limits)) as box:
        result = box.run(made.argv(limits), stdin="3 4\n", limits=limits, **made.at_work())
    assert (result.stdout or b"").strip() == b"7"
    assert result.stderr == b""


def test_the_words_for_limits(compiler: Compiler) -> None:
    """Commands and variables say which limits there are: the problem's, with the allowance, and of the stack."""
    language = languages.load("python3").model_copy(
        update={
            "run": languages.Run(argv=("x", "{memory} {total} {ample} {stack}"), env={"CAP": "{memory}m"}),
            "allowance": languages.Allowance(memory=24 * MIB),
        }
    )
    made = compiler.compile(Submission("test", {"a.py": File(b"")}, "python3"))
    assert isinstance(made, Program)
    with made:
        own = Program(language, made.policy, made.directory, made.main, made.entry_point)
        for wanted, words in (
            (Limits(memory=100 * MIB), "100 124 248 112"),
            (Limits(memory=100 * MIB, stack=8 * MIB), "100 124 248 8"),
            (Limits(memory=8192 * MIB), "8192 8216 16432 1024"),
        ):
            limits = own.limits(wanted)
            assert own.argv(limits) == ("x", words)
            assert own.under(limits).env["CAP"] == f"{words.partition(' ')[0]}m"
            assert own.under(limits).resolve(limits).stack == (wanted.stack or wanted.memory * 9 // 8)
