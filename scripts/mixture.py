"""The programs of scripts/soak: good and hostile ones, each with how it is to end and what it is to print."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import NotCollected, Result, Status

TESTS = Path(__file__).resolve().parents[1] / "tests"
SOURCES = {path.stem: path for path in (*TESTS.glob("programs/*.c"), TESTS / "escape/hostile.c")}

TOKEN = b"TOKEN"
"""Stands for what no other run has. It comes by stdin and files: arguments and environment, if they differed in each
run, would fill the boxes' memory of plans, and hide what else grows.
"""


@dataclass(frozen=True)
class Program:
    """A program, and the Result that is expected of it."""

    name: str
    argv: Sequence[str]
    """Begins with the name of a C program of the tests, if there is one, else with a command of the box."""
    status: Status = Status.OK
    code: int | None = 0
    """The exit code, or the signal's negative number; `None` if either may be."""
    stdout: bytes | None = b""
    """What is printed; `None` if that depends on the instant at which the run is ended."""
    limits: Mapping[str, float] = field(default_factory=dict)
    stdin: bytes | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    collected: Mapping[str, bytes | str] = field(default_factory=dict)
    """Files that are collected, with their content or the reason why there is none."""
    weight: int = 2
    group: bool = False
    """Whether its end, or that in time, needs a control group."""

    @property
    def wall_time(self) -> float:
        """Its limit of wall time, in seconds."""
        return self.limits.get("wall_time", 10.0)

    def options(self, token: bytes) -> dict[str, Any]:
        """The arguments of `run` but for the program itself."""
        return {
            "stdin": None if self.stdin is None else self.stdin.replace(TOKEN, token),
            "files": {name: content.replace(TOKEN, token) for name, content in self.files.items()},
            "collect": list(self.collected),
            "limits": {**self.limits, "wall_time": self.wall_time},
        }

    def wrong(self, result: Result, token: bytes) -> list[str]:
        """What is otherwise than expected."""
        code = result.exit_code if result.signal is None else -result.signal
        found = {
            name: content.reason if isinstance(content, NotCollected) else content
            for name, content in result.files.items()
        }
        want = {
            name: content.replace(TOKEN, token) if isinstance(content, bytes) else content
            for name, content in self.collected.items()
        }
        wrong = []
        if result.status is not self.status:
            wrong.append(f"{self.status} expected")
        if self.code not in (None, code):
            wrong.append(f"exit code {self.code} expected")
        if self.stdout is not None and result.stdout != self.stdout.replace(TOKEN, token):
            wrong.append(f"stdout {_short(self.stdout.replace(TOKEN, token))} expected, {_short(result.stdout)} found")
        if found != want:
            wrong.append(f"files {want} expected, {found} found")
        return wrong


def _short(content: bytes | None) -> str:
    if content is None or len(content) <= 80:
        return repr(content)
    return f"{content[:60]!r}… ({len(content)} bytes)"


def build(directory: Path) -> dict[str, Path]:
    """Compile the C programs; where each of them is."""
    built = {}
    for name, source in SOURCES.items():
        built[name] = directory / name
        subprocess.run(["gcc", "-O1", "-w", "-pthread", "-o", built[name], source], check=True)
    return built


def _shell(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script)


def _python(script: str) -> tuple[str, ...]:
    return ("python3", "-I", "-S", "-c", script)


BRIEF = {"wall_time": 0.03}
SPIN = {"cpu_time": 0.03}
TIGHT = {"memory": 24 << 20}
FULL = {"output": 100_000}

DEEP = "import os\nfor _ in range(300): os.mkdir('d' * 250); os.chdir('d' * 250)"
SHUT = "mkdir -p x/y; touch x/y/z; chmod 0 x/y x /tmp /dev/shm .; cat"
LOOK = "pwd; ls -A /box /tmp /dev/shm; set -- /proc/[0-9]*; echo $#"
FLIGHT = """
import array, socket
one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
named = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
named.bind("\\0" + input())
held = array.array("i", [one.fileno(), other.fileno(), named.fileno()])
one.sendmsg([bytes(100_000)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, held)])
"""
NAMES = "import os; print(sum(' @' in line for line in open('/proc/self/net/unix')))"

GOOD = [
    Program("nothing", ("true",), weight=30),
    Program("echo", _shell("echo word"), stdout=b"word\n", weight=10),
    Program("cat", ("cat",), stdin=b"TOKEN " * 20_000, stdout=b"TOKEN " * 20_000, weight=5),
    Program("stdin that nobody reads", ("true",), stdin=bytes(1 << 20), weight=2),
    Program("sort", _shell("sort | uniq -c | tr -s ' '"), stdin=b"b\na\nb\n", stdout=b" 1 a\n 2 b\n", weight=3),
    Program("both streams", _shell("cat; echo error >&2"), stdin=b"TOKEN\n", stdout=b"TOKEN\n", weight=3),
    Program("python", _python("print(input())"), stdin=b"TOKEN\n", stdout=b"TOKEN\n", weight=2),
    Program("exit code", ("end", "exit", "7"), Status.NONZERO_EXIT, 7, weight=3),
    Program("burn", ("burn", "for", "0.01"), weight=3),
    Program(
        "files in and out",
        _shell("tr a-z A-Z <in >out; mkdir d; cp in d"),
        files={"in": b"TOKEN of mine\n", "deep/er/in": b"x"},
        collected={"out": b"TOKEN OF MINE\n", "d/in": b"TOKEN of mine\n", "none": "no such file"},
        weight=5,
    ),
    Program("an untouched box", _shell(LOOK), stdout=b"/box\n/box:\n\n/dev/shm:\n\n/tmp:\n1\n", weight=8),
    Program("no name of others", _python(NAMES), stdout=b"0\n", weight=2),
]

