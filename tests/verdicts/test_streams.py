"""Standard streams: what goes in, what comes out, and what becomes of the caller's own descriptors."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import census
import pytest

from sandbox import DEVNULL, PIPE, STDOUT, Box, RequestError, Result, Status

Run = Callable[..., Result]

LARGE = bytes(range(256)) * 40_000
"""10 MB."""


@pytest.fixture
def pipe() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """A pipe of the caller's."""
    ours, theirs = os.pipe()
    with open(ours, "rb", 0) as read, open(theirs, "wb", 0) as write:
        yield read, write


@pytest.mark.parametrize("stdin", [None, DEVNULL, b"", ""])
def test_no_input(box: Box, stdin) -> None:
    """A program that is given nothing reads the end of file at once; it never shares the caller's input."""
    result = box.run(["cat"], stdin=stdin, limits={"wall_time": 5})
    assert (result.status, result.stdout) == (Status.OK, b"")


def test_text_and_bytes(box: Box) -> None:
    """Text goes in as UTF-8, bytes as they are."""
    assert box.run(["cat"], stdin="grüße\n").stdout == "grüße\n".encode()
    assert box.run(["cat"], stdin=b"\0\xff\n").stdout == b"\0\xff\n"


def test_large_input(box: Box) -> None:
    """10 MB go in and come out whole, whatever the pipes hold."""
    limits = {"output": 20_000_000}
    assert box.run(["cat"], stdin=LARGE, limits=limits).stdout == LARGE


def test_path(box: Box, tmp_path: Path) -> None:
    """A file is copied while the program reads: the program never holds the file itself."""
    path = tmp_path / "input"
    path.write_bytes(LARGE)
    assert box.run(["cat"], stdin=path, limits={"output": 20_000_000}).stdout == LARGE
    assert box.run(["stat", "-Lc", "%F", "/dev/stdin"], stdin=path).stdout == b"fifo\n"


def test_missing_path(box: Box, tmp_path: Path) -> None:
    """A file that is not there is an error that names the field, before anything starts."""
    with pytest.raises(RequestError, match=r"^stdin: cannot read .*nowhere.*: No such file or directory"):
        box.run(["cat"], stdin=tmp_path / "nowhere")


def test_open_file(box: Box, tmp_path: Path) -> None:
    """An open file is read from where it stands."""
    path = tmp_path / "input"
    path.write_bytes(b"first\nsecond\n")
    with path.open("rb", buffering=0) as file:
        file.seek(6)
        assert box.run(["cat"], stdin=file).stdout == b"second\n"


