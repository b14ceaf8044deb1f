"""One run, front to back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox import transfer
from sandbox.capture import PassFds, Stdin, Stdout, Streams
from sandbox.control import Control
from sandbox.errors import HostError
from sandbox.launch import wire
from sandbox.launch.launcher import Answer
from sandbox.launch.packets import Lanes
from sandbox.launch.wire import Exited, RunFlag
from sandbox.monitor import Ended, Monitor
from sandbox.outcome import Usage, classify, measure
from sandbox.plan import Plan
from sandbox.result import NotCollected, Result

if TYPE_CHECKING:
    from sandbox.box import Box

PATIENCE_MS = 2
PATIENCE = PATIENCE_MS / 1000
"""Seconds in which a program may end before anybody looks: most end, no limit can be reached, and a pipe holds what
most print.
"""


def run(
    box: Box, plan: Plan, stdin: Stdin, stdout: Stdout, stderr: Stdout, pass_fds: PassFds, control: Control | None
) -> Result:
    """Carry out a plan in a box that is ready, and say how it ended. Raises what `sandbox.run` raises."""
    if plan.files:
        transfer.put_all(box.warden, plan.files)
        box.cgroup.settle()  # what that took is not the program's
    course = Course(box, plan, Streams(box.init.pipes, plan.limits.output, stdin, stdout, stderr, pass_fds))
    try:
        course.run(control)
        result = course.result()
        if control is None:
            course.streams.deliver(result)
    except BaseException:
        course.streams.close()
        raise
    return result


class Course:
    """One run in a box: `run` waits for its end; or `submit`, `told` and perhaps `wait` do that in steps. Then `result`
    says how it ended.
    """

    def __init__(self, box: Box, plan: Plan, streams: Streams) -> None:
        self._box, self._plan, self.streams = box, plan, streams
        self._limits = plan.limits
        self._started = 0.0
        self._ended: Ended | None = None

    def run(self, control: Control | None) -> None:
        """From the start to the end."""
        try:
            if control is not None:
                control.begin(self._box, self.streams)
            told = control is not None and control.started is not None
            if not self._start(0 if told or self._needs_watch else PATIENCE_MS, RunFlag.REPORT_START if told else 0):
                self._watch(control)
        finally:
            if control is not None:
                control.end()

    @property
    def _needs_watch(self) -> bool:
        limits, streams = self._limits, self.streams
        shortest = min(limits.wall_time or 1.0, limits.idle_time or 1.0)
        return streams.feed is not None or streams.shared or shortest <= PATIENCE

    def packet(self) -> bytes | None:
        """What a lane is to send, if one will do: not if somebody has to look after the run from its beginning."""
        plan, streams = self._plan, self.streams
        head, tail = wire.redirect(plan.head, plan.tail, streams.targets, streams.flags)
        return head + tail if len(head) + len(tail) <= wire.MAX and not self._needs_watch else None

    def submit(self, lanes: Lanes, tag: object, packet: bytes) -> None:
        """Have a lane start it, and wait for as long as most take."""
        self._box.cgroup.start(self._box.init.pidfd)
        self._box.init.submit(lanes, tag, packet, self.streams.fds, PATIENCE_MS)

    def told(self, began: float, answer: Answer | None, error: OSError | None) -> bool:
        """What the lane has told: whether it has ended. Raises `HostError`, and `LaunchError` if it never began."""
        self._started = began
        exited = self._box.init.told(answer, error)
        if exited is not None:
            self._note(exited)
        return exited is not None

    def wait(self, control: Control) -> None:
        """For the end of one that a lane has left."""
        try:
            control.begin(self._box, self.streams)
            self._watch(control)
        finally:
            control.end()

    def _start(self, patience: int, flags: int) -> bool:
        """Have init start the program; whether that is all."""
        box, plan, streams = self._box, self._plan, self.streams
        if plan.limits.idle_time is not None:
            streams.expect_output()
        box.cgroup.start(box.init.pidfd)
        self._started = time.monotonic()
        flags |= streams.flags | (RunFlag.FILLED if plan.files else 0)
        exited = box.init.run(plan.head, plan.tail, streams.fds, streams.targets, flags, patience)
        if exited is None:
            return False
        self._note(exited)
        return True

    def _note(self, exited: Exited) -> None:
        if exited.unread:
            self.streams.read(exited.unread)
        self._ended = Ended(exited)

    def _watch(self, control: Control | None) -> None:
        """Be there until it has ended, with the limits that are in force then."""
        box = self._box
        self.streams.hand_over()
        monitor = Monitor(
            box.init, box.cgroup, self._limits, self.streams.all(), self._started, box.observer, control
        )  # fmt: skip
        self._ended = monitor.wait()
        self._limits = monitor.limits

    def result(self) -> Result:
        """Of a run that has ended: what is left is read, measured and collected, and the box is ready for the next."""
        box, plan, streams, limits, ended = self._box, self._plan, self.streams, self._limits, self._ended
        assert ended is not None
        if ended.exited is None:
            box.init.kill()  # what init did not end must not go on while it is measured and its files are collected
        streams.finish()
        if ended.exited is not None:
            box.init.exchange_pipes(ended.exited.pipes)
        usage = measure(ended, box.cgroup, limits)
        files = _collect(box, plan, usage) if plan.collect else {}
        box.note(ended)
        out, err = streams.stdout, streams.stderr
        out_truncated, err_truncated = out is not None and out.truncated, err is not None and err.truncated
        return Result(
            status=classify(usage, limits, out_truncated or err_truncated),
            exit_code=usage.exit_code,
            signal=usage.signal,
            cpu_time=usage.cpu_time,
            wall_time=usage.wall_time,
            memory_peak=usage.memory_peak,
            processes_peak=usage.processes_peak,
            stdout=out.content if out else None,
            stderr=err.content if err else None,
            stdout_truncated=out_truncated,
            stderr_truncated=err_truncated,
            files=files,
            limits=limits,
            enforced=box.enforced,
            measured_by=dict(usage.measured_by),
            denied_syscalls=usage.denied,
            ended_at=usage.ended_at,
            scratch=usage.scratch,
        )


def _collect(box: Box, plan: Plan, usage: Usage) -> Mapping[str, bytes | NotCollected]:
    try:
        return transfer.collect_all(box.warden, plan.collect, plan.limits.scratch or 0)
    except HostError:
        if usage.cause is None and not usage.oom_kills:
            raise
        # Of a limit, which the result tells of; so does what became of its files.
        return dict.fromkeys(plan.collect, NotCollected("the box died with it"))
