"""Attacks on others than the run itself, which `test_attacks.py` has a table of.

The rows of `TRACES` leave something for the next run of the same box, those
of `HELD` hold something while another box and the host look, and the tests below them attack the verdict.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

import sandbox
from sandbox import Box, NotCollected, Result, Status

HERE = Path(__file__).parent


def still_open(reason: str) -> pytest.MarkDecorator:
    """The mark of an attack that succeeds: to be closed, or to be named in SECURITY.md."""
    return pytest.mark.xfail(reason=reason, strict=False)


OK = Status.OK
DENIED = Status.SYSCALL_DENIED

PRELUDE = """
import ctypes, fcntl, os, signal, socket, struct, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *arguments)
    return -ctypes.get_errno() if result < 0 else result
def attempt(what, *arguments):
    try:
        print(what(*arguments))
    except OSError as error:
        print(os.strerror(error.errno))
def write(path, text):
    return os.write(os.open(path, os.O_WRONLY), text)
"""
"""What every hostile Python program begins with."""


def python(box: Box, program: str, **options: Any) -> Result:
    """Run hostile Python without leaving a file, so that the box can be used again."""
    return box.run(["python3", "-I", "-S", "-c", PRELUDE + program], **options)


@pytest.fixture(scope="module")
def warm(policy: Callable[[str], str]) -> Iterator[Box]:
    """A box for all rows of one table: each attack finds what those before it have left."""
    with Box(policy("python")) as box:
        yield box


# Traces for the next run


class Trace(NamedTuple):
    """What one run leaves, and where the next one would look for it."""

    name: str
    leave: str
    look: str
    layer: str
    marks: tuple[pytest.MarkDecorator, ...] = ()


LOCKED = """
for command in (fcntl.LOCK_EX | fcntl.LOCK_NB,):
    attempt(fcntl.flock, os.open('/dev/null', 0), command)
query = struct.pack('hhqqi4x', 1, 0, 0, 0, 0)
attempt(lambda: struct.unpack('hhqqi4x', fcntl.fcntl(os.open('/dev/null', 2), 36, query))[:4])
"""

CIRCLE = """
one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
named = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
named.bind("\\0" + str(time.time_ns()))
one.sendmsg([b"x"], [(1, 1, struct.pack("3i", one.fileno(), other.fileno(), named.fileno()))])
"""

TRACES = [
    Trace(
        "flags of stdin",
        "fcntl.fcntl(0, 4, os.O_APPEND | os.O_NONBLOCK)",
        "print(fcntl.fcntl(0, 3))",
        "opened for each run",
    ),
    Trace("lock on stdin", "attempt(fcntl.flock, 0, 2)", LOCKED, "opened for each run"),
    Trace(
        "ranges locked on stdin",
        "attempt(fcntl.fcntl, 0, 37, struct.pack('hhqqi4x', 1, 0, 42, 7, 0))",
        LOCKED,
        "opened for each run",
    ),
    Trace(
        "weight of the session",
        "attempt(write, '/proc/self/autogroup', b'19')",
        "print(open('/proc/self/autogroup').read().split()[1:])",
        "read-only /proc",
    ),
    Trace(
        "projid_map",
        "attempt(write, '/proc/self/projid_map', b'0 4242 1\\n')",
        "print(open('/proc/self/projid_map').read())",
        "read-only /proc",
    ),
    Trace(
        "time of a look at a directory",
        "time.sleep(.02); os.listdir('/tmp')",
        "s = os.stat('/tmp'); print(s.st_atime_ns - s.st_ctime_ns)",
        "noatime",
    ),
    Trace(
        "priority",
        "attempt(os.setpriority, 0, 1, 5); attempt(os.setpriority, 2, 0, 5)",
        "print(os.getpriority(0, 0))",
        "another uid; capabilities",
    ),
    Trace(
        "lock on the directory",
        "attempt(fcntl.flock, os.open('/box', 0), 2)",
        "attempt(lambda: fcntl.flock(os.open('/box', 0), 6))",
        "ends with its holder",
    ),
    Trace(
        "name in the abstract",
        "s = socket.socket(1); s.bind('\\0here'); os.fork() or time.sleep(9)",
        "s = socket.socket(1); attempt(s.connect, '\\0here')",
        "every process is ended",
    ),
    Trace(
        "name that only a socket in flight has",
        CIRCLE,
        "print([l.split()[7:] for l in open('/proc/self/net/unix')][1:])",
        "the kernel's garbage collector is waited for",
    ),
    Trace(
        "umask, directory, signals",
        "os.umask(0); os.chdir('/'); signal.signal(2, signal.SIG_IGN)",
        "print(os.umask(0), os.getcwd(), signal.getsignal(2))",
        "set for each run",
    ),
    Trace(
        "timer slack and out-of-memory score",
        "attempt(write, '/proc/self/oom_score_adj', b'500')",
        "print(open('/proc/self/oom_score_adj').read())",
        "read-only /proc; of a process",
    ),
]


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "fresh"])
@pytest.mark.parametrize("row", [pytest.param(row, id=row.name, marks=row.marks) for row in TRACES])
def test_leaves_no_trace(warm: Box, row: Trace, kept: bool) -> None:
    """What a run sees is the same before and after the attack, whether the box was used again or is a fresh one."""
    before = python(warm, row.look)
    python(warm, row.leave + ("" if kept else "\nopen('/tmp/mark', 'w')"))
    after = python(warm, row.look)
    assert (after.status, after.stdout, after.stderr) == (before.status, before.stdout, before.stderr)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_no_descriptor_is_shared_by_runs(policy: Callable[[str], str], stream: str) -> None:
    """An output that goes nowhere is a descriptor of one run alone, and no way to the host's /dev/null."""
    number, other = (1, "stderr") if stream == "stdout" else (2, "stdout")
    attack = f"fcntl.fcntl({number}, 4, os.O_APPEND | os.O_NONBLOCK)\ntry: os.utime({number})\nexcept OSError: pass"
    look = f"os.write({3 - number}, b'%x' % fcntl.fcntl({number}, 3))"
    before = os.stat("/dev/null").st_mtime_ns
    with Box(policy("python")) as box:
        clean = python(box, look, **{stream: sandbox.DEVNULL})
        python(box, attack, **{stream: sandbox.DEVNULL})
        assert getattr(python(box, look, **{stream: sandbox.DEVNULL}), other) == getattr(clean, other)
    with Box(policy("native")) as box:
        assert getattr(python(box, look, **{stream: sandbox.DEVNULL}), other) == getattr(clean, other)
    assert os.stat("/dev/null").st_mtime_ns == before


