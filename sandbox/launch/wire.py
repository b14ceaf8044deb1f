"""The messages of `init/wire.h`, once more, as `struct` formats; a test compares the two layouts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from struct import Struct, unpack_from
from typing import NamedTuple

from sandbox.errors import HostError
from sandbox.kernel.meters import Meter

VERSION = 3
MAX = 131_072
"""Bytes of one packet; the tail of a longer run travels in a memory file."""
MAX_FDS = 64
UNLIMITED = (1 << 64) - 1
NO_CPU = (1 << 32) - 1


class Type(IntEnum):
    """What a packet says."""

    SETUP = 1
    BOX = 2
    PUT = 3
    GET = 4
    RUN = 5
    SIGNAL = 6
    READY = 7
    FAILED = 8
    STARTED = 9
    EXITED = 10


class SetupFlag(IntFlag):
    """What a slot's boxes have beyond their mounts."""

    LOOPBACK = 1
    PROC = 2
    LANDLOCK = 4
    SOCKETS = 8
    OBSERVED = 16


class MountKind(IntEnum):
    """What is made at a mount's target."""

    BIND = 1
    SYMLINK = 2
    FILE = 3


class MountFlag(IntFlag):
    """How a bind mount differs from a read-only one that must exist."""

    WRITABLE = 1
    OPTIONAL = 2
    NOEXEC = 4
    OWN = 8


class PutFlag(IntFlag):
    """What is put, if not a file."""

    DIRECTORY = 1


class RunFlag(IntFlag):
    """How a run is started."""

    REPORT_START = 1
    TAIL_IN_FD = 2
    MERGE = 4
    NULL_OUT = 8
    NULL_ERR = 16
    NEW_SESSION = 32
    TERMINAL = 64
    FILLED = 128


class MeterFlag(IntFlag):
    """Whether a counter is there, and whether it is reset before each run."""

    PRESENT = 1
    RESET = 2


class Scope(IntEnum):
    """Whom a signal is for."""

    PROGRAM = 1
    GROUP = 2
    EVERYTHING = 3


class ExitedFlag(IntFlag):
    """What init found after a run."""

    DIRTY = 1
    SURVIVORS = 2


HEADER = Struct("=HHI")
SETUP = Struct("=HHI 7I")
METER = Struct("=I28s")
MOUNT = Struct("=4I")
BOX = Struct("=HHI 2Q")
PUT = Struct("=HHI 2I")
RUN = Struct("=HHI 8I 6Q")
SIGNAL = Struct("=HHI 2I")
FAILED = Struct("=HHI i240sI")
EXITED = Struct("=HHI iI5Q 5Q 5Q 2I64s")
DENIED = Struct("=2I")
UNKNOWN_CALL = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class WireMount:
    """One thing to make in the template root; `source` is a host path, a link's aim or a file's content."""

    kind: MountKind
    source: bytes
    target: bytes
    flags: MountFlag = MountFlag(0)


@dataclass(frozen=True, slots=True)
class Failed:
    """A step that the warden or init could not do."""

    step: str
    errno: int


class Exited(NamedTuple):
    """How a program ended: `status` as wait(2) gives it, seconds, bytes, and the counters before and after.

    `ended` is when, in seconds of CLOCK_MONOTONIC.
    """

    status: int
    flags: int
    wall: float
    ended: float
    cpu: float
    max_rss: int
    before: tuple[int, ...]
    after: tuple[int, ...]
    pipes: tuple[int, ...]
    """The reading ends of the next run's stdout and stderr."""
    unread: tuple[int, ...] = ()
    """Those of this run's in which something is left, if that is known."""
    denied: tuple[tuple[int, int], ...] = ()
    """Number and AUDIT_ARCH of the calls that the filter ended the run for."""
    scratch: int | None = None
    """Bytes that the writable directories hold beyond those before the run."""


def setup(
    *,
    flags: SetupFlag,
    ids: tuple[int, int],
    mounts: Sequence[WireMount],
    bpf: bytes,
    cpu: int | None,
    hostname: bytes,
    meters: Sequence[Meter],
) -> bytes:
    """The packet from which a warden builds its template; `ids` are the box's ids of init and of programs."""
    strings = bytearray(hostname + b"\0")
    table = bytearray()
    for mount in mounts:
        source = len(strings)
        strings += mount.source + b"\0"
        target = len(strings)
        strings += mount.target + b"\0"
        table += MOUNT.pack(mount.kind, mount.flags, source, target)
    counters = b"".join(METER.pack(_meter_flags(meter), meter.key) for meter in meters)
    size = SETUP.size + len(counters) + len(table) + len(bpf) + len(strings)
    head = SETUP.pack(
        VERSION, Type.SETUP, size, flags, *ids, len(mounts), len(bpf) // 8, NO_CPU if cpu is None else cpu, 0
    )
    return head + counters + table + bpf + strings


