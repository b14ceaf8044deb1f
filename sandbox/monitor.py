"""Watches one run: wall clock, CPU time, memory, output. One loop that computes its next wake-up."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandbox.capture import Output, Stream
from sandbox.control import Control
from sandbox.errors import HostError, LaunchError, SandboxError
from sandbox.kernel import notify
from sandbox.kernel.cgroup import Cgroup
from sandbox.launch import wire
from sandbox.launch.launcher import Init
from sandbox.request import Limits
from sandbox.result import Status

GRACE = 1.0
"""Seconds between a kill and the report of init; after that the whole box is ended from outside."""

SHORTEST_LOOK = 0.002
"""Seconds between two looks at the CPU time, at least."""


CPUS = os.cpu_count() or 1


@dataclass(slots=True)
class Ended:
    """How the run ended, as far as the monitor saw it."""

    exited: wire.Exited | None = None
    """Init's report; `None` if the box had to be ended, or ended, instead."""
    cause: Status | None = None
    """The limit for which the monitor ended the run."""
    wall: float = 0.0
    """Seconds, by our own clock."""
    failure: HostError | None = None
    """Why there is no report, if nothing else explains it."""
    relimited: bool = False
    """Whether the group's limits may be others than at the start."""


class Monitor:
    """The watch over one run, which init was told to start at `started`, by `time.monotonic`.

    With an `observer`, every call is shown to that, and goes on. A `control` is told of the start, and is listened to.
    """

    __slots__ = (
        "_bell", "_cgroup", "_control", "_deadline", "_ended", "_init", "_killed_at", "_last_output", "_next_look",
        "_observer", "_parallelism", "_started", "_streams", "_wake", "limits",
    )  # fmt: skip

    def __init__(
        self,
        init: Init,
        cgroup: Cgroup,
        limits: Limits,
        streams: Sequence[Stream],
        started: float,
        observer: Callable[[notify.Call], None] | None = None,
        control: Control | None = None,
    ) -> None:
        self._init = init
        self._control = control
        self._observer = observer
        self._cgroup = cgroup
        self.limits = limits
        self._parallelism = min(CPUS, limits.processes or CPUS)
        self._streams: dict[int, tuple[Stream, int]] = {}
        self._ended = Ended()
        self._started = self._last_output = started
        self._deadline = self._next_deadline()
        self._next_look = self._started + self._until_look(0.0)
        self._killed_at: float | None = None
        self._wake = 0.0
        for stream in streams:
            self._watch(stream)
        self._bell = -1 if control is None else control.listen()
        if self._bell >= 0:
            init.poll.register(self._bell, select.POLLIN)

    def wait(self) -> Ended:
        """Wait for the end of the run, and see to it that it comes. `LaunchError` if the program never started."""
        poll, own = self._init.poll.poll, self._init.fd
        try:
            while True:
                ended = False
                # Init's socket was registered first and is looked at first: when it tells of the end, what the
                # program has printed is there, so a stream that is not among these events is empty.
                for fd, _ in poll(self._timeout()):
                    if fd != own:
                        self._handle(fd)
                    else:
                        ended = self._hear()
                if ended:
                    return self._end()
                if time.monotonic() >= self._wake:
                    self._check_clocks()
                    if self._ended.failure:
                        return self._end()
        finally:
            for fd in self._streams:
                self._init.poll.unregister(fd)
            if self._bell >= 0:
                self._init.poll.unregister(self._bell)

    def _timeout(self) -> float | None:
        """Milliseconds until something has to be looked at."""
        if self._killed_at is not None:
            self._wake = self._killed_at + GRACE
        else:
            self._wake = min(self._deadline, self._next_look)
        if self._wake == float("inf"):
            return None
        return max(0.0, self._wake - time.monotonic()) * 1000

    def _hear(self) -> bool:
        """Init's word on the run; whether it is its last."""
        try:
            answer = self._init.receive()
        except HostError as error:
            self._ended.failure = error
            return True
        if isinstance(answer, wire.Failed):
            raise LaunchError(answer.step, answer.errno)
        if isinstance(answer, wire.Exited):
            self._ended.exited = answer
            return True
        if answer is wire.Type.STARTED and self._control is not None and self._control.started is not None:
            self._control.started()
        return False

    def _end(self) -> Ended:
        self._ended.wall = time.monotonic() - self._started
        return self._ended

    def _watch(self, stream: Stream) -> None:
        want = stream.wants()
        if want is not None:
            self._streams[want[0]] = (stream, want[1])
            self._init.poll.register(*want)

    def _handle(self, fd: int) -> None:
        if fd in self._streams:
            self._move(fd)
        elif fd == self._init.listener:
            self._show_call()
        elif fd == self._cgroup.oom_fd and self._cgroup.out_of_memory():
            self._kill(Status.MEMORY_LIMIT)
        elif self._control is not None and fd == self._bell:
            self._obey(self._control)

    def _obey(self, control: Control) -> None:
        for change in control.take():
            try:
                self._put_in_force(change.limits)
            except SandboxError as error:
                change.error = error
            change.done.set()
        if control.killed:
            self._kill(None)

    def _put_in_force(self, limits: Limits) -> None:
        """Other limits from now on, unless the end has come already."""
        if self._killed_at is not None:
            return
        self._ended.relimited = True
        self._cgroup.limit(limits.memory, limits.processes, limits.cpus)
        self.limits = limits
        self._deadline = self._next_deadline()
        self._next_look = time.monotonic()
        for stream, _ in self._streams.values():
            if isinstance(stream, Output):
                stream.allow(limits.output)

    def _next_deadline(self) -> float:
        """When time on the clock is up, or the program has been silent for too long."""
        limits, never = self.limits, float("inf")
        return min(self._started + (limits.wall_time or never), self._last_output + (limits.idle_time or never))

    def _move(self, fd: int) -> None:
        stream, events = self._streams[fd]
        stream.step()
        if stream.wants() != (fd, events):
            del self._streams[fd]
            self._init.poll.unregister(fd)
            self._watch(stream)
        if isinstance(stream, Output):
            self._last_output = time.monotonic()
            if stream.truncated:
                self._kill(Status.OUTPUT_LIMIT)
            elif self.limits.idle_time is not None:
                self._deadline = self._next_deadline()

    def _show_call(self) -> None:
        call = notify.receive(self._init.listener)
        if call is not None and self._observer is not None:  # else its caller has died
            self._observer(call)
            notify.let_through(self._init.listener, call)

    def _check_clocks(self) -> None:
        now = time.monotonic()
        if self._killed_at is not None:
            if now >= self._killed_at + GRACE:
                self._ended.failure = HostError("the box did not end its processes in time")
            return
        if now >= self._deadline:
            wall = self.limits.wall_time
            late = wall is not None and now >= self._started + wall
            self._kill(Status.WALL_TIME_LIMIT if late else Status.IDLE_TIME_LIMIT)
        elif now >= self._next_look:
            self._look(now)

    def _look(self, now: float) -> None:
        used = self._cgroup.cpu_time() or 0.0
        if self.limits.cpu_time is not None and used >= self.limits.cpu_time:
            self._kill(Status.CPU_TIME_LIMIT)
        elif self._cgroup.look_every and self._cgroup.out_of_memory():
            self._kill(Status.MEMORY_LIMIT)
        else:
            # From now on, and not from before the look: where looks are dear they are to be few.
            done = time.monotonic()
            self._next_look = done + max(done - now, self._until_look(used))

    def _until_look(self, used: float) -> float:
        """Seconds in which the run cannot use up its CPU time, nor much memory where only looks can tell."""
        limit = self.limits.cpu_time
        pause = float("inf") if limit is None else max(SHORTEST_LOOK, (limit - used) / self._parallelism)
        return min(pause, self._cgroup.look_every or float("inf"))

    def _kill(self, cause: Status | None) -> None:
        """End everything in the box, for a limit or because somebody wants it; the first cause is what counts."""
        if self._killed_at is None:
            self._killed_at = time.monotonic()
            self._ended.cause = cause
            self._ended.relimited = True
            self._cgroup.unthrottle()  # what has no CPU time left to run has none to end, either
            with contextlib.suppress(HostError):  # the box has died already, and its socket says so next
                self._init.signal(signal.SIGKILL, wire.Scope.EVERYTHING)
