"""One run, front to back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox import transfer
from sandbox.capture import PassFds, Stdin, Stdout, Streams
from sandbox.errors import HostError
from sandbox.launch.wire import RunFlag
from sandbox.monitor import Control, Ended, Monitor
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
    limits, group, init = plan.limits, box.cgroup, box.init
    if plan.files:
        transfer.put_all(box.warden, plan.files)
        group.settle()  # what that took is not the program's
    streams = Streams(init.pipes, limits.output, stdin, stdout, stderr, pass_fds)
    try:
        if limits.idle_time is not None:
            streams.expect_output()
        if control is not None:
            control.streams = streams
        group.start(init.pidfd)
        shortest = min(limits.wall_time or 1.0, limits.idle_time or 1.0)
        waits = streams.feed or streams.shared or control or shortest <= PATIENCE
        patience = 0 if waits else PATIENCE_MS
        flags = streams.flags | (RunFlag.REPORT_START if control else 0)
        exited = init.run(plan.head, plan.tail, streams.fds, streams.targets, flags, patience)
        if exited is not None:
            ended = Ended(exited)
            if exited.unread:
                streams.read(exited.unread)
        else:
            streams.hand_over()
            monitor = Monitor(init, group, limits, streams.all(), box.observer, control)
            ended, limits = monitor.wait(), monitor.limits
            exited = ended.exited
            if exited is None:
                init.kill()  # what init did not end must not go on while it is measured and its files are collected
            streams.finish()
    finally:
        streams.close()
    if exited is not None:
        init.exchange_pipes(exited.pipes)
    usage = measure(ended, group, limits)
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


def _collect(box: Box, plan: Plan, usage: Usage) -> Mapping[str, bytes | NotCollected]:
    try:
        return transfer.collect_all(box.warden, plan.collect, plan.limits.scratch or 0)
    except HostError:
        if usage.cause is None and not usage.oom_kills:
            raise
        # Of a limit, which the result tells of; so does what became of its files.
        return dict.fromkeys(plan.collect, NotCollected("the box died with it"))
