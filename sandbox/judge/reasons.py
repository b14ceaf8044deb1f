"""From how a program ended to a verdict, with the reason in a sentence."""

from __future__ import annotations

from collections.abc import Collection

from sandbox.judge.verdict import Verdict
from sandbox.result import Result, Status, signal_name

_MIB = 1 << 20


def verdict_of(
    result: Result, time_limit: float | None, out_of_memory: Collection[str] = ()
) -> tuple[Verdict, str]:  # fmt: skip
    """What a run says before its output is looked at: AC, with the reason empty, if there is nothing against it.

    `time_limit` is the problem's, of CPU seconds: the run's own may be larger, so that a run close to it can be told
    from one that is far from it. `out_of_memory` are the ends of a run time that refuses memory (`Run`).
    """
    over = time_limit is not None and result.cpu_time is not None and result.cpu_time > time_limit
    if result.status is Status.CPU_TIME_LIMIT or (over and result.status in (Status.OK, Status.NONZERO_EXIT)):
        limit = time_limit if time_limit is not None else result.limits.cpu_time
        return Verdict.TLE, f"CPU time {_seconds(result.cpu_time)} of {_seconds(limit)}{_by(result, 'cpu_time')}"
    if (end := _end(result)) in out_of_memory:
        return Verdict.MLE, f"{_memory(result)}, and the run time refused more: {end}"
    explain = _REASONS.get(result.status)
    if explain is None:
        return Verdict.AC, ""
    verdict, say = explain
    return verdict, say(result)


def of_submission(
    result: Result, time_limit: float | None, out_of_memory: Collection[str] = (), printed: int | None = None
) -> tuple[Verdict, str]:  # fmt: skip
    """As `verdict_of`, for a program whose limit of output is for all that it writes: stdout, stderr and files.

    `printed` are the bytes of a stdout that is not in the result. While it runs, the limit is for each stream; a file
    that it removes again before its end is not seen.
    """
    verdict, reason = verdict_of(result, time_limit, out_of_memory)
    limit = result.limits.output
    if limit is None or result.status not in (Status.OK, Status.NONZERO_EXIT, Status.SIGNALED):
        return verdict, reason
    out = len(result.stdout or b"") if printed is None else printed
    err, files = len(result.stderr or b""), result.scratch or 0
    if verdict is Verdict.TLE or out + err + files <= limit:
        return verdict, reason
    parts = f"{out} on stdout, {err} on stderr, {files} in files{_by(result, 'scratch')}"
    return Verdict.OLE, f"{out + err + files} bytes of output, of which {limit} are allowed: {parts}"


def _end(result: Result) -> str:
    """How a program ended by itself: its exit code, or the name of a signal; empty if a limit ended it."""
    if result.status is Status.SIGNALED:
        return signal_name(result.signal or 0)
    return str(result.exit_code) if result.status is Status.NONZERO_EXIT else ""


def _wall(result: Result) -> str:
    return (
        f"wall time {_seconds(result.wall_time)} of {_seconds(result.limits.wall_time)}{_by(result, 'wall_time')},"
        f" with CPU time {_seconds(result.cpu_time)}"
    )


def _idle(result: Result) -> str:
    return f"no output for {_seconds(result.limits.idle_time)}"


def _memory(result: Result) -> str:
    peak = "not measured" if result.memory_peak is None else f"{result.memory_peak / _MIB:.1f} MiB"
    limit = (result.limits.memory or 0) / _MIB
    return f"memory {peak} of {limit:.1f} MiB{_by(result, 'memory_peak')}"


def _output(result: Result) -> str:
    stream = "stdout" if result.stdout_truncated else "stderr"
    return f"more than {result.limits.output} bytes on {stream}"


def _signal(result: Result) -> str:
    return f"ended by {signal_name(result.signal or 0)}"


def _exit(result: Result) -> str:
    return f"exit code {result.exit_code}"


def _denied(result: Result) -> str:
    return f"system call {', '.join(result.denied_syscalls) or '?'} is not allowed"


_REASONS = {
    Status.WALL_TIME_LIMIT: (Verdict.TLE, _wall),
    Status.IDLE_TIME_LIMIT: (Verdict.TLE, _idle),
    Status.MEMORY_LIMIT: (Verdict.MLE, _memory),
    Status.OUTPUT_LIMIT: (Verdict.OLE, _output),
    Status.SIGNALED: (Verdict.RTE, _signal),
    Status.NONZERO_EXIT: (Verdict.RTE, _exit),
    Status.SYSCALL_DENIED: (Verdict.RTE, _denied),
}


def _seconds(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f} s"


def _by(result: Result, number: str) -> str:
    source = result.measured_by.get(number)
    return f" (measured by {source})" if source else ""
