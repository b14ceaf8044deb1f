"""From what was seen of a run to numbers with their sources, and to a Status. Pure: no system calls but reads of
the run's own counters.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from typing import NamedTuple

from sandbox.errors import HostError
from sandbox.kernel.cgroup import Cgroup
from sandbox.kernel.seccomp import syscall_name
from sandbox.launch import wire
from sandbox.monitor import Ended
from sandbox.request import Limits
from sandbox.result import Status


class Usage(NamedTuple):
    """What a run used; `None` is "could not be measured"."""

    exit_code: int | None
    signal: int | None
    cpu_time: float | None
    wall_time: float
    memory_peak: int | None
    processes_peak: int | None
    oom_kills: int
    cause: Status | None
    denied: tuple[str, ...]
    measured_by: Mapping[str, str]
    ended_at: float | None
    scratch: int | None = None


def measure(ended: Ended, group: Cgroup, limits: Limits) -> Usage:
    """Read the counters of a run of which nothing is left; `HostError` if nothing tells how it ended."""
    exited = ended.exited
    if exited is None:
        return _measure_without_report(ended, group)
    counts = group.finish(exited.before, exited.after)
    cpu, memory, processes, kills = counts
    sources = group.sources
    if group.look_every or None in counts:
        sources = {**sources, "processes_peak": group.name if processes is not None else "unavailable"}
        # What was reaped counts where there is no group to count; looks may have seen more, or less.
        if cpu is None or (group.look_every and exited.cpu >= cpu):
            cpu, sources["cpu_time"] = exited.cpu, "rusage"
        if memory is None or (group.look_every and exited.max_rss >= memory):
            memory, sources["memory_peak"] = exited.max_rss, "rusage"
        # A program may have been quicker than the looks that stand for a limit of the kernel's.
        if group.look_every and limits.memory is not None and memory > limits.memory:
            kills = 1
    wall = exited.wall
    if ended.cause is Status.WALL_TIME_LIMIT and limits.wall_time is not None and wall < limits.wall_time:
        # The deadline counts from when init was told to start the program, and that is what the run was ended by.
        wall, sources = ended.wall, {**sources, "wall_time": "monitor"}
    if exited.scratch is None:
        sources = {**sources, "scratch": "unavailable"}
    code = os.waitstatus_to_exitcode(exited.status)
    signaled = code < 0
    return Usage(
        None if signaled else code,
        -code if signaled else None,
        cpu,
        wall,
        memory,
        processes,
        kills,
        ended.cause,
        _names(exited.denied) if exited.denied else (),
        sources,
        exited.ended,
        exited.scratch,
    )


def _names(calls: tuple[tuple[int, int], ...]) -> tuple[str, ...]:
    """The denied calls by name; one that nobody could be asked about counts if there is no other."""
    known = [call for call in calls if call[0] != wire.UNKNOWN_CALL]
    return tuple(syscall_name(*call) for call in known) or ("unknown",)


def _measure_without_report(ended: Ended, group: Cgroup) -> Usage:
    """A box that died of its own limits took the report with it: everything in it was killed."""
    cpu, memory, processes, kills = group.finish(None, None)
    if ended.cause is None and not kills:
        raise ended.failure or HostError("the box ended without a word")
    found = {"cpu_time": cpu, "memory_peak": memory, "processes_peak": processes, "scratch": None}
    sources = {name: group.name if number is not None else "unavailable" for name, number in found.items()}
    sources["wall_time"] = "monitor"
    return Usage(None, signal.SIGKILL, cpu, ended.wall, memory, processes, kills, ended.cause, (), sources, None)


def classify(usage: Usage, limits: Limits, truncated: bool) -> Status:
    """How the run ended. What the monitor ended it for comes first; then what the kernel did; then the numbers."""
    if usage.cause is not None:
        return usage.cause
    if usage.oom_kills:
        return Status.MEMORY_LIMIT  # also if only a child was killed, and the program made the best of it
    if usage.denied:
        return Status.SYSCALL_DENIED
    if truncated:
        return Status.OUTPUT_LIMIT
    if limits.cpu_time is not None and usage.cpu_time is not None and usage.cpu_time > limits.cpu_time:
        return Status.CPU_TIME_LIMIT
    if limits.wall_time is not None and usage.wall_time > limits.wall_time:
        return Status.WALL_TIME_LIMIT
    if usage.signal is not None:
        return Status.SIGNALED
    return Status.OK if usage.exit_code == 0 else Status.NONZERO_EXIT