def _meter_flags(meter: Meter) -> MeterFlag:
    flags = MeterFlag(0)
    if meter.fd >= 0:
        flags |= MeterFlag.PRESENT
    if meter.reset:
        flags |= MeterFlag.RESET
    return flags


def box(scratch: int, inodes: int) -> bytes:
    """The packet that asks a warden for a fresh box with that many bytes and inodes to write to."""
    return BOX.pack(VERSION, Type.BOX, BOX.size, scratch, inodes)


def put(name: bytes, mode: int, flags: int = 0) -> bytes:
    """The packet that comes with a descriptor to copy into the working directory, or has a directory made there."""
    return PUT.pack(VERSION, Type.PUT, PUT.size + len(name) + 1, mode, flags) + name + b"\0"


def get(name: bytes) -> bytes:
    """The packet that asks for a descriptor of what is in the working directory, or without a name of that itself."""
    return HEADER.pack(VERSION, Type.GET, HEADER.size + len(name) + 1) + name + b"\0"


def run(
    *,
    umask: int,
    candidates: Sequence[bytes],
    argv: Sequence[bytes],
    env: Sequence[bytes],
    cwd: bytes,
    rlimits: Sequence[int],
    new_session: bool = False,
) -> tuple[bytes, bytes]:
    """The packet that starts a program with the box's own standard streams, as head and tail."""
    tail = b"\0".join((*candidates, *argv, *env, cwd, b""))
    counts = (len(candidates), len(argv), len(env), 0)
    return _run_head(RunFlag.NEW_SESSION if new_session else 0, umask, counts, len(tail), rlimits), tail


def redirect(head: bytes, tail: bytes, targets: Sequence[int], flags: int) -> tuple[bytes, bytes]:
    """The same run with descriptors that come along, if any do; `targets` are their numbers in the program."""
    if not targets and not flags:
        return head, tail
    _, _, _, own, umask, candidates, argc, envc, _, _, _, *rlimits = RUN.unpack(head)
    flags |= own & RunFlag.NEW_SESSION
    tail = Struct(f"={len(targets)}i").pack(*targets) + tail
    return _run_head(flags, umask, (candidates, argc, envc, len(targets)), len(tail), rlimits), tail


def _run_head(flags: int, umask: int, counts: tuple[int, ...], tail: int, rlimits: Sequence[int]) -> bytes:
    size = RUN.size + tail
    if size > MAX:
        flags |= RunFlag.TAIL_IN_FD
        size = RUN.size
    return RUN.pack(VERSION, Type.RUN, size, flags, umask, *counts, tail, 0, *rlimits)


def signal(number: int, scope: Scope) -> bytes:
    """The packet that has init send a signal."""
    return SIGNAL.pack(VERSION, Type.SIGNAL, SIGNAL.size, number, scope)


def decode(packet: bytes, fds: tuple[int, ...] = (), unread: tuple[int, ...] = ()) -> Type | Failed | Exited:
    """What the warden or init says; READY and STARTED are their own type. A malformed packet is a `HostError`."""
    if len(packet) < HEADER.size:
        raise HostError("the box sent a malformed packet")
    version, kind, size = HEADER.unpack_from(packet)
    if version != VERSION or size != len(packet):
        raise HostError("the box sent a malformed packet")
    if kind == _EXITED and size == EXITED.size and len(fds) == 2:
        fields = EXITED.unpack(packet)
        status, flags, wall, at, cpu, max_rss, scratch = fields[3:10]
        if status & 0x7F == 0x7F:  # stopped or continued, as wait(2) has it: not the end
            raise HostError("the box sent a malformed packet")
        denied = tuple(DENIED.iter_unpack(fields[22]))[: fields[20]] if fields[20] else ()
        usage = wall / 1e9, at / 1e9, cpu / 1e6, max_rss, fields[10:15], fields[15:20]
        return Exited(status, flags, *usage, fds, unread, denied, None if scratch == UNLIMITED else scratch)
    if kind == Type.FAILED and size == FAILED.size:
        error, step = unpack_from("=i240s", packet, HEADER.size)
        return Failed(step.partition(b"\0")[0].decode(errors="replace"), error)
    if kind in (Type.READY, Type.STARTED) and size == HEADER.size:
        return Type(kind)
    raise HostError("the box sent a malformed packet")


_EXITED = int(Type.EXITED)  # comparing plain ints is what makes decoding a result cheap