@pytest.mark.cgroup
def test_memory_in_flight_is_not_the_next_runs(hostile: Callable[[str], Path], policy: Callable[[str], str]) -> None:
    """What sockets in a circle hold is freed by the kernel when it likes, and not at the next run's expense."""
    program = hostile("hostile").read_bytes()
    hoard = "print(len(bytearray(150 << 20)))"
    with Box(policy("python")) as box:
        for _ in range(6):
            left = box.run(["/proc/self/fd/0", "garbage", "150"], stdin=program, limits={"file_size": 200 << 20})
            assert (left.status, left.stdout) == (OK, b"0\n")
            result = python(box, hoard, limits={"memory": 220 << 20})
            assert result.status is OK
            assert result.memory_peak is not None
            assert result.memory_peak > 140 << 20


# What is held while others look


class Held(NamedTuple):
    """What a run holds, what another box does meanwhile, and what the host does."""

    name: str
    policy: str
    hold: str
    look: str
    host: Callable[[], str]
    layer: str
    marks: tuple[pytest.MarkDecorator, ...] = ()


def _host_lock(path: str) -> str:
    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return os.strerror(error.errno or 0)
    return "free"


def _host_inotify() -> str:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(0)
    if fd < 0:
        return errno.errorcode[ctypes.get_errno()]
    os.close(fd)
    return "free"


_MANY = "found = []\nwhile (n := call(294, 0)) >= 0: found.append(n)\n"
_LOOK_LOCK = "attempt(fcntl.flock, os.open('/usr/bin/sort', 0), 6)"

