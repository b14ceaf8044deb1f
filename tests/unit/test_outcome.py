"""From numbers to a Status: the order in which causes count."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.outcome import Usage, classify
from sandbox.request import Limits
from sandbox.result import Status

LIMITS = Limits(cpu_time=1.0, wall_time=2.0)


def usage(**changes: object) -> Usage:
    """What a program used that did nothing and exited with 0."""
    values: dict[str, object] = {
        "exit_code": 0, "signal": None, "cpu_time": 0.5, "wall_time": 0.5, "memory_peak": 1, "processes_peak": 1,
        "oom_kills": 0, "cause": None, "denied": (), "measured_by": {}, "ended_at": None,
    }  # fmt: skip
    return Usage(**(values | changes))  # type: ignore[arg-type]


CAUSES: list[tuple[Status, dict[str, object]]] = [
    (Status.WALL_TIME_LIMIT, {"cause": Status.WALL_TIME_LIMIT}),
    (Status.MEMORY_LIMIT, {"oom_kills": 1}),
    (Status.SYSCALL_DENIED, {"denied": ("ptrace",)}),
    (Status.OUTPUT_LIMIT, {"truncated": True}),
    (Status.CPU_TIME_LIMIT, {"cpu_time": 1.01}),
    (Status.WALL_TIME_LIMIT, {"wall_time": 2.01}),
    (Status.SIGNALED, {"exit_code": None, "signal": 11}),
    (Status.NONZERO_EXIT, {"exit_code": 3}),
]
"""From the one that counts most to the one that counts least."""


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(range(len(CAUSES)), 2)))
def test_precedence(first: int, second: int) -> None:
    """Of two things that are both true, the one that ended the program is its Status."""
    status, signs = CAUSES[first]
    both = CAUSES[second][1] | signs
    truncated = bool(both.pop("truncated", False))
    if first == 6:
        both["exit_code"] = None  # a signal or a code, never both
    assert classify(usage(**both), LIMITS, truncated) is status


@pytest.mark.parametrize(("status", "signs"), CAUSES)
def test_each_alone(status: Status, signs: dict[str, object]) -> None:
    """Each sign by itself."""
    signs = dict(signs)
    truncated = bool(signs.pop("truncated", False))
    assert classify(usage(**signs), LIMITS, truncated) is status


@pytest.mark.parametrize("status", [s for s in Status if s.name.endswith(("LIMIT", "DENIED"))])
def test_the_monitors_word_is_the_last(status: Status) -> None:
    """The limit for which the monitor ended the run is its Status, whatever else was exceeded meanwhile."""
    everything = usage(
        cause=status, oom_kills=3, denied=("bpf",), cpu_time=9.0, wall_time=9.0, exit_code=None, signal=9
    )
    assert classify(everything, LIMITS, True) is status


def test_exactly_at_a_limit() -> None:
    """What is used up to the limit is within it."""
    assert classify(usage(cpu_time=1.0, wall_time=2.0), LIMITS, False) is Status.OK


def test_what_was_not_measured_or_not_limited() -> None:
    """Nothing is concluded from a number that is missing."""
    assert classify(usage(cpu_time=None), LIMITS, False) is Status.OK
    assert classify(usage(cpu_time=99.0, wall_time=99.0), Limits(), False) is Status.OK


@given(st.integers(1, 64))
def test_signals(number: int) -> None:
    """A signal alone is the program's own doing, whichever it is: SIGKILL and SIGXCPU do not mean a limit."""
    assert classify(usage(exit_code=None, signal=number), LIMITS, False) is Status.SIGNALED


@given(st.integers(0, 255))
def test_exit_codes(code: int) -> None:
    """0 is OK and nothing else is."""
    assert classify(usage(exit_code=code), LIMITS, False) is (Status.NONZERO_EXIT if code else Status.OK)


usages = st.builds(
    Usage,
    exit_code=st.none() | st.integers(0, 255),
    signal=st.none() | st.integers(1, 64),
    cpu_time=st.none() | st.floats(0, 10),
    wall_time=st.floats(0, 10),
    memory_peak=st.none() | st.integers(0, 1 << 40),
    processes_peak=st.none() | st.integers(0, 1000),
    oom_kills=st.integers(0, 3),
    cause=st.none() | st.sampled_from(Status),
    denied=st.lists(st.sampled_from(["bpf", "ptrace"]), max_size=2).map(tuple),
    measured_by=st.just({}),
)
times = st.none() | st.floats(0.001, 10)


@given(usages, st.builds(Limits, cpu_time=times, wall_time=times), st.booleans())
def test_every_run_has_a_status(usage: Usage, limits: Limits, truncated: bool) -> None:
    """Whatever was measured: the monitor's word if it has one, else the first sign that holds, else the exit."""
    too_long = limits.cpu_time is not None and usage.cpu_time is not None and usage.cpu_time > limits.cpu_time
    signs = {
        Status.MEMORY_LIMIT: usage.oom_kills > 0,
        Status.SYSCALL_DENIED: bool(usage.denied),
        Status.OUTPUT_LIMIT: truncated,
        Status.CPU_TIME_LIMIT: too_long,
        Status.WALL_TIME_LIMIT: limits.wall_time is not None and usage.wall_time > limits.wall_time,
        Status.SIGNALED: usage.signal is not None,
        Status.NONZERO_EXIT: usage.exit_code != 0,
    }
    first = next((status for status, holds in signs.items() if holds), Status.OK)
    assert classify(usage, limits, truncated) is (usage.cause or first)
