"""Seeds of the corpus: what the library sends to wardens and inits, as the fuzz target takes it (see host.h)."""

from __future__ import annotations

import sys
from pathlib import Path
from struct import pack

from sandbox.kernel.meters import Meter
from sandbox.launch import wire
from sandbox.launch.launcher import Template
from sandbox.policy import load
from sandbox.template import make_template

BECOMES_INIT, STARTS_WELL = 1, 2

METERS = (Meter(0, b""), Meter(0, b"usage_usec"), Meter(0, b"", reset=True), Meter(), Meter(0, b"oom_kill"))

SMALL = Template(
    (
        wire.WireMount(wire.MountKind.BIND, b"/usr", b"/usr"),
        wire.WireMount(wire.MountKind.BIND, b"/srv", b"/srv/data", wire.MountFlag(7)),
        wire.WireMount(wire.MountKind.BIND, b"/home", b"/tmp/home", wire.MountFlag.WRITABLE | wire.MountFlag.OWN),
        wire.WireMount(wire.MountKind.SYMLINK, b"usr/bin", b"/bin"),
        wire.WireMount(wire.MountKind.FILE, b"root:x:0:0", b"/etc/passwd"),
    ),
    b"",
    b"box",
    wire.SetupFlag(15),
)
"""A slot that has one of everything."""


def conversation(*chunks: bytes, flags: int = 0, decisions: bytes = b"") -> bytes:
    """An input: what is received, and what the system calls in between have for an outcome."""
    return bytes((flags, len(decisions))) + decisions + b"".join(chunks)


def chunk(content: bytes, fds: int = 0) -> bytes:
    """A packet that comes with descriptors; or the content of a file."""
    return pack("=HBB", len(content), fds, 0) + content


def setup(template: Template) -> bytes:
    """The first packet to a warden, with the descriptors of its meters, and the mounts that come along."""
    packet = wire.setup(
        flags=template.flags,
        ids=(0, 1000),
        mounts=template.mounts,
        bpf=template.bpf,
        cpu=None,
        hostname=template.hostname,
        meters=METERS,
    )
    trees = sum(bool(mount.flags & wire.MountFlag.OWN) for mount in template.mounts)
    return chunk(packet, sum(meter.fd >= 0 for meter in METERS) + trees)


def run(argv: list[bytes], targets: tuple[int, ...] = (), flags: int = 0, in_file: bool = False) -> bytes:
    """The packet that starts a program, and the file with its strings, if they are to come in one."""
    head, tail = wire.run(
        umask=0o022,
        candidates=[b"/usr/bin/x", b"/bin/x"],
        argv=argv,
        env=[b"PATH=/bin", b"LANG=C.UTF-8"],
        cwd=b"/box",
        rlimits=[2, 1 << 20, 64, 8 << 20, wire.UNLIMITED, 32],
    )
    head, tail = wire.redirect(head, tail, targets, flags)
    if not in_file:
        return chunk(head + tail, len(targets))
    version, kind, _, flags_then, *rest = wire.RUN.unpack(head)
    head = wire.RUN.pack(version, kind, wire.RUN.size, flags_then | wire.RunFlag.TAIL_IN_FD, *rest)
    return chunk(head, len(targets) + 1) + chunk(tail)


def seeds() -> dict[str, bytes]:
    """Every kind of conversation, by a name."""
    python = make_template(load("python"))
    box = chunk(wire.box(1 << 20, 100), 1)
    files = (chunk(wire.put(b"a", 0o755), 1), chunk(wire.put(b"d/e/f", 0o644), 1), chunk(wire.get(b"d/e/f")))
    end = chunk(wire.signal(9, wire.Scope.EVERYTHING))
    runs = {
        "plain": run([b"x", b"an argument", b""]),
        "redirected": run([b"x"], (0, 1), wire.RunFlag.MERGE | wire.RunFlag.REPORT_START),
        "null": run([b"x"], (5, 0x7FFFFFFF), wire.RunFlag.NULL_OUT | wire.RunFlag.NULL_ERR),
        "in-file": run([b"x", b"long" * 20], (2, 0), in_file=True),
        "signal": run([b"x"]) + end,
    }
    init = {
        f"run-{name}": conversation(setup(SMALL), box, packets, packets, flags=BECOMES_INIT | STARTS_WELL)
        for name, packets in runs.items()
    }
    waits = b"\0" * 30 + b"\1" * 10
    return init | {
        "setup-python": conversation(setup(python), box),
        "files": conversation(setup(SMALL), box, *files, box, *files, flags=STARTS_WELL),
        "everything": conversation(
            setup(SMALL), box, *runs.values(), end, flags=BECOMES_INIT | STARTS_WELL, decisions=waits
        ),
        "many-files": conversation(setup(SMALL), box, *files * 4, box, *files, flags=STARTS_WELL),
        "many-runs": conversation(setup(SMALL), box, *[runs["plain"]] * 10, flags=BECOMES_INIT | STARTS_WELL),
    }


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in seeds().items():
        (directory / name).write_bytes(content)
