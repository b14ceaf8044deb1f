"""Whether a language works here: its version, and programs of its own that add, fill the memory and recurse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.box import Box
from sandbox.errors import SandboxError
from sandbox.files import File
from sandbox.judge.compiler import Compiler, Rejected
from sandbox.judge.languages import Language
from sandbox.judge.program import Program
from sandbox.judge.reasons import verdict_of
from sandbox.judge.submission import Submission
from sandbox.judge.verdict import Verdict
from sandbox.policy import load
from sandbox.request import Limits

COLUMNS = ("sum", "memory", "recursion")
"""What is tried of each language."""

INPUT, OUTPUT = "3 4\n", b"7"
"""What every language's program that adds reads, and what it prints then."""

MEMORY = (512 << 20, 2048 << 20)
"""Limits of memory that a language's run time must not fall short of, nor get around."""
FITS, TOO_MUCH = 0.9, 1.2
"""Which part of a limit a program has to be able to hold, and which part must be told as MLE."""

_SMALL, _DEEP = 256 << 20, 1 << 30
"""Memory for adding two numbers, and for recursion."""
_TIME = 120.0


@dataclass(frozen=True, slots=True)
class Trial:
    """One program of a language, in one run."""

    column: str
    name: str
    problem: str = ""
    """What went wrong; empty if nothing did."""
    cpu_time: float | None = None
    """Seconds that the program took."""
    memory_peak: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a language's own programs ended."""

    language: Language
    trials: tuple[Trial, ...]

    @property
    def problem(self) -> str:
        """What went wrong first; empty if nothing did."""
        return next((f"{trial.name}: {trial.problem}" for trial in self.trials if trial.problem), "")

    @property
    def ok(self) -> bool:
        """Whether each did what it should."""
        return not self.problem

    def column(self, name: str) -> tuple[Trial, ...]:
        """The trials of one of the columns; none if the language has no program for it."""
        return tuple(trial for trial in self.trials if trial.column == name)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A run that is to be: what the program reads, under which memory limit, and how that must end."""

    name: str
    stdin: str
    memory: int
    verdict: Verdict = Verdict.AC
    stdout: bytes = b""


def version(language: Language, overlay: str = "") -> str | None:
    """The first line with a number that the version command says, in a box; `None` if the language is not installed."""
    if not language.installed():
        return None
    policy = load((language.compile.policy if language.compile else language.run.policy) + overlay)
    with Box(policy) as box:
        result = box.run(language.version)
    lines = ((result.stdout or b"") + (result.stderr or b"")).decode(errors="replace").split("\n")
    told = [line for line in lines if re.search(r"\d\.\d", line) and "warning" not in line.lower()]
    return told[0].strip() if told else str(result)


def selftest(language: Language, compiler: Compiler, columns: tuple[str, ...] = COLUMNS) -> Outcome:
    """Compile and run the language's own programs; whatever goes wrong is in the outcome."""
    own = language.selftest
    sources = {"sum": own.source, "memory": own.memory, "recursion": own.recursion}
    trials: list[Trial] = []
    for column in columns:
        if sources[column]:
            trials += _program(language, compiler, column, sources[column])
    return Outcome(language, tuple(trials))


def _program(language: Language, compiler: Compiler, column: str, source: str) -> Iterator[Trial]:
    """One program of a language, in each of its runs."""
    files = {language.selftest.file: File(source.encode())}
    try:
        made = compiler.compile(Submission("selftest", files, language.code))
        if isinstance(made, Rejected):
            yield Trial(column, column, f"it does not compile: {made.message}")
            return
        with made:
            for wanted in _runs(language, column):
                yield _trial(made, column, wanted)
    except SandboxError as error:
        yield Trial(column, column, str(error))


def _runs(language: Language, column: str) -> Iterator[_Wanted]:
    if column == "sum":
        yield _Wanted("sum", INPUT, _SMALL, stdout=OUTPUT)
    elif column == "recursion":
        depth = language.selftest.depth
        yield _Wanted(f"recursion, {depth:,} deep", f"{depth}\n", _DEEP, stdout=b"%d" % depth)
    else:
        for limit in MEMORY:
            fits, more = int(limit * FITS), int(limit * TOO_MUCH)
            yield _Wanted(f"{FITS:.0%} of {limit >> 20} MiB", f"{fits}\n", limit, stdout=b"%d" % fits)
            yield _Wanted(f"{TOO_MUCH:.0%} of {limit >> 20} MiB", f"{more}\n", limit, Verdict.MLE)


def _trial(made: Program, column: str, wanted: _Wanted) -> Trial:
    limits = made.limits(Limits(cpu_time=_TIME, wall_time=2 * _TIME, memory=wanted.memory))
    with Box(made.under(limits)) as box:
        result = box.run(made.argv(limits), stdin=wanted.stdin, limits=limits, **made.at_work())
    verdict, reason = verdict_of(result, None, made.language.run.out_of_memory)
    problem = ""
    if verdict is not wanted.verdict or (verdict is Verdict.AC and (result.stdout or b"").strip() != wanted.stdout):
        said = ((result.stdout or b"") + (result.stderr or b""))[:2000].decode(errors="replace")
        problem = f"{wanted.verdict} is right, and it is {verdict} {reason}\n{result}\n{said}"
    return Trial(column, wanted.name, problem, result.cpu_time, result.memory_peak)
