"""Programs in the background, many at once, and under asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import census
import psutil
import pytest

from sandbox import DEVNULL, Box, HostError, LaunchError, RequestError, Status, aio, run
from sandbox.pool import Pool, progress_bar
from sandbox.process import Process, Usage

Name = Callable[[str], str]


def test_it_runs_beside_its_caller(policy: Name) -> None:
    """Started, watched, and waited for with and without a time-out."""
    process = Process(["sh", "-c", "echo a; sleep 2; exit 3"], policy=policy("shell"))
    assert process.running()
    with pytest.raises(TimeoutError):
        process.wait(0.05)
    usage = process.usage()
    assert usage.wall_time > 0
    result = process.wait()
    assert not process.running()
    assert (result.status, result.exit_code, result.stdout) == (Status.NONZERO_EXIT, 3, b"a\n")
    process.kill()  # nothing happens any more
    process.signal(signal.SIGTERM)
    assert process.wait() == result


@pytest.mark.parametrize("argv", [["no-such-program"], ["/etc/passwd"]])
def test_it_does_not_start(policy: Name, argv: list[str]) -> None:
    """As with `sandbox.run`, at once and with the reason."""
    with pytest.raises(LaunchError, match=r"^execve"):
        Process(argv, policy=policy("shell"))
    with pytest.raises(RequestError, match=r"^argv"):
        Process([], policy=policy("shell"))


def test_signals_reach_whom_they_are_for(policy: Name) -> None:
    """The program alone, or its group."""
    script = "trap 'echo parent; exit 7' TERM; (trap 'echo child' TERM; echo on; sleep 0.8) & wait; wait"
    for group, child in ((False, False), (True, True)):
        process = Process(["sh", "-c", script], policy=policy("shell"))
        wait_until(lambda on=process: b"on" in (on.stdout or b""))  # type: ignore[misc]
        process.signal(signal.SIGTERM, group=group)
        result = process.wait()
        assert result.exit_code == 7
        assert result.stdout is not None
        assert b"parent" in result.stdout
        assert (b"child" in result.stdout) <= child


def test_stopping_is_graceful_first(policy: Name) -> None:
    """A program that hears the signal ends by itself; one that does not is killed when its grace is over."""
    kind = Process(["sh", "-c", "trap 'exit 5' TERM; echo on; sleep 60 & wait"], policy=policy("shell"))
    deaf = Process(["sh", "-c", "trap '' TERM; echo on; sleep 60; sleep 60"], policy=policy("shell"))
    wait_until(lambda: kind.stdout == deaf.stdout == b"on\n")
    assert kind.stop(30).exit_code == 5
    assert deaf.stop(0.2).signal == signal.SIGKILL


def test_leaving_the_context_ends_it(policy: Name) -> None:
    """And everything that it has started."""
    with Process(["sh", "-c", "setsid sleep 60 & sleep 60"], policy=policy("shell")) as process:
        time.sleep(0.1)
    assert process.wait(0).signal == signal.SIGKILL


def test_programs_that_feed_each_other(policy: Name) -> None:
    """Three boxes in a chain; each ends when what it reads ends."""
    first, second = os.pipe(), os.pipe()
    options: dict[str, Any] = {"policy": policy("shell")}
    chain = [
        Process(["seq", "20000"], stdout=first[1], ended=lambda: os.close(first[1]), **options),
        Process(["grep", "7"], stdin=first[0], stdout=second[1], ended=lambda: os.close(second[1]), **options),
        Process(["wc", "-l"], stdin=second[0], **options),
    ]
    results = [process.wait() for process in chain]
    os.close(first[0])
    os.close(second[0])
    assert [result.status for result in results] == 3 * [Status.OK]
    assert results[2].stdout is not None
    assert int(results[2].stdout) == sum("7" in str(number) for number in range(1, 20001))


def test_two_programs_that_talk(policy: Name) -> None:
    """Each one's output is the other's input, and each sees the end of it when the other has ended."""
    there, back = os.pipe(), os.pipe()
    options: dict[str, Any] = {"policy": policy("shell")}
    asking = "for n in 1 2 3; do echo $n; read answer; echo $n: $answer >&2; done"
    answering = "while read n; do echo $((n * n)); done"
    asker = Process(["sh", "-c", asking], stdin=back[0], stdout=there[1], ended=lambda: os.close(there[1]), **options)
    other = Process(["sh", "-c", answering], stdin=there[0], stdout=back[1], ended=lambda: os.close(back[1]), **options)
    assert asker.wait().stderr == b"1: 1\n2: 4\n3: 9\n"
    assert other.wait().status is Status.OK
    os.close(there[0])
    os.close(back[0])


def test_a_private_channel(policy: Name) -> None:
    """Caller and program talk through a socket of their own, at the number that the program knows."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            argv = ["sh", "-c", "read word <&9; echo $word, $word >&9; echo done"]
            process = Process(argv, policy=policy("shell"), pass_fds={9: theirs.fileno()})
        ours.sendall(b"hear\n")
        assert ours.recv(100) == b"hear, hear\n"
        assert ours.recv(100) == b""
        assert process.wait().stdout == b"done\n"


