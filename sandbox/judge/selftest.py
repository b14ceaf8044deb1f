"""Whether a language works here: its version, and a program of its own that is compiled and run."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.box import Box
from sandbox.errors import SandboxError
from sandbox.files import File
from sandbox.judge.compiler import Compiler, Rejected
from sandbox.judge.languages import Language
from sandbox.judge.submission import Submission
from sandbox.policy import load
from sandbox.request import Limits

INPUT, OUTPUT = "3 4\n", b"7"
"""What every language's program reads, and what it prints then."""

_MEMORY = 256 << 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a language's own program ended."""

    language: Language
    problem: str = ""
    """What went wrong; empty if nothing did."""
    cpu_time: float | None = None
    """Seconds that the program took."""

    @property
    def ok(self) -> bool:
        """Whether it printed what it should."""
        return not self.problem


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


def selftest(language: Language, compiler: Compiler) -> Outcome:
    """Compile and run the language's own program; whatever goes wrong is in the outcome."""
    source = language.selftest.source.encode()
    try:
        made = compiler.compile(Submission("selftest", {language.selftest.file: File(source)}, language.code))
        if isinstance(made, Rejected):
            return Outcome(language, f"it does not compile: {made.message}")
        with made:
            limits = made.limits(Limits(memory=_MEMORY))
            with Box(made.policy.allowing(limits)) as box:
                result = box.run(made.argv(_MEMORY), stdin=INPUT, limits=limits)
    except SandboxError as error:
        return Outcome(language, str(error))
    if result.ok and (result.stdout or b"").strip() == OUTPUT:
        return Outcome(language, cpu_time=result.cpu_time)
    said = ((result.stdout or b"") + (result.stderr or b""))[:2000].decode(errors="replace")
    return Outcome(language, f"{result}\n{said}", result.cpu_time)
