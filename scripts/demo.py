"""The show of scripts/demo: real programs, honest and hostile, each in a box, and how each of them ended."""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

import sandbox
from sandbox import Result, Status

CPP = r"""
#include <algorithm>
#include <iostream>
#include <numeric>
#include <vector>
int main() {
    std::vector<long> numbers(1'000'000);
    std::iota(numbers.begin(), numbers.end(), 1);
    std::cout << "sum " << std::accumulate(numbers.begin(), numbers.end(), 0L) << '\n';
}
"""

JAVA = """
public class Main {
    public static void main(String[] arguments) {
        System.out.println("sum " + java.util.stream.LongStream.rangeClosed(1, 1_000_000).sum());
    }
}
"""

SHELL = "seq 1000000 | awk '{s += $1} END {printf \"sum %.0f\", s}'"

NODE = "let sum = 0; for (let i = 1; i <= 1e6; i++) sum += i; console.log('sum', sum)"

C_HEADS = "#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n#include <sys/ptrace.h>\n"


@dataclass
class Act:
    """One program of the show."""

    name: str
    policy: str
    argv: tuple[str, ...]
    expected: Status
    files: dict[str, bytes] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    needs: str = ""
    """The host's command without which this act is skipped."""
    build: tuple[str, ...] = ()
    """A compiler's command line, run in a box of its own; what it leaves under `made` goes into this one."""
    made: str = "program"


GOOD = (
    Act(
        "C++, compiled in a box", "native", ("./program",), Status.OK,
        files={"main.cpp": CPP.encode()}, build=("g++", "-O2", "-o", "program", "main.cpp"), needs="g++",
    ),
    Act(
        "Python script", "python", ("python3", "main.py"), Status.OK,
        files={"main.py": b"print('sum', sum(range(1, 1_000_001)))"}, needs="python3",
    ),
    Act(
        "Java, compiled in a box", "java", ("java", "-cp", ".", "Main"), Status.OK,
        files={"Main.java": JAVA.encode()}, build=("javac", "Main.java"), made="Main.class", needs="javac",
    ),
    Act("Node script", "node", ("node", "main.js"), Status.OK, files={"main.js": NODE.encode()}, needs="node"),
    Act("Shell pipeline", "shell", ("sh", "-c", SHELL), Status.OK),
)  # fmt: skip


def hostile_c(name: str, body: str, expected: Status, **limits: float) -> Act:
    """A C program that misbehaves."""
    source = f"{C_HEADS}int main(void) {{ {body} }}".encode()
    return Act(
        name, "native", ("./program",), expected, {"main.c": source}, limits,
        build=("gcc", "-O1", "-o", "program", "main.c"), needs="gcc",
    )  # fmt: skip


BAD = (
    hostile_c("endless loop", "for (volatile int i = 0;; i++) ;", Status.CPU_TIME_LIMIT, cpu_time=0.5),
    hostile_c("sleeper", "pause();", Status.WALL_TIME_LIMIT, wall_time=0.5),
    hostile_c("fork bomb", "for (;;) fork();", Status.CPU_TIME_LIMIT, cpu_time=0.5, processes=30),
    hostile_c(
        "memory bomb", "for (;;) { char *p = malloc(1 << 20); if (p) memset(p, 1, 1 << 20); }",
        Status.MEMORY_LIMIT, memory=64 << 20,
    ),
    hostile_c("output flood", 'for (;;) write(1, "flood\\n", 6);', Status.OUTPUT_LIMIT, output=1 << 20),
    hostile_c("debugger", "ptrace(PTRACE_ATTACH, 1, 0, 0); return 0;", Status.SYSCALL_DENIED),
    Act(
        "file reader", "python", ("python3", "-c", "print(open('/etc/shadow').read())"), Status.NONZERO_EXIT,
        needs="python3",
    ),
    Act(
        "network caller", "python",
        ("python3", "-c", "import socket; socket.create_connection(('192.0.2.1', 80), 2)"), Status.NONZERO_EXIT,
        needs="python3",
    ),
    Act(
        "daemon that stays", "shell", ("sh", "-c", "setsid sleep 1000 & echo gone"), Status.OK,
    ),
)  # fmt: skip


def perform(act: Act, overlay: str) -> Result:
    """Compile what is to be compiled, then run the program."""
    files: dict[str, bytes | Path] = dict(act.files)
    if act.build:
        made = sandbox.run(act.build, policy="compile" + overlay, files=files, collect=[act.made])
        content = made.files[act.made]
        if not isinstance(content, bytes):
            return made
        files = {act.made: content}
    return sandbox.run(act.argv, policy=act.policy + overlay, files=files, limits=act.limits)


def said(result: Result) -> str:
    """The line of output that tells most."""
    lines = (result.stdout or b"").decode(errors="replace").splitlines()[:1]
    if not result.ok:
        lines = (result.stderr or b"").decode(errors="replace").splitlines()[-1:] or lines
    if result.denied_syscalls:
        lines = ["denied: " + ", ".join(result.denied_syscalls)]
    return lines[0] if lines else ""


def present(console: Console, title: str, acts: tuple[Act, ...], overlay: str) -> int:
    """Perform some acts, show them in a table; how many did not end as they should."""
    table = Table(title=title, title_justify="left", title_style="bold", expand=True)
    # Minimum widths, so that the two tables line up and only what was said gives way.
    wide = console.width >= 100  # a narrow terminal has room for what was measured only
    for heading, style, width in (("program", "", 23), ("policy", "dim", 7), ("ended", "", 15)):
        table.add_column(heading, style=style, no_wrap=True, min_width=width)
    for heading, width in (("cpu", 7), ("wall", 7), ("memory", 7)):
        table.add_column(heading, justify="right", no_wrap=True, min_width=width)
    table.add_column("said", overflow="ellipsis", no_wrap=True, ratio=1)
    if not wide:
        table.columns = [column for column in table.columns if column.header not in ("policy", "said")]
    wrong = 0
    for act in acts:
        if act.needs and not shutil.which(act.needs, path="/usr/local/bin:/usr/bin:/bin"):
            cells = [act.name, act.policy, f"[dim]no {act.needs}[/]", "", "", "", ""]
            table.add_row(*(cells if wide else [act.name, *cells[2:6]]))
            continue
        result = perform(act, overlay)
        good = result.status is act.expected
        wrong += not good
        cpu = "?" if result.cpu_time is None else f"{result.cpu_time:.3f} s"
        memory = "?" if result.memory_peak is None else f"{result.memory_peak / 1048576:.1f} M"
        status = f"[green]{result.status}[/]" if good else f"[red]{result.status}, not {act.expected}[/]"
        cells = [act.name, act.policy, status, cpu, f"{result.wall_time:.3f} s", memory, said(result)]
        table.add_row(*(cells if wide else [act.name, *cells[2:6]]))
    console.print(table)
    return wrong


def main() -> None:
    """The whole show; exits with 1 if a program ended otherwise than it should."""
    console = Console(width=None if sys.stdout.isatty() else 110)
    overlay = "" if os.geteuid() == 0 else "+weak-no-cgroup"
    if overlay:
        console.print("Not root: without control groups, by policy [bold]weak-no-cgroup[/]; see `sandbox doctor`.\n")
    started = time.monotonic()
    wrong = present(console, "Honest programs", GOOD, overlay)
    console.print()
    wrong += present(console, "Hostile programs", BAD, overlay)
    console.print(f"\n{len(GOOD) + len(BAD)} programs in {time.monotonic() - started:.1f} s; ", end="")
    console.print("[green]every one ended as it should[/]" if not wrong else f"[red]{wrong} ended otherwise[/]")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
