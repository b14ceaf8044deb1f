"""How a program ends by itself: exit codes, signals, calls that it must not make."""

from __future__ import annotations

import platform
import signal
from collections.abc import Callable

import pytest

from sandbox import Box, Result, Status

Run = Callable[..., Result]

x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="the foreign ABIs are those of x86-64")


def test_every_exit_code(box: Box) -> None:
    """0 is OK; 1 to 255 are NONZERO_EXIT, the shell's codes for signals included."""
    for code in range(256):
        result = box.run(["sh", "-c", f"exit {code}"])
        assert result.status is (Status.OK if code == 0 else Status.NONZERO_EXIT)
        assert (result.exit_code, result.signal) == (code, None)
        assert result.ok is (code == 0)


@pytest.mark.parametrize(
    ("how", "number"),
    [("abort", signal.SIGABRT), ("segv", signal.SIGSEGV), ("fpe", signal.SIGFPE), ("stack", signal.SIGSEGV)],
)
def test_crashes(run: Run, how: str, number: int) -> None:
    """A crash is the program's own, with the signal that the program really got."""
    result = run("end", how, stack=8 << 20)
    assert (result.status, result.signal, result.exit_code) == (Status.SIGNALED, number, None)


@pytest.mark.parametrize("number", [s for s in signal.valid_signals() if s not in (31, 32, 33)])
def test_raised_signals(run: Run, number: int) -> None:
    """Signals that a program sends itself are no limits, even those that limits use: SIGKILL, SIGXCPU, SIGXFSZ."""
    stops = number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
    result = run("end", "raise", int(number), wall_time=0.3 if stops else 30)
    if stops:
        assert result.status is Status.WALL_TIME_LIMIT, "it stands still"
    elif number in (signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH):
        assert result.exit_code == 99, "ignored by default"
    else:
        assert (result.status, result.signal, result.exit_code) == (Status.SIGNALED, number, None)


@pytest.mark.parametrize("who", ["ptrace", "child", "thread"])
def test_denied_call(run: Run, who: str) -> None:
    """A call that the policy denies ends the run, by its name, whoever in the run makes it."""
    result = run("deny", who, wall_time=30)
    assert (result.status, result.denied_syscalls) == (Status.SYSCALL_DENIED, ("ptrace",))
    assert result.signal == signal.SIGKILL
    assert result.stdout == b""
    assert result.wall_time < 20


@x86_64
@pytest.mark.parametrize("abi", ["ia32", "x32"])
def test_foreign_abi(run: Run, abi: str) -> None:
    """A call by another ABI's table ends the run: its numbers mean other calls."""
    result = run("deny", abi)
    assert (result.status, result.signal) == (Status.SYSCALL_DENIED, signal.SIGKILL)
    assert len(result.denied_syscalls) == 1
    assert result.stdout == b""


def test_after_a_denied_call_the_box_is_as_before(run: Run, box: Box) -> None:
    """The next run has nothing to do with what the last one was ended for."""
    run("deny", "ptrace")
    result = box.run(["echo", "next"])
    assert (result.status, result.denied_syscalls, result.stdout) == (Status.OK, (), b"next\n")
