"""The messages between Python and C: one layout, written twice, and nothing but it accepted."""

from __future__ import annotations

import os
import re
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import HostError
from sandbox.kernel.meters import METERS
from sandbox.launch import launcher, wire

HEADER = ["version", "type", "size"]

SETUP = struct.Struct(wire.SETUP.format + wire.METER.format.removeprefix("=") * len(METERS))
"""As it is sent: with its meters packed behind it."""

STRUCTS: dict[str, tuple[struct.Struct, list[str]]] = {
    "wire_header": (wire.HEADER, HEADER),
    "wire_setup": (SETUP, ["flags", "init_id", "program_id", "mounts", "filter", "cpu", "hostname", "meters"]),
    "wire_meter": (wire.METER, ["flags", "key"]),
    "wire_mount": (wire.MOUNT, ["kind", "flags", "source", "target"]),
    "wire_box": (wire.BOX, ["scratch", "inodes"]),
    "wire_put": (wire.PUT, ["mode", "flags"]),
    "wire_run": (
        wire.RUN,
        ["flags", "umask", "candidates", "argc", "envc", "fds", "tail", "padding", "rlimits"],
    ),
    "wire_signal": (wire.SIGNAL, ["signal", "scope"]),
    "wire_failed": (wire.FAILED, ["error", "step", "padding"]),
    "wire_exited": (
        wire.EXITED,
        [
            "status",
            "flags",
            "wall",
            "ended",
            "cpu",
            "max_rss",
            "scratch",
            "before",
            "after",
            "denied",
            "padding",
            "calls",
        ],
    ),
    "wire_denied": (wire.DENIED, ["number", "arch"]),
}
"""Every struct of wire.h with its counterpart and its fields in their order; headers come first where there is one."""


