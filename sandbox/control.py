"""What other threads see of a run that is under way, and change in it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from signal import NSIG
from typing import TYPE_CHECKING

from sandbox.capture import Streams
from sandbox.errors import HostError, RequestError, SandboxError, step
from sandbox.launch.wire import Scope
from sandbox.request import Limits
from sandbox.result import Result, Usage

if TYPE_CHECKING:
    from sandbox.box import Box


@dataclass(slots=True)
class Change:
    """Limits that another thread wants in force, and what became of that."""

    limits: Limits
    done: threading.Event = field(default_factory=threading.Event)
    error: SandboxError | None = None


class Control:
    """The strings of one run; each call is for any thread, and for signal handlers.

    `started` is called, by the thread of the run, once the program is what runs. Whoever has made a control closes it.
    """

    killed = False
    """Whether somebody has ended the run, perhaps before it began."""
    streams: Streams | None = None
    """Those of the run, once there are any."""

    def __init__(self, started: Callable[[], object] | None = None) -> None:
        """For a run that is to be."""
        self.started = started
        self._bell = -1
        self._box: Box | None = None
        self._since = 0.0
        self._wanted: deque[Change] = deque()
        self._using = threading.RLock()
        """Held while something is done to the run's box, and while the run ends: no later run of the box gets it."""

    def listen(self) -> int:
        """A descriptor that polls as readable when something is asked for; for the monitor, which is there for long
        runs only. `LaunchError` if there is no descriptor left for it.
        """
        with self._using:
            if self._bell < 0:
                with step("make an event descriptor"):
                    self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            if self.killed or self._wanted:  # before anybody listened
                os.eventfd_write(self._bell, 1)
            return self._bell

    def begin(self, box: Box, streams: Streams) -> None:
        """The run is under way; for its thread."""
        self.streams = streams
        self._since = time.monotonic()
        self._box = box

    def end(self) -> None:
        """The run is not under way any more, and its box may be another's; for its thread. Safe to call twice."""
        with self._using:
            self._box = None
            for change in self._wanted:
                change.done.set()
            self._wanted.clear()

    def usage(self) -> Usage | None:
        """What the run has used so far; `None` if it is not under way."""
        with self._using:
            if self._box is None:
                return None
            group, many = self._box.cgroup, len(self._box.processes())
            return Usage(group.cpu_time(), group.usage(), time.monotonic() - self._since, many)

    def processes(self) -> tuple[int, ...]:
        """Host PIDs of the program and of all that it has started; none if the run is not under way."""
        with self._using:
            return () if self._box is None else self._box.processes()

    def signal(self, number: int, *, group: bool = False) -> None:
        """Send a signal to the program, or to its whole process group; nothing happens if it has ended, or has not
        begun. `RequestError` if there is no such signal.
        """
        if number not in range(NSIG):
            raise RequestError("signal", f"{number!r} is the number of no signal: those are 1 to {NSIG - 1}")
        with self._using:
            if self._box is not None:
                with contextlib.suppress(HostError):  # the box has just died, of which its Result tells
                    self._box.signal(number, Scope.GROUP if group else Scope.PROGRAM)

    def kill(self) -> None:
        """End the run with everything that it has started: at once, or when it begins."""
        self.killed = True
        self._ring()

    def change(self, limits: Limits) -> None:
        """Put other limits in force; returns when they are, or the run has ended. Raises what the kernel refuses."""
        change = Change(limits)
        with self._using:
            if self._box is None:
                return
            self._wanted.append(change)
        self._ring()
        change.done.wait()
        if change.error is not None:
            raise change.error

    def _ring(self) -> None:
        with self._using:
            if self._bell >= 0:
                os.eventfd_write(self._bell, 1)

    def take(self) -> list[Change]:
        """What has been asked for since the last time; for the monitor."""
        os.eventfd_read(self._bell)
        return [self._wanted.popleft() for _ in range(len(self._wanted))]

    def deliver(self, result: Result) -> None:
        """Pass on what the program has printed and nobody has taken yet (`Streams.deliver`), unless a kill gives that
        up; for the thread of a run that has ended.
        """
        if self.streams is not None:
            self.streams.deliver(result, self.listen)

    def close(self) -> None:
        """Nothing can be asked for any more, and nothing is passed on. Safe to call twice."""
        self.end()
        if self.streams is not None:
            self.streams.close()
        with self._using:
            if self._bell >= 0:
                os.close(self._bell)
                self._bell = -1

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
