"""One run, front to back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox import transfer
from sandbox.capture import PassFds, Stdin, Stdout, Streams
from sandbox.control import Control
from sandbox.errors import HostError
from sandbox.launch.wire import RunFlag
from sandbox.monitor import Ended, Monitor
from sandbox.outcome import Usage, classify, measure
from sandbox.plan import Plan
from sandbox.request import Limits
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
    streams = Streams(box.init.pipes, plan.limits.output, stdin, stdout, stderr, pass_fds)
    try:
        result = _run(box, plan, streams, control)
        if control is None:
            streams.deliver(result)
    except BaseException:
        streams.close()
        raise
    return result


def _run(box: Box, plan: Plan, streams: Streams, control: Control | None) -> Result:
    try:
        if control is not None:
            control.begin(box, streams)
        ended, limits = _watch(box, plan, streams, control)
    finally:
        if control is not None:
            control.end()
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
    )


def _watch(box: Box, plan: Plan, streams: Streams, control: Control | None) -> tuple[Ended, Limits]:
    """Start the program, and be there until it has ended; with the limits that were in force then."""
    limits, init = plan.limits, box.init
    if limits.idle_time is not None:
        streams.expect_output()
    box.cgroup.start(init.pidfd)
    told = control is not None and control.started is not None
    shortest = min(limits.wall_time or 1.0, limits.idle_time or 1.0)
    waits = streams.feed or streams.shared or told or shortest <= PATIENCE
    flags = streams.flags | (RunFlag.REPORT_START if told else 0)
    exited = init.run(plan.head, plan.tail, streams.fds, streams.targets, flags, 0 if waits else PATIENCE_MS)
    if exited is not None:
        if exited.unread:
            streams.read(exited.unread)
        return Ended(exited), limits
    streams.hand_over()
    monitor = Monitor(init, box.cgroup, limits, streams.all(), box.observer, control)
    return monitor.wait(), monitor.limits


def _collect(box: Box, plan: Plan, usage: Usage) -> Mapping[str, bytes | NotCollected]:
    try:
        return transfer.collect_all(box.warden, plan.collect, plan.limits.scratch or 0)
    except HostError:
        if usage.cause is None and not usage.oom_kills:
            raise
        # Of a limit, which the result tells of; so does what became of its files.
        return dict.fromkeys(plan.collect, NotCollected("the box died with it"))
