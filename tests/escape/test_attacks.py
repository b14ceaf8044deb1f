"""The table of attacks, `attacks/*.toml`: what each of them comes to in a box, and that it would come to more outside.

A row is a program that prints `won` if its attack has succeeded, the `layer` that stops it, and what becomes of it in
a box under policy `python`: what it prints (`stopped`), its Status, and the call that it is `denied`. After each row
the host, another box and the box itself are looked at. The counter-proof runs the same program outside of any box:
as an ordinary user (`host`), as root of a user namespace of its own (`bare`), or, where that is harmless, as root.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import census
import pytest

from sandbox import Box, Result, Status

TABLE = Path(__file__).parent / "attacks"

NOBODY = 47_110
"""A host uid that nobody uses."""

PRELUDE = """
import ctypes, fcntl, os, signal, socket, struct, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    arguments = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *arguments)
    return -ctypes.get_errno() if result < 0 else result
def won(condition):
    print('won' if condition else 'lost')
def attack(what, *arguments):
    try:
        what(*arguments)
        print('won')
    except OSError as error:
        print(error.strerror or error)
    except ValueError as error:
        print(error)
def reached(number, *arguments):
    # Arguments are such that the call fails, if it was not refused before it had looked at them.
    result = call(number, *arguments)
    print(os.strerror(-result) if result in (-1, -38, -95, -97) else 'won')
def checked(result):
    if result < 0: raise OSError(-result, os.strerror(-result))
def prctl(option, value):
    checked(call(157, option, value, 0, 0, 0))
def personality(value):
    checked(call(135, value))
def setns(path):
    checked(call(308, os.open(path, os.O_RDONLY), 0))
def machine(code):
    import mmap
    area = mmap.mmap(-1, 4096, prot=7)
    area.write(bytes.fromhex(code))
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(area)))()
"""
"""What every attack in Python begins with."""

BARE = (
    "unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--ipc",
    "--net", "--uts", "--cgroup",
)  # fmt: skip

OUTSIDE = {
    "bare": BARE,
    # What hangs may leave its session, but not its PID namespace, whose PID 1 it is not to be.
    "hangs": (*BARE, "sh", "-c", '"$@"; exit', "sh"),
}
"""Into what an attack is put that is outside of a box."""

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers of calls are those of x86-64")


class Attack(NamedTuple):
    """One row."""

    heading: str
    name: str
    layer: str
    program: str = ""
    c: tuple[str, ...] = ()
    """Arguments of hostile.c, instead of a program in Python."""
    stdin: str | None = None
    stopped: str = ""
    rootless: str | None = None
    """What is printed instead where a box has one uid, its user's, for init and programs."""
    stopped_size: int | None = None
    """How many bytes it prints, if not what they are."""
    status: str = "OK"
    denied: str | None = None
    limits: Mapping[str, float] = MappingProxyType({})
    unsafe: str = "bare"
    since: tuple[int, ...] = (0,)
    """The first kernel on which the attack succeeds outside."""
    cgroup: bool = False
    """Whether it takes a control group to stop it."""

    @property
    def ending(self) -> Status:
        """The Status in a box."""
        return Status.SYSCALL_DENIED if self.denied else Status(self.status)


def _rows() -> Iterator[Attack]:
    for path in sorted(TABLE.glob("*.toml")):
        for row in tomllib.loads(path.read_text())["attack"]:
            known: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
            yield Attack(heading=path.stem, **known)


TABLE_ROWS = tuple(_rows())

ATTACKS = TABLE_ROWS[:: int(os.environ.get("SANDBOX_TEST_EVERY", "1"))]
"""Those that are run: on a machine that is emulated, a part of them."""


class Host(NamedTuple):
    """What an attack may find on the host: a process of its own user, a directory, sockets, an open descriptor."""

    victim: int
    canary: Path
    descriptor: int

    def prelude(self) -> str:
        """What tells an attack where they are."""
        return f"{PRELUDE}VICTIM, CANARY = {self.victim}, {str(self.canary)!r}\n"


def _as_nobody() -> dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """Things of the host to be found, and a descriptor of this process that every child would inherit."""
    os.environ["SANDBOX_CANARY"] = "to be found"
    with (
        tempfile.TemporaryDirectory() as directory,
        tempfile.NamedTemporaryFile(dir="/dev/shm"),
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX) as named,
        subprocess.Popen(["sleep", "600"], **_as_nobody()) as victim,
        contextlib.ExitStack() as ending,
    ):
        ending.callback(victim.kill)
        canary = Path(directory, "canary")
        canary.mkdir()
        Path(directory).chmod(0o755)
        named.bind(f"{canary}.socket")
        Path(f"{canary}.socket").chmod(0o777)
        abstract.bind(f"\0{canary}")
        for server in (named, abstract):
            server.listen(8)
        descriptor = os.open("/etc/hostname", os.O_RDONLY)
        os.set_inheritable(descriptor, True)
        yield Host(victim.pid, canary, descriptor)
        os.close(descriptor)
    del os.environ["SANDBOX_CANARY"]


