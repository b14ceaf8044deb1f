"""Watching a tree of processes through /proc, where there are no control groups."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from typing import Any

import psutil

from sandbox.errors import HostError, step
from sandbox.kernel.cgroup import Counts, sources_of
from sandbox.kernel.meters import METERS, Meter
from sandbox.kernel.pidfd import pid_of

LOOK_EVERY = 0.01
"""Seconds between two looks: what is used and freed in between is not seen."""


class ProcessTree:
    """The shape of a `Cgroup` over psutil: it limits memory by looking, and cannot count what comes and goes."""

    name = "psutil"
    sources = sources_of(name)
    oom_fd = -1
    oom_events = 0
    look_every: float | None = LOOK_EVERY
    meters: tuple[Meter, ...] = (Meter(),) * len(METERS)

    def __init__(self) -> None:
        self._init: psutil.Process | None = None
        self._memory: int | None = None
        self._peak = 0
        self._processes = 0
        self._cpu = self._reaped = 0.0
        self._own: dict[psutil.Process, float] = {}
        """CPU seconds of those that the last look has seen alive,"""
        self._ended = 0.0
        """and of all that have ended since they were seen."""
        self._seen = 0.0

    def join(self, pid: int) -> None:
        """Nothing to join."""

    def settle(self) -> None:
        """Nothing is charged to an idle slot."""

    def limit(self, memory: int | None, processes: int | None, cpus: float | None) -> None:
        """Remember the memory limit; processes are left to RLIMIT_NPROC."""
        if cpus is not None:
            raise HostError("the limit 'cpus' needs control groups")
        self._memory = memory

    def unthrottle(self) -> None:
        """Nothing is throttled."""

    @step("look at the box's processes")
    def start(self, init: int) -> None:
        """Begin to watch what the init behind this pidfd starts."""
        try:
            self._init = psutil.Process(pid_of(init))
            self._reaped = _waited_for(self._init.cpu_times())
        except (psutil.Error, ValueError):
            self._init = None  # it has died, which its socket tells
        self._peak = self._processes = 0
        self._cpu = self._seen = self._ended = 0.0
        self._own = {}

    @step("look at the box's processes")
    def _look(self) -> None:
        if self._init is None or time.monotonic() < self._seen + LOOK_EVERY / 2:
            return
        self._seen = time.monotonic()
        memory = processes = 0
        try:
            waited_for = _waited_for(self._init.cpu_times()) - self._reaped
            tree = self._init.children(recursive=True)
        except psutil.Error:
            return
        own = {}
        for process in tree:
            try:
                times = process.cpu_times()
                memory += process.memory_info().rss
                # Not psutil's num_threads: it searches a file in which the program's own name comes first.
                processes += len(os.listdir(f"/proc/{process.pid}/task"))
            except (psutil.Error, FileNotFoundError, ProcessLookupError):
                continue  # it has just ended
            own[process] = times.user + times.system
            waited_for += times.user + times.system + _waited_for(times)
        self._ended += sum(used for process, used in self._own.items() if process not in own)
        self._own = own
        # Each knows what the other does not: children that were waited for, and those that never are.
        self._cpu = max(self._cpu, waited_for, self._ended + sum(own.values()))
        self._peak = max(self._peak, memory)
        self._processes = max(self._processes, processes)

    def cpu_time(self) -> float:
        """CPU seconds of what was seen alive and of what was waited for, in clock ticks (10 ms)."""
        self._look()
        return self._cpu

    def finish(self, before: Sequence[int] | None, after: Sequence[int] | None) -> Counts:
        """The largest sums that a look has seen."""
        return Counts(self._cpu or None, self._peak or None, self._processes or None, 0)

    def out_of_memory(self) -> bool:
        """Whether the tree holds more than its limit."""
        self._look()
        return self._memory is not None and self._peak > self._memory

    def usage(self) -> int | None:
        """Nothing is charged to anybody."""
        return None

    def members(self) -> tuple[int, ...]:
        """What init has started, and what that has."""
        with contextlib.suppress(psutil.Error):
            if self._init is not None:
                return tuple(process.pid for process in self._init.children(recursive=True))
        return ()

    def trim(self) -> None:
        """Nothing stays charged."""

    def remove(self) -> None:
        """Nothing to remove."""


def _waited_for(times: Any) -> float:
    """CPU seconds of the children that a process has waited for."""
    return float(times.children_user + times.children_system)
