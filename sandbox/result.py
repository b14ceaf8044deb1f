"""What came out of a run: how it ended, what it used, what it printed, what was really enforced."""

from __future__ import annotations

import base64
import os
import signal as _signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from sandbox.files import write_all
from sandbox.request import Limits


class Status(str, Enum):
    """How the program ended. Whether its answer was right is the judge's question, not asked here."""

    OK = "OK"
    NONZERO_EXIT = "NONZERO_EXIT"
    SIGNALED = "SIGNALED"
    CPU_TIME_LIMIT = "CPU_TIME_LIMIT"
    WALL_TIME_LIMIT = "WALL_TIME_LIMIT"
    IDLE_TIME_LIMIT = "IDLE_TIME_LIMIT"
    MEMORY_LIMIT = "MEMORY_LIMIT"
    OUTPUT_LIMIT = "OUTPUT_LIMIT"
    SYSCALL_DENIED = "SYSCALL_DENIED"

    def __str__(self) -> str:
        return self.value


class Usage(NamedTuple):
    """What a program has used so far; `None` is "could not be measured". Of one that has ended, nothing is left."""

    cpu_time: float | None
    """CPU seconds of the whole tree."""
    memory: int | None
    """Bytes of the whole tree, now."""
    wall_time: float
    """Seconds since it was started."""
    processes: int | None
    """How many there are, now."""


@dataclass(frozen=True, slots=True)
class NotCollected:
    """A file that was asked for and could not be had; `reason` is one clear sentence."""

    reason: str


@dataclass(slots=True)  # not frozen: that would make the making of one four times as dear
class Result:
    """One finished run. Times are seconds, sizes bytes; a number that could not be measured is `None`."""

    status: Status
    exit_code: int | None
    """The program's exit code, or `None` if a signal ended it."""
    signal: int | None
    """The signal that ended the program, or `None`."""
    cpu_time: float | None
    wall_time: float
    memory_peak: int | None
    processes_peak: int | None
    stdout: bytes | None = b""
    """What the program printed, or `None` if stdout was not captured."""
    stderr: bytes | None = b""
    stdout_truncated: bool = False
    """Whether the rest was lost: beyond the limit of output, or passed on to somebody who did not take it in time."""
    stderr_truncated: bool = False
    files: Mapping[str, bytes | NotCollected] = field(default_factory=dict)
    """Every name of the request's `collect`, with its content (a `File`) or the reason why there is none. Of a tree, a
    name that ends with a slash, every file below it; with a slash at their end, directories that are empty, as `b""`,
    and those of which something was left out, with the reason."""
    limits: Limits = Limits()
    """The limits that were in force."""
    enforced: tuple[str, ...] = ()
    """The protections that were really in place, in the words of `sandbox doctor`."""
    measured_by: Mapping[str, str] = field(default_factory=dict)
    """The source of each number, such as `{"cpu_time": "cgroup1"}`; `unavailable` beside a `None`."""
    denied_syscalls: tuple[str, ...] = ()
    """Names of the system calls that the run was ended for."""
    ended_at: float | None = None
    """When the program ended, in seconds of CLOCK_MONOTONIC, as init saw it: tells which of two programs was first."""
    scratch: int | None = None
    """Bytes that its files took at its end in `/box`, `/tmp` and `/dev/shm`, in whole pages, beyond what was put there:
    of a file that was removed before, nothing is known."""

    @property
    def ok(self) -> bool:
        """Whether the program exited with code 0, within its limits."""
        return self.status is Status.OK

    def save(self, directory: str | os.PathLike[str]) -> tuple[str, ...]:
        """Write the collected files below a directory of the host, replacing those that are there, executable as in
        the box; no link there is followed. The names of what was not collected; `LaunchError` for what cannot be.
        """
        write_all(directory, ((n, content) for n, content in self.files.items() if isinstance(content, bytes)))
        return tuple(name for name, content in self.files.items() if isinstance(content, NotCollected))

    def to_json(self) -> dict[str, Any]:
        """A stable form of plain JSON types; bytes that are not UTF-8 become `{"base64": "…"}`."""
        return {
            "status": self.status.value,
            "exit_code": self.exit_code,
            "signal": self.signal,
            "cpu_time": self.cpu_time,
            "wall_time": self.wall_time,
            "memory_peak": self.memory_peak,
            "processes_peak": self.processes_peak,
            "scratch": self.scratch,
            "stdout": None if self.stdout is None else encoded(self.stdout),
            "stderr": None if self.stderr is None else encoded(self.stderr),
            "stdout_truncated": self.stdout_truncated,
            "stderr_truncated": self.stderr_truncated,
            "files": {
                name: {"error": content.reason} if isinstance(content, NotCollected) else encoded(content)
                for name, content in self.files.items()
            },
            "limits": self.limits.model_dump(),
            "enforced": list(self.enforced),
            "measured_by": dict(self.measured_by),
            "denied_syscalls": list(self.denied_syscalls),
        }

    @classmethod
    def from_json(cls, report: Mapping[str, Any]) -> Result:
        """What `to_json` was made of, but for `ended_at`, which it does not have."""
        values = dict(report)
        values["status"] = Status(values["status"])
        values["limits"] = Limits(**values["limits"])
        for name in ("stdout", "stderr"):
            values[name] = None if values[name] is None else decoded(values[name])
        for name in ("enforced", "denied_syscalls"):
            values[name] = tuple(values[name])
        values["files"] = {
            name: NotCollected(content["error"])
            if isinstance(content, dict) and "error" in content
            else decoded(content)
            for name, content in values["files"].items()
        }
        return cls(**values)

    def __str__(self) -> str:
        how = f"exit code {self.exit_code}" if self.signal is None else signal_name(self.signal)
        if self.denied_syscalls:
            how += ", denied " + " ".join(self.denied_syscalls)
        cpu = "?" if self.cpu_time is None else f"{self.cpu_time:.3f} s"
        memory = "?" if self.memory_peak is None else f"{self.memory_peak / 1_048_576:.1f} MiB"
        return f"{self.status} ({how}) · cpu {cpu} · wall {self.wall_time:.3f} s · memory {memory}"


def signal_name(number: int) -> str:
    """`SIGKILL` for 9; real-time and unknown signals as `signal 40`."""
    try:
        return _signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def encoded(content: bytes) -> str | dict[str, str]:
    """Bytes as JSON: text if they are that, else `{"base64": "…"}`."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def decoded(value: str | Mapping[str, str]) -> bytes:
    """The bytes of such JSON."""
    return value.encode() if isinstance(value, str) else base64.b64decode(value["base64"])
