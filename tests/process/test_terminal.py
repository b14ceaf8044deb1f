"""Programs with a terminal of their own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest

from sandbox import DEVNULL, Box, LaunchError, RequestError, Status
from sandbox.handover import Terminal
from sandbox.process import Process

Name = Callable[[str], str]


@pytest.fixture
def box(policy: Name) -> Iterator[Box]:
    """A box for programs with terminals."""
    with Box(policy("shell+terminal")) as box:
        yield box


def test_all_three_are_the_terminal(box: Box) -> None:
    """Of the size that was asked for, with lines as a terminal ends them; what is printed is stdout, all of it."""
    with Terminal(30, 99) as terminal:
        script = "for i in 0 1 2; do test -t $i || exit 1; done; stty size; echo err >&2; seq 20000"
        result = box.run(["sh", "-c", script], stdin=terminal, limits={"output": 1 << 20})
    assert result.ok
    lines = (result.stdout or b"").split(b"\r\n")
    assert lines[:2] == [b"30 99", b"err"]
    assert lines[2:] == [b"%d" % number for number in range(1, 20_001)] + [b""]
    assert result.stderr is None


def test_it_is_typed_into(box: Box) -> None:
    """Input is echoed, lines come as lines, and the end of input is an end."""
    reading, writing = os.pipe()
    os.write(writing, b"one\ntwo")
    os.close(writing)
    with Terminal(stdin=reading) as terminal:
        result = box.run(["sh", "-c", "while read -r x; do echo got $x; done; echo last $x"], stdin=terminal)
    os.close(reading)
    assert result.ok
    assert result.stdout is not None
    assert all(text in result.stdout for text in (b"one\r\n", b"got one\r\n", b"last two\r\n"))


def test_signals_from_the_keyboard(policy: Name) -> None:
    """Ctrl-C interrupts what is in the foreground, and another size is told of."""
    reading, writing = os.pipe()
    with Terminal(stdin=reading) as terminal:
        script = "trap 'stty size; exit 3' WINCH; trap 'echo interrupted' INT; echo ready; while :; do sleep 0.1; done"
        process = Process(["sh", "-c", script], policy=policy("shell+terminal"), stdin=terminal)
        wait_for(process, b"ready")
        os.write(writing, b"\3")
        wait_for(process, b"interrupted")
        terminal.resize(10, 20)
        result = process.wait(60)
        assert result.exit_code == 3
        assert result.stdout.endswith(b"10 20\r\n")
    os.close(writing)
    os.close(reading)


def wait_for(process: Process, text: bytes) -> None:
    """Until it has printed that."""
    deadline = time.monotonic() + 60
    while text not in (process.stdout or b""):
        assert time.monotonic() < deadline, process.stdout
        time.sleep(0.01)


def test_limits_hold(box: Box) -> None:
    """Of output, of silence, of time: as with pipes."""
    for argv, limits, status in (
        (["yes"], {"output": 5000}, Status.OUTPUT_LIMIT),
        (["sh", "-c", "echo a; sleep 9"], {"idle_time": 0.2}, Status.IDLE_TIME_LIMIT),
        (["sh", "-c", "exec 0<&- 1>&- 2>&-; sleep 9"], {"wall_time": 0.3}, Status.WALL_TIME_LIMIT),
    ):
        with Terminal() as terminal:
            result = box.run(argv, stdin=terminal, limits=limits)
        assert result.status is status
        assert len(result.stdout or b"") <= 5000


def test_mistakes(box: Box, policy: Name) -> None:
    """Each is named, and nothing runs."""
    for size in ((0, 80), (24, 1 << 16), (24, -1)):
        with pytest.raises(RequestError, match="is not the size of a terminal"):
            Terminal(*size)
    with Terminal() as terminal, pytest.raises(RequestError, match="has to be read by us"):
        box.run(["true"], stdin=terminal, stdout=DEVNULL)
    with (
        Terminal() as terminal,
        Box(policy("shell")) as plain,
        pytest.raises(LaunchError, match=r"^terminal .*: Inappropriate ioctl"),
    ):
        plain.run(["true"], stdin=terminal)


def test_nobody_types_for_another(box: Box) -> None:
    """A program can put nothing into the input of its terminal, nor change its line discipline."""
    script = (
        "import fcntl, os\n"
        "for number in (0x5412, 0x5423, 0x5421 + 0x10000000000):\n"
        "    try: fcntl.ioctl(0, number & 0xffffffff, b'x' * 8); print('done', hex(number))\n"
        "    except OSError as error: print(error.errno)\n"
    )
    with Box("python+terminal") as python, Terminal() as terminal:
        printed = python.run(["python3", "-c", script], stdin=terminal).stdout
    assert printed.split()[:2] == [b"25", b"25"]


def test_nothing_is_left(box: Box) -> None:
    """The next run has no terminal, and the host no more of them than before."""
    before = len(os.listdir("/dev/pts"))
    for _ in range(20):
        with Terminal() as terminal:
            assert box.run(["true"], stdin=terminal).ok
    assert len(os.listdir("/dev/pts")) == before
    assert box.run(["sh", "-c", "test -t 0 || test -t 1 || exit 7"]).exit_code == 7