HELD = [
    Held(
        "lock on a file of /usr",
        "compile",
        "attempt(fcntl.flock, os.open('/usr/bin/sort', 0), 6)",
        _LOOK_LOCK,
        lambda: _host_lock("/usr/bin/sort"),
        "none",
        (still_open("flock is allowed, for build caches, and /usr is the host's"),),
    ),
    Held(
        "lock on a file of /usr",
        "native",
        "attempt(fcntl.flock, os.open('/usr/bin/sort', 0), 6)",
        _LOOK_LOCK,
        lambda: _host_lock("/usr/bin/sort"),
        "seccomp",
    ),
    Held(
        "lock on /dev/null",
        "native",
        "attempt(fcntl.flock, 0, 6)",
        "attempt(fcntl.flock, 0, 6)",
        lambda: _host_lock("/dev/null"),
        "seccomp",
    ),
    Held("inotify instances", "shell", _MANY, "print(call(294, 0) in (-38, 3))", _host_inotify, "seccomp"),
    Held("inotify instances", "node", _MANY, "print(call(294, 0) in (-38, 3))", _host_inotify, "seccomp"),
    Held(
        "descriptors of the host",
        "native",
        "held = []\ntry:\n    while True: held.append(os.pipe())\nexcept OSError: pass",
        "print(len(os.pipe()))",
        _host_inotify,
        "rlimit",
    ),
]


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row.name}, {row.policy}", marks=row.marks) for row in HELD])
def test_others_do_not_notice(policy: Callable[[str], str], row: Held) -> None:
    """Another box and the host get what they get when nobody attacks."""
    with Box(policy(row.policy)) as box, Box(policy("native")) as other:
        quiet, host = python(other, row.look), row.host()
        reading, writing = os.pipe()
        held = row.hold + "\nprint('held', flush=True)\ntime.sleep(60)"
        holder = threading.Thread(target=python, args=(box, held), kwargs={"stdout": writing})
        holder.start()
        try:
            told = b""
            while b"held" not in told:
                assert select.select([reading], [], [], 30)[0], told
                told += os.read(reading, 1000)
            disturbed = python(other, row.look)
            assert holder.is_alive()
            assert (disturbed.status, disturbed.stdout) == (quiet.status, quiet.stdout)
            assert row.host() == host == "free"
        finally:
            box.signal(signal.SIGKILL)
            holder.join()
            os.close(reading)
            os.close(writing)


def _unreclaimable() -> int:
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("SUnreclaim"))


@pytest.mark.parametrize("command", [6, 37], ids=["process", "open file"])
@pytest.mark.parametrize(
    "name",
    [
        "native",
        "shell",
        "python",
        "compile",
    ],
)
def test_locks_take_no_memory_of_the_hosts(
    hostile: Callable[[str], Path], policy: Callable[[str], str], name: str, command: int
) -> None:
    """Record locks are kernel memory that no group is charged for: 1.2 million would be 240 MiB."""
    before, most, done = _unreclaimable(), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            most[0] = max(most[0], _unreclaimable())

    watcher = threading.Thread(target=watch)
    watcher.start()
    with Box(policy(name)) as box:
        result = box.run(
            ["./hostile", "locks", str(command)], files={"hostile": hostile("hostile")}, limits={"memory": 64 << 20}
        )
    done.set()
    watcher.join()
    assert result.status is OK
    assert most[0] - before < 64 << 20


# The verdict


class Verdict(NamedTuple):
    """An attack on the end of a run."""

    name: str
    argv: tuple[str, ...]
    limits: dict[str, float]
    layer: str
    status: Status


SOON = 20.0
"""Seconds after which a run of half a second must be over, whoever else wants the CPUs; the attacks last a minute."""

WALL = {"wall_time": 0.5, "cpu_time": 20}

VERDICTS = [
    Verdict("init gets no CPU", ("./hostile", "starve", "60"), WALL, "read-only /proc", Status.WALL_TIME_LIMIT),
    Verdict(
        "init is throttled",
        ("./hostile", "starve", "60"),
        WALL | {"cpus": 0.05},
        "the box is ended from outside",
        Status.WALL_TIME_LIMIT,
    ),
    Verdict(
        "children that init did not make",
        ("./hostile", "churn", "8"),
        WALL | {"memory": 2 << 30},  # the dead hold memory until the kernel has the time
        "PID 1 reaps faster than they make",
        Status.WALL_TIME_LIMIT,
    ),
    Verdict(
        "CPU of children that nobody waits for",
        ("./hostile", "churn", "8"),
        {"cpu_time": 0.2, "wall_time": 5, "memory": 2 << 30},
        "cgroup",
        Status.CPU_TIME_LIMIT,
    ),
    Verdict(
        "memory in shared files",
        ("./hostile", "shared"),
        {"memory": 24 << 20, "wall_time": 5},
        "cgroup",
        Status.MEMORY_LIMIT,
    ),
    Verdict(
        "everybody else is a better victim",
        ("./tiny",),
        {"memory": 24 << 20, "wall_time": 5},
        "cgroup",
        Status.MEMORY_LIMIT,
    ),
]