@pytest.mark.parametrize("kind", ["file", "directory", "device", "fifo", "listener", "unconnected", "inet", "number"])
def test_what_leads_further_is_not_passed(policy: Name, tmp_path: Path, kind: str) -> None:
    """Only pipes and connected Unix sockets: the rest could be opened anew, or reach somebody else."""
    os.mkfifo(tmp_path / "fifo")
    with contextlib.ExitStack() as stack:

        def descriptor() -> int:
            if kind in ("listener", "unconnected", "inet"):
                end = stack.enter_context(socket.socket(socket.AF_INET if kind == "inet" else socket.AF_UNIX))
                if kind == "listener":
                    end.bind(str(tmp_path / "socket"))
                    end.listen()
                return end.fileno()
            path = {"file": __file__, "directory": str(tmp_path), "device": "/dev/null", "fifo": str(tmp_path / "fifo")}
            fd = os.open(path.get(kind, "/dev/null"), os.O_RDONLY | os.O_NONBLOCK)
            stack.callback(os.close, fd)
            return fd

        given = {1: descriptor()} if kind == "number" else {9: descriptor()}
        with pytest.raises(RequestError, match=r"^pass_fds: "):
            run(["true"], policy=policy("shell"), pass_fds=given)


def test_its_pipe_cannot_be_turned_round(policy: Name) -> None:
    """A program that is given the reading end of a pipe cannot open the other one through /proc."""
    reading, writing = os.pipe()
    source = "import os; os.read(9, 1)\ntry: os.open('/proc/self/fd/9', os.O_WRONLY)\nexcept OSError: print('no')"
    os.write(writing, b"x")
    try:
        result = run(["python3", "-c", source], policy=policy("python"), pass_fds={9: reading})
    finally:
        os.close(reading)
        os.close(writing)
    assert result.stdout == b"no\n"


def names(process: Process) -> list[str]:
    """What is in a program's box, by name."""
    return sorted(psutil.Process(pid).name() for pid in process.processes())


