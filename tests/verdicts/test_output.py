"""Output: captured to the byte, ended at the first byte more than fits."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox import STDOUT, Box, Result, Status

Run = Callable[..., Result]

LIMIT = 200_000


def streams(result: Result) -> list[tuple[bytes | None, bool]]:
    """Both streams with whether they were cut."""
    return [(result.stdout, result.stdout_truncated), (result.stderr, result.stderr_truncated)]


@pytest.mark.parametrize("fd", [1, 2])
def test_flood(run: Run, fd: int) -> None:
    """Output without end ends the run; what was kept is as long as the limit, and the other stream is whole."""
    result = run("flood", fd, output=LIMIT, wall_time=30)
    assert result.status is Status.OUTPUT_LIMIT
    assert streams(result)[fd - 1] == (b"x" * LIMIT, True)
    assert streams(result)[2 - fd] == (b"", False)
    assert result.wall_time < 20


@pytest.mark.parametrize("fd", [1, 2])
def test_exactly_the_limit(run: Run, fd: int) -> None:
    """Output of exactly the limit is kept whole, and no limit was reached."""
    result = run("flood", fd, LIMIT, output=LIMIT)
    assert result.status is Status.OK
    assert streams(result)[fd - 1] == (b"x" * LIMIT, False)


@pytest.mark.parametrize("fd", [1, 2])
@pytest.mark.parametrize("limit", [1, 4096, 65536, LIMIT])
def test_one_byte_more(run: Run, fd: int, limit: int) -> None:
    """One byte more than the limit is an OUTPUT_LIMIT, even if the program has ended by itself meanwhile."""
    result = run("flood", fd, limit + 1, output=limit)
    assert result.status is Status.OUTPUT_LIMIT
    assert streams(result)[fd - 1] == (b"x" * limit, True)


def test_the_limit_is_of_each_stream(box: Box) -> None:
    """What one stream took leaves the other its own limit."""
    script = "head -c 1000 /dev/zero; head -c 1000 /dev/zero >&2"
    result = box.run(["sh", "-c", script], limits={"output": 1000})
    assert result.status is Status.OK
    assert streams(result) == [(bytes(1000), False), (bytes(1000), False)]


def test_merged_streams_share_one_limit(box: Box) -> None:
    """Where stderr goes to stdout there is one stream."""
    script = "head -c 600 /dev/zero; head -c 600 /dev/zero >&2"
    result = box.run(["sh", "-c", script], limits={"output": 1000}, stderr=STDOUT)
    assert (result.status, result.stdout, result.stderr) == (Status.OUTPUT_LIMIT, bytes(1000), None)


def test_output_of_a_program_that_is_ended(run: Run, box: Box) -> None:
    """What was printed before a limit ended the run is there."""
    result = box.run(["sh", "-c", "echo before; echo error >&2; sleep 100"], limits={"wall_time": 0.3})
    assert (result.status, result.stdout, result.stderr) == (Status.WALL_TIME_LIMIT, b"before\n", b"error\n")


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 131072, 1_000_000])
def test_sizes(run: Run, size: int) -> None:
    """Output of any size arrives whole."""
    result = run("flood", 1, size, output=1_000_000)
    assert (result.status, result.stdout) == (Status.OK, b"x" * size)


def test_small_and_slow_writes(box: Box) -> None:
    """Many small writes are put together in order."""
    result = box.run(["sh", "-c", "i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done"])
    assert result.stdout == b"".join(b"%d\n" % i for i in range(3000))


def test_closed_output(box: Box) -> None:
    """A program that closes its streams ends as it likes."""
    result = box.run(["sh", "-c", "exec >&- 2>&-; exit 4"])
    assert (result.status, result.exit_code) == (Status.NONZERO_EXIT, 4)
