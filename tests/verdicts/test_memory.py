"""Memory: every way to take it ends at the limit, and what fits is let be and measured."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from sandbox import Box, Result, Status

Run = Callable[..., Result]

MIB = 1 << 20

KINDS = [
    "anonymous",
    "shared",
    "processes",
    "child",
    pytest.param("tmpfs", marks=pytest.mark.cgroup),
    pytest.param("shm", marks=pytest.mark.cgroup),
    pytest.param("memfd", marks=pytest.mark.cgroup),
]
"""Without control groups only what is mapped is seen."""


def _skip_without_peaks(result: Result) -> None:
    if result.measured_by["memory_peak"] == "rusage":
        pytest.skip("this kernel cannot reset the peak of a group (cgroup v2 before Linux 6.12)")


@pytest.mark.parametrize("kind", KINDS)
def test_too_much(run: Run, kind: str) -> None:
    """Private and shared mappings, files in memory, many small processes, a child whose end nobody minds."""
    result = run("memory", kind, 60, memory=32 * MIB, wall_time=30)
    assert result.status is Status.MEMORY_LIMIT
    assert result.wall_time < 20
    assert result.memory_peak > 24 * MIB


@pytest.mark.cgroup
def test_the_limit_is_exact(run: Run) -> None:
    """The kernel stops the tree at the limit: the peak is never above it."""
    result = run("memory", "anonymous", 400, memory=32 * MIB)
    assert result.status is Status.MEMORY_LIMIT
    assert result.signal == signal.SIGKILL
    assert result.memory_peak <= 33 * MIB


@pytest.mark.parametrize("kind", KINDS)
def test_what_fits(run: Run, kind: str) -> None:
    """The same programs end well under a limit that they keep."""
    result = run("memory", kind, 20, memory=64 * MIB, wall_time=30)
    assert result.status is Status.OK
    if kind not in ("processes", "child"):
        _skip_without_peaks(result)
        assert 18 * MIB < result.memory_peak < 40 * MIB


@pytest.mark.cgroup
def test_peak_is_what_was_touched(run: Run) -> None:
    """50 MiB that are touched are as much of peak, wherever they lie, but for what each CPU has charged ahead."""
    for kind in ("anonymous", "shared", "tmpfs", "memfd"):
        result = run("memory", kind, 50, memory=256 * MIB)
        assert result.status is Status.OK
        _skip_without_peaks(result)
        assert 49 * MIB < result.memory_peak < 60 * MIB, kind
        assert result.measured_by["memory_peak"].startswith("cgroup")


@pytest.mark.cgroup
def test_peak_of_one_run_is_not_the_next_ones(run: Run, box: Box) -> None:
    """A small program after a large one has a small peak."""
    run("memory", "anonymous", 100)
    assert box.run(["true"]).memory_peak < 8 * MIB


def test_limits_of_one_run_are_not_the_next_ones(run: Run) -> None:
    """A limit that was lowered for one run is back for the next."""
    assert run("memory", "anonymous", 100, memory=32 * MIB).status is Status.MEMORY_LIMIT
    assert run("memory", "anonymous", 100, memory=256 * MIB).status is Status.OK
    assert run("memory", "anonymous", 100, memory=32 * MIB).status is Status.MEMORY_LIMIT


def test_address_space(run: Run) -> None:
    """The address space is limited if a request asks for it: then allocation fails, and nothing is killed."""
    result = run("memory", "anonymous", 100, address_space=64 * MIB)
    assert (result.status, result.exit_code) == (Status.NONZERO_EXIT, 3)


def test_output_is_not_the_programs_memory(run: Run) -> None:
    """A program that prints 50 MB under a limit of 64 MB has not used them up."""
    result = run("flood", 1, 50_000_000, memory=64_000_000, output=60_000_000)
    assert result.status is Status.OK
    assert result.stdout == b"x" * 50_000_000
    assert result.memory_peak is None or result.memory_peak < 16 * MIB