def test_what_it_has_printed_so_far(policy: Name) -> None:
    """Both streams can be read while it runs, as can its processes and their number."""
    script = "echo a; echo b >&2; sleep 30 & sleep 30"
    process = Process(["sh", "-c", script], policy=policy("shell"))
    deadline = time.monotonic() + 5
    while names(process) != ["sh", "sleep", "sleep"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert (process.stdout, process.stderr) == (b"a\n", b"b\n")
    assert process.usage().processes == 3
    process.kill()
    result = process.wait()
    assert process.processes() == ()
    assert process.usage() == (result.cpu_time, 0, result.wall_time, 0)


def test_progress(policy: Name) -> None:
    """What it uses is told while it runs; a callback that fails ends the program."""
    told: list[Usage] = []
    spin = ["sh", "-c", "while :; do :; done"]
    Process(spin, policy=policy("shell"), progress=told.append, every=0.1, limits={"cpu_time": 0.6}).wait()
    assert len(told) >= 3
    assert [usage.cpu_time or 0 for usage in told] == sorted(usage.cpu_time or 0 for usage in told)
    process = Process(spin, policy=policy("shell"), progress=lambda usage: 1 // 0, every=0.05)
    with pytest.raises(ZeroDivisionError):
        process.wait()


def test_silence_ends_it(policy: Name) -> None:
    """Without output for too long it is ended, and its Result says so; output on either stream keeps it alive."""
    talking = "for n in 1 2 3 4 5 6; do sleep 0.3; echo $n >&2; done"
    limits = {"idle_time": 1.5}
    assert run(["sh", "-c", talking], policy=policy("shell"), limits=limits).ok
    result = run(["sh", "-c", f"{talking}; sleep 30"], policy=policy("shell"), limits=limits)
    assert (result.status, result.signal) == (Status.IDLE_TIME_LIMIT, signal.SIGKILL)
    assert 3.0 <= result.wall_time < 20
    assert run(["sleep", "30"], policy=policy("shell"), limits={"idle_time": 0.001}).status is Status.IDLE_TIME_LIMIT
    late = run(["sleep", "30"], policy=policy("shell"), limits={"idle_time": 9, "wall_time": 0.1})
    assert late.status is Status.WALL_TIME_LIMIT
    with pytest.raises(RequestError, match=r"^limits.idle_time: "):
        run(["true"], policy=policy("shell"), limits=limits, stdout=DEVNULL, stderr=DEVNULL)


def test_silence_is_counted_from_the_last_word(policy: Name) -> None:
    """Also where the limit comes later than the word; and it needs a stream on which there could be one."""
    script = "for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; sleep 0.3; done"
    process = Process(["sh", "-c", script], policy=policy("shell"))
    time.sleep(2.2)
    process.limit(idle_time=2.0)
    assert process.wait().ok
    with (
        Process(["sleep", "5"], policy=policy("shell"), stdout=DEVNULL, stderr=DEVNULL) as silent,
        pytest.raises(RequestError, match="both are discarded"),
    ):
        silent.limit(idle_time=0.3)


def test_no_such_signal(policy: Name) -> None:
    """It is refused, and the program goes on."""
    with Process(["sleep", "5"], policy=policy("shell")) as process:
        for number in (-1, 65, 2**40):
            with pytest.raises(RequestError, match="the number of no signal"):
                process.signal(number)
        assert process.running()


def test_watching_is_no_failure_of_the_program(policy: Name) -> None:
    """At any moment of a run's end, while its box is replaced: the figures are those of the run, or of its Result."""
    for number in range(30):
        process = Process(
            ["sh", "-c", f"echo x > f; sleep 0.0{number % 3}"], policy=policy("shell"),
            progress=lambda _: None, every=0.0005,
        )  # fmt: skip
        while process.running():
            process.usage()
            process.processes()
        assert process.wait().ok


class Interrupted(BaseException):
    """What a signal handler raises, as `KeyboardInterrupt` is."""


def test_an_exception_while_it_starts(policy: Name) -> None:
    """Of a signal handler, such as that of Ctrl-C: nothing goes on for which nobody has a handle."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    interrupted = 0
    try:
        for number in range(40):
            limits = {"scratch": (20 + number % 2) << 20}  # another size each time: to start takes longer
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0008 + 0.0002 * number)
                Process(["sleep", "12.34"], policy=policy("shell"), limits=limits).kill()
            except Interrupted:
                interrupted += 1
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert interrupted
    wait_until(lambda: not sleepers("12.34"))


def sleepers(seconds: str) -> list[psutil.Process]:
    """Processes of that command line, anywhere."""
    return [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", seconds]]


def wait_until(condition: Callable[[], bool]) -> None:
    """In reasonable time."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_limits_change_while_it_runs(policy: Name) -> None:
    """Each in force at once, and told by the Result; what cannot be changed is an error, and so is too much."""
    spin = ["sh", "-c", "while :; do :; done"]
    for name, value, status in [
        ("wall_time", 0.5, Status.WALL_TIME_LIMIT),
        ("cpu_time", 0.3, Status.CPU_TIME_LIMIT),
        ("idle_time", 0.3, Status.IDLE_TIME_LIMIT),
    ]:
        process = Process(spin, policy=policy("shell"))
        time.sleep(0.1)
        process.limit(**{name: value})
        result = process.wait(60)
        assert result.status is status
        assert getattr(result.limits, name) == getattr(process.limits, name) == value
    with Process(spin, policy=policy("shell")) as process:
        wrong: dict[str, Any] = {"open_files": 3, "nonsense": 1, "cpu_time": 10.5, "memory": 1 << 49, "processes": "x"}
        for field, given in wrong.items():
            with pytest.raises(RequestError, match=rf"^limits\.{field}: "):
                process.limit(**{field: given})
    process.limit(wall_time=1)  # nothing happens any more
    assert Process(["true"], policy=policy("shell")).wait().limits.wall_time != 1


def test_memory_and_output_change_while_it_runs(policy: Name) -> None:
    """More room than it was started with, and less."""
    grow = "import sys; sys.stdin.readline(); x = bytearray(90 << 20); print('grown' * 20)"
    for limits, change, status in [
        ({"memory": 32 << 20}, {"memory": 128 << 20}, Status.OK),
        ({"memory": 128 << 20}, {"memory": 32 << 20}, Status.MEMORY_LIMIT),
        ({"output": 1000}, {"output": 10}, Status.OUTPUT_LIMIT),
        ({"output": 10}, {"output": 1000}, Status.OK),
    ]:
        reading, writing = os.pipe()
        process = Process(["python3", "-c", grow], policy=policy("python"), stdin=reading, limits=limits)
        process.limit(**change)
        os.write(writing, b"go\n")
        os.close(writing)
        assert process.wait().status is status
        os.close(reading)


def test_a_thousand_through_a_pool_of_four(policy: Name) -> None:
    """Each gets its own result, in order, and the progress is told."""
    told: list[tuple[int, int]] = []
    with Pool(policy("native"), 4) as pool:
        results = list(pool.map((["echo", str(n)] for n in range(1000)), progress=lambda *done: told.append(done)))
    assert [result.stdout for result in results] == [b"%d\n" % n for n in range(1000)]
    assert sorted(told) == [(n, 1000) for n in range(1, 1001)]


def test_jobs(policy: Name) -> None:
    """As they end; cancelled while they wait, killed while they run; errors are the job's own."""
    with Pool(policy("shell"), 1) as pool:
        slow, waiting, wrong = pool.submit(["sleep", "30"]), pool.submit(["true"]), pool.submit(["no-such-program"])
        assert waiting.cancel()
        time.sleep(0.2)
        slow.kill()
        assert slow.result().signal == signal.SIGKILL
        with pytest.raises(LaunchError):
            wrong.result()
        jobs = [pool.submit(["echo", str(n)]) for n in range(5)]
        assert {job.result().stdout for job in pool.as_completed(jobs)} == {b"%d\n" % n for n in range(5)}


def test_a_job_is_killed_whenever_it_is(policy: Name) -> None:
    """Also between its turn and its program's start."""
    files = {f"f{number}": b"x" * 1000 for number in range(40)}
    with Pool(policy("shell"), size=2) as pool:
        for _ in range(10):
            job = pool.submit(["sleep", "60"], files=files)
            while not job.running():
                time.sleep(0)
            started = time.monotonic()
            job.kill()
            assert job.result(50).signal == signal.SIGKILL
            assert time.monotonic() - started < 50


def test_an_error_ends_what_is_in_a_pool(policy: Name) -> None:
    """Leaving by an exception kills; nobody waits for half a minute."""
    started = time.monotonic()

    def fail() -> None:
        with Pool(policy("shell"), 2) as pool:
            for _ in range(6):
                pool.submit(["sleep", "30"])
            time.sleep(0.2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert time.monotonic() - started < 25


def test_asyncio(policy: Name) -> None:
    """Run, talk line by line, and start by the shell, with asyncio's own Process."""

    async def main() -> None:
        assert (await aio.run(["cat"], stdin=b"x", policy=policy("shell"))).stdout == b"x"
        options: dict[str, Any] = {"policy": policy("shell"), "stdin": aio.PIPE, "stdout": aio.PIPE}
        process = await aio.create_subprocess_exec("cat", **options)
        assert process.stdin
        assert process.stdout
        for line in (b"one\n", b"two\n"):
            process.stdin.write(line)
            assert await process.stdout.readline() == line
        assert (await process.communicate(b"rest"))[0] == b"rest"
        assert process.returncode == 0
        shell = await aio.create_subprocess_shell("echo a; exit 3", policy=policy("shell"), stdout=aio.PIPE)
        assert (await shell.communicate())[0] == b"a\n"
        assert await shell.wait() == 3
        with pytest.raises(FileNotFoundError):
            await aio.create_subprocess_exec("no-such-program", policy=policy("shell"))
        many = await asyncio.gather(*(aio.run(["echo", str(n)], policy=policy("shell")) for n in range(20)))
        assert [result.stdout for result in many] == [b"%d\n" % n for n in range(20)]

    asyncio.run(main())


@pytest.mark.parametrize("after", [0.0, 0.01, 0.3])
def test_a_cancelled_run_leaves_nothing(policy: Name, after: float) -> None:
    """However early the task is cancelled, its program has ended when the task has."""

    async def main() -> None:
        task = asyncio.ensure_future(aio.run(["sh", "-c", "setsid sleep 77 & sleep 77"], policy=policy("shell")))
        await asyncio.sleep(after)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    family = psutil.Process().children(recursive=True)
    assert not [process for process in family if process.name() == "sleep"]


def test_a_loop_that_ends_while_a_run_starts(policy: Name) -> None:
    """Takes its programs along, also when it ends of something else."""

    async def main(after: float) -> None:
        tasks = [asyncio.ensure_future(aio.run(["sleep", "12.35"], policy=policy("shell"))) for _ in range(2)]
        await asyncio.sleep(after)
        tasks[0].cancel()
        await asyncio.sleep(0)
        tasks[0].cancel()
        raise ZeroDivisionError

    for number in range(8):
        with pytest.raises(ZeroDivisionError):
            asyncio.run(main(0.001 * number))
    wait_until(lambda: not sleepers("12.35"))


def test_a_cancelled_run_that_does_not_start(policy: Name) -> None:
    """Is cancelled, and no failure."""

    async def main() -> None:
        task = asyncio.ensure_future(aio.run(["no-such-program"], policy=policy("shell")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_a_reader_under_asyncio_that_comes_late(policy: Name) -> None:
    """Gets everything, and the program's end after it."""

    async def main() -> None:
        argv = ("head", "-c", "330000", "/dev/zero")
        process = await aio.create_subprocess_exec(*argv, policy=policy("shell"), stdout=aio.PIPE)
        await asyncio.sleep(1.5)
        assert process.stdout is not None
        assert len(await process.stdout.read()) == 330_000
        assert await asyncio.wait_for(process.wait(), 5) == 0

    asyncio.run(main())


def test_a_failure_of_the_sandbox_under_asyncio(policy: Name) -> None:
    """Is raised by whoever waits, and nobody waits for ever."""

    async def main() -> None:
        with open("/dev/full", "wb", buffering=0) as full:
            process = await aio.create_subprocess_exec("echo", "x", policy=policy("shell"), stdout=full)
        with pytest.raises(HostError, match="No space left"):
            await asyncio.wait_for(process.wait(), 5)

    asyncio.run(main())


async def leave(policy: str) -> None:
    """Leave a pool by an exception, while a program runs in it."""
    async with aio.Pool(policy, 2) as pool:
        task = asyncio.ensure_future(pool.run(["sleep", "30"]))
        await asyncio.sleep(0.2)
        task.add_done_callback(lambda task: task.result())
        raise ZeroDivisionError


def test_an_awaited_pool(policy: Name) -> None:
    """Many at once get their own results; a cancelled one ends, and so do all when an exception leaves it."""

    async def main() -> None:
        async with aio.Pool(policy("shell"), 2) as pool:
            many = await asyncio.gather(*(pool.run(["echo", str(n)]) for n in range(50)))
            assert [result.stdout for result in many] == [b"%d\n" % n for n in range(50)]
            tasks = [asyncio.ensure_future(pool.run(["sleep", "77"])) for _ in range(3)]  # the last has to wait
            await asyncio.sleep(0.2)
            for task in reversed(tasks):
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert (await pool.run(["true"])).ok
            with pytest.raises(LaunchError):
                await pool.run(["no-such-program"])
        with pytest.raises(ZeroDivisionError):
            await leave(policy("shell"))
        with pytest.raises(HostError):
            await aio.Pool().run(["true"])

    asyncio.run(main())


def test_a_progress_bar(policy: Name, capsys: pytest.CaptureFixture[str]) -> None:
    """It counts to the end, on stderr."""
    with Pool(policy("native"), 2) as pool, progress_bar("true") as bar:
        assert all(result.ok for result in pool.map([["true"]] * 20, progress=bar))
    printed = capsys.readouterr()
    assert "true" in printed.err
    assert "20/20" in printed.err
    assert printed.out == ""


def test_memory_does_not_grow_with_the_output(policy: Name) -> None:
    """What is passed on is not kept."""
    reading, writing = os.pipe()
    before = census.count()[census.MEMORY]
    process = Process(
        ["head", "-c", "200000000", "/dev/zero"], policy=policy("shell"), stdout=writing, limits={"output": 256 << 20},
        ended=lambda: os.close(writing),
    )  # fmt: skip
    size = 0
    while data := os.read(reading, 1 << 16):
        size += len(data)
    os.close(reading)
    assert process.wait().status is Status.OK
    assert size == 200_000_000
    assert census.count()[census.MEMORY] - before < 16 << 10
    assert threading.active_count() < 20


@pytest.mark.parametrize("name", ["text", "universal_newlines", "encoding", "errors"])
def test_no_text_under_asyncio(name: str) -> None:
    """As with asyncio's own, streams are bytes, and whoever asks for text is told so."""
    options: dict[str, Any] = {name: "utf-8"}
    with pytest.raises(ValueError, match=f"{name} must be"):
        asyncio.run(aio.create_subprocess_exec("true", **options))


def test_stdin_is_the_runs_own(tmp_path: Path) -> None:
    """What the caller closes after the start, and whatever has its number then, is nothing to the program."""
    reading, writing = os.pipe()
    with Process(["cat"], stdin=reading) as process:
        os.close(reading)
        secret = os.open(__file__, os.O_RDONLY)
        os.write(writing, b"given")
        os.close(writing)
        assert process.wait(10).stdout == b"given"
        os.close(secret)


def test_a_box_that_was_given_a_socket_is_not_kept() -> None:
    """A descriptor of its directories could have gone out by it: the next program has directories of its own."""
    ours, theirs = socket.socketpair()
    with ours, theirs, Box("shell") as box:
        first = box.run(["stat", "-c", "%z", "/tmp", "/box"]).stdout
        box.run(["true"], pass_fds=[theirs.fileno()])
        assert box.run(["stat", "-c", "%z", "/tmp", "/box"]).stdout != first