@pytest.fixture(scope="module")
def layout() -> dict[str, tuple[int, ...]]:
    """What the C compiler made of wire.h: sizes of structs, offsets and sizes of fields."""
    if not launcher.init_program().exists():
        pytest.skip("the package was built without its C program")
    done = subprocess.run([launcher.init_program(), "--layout"], capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    return {name: tuple(map(int, numbers)) for name, *numbers in lines}


@pytest.mark.parametrize("name", STRUCTS)
def test_layouts_agree(layout: dict[str, tuple[int, ...]], name: str) -> None:
    """Sizes of structs, and where every field is and how large: `sandbox-init --layout` against `wire.py`."""
    form, fields = STRUCTS[name]
    in_c = {key.partition(".")[2]: value for key, value in layout.items() if key.startswith(f"{name}.")}
    if name not in ("wire_header", "wire_meter", "wire_mount", "wire_denied"):
        in_c = {field: layout[f"wire_header.{field}"] for field in HEADER} | in_c
        fields = HEADER + fields
    covered = 0
    in_python = _expand(form.format)
    for field, (offset, size) in in_c.items():
        assert field in fields, f"{name}.{field} is in C only"
        assert offset == covered, f"{name}.{field} begins elsewhere"
        # An array in C is a run of equal items in Python.
        taken = 0
        while taken < size:
            assert in_python, f"{name}.{field} is in C only"
            at, item = in_python.pop(0)
            assert at == offset + taken
            taken += item
        assert taken == size, f"{name}.{field} has another size"
        covered += size
    assert not in_python, f"{name} is longer in Python"
    assert [*in_c] == fields
    assert (form.size,) == layout[name]


def _expand(form: str) -> list[tuple[int, int]]:
    """Offset and size of each item."""
    offset, items = 0, []
    for count, code in re.findall(r"(\d*)([a-zA-Z])", form):
        for _ in range(1 if code == "s" else int(count or 1)):
            size = struct.calcsize(f"={count if code == 's' else ''}{code}")
            items.append((offset, size))
            offset += size
    return items


def test_every_struct_is_compared(layout: dict[str, tuple[int, ...]]) -> None:
    """A struct that only C has would be compared with nothing."""
    assert {name.partition(".")[0] for name in layout} == set(STRUCTS)


def test_numbers_agree() -> None:
    """The enumerations of wire.h and their counterparts, by their names in the source, where it is at hand."""
    source = Path(__file__).parents[2] / "sandbox/launch/init/wire.h"
    if not source.exists():
        pytest.skip("the C source is not at hand")
    text = re.sub(r"/\*.*?\*/", "", source.read_text(), flags=re.DOTALL)
    in_c: dict[str, int] = {}
    for body in re.findall(r"enum \w+ \{(.*?)\}", text, flags=re.DOTALL):
        value = -1
        for item in filter(None, (item.strip() for item in body.split(","))):
            name, _, given_value = item.partition("=")
            value = int(given_value) if given_value else value + 1
            in_c[name.strip().removeprefix("WIRE_")] = value
    for enumeration in (wire.Type, wire.SetupFlag, wire.MountKind, wire.MountFlag, wire.PutFlag, wire.RunFlag,
                        wire.Scope, wire.ExitedFlag):  # fmt: skip
        for member in enumeration:
            assert in_c[str(member.name)] == member.value, member
    for name in ("VERSION", "MAX", "MAX_FDS"):
        found = re.search(rf"#define WIRE_{name} (\d+)", text)
        assert found
        assert int(found[1]) == getattr(wire, name)


def exited(calls: bytes = b"", **changes: object) -> bytes:
    """A well-formed report."""
    values = {"version": wire.VERSION, "type": wire.Type.EXITED, "size": wire.EXITED.size, "status": 0, "flags": 0}
    counters = [0] * (len(_expand(wire.EXITED.format)) - len(values) - 1)
    return wire.EXITED.pack(*(values | changes).values(), *counters, calls)


def test_decoding() -> None:
    """Reports, failures, and words without content."""
    answer = wire.decode(exited(status=9, flags=2), (5, 6))
    assert isinstance(answer, wire.Exited)
    assert (answer.status, answer.flags, answer.pipes) == (9, 2, (5, 6))
    assert (answer.denied, answer.scratch) == ((), 0)
    at = wire.HEADER.size + struct.calcsize("=iI4Q")
    raw = exited()
    unknown = wire.decode(raw[:at] + b"\xff" * 8 + raw[at + 8 :], (5, 6))
    assert isinstance(unknown, wire.Exited)
    assert unknown.scratch is None
    failed = wire.FAILED.pack(wire.VERSION, wire.Type.FAILED, wire.FAILED.size, 13, b"mount /x\0rest", 0)
    assert wire.decode(failed) == wire.Failed("mount /x", 13)
    ready = wire.HEADER.pack(wire.VERSION, wire.Type.READY, wire.HEADER.size)
    assert wire.decode(ready) == wire.Type.READY


@pytest.mark.parametrize(("status", "fds"), [(0x7F, (5, 6)), (0xFFFF, (5, 6)), (0, ()), (0, (5,)), (0, (5, 6, 7))])
def test_reports_that_cannot_be(status: int, fds: tuple[int, ...]) -> None:
    """A program that is stopped has not ended, and with every end come the next run's two pipes."""
    with pytest.raises(HostError, match="malformed"):
        wire.decode(exited(status=status), fds)


@given(st.binary(max_size=300))
def test_junk(packet: bytes) -> None:
    """Nothing but well-formed packets is understood; everything else is an error of the sandbox."""
    with pytest.raises(HostError, match="malformed"):
        wire.decode(packet)


@given(
    kind=st.integers(0, 0xFFFF),
    version=st.sampled_from([wire.VERSION, 0, wire.VERSION + 1]),
    body=st.binary(max_size=300),
    lie=st.sampled_from([0, 0, 1, -1]),
)
def test_junk_with_a_header(kind: int, version: int, body: bytes, lie: int) -> None:
    """A good header does not make a good packet: version, kind and both sizes must fit."""
    size = wire.HEADER.size + len(body)
    packet = wire.HEADER.pack(version, kind, max(0, size + lie)) + body
    sizes = {
        wire.Type.READY: wire.HEADER.size,
        wire.Type.STARTED: wire.HEADER.size,
        wire.Type.FAILED: wire.FAILED.size,
        wire.Type.EXITED: wire.EXITED.size,
    }
    fits = version == wire.VERSION and lie == 0 and sizes.get(kind) == size  # type: ignore[call-overload]
    if fits and (kind != wire.Type.EXITED or body[0] & 0x7F != 0x7F):
        wire.decode(packet, (5, 6))
    else:
        with pytest.raises(HostError, match="malformed"):
            wire.decode(packet)


@given(st.binary(max_size=wire.FAILED.size - wire.HEADER.size))
def test_failures_with_junk(body: bytes) -> None:
    """The name of a step is text, whatever bytes it is made of."""
    body = body.ljust(wire.FAILED.size - wire.HEADER.size, b"\0")
    answer = wire.decode(wire.HEADER.pack(wire.VERSION, wire.Type.FAILED, wire.FAILED.size) + body)
    assert isinstance(answer, wire.Failed)
    answer.step.encode()


texts = st.lists(st.binary(max_size=40).filter(lambda text: b"\0" not in text), max_size=5)


@given(candidates=texts, argv=texts, env=texts, cwd=st.just(b"/box"))
def test_runs(candidates: list[bytes], argv: list[bytes], env: list[bytes], cwd: bytes) -> None:
    """The tail of a run is what its head says: so many strings, in this order, the directory last."""
    head, tail = wire.run(umask=0o22, candidates=candidates, argv=argv, env=env, cwd=cwd, rlimits=[0] * 6)
    assert tail.endswith(b"\0")
    assert tail.split(b"\0")[:-1] == [*candidates, *argv, *env, cwd]
    assert struct.pack("=III", len(candidates), len(argv), len(env)) in head
    more, longer = wire.redirect(head, tail, (0, 2), int(wire.RunFlag.MERGE))
    assert longer == struct.pack("=ii", 0, 2) + tail
    assert wire.RUN.unpack(more)[3] == wire.RunFlag.MERGE
    assert wire.RUN.unpack(more)[5:9] == (len(candidates), len(argv), len(env), 2)


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_long_runs(extra: int) -> None:
    """What does not fit into one packet travels in a file: the head says so, and counts itself only."""
    room = wire.MAX - wire.RUN.size - len(b"p\0\0/box\0") + extra
    head, tail = wire.run(umask=0, candidates=[b"p"], argv=[b"x" * room], env=[], cwd=b"/box", rlimits=[0] * 6)
    _, _, size, flags, *_ = wire.RUN.unpack(head)
    if extra <= 0:
        assert (size, flags) == (len(head) + len(tail), 0)
    else:
        assert (size, flags) == (len(head), wire.RunFlag.TAIL_IN_FD)


@pytest.mark.parametrize("arguments", [[], ["janitor"], ["--help"], ["a", "b", "c"]])
def test_init_is_not_started_by_hand(arguments: list[str]) -> None:
    """Without its socket the C program says what it is and ends."""
    if not launcher.init_program().exists():
        pytest.skip("the package was built without its C program")
    done = subprocess.run(
        [launcher.init_program(), *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "not by hand" in done.stderr


def test_memory_files_cannot_be_changed() -> None:
    """What is given to a program as input is sealed: neither written nor grown nor shrunk, not even reopened."""
    fd = launcher.memory_file(b"content")
    try:
        assert os.read(fd, 100) == b"content"
        for action in (lambda: os.write(fd, b"x"), lambda: os.ftruncate(fd, 1), lambda: os.ftruncate(fd, 100)):
            with pytest.raises(PermissionError):
                action()
        with open(f"/proc/self/fd/{fd}", "r+b", buffering=0) as again, pytest.raises(PermissionError):
            again.write(b"x")
    finally:
        os.close(fd)