@pytest.fixture(scope="module")
def warm(policy: Callable[[str], str], host: Host) -> Iterator[Box]:
    """A box for all rows: each attack finds what those before it have left."""
    with Box(policy("python")) as box:
        yield box


@pytest.fixture(scope="module")
def neighbour(policy: Callable[[str], str]) -> Iterator[Box]:
    """Another box, in which nobody is hostile."""
    with Box(policy("native")) as box:
        yield box


LOOK = "pwd; ls -A /box /tmp /dev/shm; umask; ulimit -n; set -- /proc/[0-9]*; echo $#"
CLEAN = b"/box\n/box:\n\n/dev/shm:\n\n/tmp:\n0022\n256\n1\n"


@pytest.fixture
def untouched(warm: Box, neighbour: Box) -> Iterator[None]:
    """The host has nothing more than before, and both boxes are as if nobody had attacked."""
    before = census.quiet(warm, neighbour)
    yield
    assert warm.run(["sh", "-c", LOOK]).stdout == CLEAN
    assert neighbour.run(["cat"], stdin=b"calm").stdout == b"calm"
    assert not census.left(before, warm, neighbour)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("row", ATTACKS, ids=lambda row: f"{row.heading}: {row.name}")
def test_an_attack_comes_to_nothing(
    warm: Box, host: Host, hostile: Callable[[str], Path], policy: Callable[[str], str], row: Attack
) -> None:
    """Its layer stops it, and the result says how."""
    weak = "no-cgroup" in policy("")
    if weak and row.cgroup:
        pytest.skip("takes a control group to stop")
    result = _in_box(warm, host, hostile, row)
    assert result.status is row.ending, result
    if row.denied:
        assert result.denied_syscalls == (row.denied,)
    printed = result.stdout or b""
    if row.stopped_size is not None:
        assert len(printed) == row.stopped_size
    else:
        shared = os.geteuid() != 0 and row.rootless is not None
        assert printed.decode().strip() == (row.rootless if shared else row.stopped), result.stderr


def _in_box(box: Box, host: Host, hostile: Callable[[str], Path], row: Attack) -> Result:
    options: dict[str, Any] = {"limits": row.limits, "stdin": row.stdin}
    if row.c:
        return box.run(["./hostile", *row.c], files={"hostile": hostile("hostile")}, **options)
    return box.run(["python3", "-I", "-S", "-c", host.prelude() + row.program], **options)


SHOWN = [row for row in ATTACKS if not row.unsafe.startswith("not shown: ")]


@pytest.mark.parametrize("row", SHOWN, ids=lambda row: f"{row.heading}: {row.name}")
def test_the_attack_is_real(host: Host, hostile: Callable[[str], Path], tmp_path: Path, row: Attack) -> None:
    """Outside of a box it succeeds: what stops it there is the box, and not a mistake in the attack."""
    kernel = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])
    if kernel < row.since:
        pytest.skip(f"needs Linux {'.'.join(map(str, row.since))}; this is {platform.release()}")
    if row.unsafe == "root" and os.geteuid() != 0:
        pytest.skip("needs to run as root")
    printed, hung = _outside(host, hostile, row)
    assert hung if row.unsafe == "hangs" else printed.endswith(b"won\n"), printed[-500:]


def _outside(host: Host, hostile: Callable[[str], Path], row: Attack) -> tuple[bytes, bool]:
    """What the attack prints outside of a box, and whether it had to be ended."""
    python = [sys.base_prefix + "/bin/python3", "-I", "-S", "-c", host.prelude() + row.program]
    command = [str(hostile("hostile")), *row.c] if row.c else python
    who = {} if row.unsafe == "root" else _as_nobody()
    with tempfile.TemporaryDirectory() as directory, tempfile.NamedTemporaryFile() as stdin:
        for place in (directory, stdin.name):
            os.chmod(place, 0o777)
        stdin.write((row.stdin or "").encode())
        stdin.seek(0)
        child = subprocess.Popen(
            [*OUTSIDE.get(row.unsafe, ()), *command],
            cwd=directory,
            env={"PATH": "/usr/bin:/bin", "SANDBOX_CANARY": "to be found"},
            stdin=stdin,
            stdout=subprocess.DEVNULL if row.unsafe == "hangs" else subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(host.descriptor,),
            **who,
        )
        hung, printed = False, b""
        try:
            printed = child.communicate(timeout=1 if row.unsafe == "hangs" else 20)[0] or b""
        except subprocess.TimeoutExpired:
            hung = True
        finally:
            _end_session(child)
    return printed, hung


def _end_session(child: subprocess.Popen[bytes]) -> None:
    """End the attack and everything that it has started in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.communicate()


def test_the_table_is_large() -> None:
    """Every heading has rows, and most rows have a counter-proof."""
    assert len(TABLE_ROWS) >= 200
    assert len({row.heading for row in TABLE_ROWS}) == 9
    assert sum(not row.unsafe.startswith("not shown: ") for row in TABLE_ROWS) >= 0.7 * len(TABLE_ROWS)