@pytest.mark.cgroup
@pytest.mark.parametrize("collect", [(), ("heart",)], ids=["", "collecting"])
@pytest.mark.parametrize("row", VERDICTS, ids=lambda row: row.name)
def test_the_verdict_is_honest(
    hostile: Callable[[str], Path], policy: Callable[[str], str], row: Verdict, collect: tuple[str, ...]
) -> None:
    """No HostError, the limit's own Status, in time; what is collected was written while the run was under way."""
    name = row.argv[0].removeprefix("./")
    with Box(policy("native")) as box:
        start = time.monotonic()
        result = box.run(row.argv, files={name: hostile(name)}, limits=row.limits, collect=collect)
        end = time.monotonic()
        assert result.status is row.status
        assert end - start < SOON
        heart = result.files.get("heart")
        if isinstance(heart, bytes) and heart:
            assert float(heart.split()[0]) < start + result.wall_time + 0.1, "it was alive when its file was collected"
        else:
            assert collect == () or isinstance(heart, NotCollected) or heart == b""
        assert box.run(["true"]).status is OK


def test_output_in_packets(hostile: Callable[[str], Path], policy: Callable[[str], str]) -> None:
    """Output that comes two bytes at a time costs the service no more than what it is."""
    before = psutil.Process().memory_info().rss
    with Box(policy("native")) as box:
        result = box.run(["./hostile", "packets", "150000"], files={"hostile": hostile("hostile")})
        assert result.status is OK
        assert result.stdout is not None
        assert set(result.stdout) == set(b"ab")
        assert psutil.Process().memory_info().rss - before < 8 << 20
        few = box.run(["./hostile", "packets", "10"], files={"hostile": hostile("hostile")})
        assert few.stdout == 10 * b"ab", "nothing is lost at the end either"


# Without rights


ROOTLESS = '''
import json, sys, threading, time
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
import sandbox
from pathlib import Path
what, program = sys.argv[1], Path(sys.argv[2])
def show(run):
    try:
        print(json.dumps(run()))
    except sandbox.SandboxError as error:
        print(json.dumps(f"{type(error).__name__}: {error}"))
if what == "flight":
    with sandbox.Box("compile+weak-no-cgroup") as box, sandbox.Box("native+weak-no-cgroup") as other:
        hold = lambda: box.run(["./p", "flight", "900"], files={"p": program}).stdout.decode()
        holder = threading.Thread(target=show, args=(hold,))
        holder.start()
        time.sleep(0.5)
        show(lambda: other.run(["cat"], stdin=b"x").status.name)
        show(lambda: other.run(["cat", "f"], files={"f": b"x"}).status.name)
        holder.join()
        show(lambda: other.run(["true"]).status.name)
elif what == "name":
    with sandbox.Box("native+weak-no-cgroup") as box:
        code = "import ctypes, time; ctypes.CDLL(None).prctl(15, b'Threads:\\\\t31337'); time.sleep(0.3)"
        show(lambda: box.run(["python3", "-c", code]).processes_peak)
elif what == "shared":
    code = """
import mmap
held = []
for _ in range(8):
    held.append(mmap.mmap(-1, 20 << 20))
    for page in range(0, 20 << 20, 4096):
        held[-1][page] = 1
    held[-1].madvise(mmap.MADV_DONTNEED)
"""
    with sandbox.Box("native+weak-no-cgroup") as box:
        show(lambda: box.run(["python3", "-c", code], limits={"memory": 48 << 20}).status.name)
        show(lambda: box.run(["./p", "shared"], files={"p": program}, limits={"wall_time": 0.3}).status.name)
elif what == "starve":
    with sandbox.Box("native+weak-no-cgroup") as box:
        start = time.monotonic()
        show(lambda: box.run(["./p", "starve", "40"], files={"p": program}, limits={"wall_time": 0.5}).status.name)
        show(lambda: time.monotonic() - start < 9)
'''

WITHOUT_RIGHTS = [
    pytest.param(
        "flight",
        ["OK", "OK", "flying\n", "OK"],
        id="descriptors in flight",
        marks=still_open("they are counted for all boxes of a user"),
    ),
    pytest.param("name", [1], id="a name that looks like a number of threads"),
    pytest.param(
        "shared", ["MEMORY_LIMIT", "WALL_TIME_LIMIT"], id="memory of no process", marks=still_open("it is not seen")
    ),
    pytest.param("starve", ["WALL_TIME_LIMIT", True], id="init gets no CPU"),
]


@pytest.mark.parametrize(("what", "expected"), WITHOUT_RIGHTS)
def test_without_rights(
    rootless: Callable[..., subprocess.CompletedProcess[str]],
    hostile: Callable[[str], Path],
    what: str,
    expected: list[object],
) -> None:
    """Attacks where programs, init, the warden and the service all have one uid on the host."""
    program = hostile("hostile")
    done = rootless(ROOTLESS, what, str(program))
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == expected
