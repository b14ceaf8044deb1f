"""Descriptors that stand for processes."""

from __future__ import annotations

from pathlib import Path


def pid_of(pidfd: int) -> int:
    """The PID behind a pidfd, in this process's PID namespace (proc(5), fdinfo)."""
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == "Pid":
            return int(value)
    raise ValueError("not a pidfd")