def test_pipe(box: Box, pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    """A pipe is copied until its end, while it is written."""
    ours, theirs = pipe

    def write() -> None:
        for _ in range(5):
            theirs.write(b"line\n")
            time.sleep(0.02)
        theirs.close()

    writer = threading.Thread(target=write)
    writer.start()
    assert box.run(["cat"], stdin=ours.fileno()).stdout == b"line\n" * 5
    writer.join()


def test_pipe_that_stays_open(box: Box, pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    """A run ends with its program, not with its input."""
    ours, theirs = pipe
    theirs.write(b"one\n")
    result = box.run(["head", "-n1"], stdin=ours, limits={"wall_time": 30})
    assert (result.status, result.stdout) == (Status.OK, b"one\n")
    assert result.wall_time < 20
    os.fstat(ours.fileno())  # the caller's descriptor stays the caller's


@pytest.mark.parametrize("argv", [["true"], ["sh", "-c", "exec <&-; sleep 0.05"], ["head", "-c1"]])
def test_input_that_nobody_reads(box: Box, tmp_path: Path, argv: list[str]) -> None:
    """Not reading, closing and reading a little are no errors, however much there is to read."""
    path = tmp_path / "input"
    path.write_bytes(LARGE)
    for stdin in (LARGE, path):
        assert box.run(argv, stdin=stdin, limits={"wall_time": 30}).status is Status.OK


def test_input_of_a_program_that_is_ended(box: Box, tmp_path: Path) -> None:
    """Nor is a limit that ends the program while there is still input."""
    path = tmp_path / "input"
    path.write_bytes(LARGE)
    result = box.run(["sh", "-c", "read x; while :; do :; done"], stdin=path, limits={"cpu_time": 0.2})
    assert result.status is Status.CPU_TIME_LIMIT


def test_what_the_program_gets_cannot_be_changed(box: Box) -> None:
    """Input that was given as bytes cannot be written to through its descriptor."""
    result = box.run(["sh", "-c", "echo x > /proc/self/fd/0; echo x >> /dev/stdin; cat"], stdin=b"input")
    assert result.stdout == b"input"


def test_order_of_merged_streams(box: Box) -> None:
    """With stderr=STDOUT both come in the order of their writing."""
    script = "for i in 1 2 3; do echo out $i; echo err $i >&2; done"
    result = box.run(["sh", "-c", script], stderr=STDOUT)
    assert result.stdout == b"out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n"
    assert result.stderr is None


def test_discarded_output(run: Run) -> None:
    """Discarded output counts against no limit, and is `None`."""
    result = run("flood", 1, 3_000_000, output=1000, stdout=DEVNULL, stderr=DEVNULL)
    assert (result.status, result.stdout, result.stderr) == (Status.OK, None, None)


def test_stderr_alone_is_discarded(box: Box) -> None:
    """Each stream goes its own way."""
    result = box.run(["sh", "-c", "echo out; echo err >&2"], stderr=DEVNULL)
    assert (result.stdout, result.stderr) == (b"out\n", None)


def test_output_to_a_file(box: Box, tmp_path: Path) -> None:
    """A file of the caller gets the output, after what is in it, and the result has none."""
    with (tmp_path / "out").open("w+b") as file:
        file.write(b"before ")
        file.flush()
        result = box.run(["sh", "-c", "echo out; echo err >&2"], stdout=file, stderr=PIPE)
        assert (result.status, result.stdout, result.stderr) == (Status.OK, None, b"err\n")
        file.seek(0)
        assert file.read() == b"before out\n"


def test_output_to_a_file_is_limited(run: Run, tmp_path: Path) -> None:
    """The limit counts what is passed on as well, to the byte."""
    with (tmp_path / "out").open("w+b") as file:
        result = run("flood", 1, output=100_000, stdout=file)
        assert (result.status, result.stdout_truncated) == (Status.OUTPUT_LIMIT, True)
        assert file.seek(0, os.SEEK_END) == 100_000


def test_output_to_a_slow_reader(run: Run, pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    """A pipe of the caller that is read slowly gets everything."""
    ours, theirs = pipe
    got = bytearray()

    def read() -> None:
        while data := ours.read(20_000):
            got.extend(data)
            time.sleep(0.002)

    reader = threading.Thread(target=read)
    reader.start()
    result = run("flood", 1, 500_000, output=1_000_000, stdout=theirs, wall_time=20)
    theirs.close()
    reader.join()
    assert (result.status, len(got)) == (Status.OK, 500_000)


def test_output_to_nobody(run: Run, pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    """Where nobody reads any more, a program that prints more is told so, and how it ends is its own affair."""
    ours, theirs = pipe
    ours.close()
    assert run("flood", 1, 1000, stdout=theirs).ok
    result = run("flood", 1, 20_000_000, stdout=theirs)
    assert (result.status, result.exit_code) == (Status.NONZERO_EXIT, 7)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stdin", io.StringIO("text")),
        ("stdin", 3.5),
        ("stdin", 9999),
        ("stdout", io.BytesIO()),
        ("stderr", "stdout"),
        ("stdout", 9999),
    ],
)
def test_wrong_streams(box: Box, field: str, value: Any) -> None:
    """What is no stream is refused by the field's name, and the box works on."""
    with pytest.raises(RequestError, match=f"^{field}: "):
        box.run(["true"], **{field: value})
    assert box.run(["echo", "on"]).stdout == b"on\n"


def test_the_program_cannot_reopen_the_callers_streams(box: Box, tmp_path: Path) -> None:
    """Through /proc/self/fd a program finds pipes only: nothing that could be opened anew with other rights."""
    path = tmp_path / "file"
    path.write_bytes(b"in")
    with path.open("r+b", buffering=0) as file:
        result = box.run(["sh", "-c", "readlink /proc/self/fd/[012] >&2"], stdin=file, stdout=file, stderr=PIPE)
    assert [line.split(b":")[0] for line in result.stderr.splitlines()] == [b"pipe"] * 3


def test_directory_as_input(box: Box, tmp_path: Path) -> None:
    """A directory has nothing to read: said before anything starts."""
    with pytest.raises(RequestError, match=r"^stdin: .* is a directory"):
        box.run(["true"], stdin=tmp_path)
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(RequestError, match=r"^stdin: .* is a directory"):
            box.run(["true"], stdin=fd)
    finally:
        os.close(fd)


def test_fifo_that_nobody_writes(box: Box, tmp_path: Path) -> None:
    """The program waits for it, and its deadline holds: not the caller, before there is a deadline."""
    os.mkfifo(tmp_path / "fifo")
    result = box.run(["cat"], stdin=tmp_path / "fifo", limits={"wall_time": 0.3})
    assert result.status is Status.WALL_TIME_LIMIT


def test_wrong_streams_leave_no_descriptor(box: Box, tmp_path: Path) -> None:
    """What was opened for a request that is refused is closed again."""
    path = tmp_path / "input"
    path.write_bytes(b"x")

    before = census.quiet(box)
    for _ in range(5):
        for stdin in (path, b"x"):
            with pytest.raises(RequestError, match=r"^stdout: "):
                box.run(["true"], stdin=stdin, stdout=9999)
    assert not census.left(before, box)


def test_both_streams_to_one_descriptor(box: Box, pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    """More than a pipe holds, from both: neither waits for ever."""
    ours, theirs = pipe
    size, reader = [0], threading.Thread(target=lambda: size.append(len(ours.read())))
    reader.start()
    script = "head -c 150000 /dev/zero & head -c 150000 /dev/zero >&2; wait"
    result = box.run(["sh", "-c", script], stdout=theirs, stderr=theirs)
    theirs.close()
    reader.join()
    assert (result.status, size[-1]) == (Status.OK, 300_000)


def test_a_descriptor_that_does_not_block(run: Run, pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    """What it has no room for waits until it has."""
    ours, theirs = pipe
    os.set_blocking(theirs.fileno(), False)
    got: list[bytes] = []

    def read_slowly() -> None:
        while data := os.read(ours.fileno(), 8192):
            got.append(data)
            time.sleep(0.001)

    reader = threading.Thread(target=read_slowly)
    reader.start()
    assert run("flood", 1, 400_000, stdout=theirs).ok
    theirs.close()
    reader.join()
    assert len(b"".join(got)) == 400_000


def test_a_reader_that_stops(run: Run, pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    """When the program has been ended nobody waits for its reader for long, and what was lost is told."""
    _, theirs = pipe
    started = time.monotonic()
    result = run("flood", 1, 400_000, stdout=theirs, wall_time=0.3)
    assert time.monotonic() - started < 15
    assert (result.status, result.stdout_truncated) == (Status.WALL_TIME_LIMIT, True)


def test_a_reader_that_comes_late(run: Run, pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    """Within the run's time on the clock nothing is lost, though the program has ended long before."""
    ours, theirs = pipe
    got: list[bytes] = []

    def read_late() -> None:
        time.sleep(1.5)
        while data := os.read(ours.fileno(), 65536):
            got.append(data)

    reader = threading.Thread(target=read_late)
    reader.start()
    result = run("flood", 1, 120_000, stdout=theirs)
    theirs.close()
    reader.join()
    assert (result.ok, result.stdout_truncated, len(b"".join(got))) == (True, False, 120_000)


@pytest.mark.parametrize("full", range(0, 16, 5))
def test_two_streams_to_one_pipe_that_nobody_reads(box: Box, pipe: tuple[IO[bytes], IO[bytes]], full: int) -> None:
    """There is room for what one of both has to say: the watch over the program does not wait for the other's."""
    _, theirs = pipe
    os.write(theirs.fileno(), bytes(4096 * full))
    started = time.monotonic()
    script = "head -c 5000 /dev/zero; sleep 0.05; yes >&2 & yes"
    result = box.run(["sh", "-c", script], stdout=theirs, stderr=theirs, limits={"wall_time": 0.3})
    assert (result.status, result.stdout_truncated) == (Status.WALL_TIME_LIMIT, True)
    assert time.monotonic() - started < 15
