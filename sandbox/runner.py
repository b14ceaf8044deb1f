"""One run, front to back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox import transfer
from sandbox.capture import Stdin, Stdout, Streams
from sandbox.monitor import Monitor
from sandbox.outcome import classify, measure
from sandbox.plan import Plan
from sandbox.result import Result

if TYPE_CHECKING:
    from sandbox.box import Box


def run(box: Box, plan: Plan, stdin: Stdin, stdout: Stdout, stderr: Stdout) -> Result:
    """Carry out a plan in a box that is ready, and say how it ended. Raises what `sandbox.run` raises."""
    limits, group, init = plan.limits, box.cgroup, box.init
    group.limit(limits.memory, limits.processes, limits.cpus)
    transfer.put_all(box.warden, plan.files)
    with Streams(init.pipes, limits.output, stdin, stdout, stderr) as streams:
        group.start(init.pidfd)
        init.run(plan.head, plan.tail, streams.fds, streams.targets, streams.flags)
        streams.hand_over()
        ended = Monitor(init, group, limits, streams.all, box.observer).wait()
    if ended.exited is not None:
        init.exchange_pipes(ended.exited.pipes)
    else:
        init.kill()  # what init did not end must not go on while it is measured and its files are collected
    usage = measure(ended, group)
    files = transfer.collect_all(box.warden, plan.collect, limits.scratch or 0)
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
        measured_by=usage.measured_by,
        denied_syscalls=usage.denied,
    )