HOSTILE = [
    # Time
    Program("loop", ("burn", "loop"), Status.CPU_TIME_LIMIT, -9, limits=SPIN),
    Program("loops in threads", ("burn", "threads", "4"), Status.CPU_TIME_LIMIT, -9, limits=SPIN),
    Program("loops in children", ("burn", "children", "9"), Status.CPU_TIME_LIMIT, -9, limits=SPIN, group=True),
    Program("deaf loop", ("linger", "spin"), Status.CPU_TIME_LIMIT, -9, limits=SPIN),
    Program("sleeper", ("linger", "sleep"), Status.WALL_TIME_LIMIT, -9, limits=BRIEF),
    Program("stopped", ("linger", "stop"), Status.WALL_TIME_LIMIT, -9, limits=BRIEF),
    Program("deaf", ("linger", "deaf"), Status.WALL_TIME_LIMIT, -9, limits=BRIEF),
    Program("spinning sessions", ("hostile", "starve", "8"), Status.WALL_TIME_LIMIT, -9, None, BRIEF, group=True),
    # Processes
    Program("daemon", ("linger", "daemon"), stdout=b"left"),
    Program("daemons that print", _shell("(setsid yes &); sleep 9"), Status.OUTPUT_LIMIT, None, None, FULL),
    Program("fork churn", ("hostile", "churn", "4"), Status.WALL_TIME_LIMIT, -9, limits=BRIEF, group=True),
    Program("processes", ("limits", "processes"), stdout=b"12 EAGAIN\n", limits={"processes": 12}, group=True),
    Program("threads", ("limits", "threads"), stdout=b"12 EAGAIN\n", limits={"processes": 12}, group=True),
    # Memory
    Program("memory", ("memory", "anonymous", "60"), Status.MEMORY_LIMIT, -9, limits=TIGHT, group=True),
    Program("shared memory", ("memory", "shared", "60"), Status.MEMORY_LIMIT, -9, limits=TIGHT, group=True),
    Program("memory of many", ("memory", "processes", "60"), Status.MEMORY_LIMIT, None, limits=TIGHT),
    Program("memory of a child", ("memory", "child", "60"), Status.MEMORY_LIMIT, None, limits=TIGHT, group=True),
    Program("memory in files", ("memory", "tmpfs", "60"), Status.MEMORY_LIMIT, None, limits=TIGHT, group=True),
    Program("memory in /dev/shm", ("memory", "shm", "60"), Status.MEMORY_LIMIT, None, limits=TIGHT, group=True),
    Program("memory in no file", ("memory", "memfd", "60"), Status.MEMORY_LIMIT, None, limits=TIGHT, group=True),
    Program("memory that is there", ("memory", "anonymous", "12"), limits=TIGHT),
    # Output
    Program("flood", ("flood", "1"), Status.OUTPUT_LIMIT, None, b"x" * 100_000, FULL),
    Program("flood of errors", ("flood", "2"), Status.OUTPUT_LIMIT, None, b"", FULL),
    Program("output that fits", ("flood", "1", "100000"), stdout=b"x" * 100_000, limits=FULL),
    # Calls and crashes
    Program("denied", ("deny", "ptrace"), Status.SYSCALL_DENIED, -9),
    Program("denied to a child", ("deny", "child"), Status.SYSCALL_DENIED, None, None),
    Program("denied to a thread", ("deny", "thread"), Status.SYSCALL_DENIED, None),
    Program("crash", ("end", "segv"), Status.SIGNALED, -11),
    Program("abort", ("end", "abort"), Status.SIGNALED, -6),
    Program("deep recursion", ("end", "stack"), Status.SIGNALED, -11, limits={"stack": 1 << 20}),
    # Files
    Program("deep tree", _python(DEEP)),
    Program("shut directories", _shell(SHUT), stdin=b"TOKEN\n", stdout=b"TOKEN\n"),
    Program("inodes", ("limits", "inodes"), stdout=None, limits={"inodes": 50}),
    Program("scratch", ("limits", "write"), stdout=None, limits={"scratch": 1 << 20}),
    Program("descriptors", ("limits", "files"), stdout=b"50 EMFILE\n", limits={"open_files": 50}),
    Program("marks", _shell("touch -d @5 /tmp; chmod 711 /dev/shm; echo x >/dev/shm/x; rm /dev/shm/x")),
    Program("a FIFO to collect", ("leave", "fifo", "x"), collected={"x": "not a regular file"}),
    Program("a link to collect", ("leave", "link", "x"), collected={"x": "a link; links are not followed"}),
    Program("a hole to collect", ("leave", "sparse", "x"), Status.SIGNALED, -25, collected={"x": b"content"}),
    Program("two names to collect", ("leave", "hard", "x"), collected={"x": "has more than one name (hard link)"}),
    # Sockets
    Program("sockets in flight", _python(FLIGHT), stdin=b"TOKEN\n"),
    Program("memory in flight", ("hostile", "garbage", "4"), stdout=b"0\n", group=True),
]

PROGRAMS = (*GOOD, *HOSTILE)
