"""Watches a trusted program and proposes what a policy for it would have to allow.

The program runs in a box that sees the host's files, read-only, and whose filter shows every system call to us.
What it names in memory is read while it waits: good enough for a proposal, and never used to decide anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.box import Box
from sandbox.capture import Stdin, Stdout
from sandbox.kernel.notify import Call
from sandbox.kernel.seccomp import decide
from sandbox.policy import Mount, Policy, Syscalls
from sandbox.result import Result

_OWN = {"box", "dev", "proc", "sys", "tmp", "run", "lost+found"}
"""Directories of / that a box has of its own, or that no program is shown."""

_PATHS = {
    "openat": 1, "execve": 0, "newfstatat": 1, "stat": 0, "lstat": 0, "open": 0, "access": 0, "faccessat": 1,
    "faccessat2": 1, "readlink": 0, "readlinkat": 1, "statx": 1, "chdir": 0, "statfs": 0,
}  # fmt: skip
"""Which argument of a call points to a path."""


@dataclass(slots=True)
class Observed:
    """What a program has done."""

    syscalls: Syscalls
    """What the policy to start from says."""
    calls: dict[str, int] = field(default_factory=dict)
    """System calls, and how often."""
    refused: set[str] = field(default_factory=set)
    """Those that the policy does not allow."""
    ruled: dict[str, tuple[int, set[int]]] = field(default_factory=dict)
    """Those that it does not allow with these values of an argument, by the rules that it has for them."""
    paths: set[str] = field(default_factory=set)
    """Absolute paths that it has named and that exist on this host."""

    def note(self, call: Call) -> None:
        """Remember a call, and the path that it names."""
        self.calls[call.name] = self.calls.get(call.name, 0) + 1
        if decide(self.syscalls, call.name, call.arguments) != "allow":
            self._note_refusal(call)
        if call.name in _PATHS:
            path = _string(call.pid, call.arguments[_PATHS[call.name]])
            if path.startswith("/") and os.path.lexists(path):
                self.paths.add(os.path.normpath(path))

    def _note_refusal(self, call: Call) -> None:
        rule = next((rule for rule in self.syscalls.rules if rule.syscall == call.name), None)
        if rule is None:
            self.refused.add(call.name)
        else:
            _, values = self.ruled.setdefault(call.name, (rule.arg, set()))
            values.add(call.arguments[rule.arg] & 0xFFFFFFFF)


def _string(pid: int, address: int) -> str:
    try:
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            memory.seek(address)
            # A page at most, so that the read does not run into what is not mapped.
            content: bytes = memory.read(4096 - address % 4096)
    except (OSError, ValueError, OverflowError):
        return ""
    return os.fsdecode(content.partition(b"\0")[0])


def watch(policy: Policy, argv: Iterable[str], stdin: Stdin, stdout: Stdout, stderr: Stdout) -> tuple[Result, Observed]:
    """Run a program with the host's files and every call shown; its limits are the policy's ceilings."""
    observed = Observed(policy.syscalls)
    host = tuple(
        Mount(source=str(path), target=str(path), optional=True)
        for path in sorted(Path("/").iterdir())
        if path.name not in _OWN and path.is_dir() and not path.is_symlink()
    )
    update: dict[str, Any] = {"mounts": host, "etc": {}, "limits": policy.ceilings}
    with Box(policy.model_copy(update=update), observer=observed.note) as box:
        return box.run(list(argv), stdin=stdin, stdout=stdout, stderr=stderr), observed


def propose(policy: Policy, observed: Observed) -> dict[str, Any]:
    """What a policy that extends `policy` would have to add, as a table for a TOML file."""
    proposal: dict[str, Any] = {"description": "…", "extends": policy.name.partition("+")[0]}
    mounts = sorted({_root_of(path) for path in observed.paths if not _covered(policy, path)})
    if mounts:
        proposal["mounts"] = {path: {} for path in mounts}
    syscalls: dict[str, Any] = {}
    if observed.refused:
        syscalls["allow"] = sorted(observed.refused)
    if observed.ruled:
        syscalls["rules"] = [
            {"syscall": name, "action": "allow", "arg": arg, "values": sorted(values)}
            for name, (arg, values) in sorted(observed.ruled.items())
        ]
    return proposal | ({"syscalls": syscalls} if syscalls else {})


def _covered(policy: Policy, path: str) -> bool:
    """Whether a box of this policy has something of its own at that path."""
    own = [*(mount.target for mount in policy.mounts), *policy.etc, *(at for at, _ in policy.symlinks)]
    own += [f"/{name}" for name in _OWN]
    return path == "/" or any(path == at or path.startswith(at + "/") or at.startswith(path + "/") for at in own)


def _root_of(path: str) -> str:
    """The file, or the directory two levels below /, that would have to be mounted for a path."""
    return "/".join(path.split("/")[:3])
