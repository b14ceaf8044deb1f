"""From what was seen of a run to numbers with their sources, and to a Status. Pure: no system calls but reads of
the run's own counters.
"""

from __future__ import annotations

import os
import signal
from typing import NamedTuple

from sandbox.errors import HostError
from sandbox.kernel.cgroup import Cgroup, Counts
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
    measured_by: dict[str, str]


def measure(ended: Ended, group: Cgroup) -> Usage:
    """Read the counters of a run of which nothing is left; `HostError` if nothing tells how it ended."""
    exited = ended.exited
    counts = group.finish(exited and exited.before, exited and exited.after)
    if exited is None and ended.cause is None and not counts.oom_kills:
        raise ended.failure or HostError("the box ended without a word")
    # A box that died of its own limits took the report with it: everything in it was killed.
    status = int(signal.SIGKILL) if exited is None else exited.status
    killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    cpu, memory, sources = counts.cpu_time, counts.memory_peak, _sources(group.name, counts)
    if exited is None:
        sources["wall_time"] = "monitor"
    else:
        # What was reaped counts where there is no group to count; looks may have seen more, or less.
        if (group.look_every or cpu is None) and exited.cpu >= (cpu or 0):
            cpu, sources["cpu_time"] = exited.cpu, "rusage"
        if (group.look_every or memory is None) and exited.max_rss >= (memory or 0):
            memory, sources["memory_peak"] = exited.max_rss, "rusage"
    return Usage(
        None if killed else os.waitstatus_to_exitcode(status),
        killed,
        cpu,
        ended.wall if exited is None else exited.wall,
        memory,
        counts.processes_peak,
        counts.oom_kills,
        ended.cause,
        ended.denied,
        sources,
    )


def _sources(name: str, counts: Counts) -> dict[str, str]:
    return {
        "cpu_time": name,
        "wall_time": "init",
        "memory_peak": name if counts.memory_peak is not None else "unavailable",
        "processes_peak": name if counts.processes_peak is not None else "unavailable",
    }


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
