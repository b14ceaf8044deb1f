"""`sandbox.subprocess` beside the standard module: the same calls, and the same results."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess as standard
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from sandbox import subprocess as contained

TEXT = "grün\nzwei\r\n"


def raised(what: Callable[[], object]) -> tuple[str, str]:
    """The type and text of what a call raises."""
    try:
        return "nothing", repr(what())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is to be the same
        return type(error).__name__, str(error).replace("<stdin>", "")


def timed_out(sp: ModuleType, **options: Any) -> tuple[object, ...]:
    """What a time-out tells."""
    try:
        sp.run(["sh", "-c", "echo out; echo err >&2; sleep 60"], timeout=2, **options)
    except sp.TimeoutExpired as error:
        return error.cmd, round(error.timeout, 2), error.output, error.stderr
    return ()


def failed(sp: ModuleType, **options: Any) -> tuple[object, ...]:
    """What a failure tells."""
    try:
        sp.run(["sh", "-c", "echo out; echo err >&2; exit 3"], check=True, **options)
    except sp.CalledProcessError as error:
        return error.returncode, error.cmd, error.output, error.stderr, str(error)
    return ()


def conversation(sp: ModuleType) -> list[str]:
    """Line by line, with a program that answers."""
    with sp.Popen(["cat"], stdin=sp.PIPE, stdout=sp.PIPE, text=True, bufsize=1) as process:
        heard = []
        for word in ("one\n", "two\n"):
            process.stdin.write(word)
            heard.append(process.stdout.readline())
        process.stdin.close()
        heard.append(process.stdout.read())
    return [*heard, process.returncode]


def chain(sp: ModuleType) -> tuple[object, ...]:
    """Two programs, one's output the other's input."""
    first = sp.Popen(["seq", "1000"], stdout=sp.PIPE)
    second = sp.Popen(["tail", "-n", "2"], stdin=first.stdout, stdout=sp.PIPE)
    first.stdout.close()
    return second.communicate()[0], first.wait(), second.returncode


def resumed(sp: ModuleType) -> tuple[object, ...]:
    """communicate() again after a time-out loses nothing."""
    process = sp.Popen(["sh", "-c", "echo a; sleep 2; echo b"], stdout=sp.PIPE)
    expired = raised(lambda: process.communicate(timeout=0.2))[0]
    return expired, process.communicate(), process.returncode


def signalled(sp: ModuleType, how: str, *arguments: int) -> tuple[object, ...]:
    """A program that sleeps, and is sent something."""
    process = sp.Popen(["sleep", "30"])
    time.sleep(0.1)
    before = process.poll()
    getattr(process, how)(*arguments)
    return before, process.wait(), process.poll(), getattr(process, how)(*arguments)


def to_file(sp: ModuleType, **options: Any) -> object:
    """Output into a file of the caller's."""
    with tempfile.TemporaryFile() as file:
        sp.run(["sh", "-c", "echo out; echo err >&2"], stdout=file, check=True, **options)
        file.seek(0)
        return file.read()


def from_file(sp: ModuleType) -> object:
    """Input from a file of the caller's."""
    with tempfile.TemporaryFile() as file:
        file.write(b"1\n2\n")
        file.seek(0)
        return sp.run(["cat"], stdin=file, stdout=sp.PIPE).stdout


def from_descriptor(sp: ModuleType) -> tuple[object, ...]:
    """A pipe of the caller's, both ways."""
    ends = os.pipe()
    process = sp.Popen(["sh", "-c", "echo through; exec 1>&-"], stdout=ends[1])
    os.close(ends[1])
    with open(ends[0], "rb") as reading:
        return reading.read(), process.wait()


def waited(sp: ModuleType) -> tuple[object, ...]:
    """wait() with a time-out, and without."""
    process = sp.Popen(["sh", "-c", "sleep 2; exit 4"])
    return raised(lambda: process.wait(0.05))[0], process.poll(), process.wait(), process.poll(), process.returncode


def threads(sp: ModuleType) -> list[int]:
    """Two threads that wait for one program."""
    process, codes = sp.Popen(["sh", "-c", "sleep 0.2; exit 5"]), []
    waiting = [threading.Thread(target=lambda: codes.append(process.wait())) for _ in range(2)]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join()
    return codes


def both_streams(sp: ModuleType) -> tuple[int, int]:
    """More than a pipe holds, on both streams at once, while input is written."""
    script = "cat >&2; head -c 300000 /dev/zero"
    done = sp.run(["sh", "-c", script], input=bytes(300_000), capture_output=True)
    return len(done.stdout), len(done.stderr)


def streams(sp: ModuleType, argv: list[str], **options: Any) -> tuple[object, object]:
    """What a run has captured."""
    done = sp.run(argv, **options)
    return done.stdout, done.stderr


def twice(sp: ModuleType) -> tuple[object, ...]:
    """communicate() when all has been said."""
    process = sp.Popen(["echo", "a"], stdout=sp.PIPE)
    return process.communicate(), raised(process.communicate)


def deaf(sp: ModuleType) -> tuple[object, ...]:
    """Input for a program that does not read it."""
    return sp.run(["true"], input=bytes(1_000_000)).returncode, sp.run(["false"], input=b"x").returncode


def leads(what: str) -> list[str]:
    """A program that says whether it leads its session, or its group."""
    return ["python3", "-c", f"import os; print(os.get{what}(0) == os.getpid())"]


def passed(sp: ModuleType) -> tuple[object, ...]:
    """A socket of a pair, through which caller and program talk."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            number = theirs.fileno()
            source = f"import os; os.write({number}, b'got ' + os.read({number}, 100))"
            process = sp.Popen(["python3", "-c", source], pass_fds=[number])
        ours.sendall(b"word\n")
        return ours.recv(100), ours.recv(100), process.wait()


BEHAVIOURS: dict[str, Callable[[ModuleType], object]] = {
    "code 0": lambda sp: sp.run(["true"]).returncode,
    "code 1": lambda sp: sp.run(["false"]).returncode,
    "code 255": lambda sp: sp.run(["sh", "-c", "exit 255"]).returncode,
    "killed": lambda sp: sp.run(["sh", "-c", "kill -9 $$"]).returncode,
    "aborted": lambda sp: sp.run(["sh", "-c", "kill -ABRT $$"]).returncode,
    "args of the result": lambda sp: sp.run(["echo", "a"], stdout=sp.DEVNULL).args,
    "nothing captured": lambda sp: streams(sp, ["true"]),
    "capture": lambda sp: vars(sp.run(["echo", "a"], stdout=sp.PIPE))["stdout"],
    "capture both": lambda sp: streams(sp, ["sh", "-c", "echo o; echo e >&2"], capture_output=True),
    "merged": lambda sp: sp.run(["sh", "-c", "echo o; echo e >&2; echo o"], stdout=sp.PIPE, stderr=sp.STDOUT).stdout,
    "errors alone": lambda sp: sp.run(["sh", "-c", "echo o; echo e >&2"], stdout=sp.DEVNULL, stderr=sp.PIPE).stderr,
    "discarded": lambda sp: sp.run(["echo", "a"], stdout=sp.DEVNULL).stdout,
    "text": lambda sp: sp.run(["cat"], input=TEXT, capture_output=True, text=True).stdout,
    "universal newlines": lambda sp: sp.run(["printf", "a\\r\\nb\\rc"], stdout=sp.PIPE, universal_newlines=True).stdout,
    "encoding": lambda sp: sp.run(["printf", "\\374"], stdout=sp.PIPE, encoding="latin-1").stdout,
    "errors replaced": lambda sp: sp.run(["printf", "\\374"], stdout=sp.PIPE, text=True, errors="replace").stdout,
    "not decodable": lambda sp: raised(lambda: sp.run(["printf", "\\374"], stdout=sp.PIPE, encoding="utf-8"))[0],
    "input": lambda sp: sp.run(["cat"], input=b"\0\xff", stdout=sp.PIPE).stdout,
    "empty input": lambda sp: sp.run(["cat"], input=b"", stdout=sp.PIPE).stdout,
    "no input": lambda sp: sp.run(["cat"], stdin=sp.DEVNULL, stdout=sp.PIPE).stdout,
    "input and stdin": lambda sp: raised(lambda: sp.run(["cat"], input=b"", stdin=sp.PIPE)),
    "capture and stdout": lambda sp: raised(lambda: sp.run(["cat"], capture_output=True, stdout=sp.PIPE)),
    "input that nobody reads": deaf,
    "much on both streams": both_streams,
    "shell": lambda sp: sp.run("echo $((6 * 7)) | cat", shell=True, stdout=sp.PIPE).stdout,
    "shell with arguments": lambda sp: sp.run(["echo $0 $1", "a", "b"], shell=True, stdout=sp.PIPE).stdout,
    "no shell": lambda sp: sp.run(["echo", "$HOME; ls"], stdout=sp.PIPE).stdout,
    "a string is a program": lambda sp: sp.run("true").returncode,
    "a string with spaces is none": lambda sp: raised(lambda: sp.run("true x")),
    "bytes": lambda sp: sp.run([b"echo", b"\xff"], stdout=sp.PIPE).stdout,
    "missing": lambda sp: raised(lambda: sp.run(["no-such-program"])),
    "missing path": lambda sp: raised(lambda: sp.run(["/no/such/program"])),
    "not executable": lambda sp: raised(lambda: sp.run(["/etc/passwd"])),
    "missing directory": lambda sp: raised(lambda: sp.run(["true"], cwd="/no/such")),
    "directory": lambda sp: sp.run(["pwd"], cwd="/usr", stdout=sp.PIPE).stdout,
    "environment": lambda sp: sp.run(["sh", "-c", "echo $A"], env={"A": "b c", "PATH": "/bin"}, stdout=sp.PIPE).stdout,
    "check": failed,
    "check, captured": lambda sp: failed(sp, capture_output=True, text=True),
    "time-out": timed_out,
    "time-out, captured": lambda sp: timed_out(sp, capture_output=True)[:3],
    "call": lambda sp: sp.call(["sh", "-c", "exit 2"]),
    "call with a time-out": lambda sp: raised(lambda: sp.call(["sleep", "9"], timeout=0.1))[0],
    "check_call": lambda sp: sp.check_call(["true"]),
    "check_call fails": lambda sp: raised(lambda: sp.check_call(["false"])),
    "check_output": lambda sp: sp.check_output(["echo", "a"]),
    "check_output, text": lambda sp: sp.check_output(["cat"], input="a", text=True),
    "check_output, no input": lambda sp: sp.check_output(["cat"], input=None),
    "check_output fails": lambda sp: raised(lambda: sp.check_output(["false"])),
    "check_output and stdout": lambda sp: raised(lambda: sp.check_output(["true"], stdout=sp.PIPE)),
    "getoutput": lambda sp: sp.getoutput("echo a; echo b >&2"),
    "getstatusoutput": lambda sp: sp.getstatusoutput("echo a; exit 3"),
    "getstatusoutput, killed": lambda sp: sp.getstatusoutput("kill -9 $$"),
    "list2cmdline": lambda sp: sp.list2cmdline(["a b", 'c"d']),
    "conversation": conversation,
    "chain": chain,
    "communicate again": resumed,
    "communicate twice": twice,
    "terminate": lambda sp: signalled(sp, "terminate"),
    "kill": lambda sp: signalled(sp, "kill"),
    "send_signal": lambda sp: signalled(sp, "send_signal", signal.SIGUSR1),
    "wait": waited,
    "wait in two threads": threads,
    "output to a file": to_file,
    "both into a file": lambda sp: to_file(sp, stderr=sp.STDOUT),
    "input from a file": from_file,
    "a descriptor": from_descriptor,
    "lines": lambda sp: list(sp.Popen(["printf", "a\\nb\\n"], stdout=sp.PIPE, text=True).stdout),
    "context": lambda sp: sp.Popen(["true"]).__exit__(None, None, None),
    "no buffer": lambda sp: type(sp.Popen(["true"], stdout=sp.PIPE, bufsize=0).stdout).__name__,
    "text is wrapped": lambda sp: type(sp.Popen(["true"], stdout=sp.PIPE, text=True).stdout).__name__,
    "umask": lambda sp: sp.run(["sh", "-c", "umask"], umask=0o27, stdout=sp.PIPE).stdout,
    "session": lambda sp: sp.run(leads("sid"), start_new_session=True, stdout=sp.PIPE).stdout,
    "no session": lambda sp: sp.run(leads("sid"), stdout=sp.PIPE).stdout,
    "group": lambda sp: sp.run(leads("pgid"), process_group=0, stdout=sp.PIPE).stdout,
    "passed descriptor": passed,
    "closed descriptor": lambda sp: sp.run(["sh", "-c", "echo >&7"], close_fds=True, stderr=sp.DEVNULL).returncode,
    "bad stdin": lambda sp: raised(lambda: sp.run(["true"], stdin=io.BytesIO())),
    "bad descriptor": lambda sp: raised(lambda: sp.run(["true"], stdout=9999)),
    "bad args": lambda sp: raised(lambda: sp.Popen(None))[0],
    "bad bufsize": lambda sp: raised(lambda: sp.Popen(["true"], bufsize="x")),
    "text and universal newlines": lambda sp: raised(lambda: sp.Popen(["true"], text=False, universal_newlines=True))[
        0
    ],
    "repr": lambda sp: repr(sp.run(["echo", "a"], capture_output=True)),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("name", BEHAVIOURS)
def test_it_is_what_the_standard_module_does(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The same call, once in a box and once without."""
    expected = BEHAVIOURS[name](standard)
    assert BEHAVIOURS[name](contained) == expected


def test_there_are_enough() -> None:
    """At least sixty behaviours."""
    assert len(BEHAVIOURS) >= 60


@pytest.mark.parametrize("option", ["preexec_fn", "user", "group", "extra_groups", "process_group"])
def test_what_a_box_cannot_honour(option: str) -> None:
    """It is an error that names the argument, and says what there is instead."""
    value: Any = {"preexec_fn": lambda: None, "extra_groups": [0], "process_group": 1}.get(option, 0)
    with pytest.raises(ValueError, match=f"^{option}: "):
        contained.Popen(["true"], **{option: value})


def test_it_is_contained() -> None:
    """No file and no variable of the host, and the limits are in force."""
    os.environ["CANARY"] = "x"
    assert contained.getoutput("echo $CANARY; ls /root 2>&1; id -u").splitlines()[0] == ""
    done = contained.run(["sh", "-c", "ls /etc/shadow"], capture_output=True, text=True)
    assert "No such file" in done.stderr
    assert contained.run(["sleep", "9"], limits={"wall_time": 0.2}).returncode == -signal.SIGKILL


if sys.version_info >= (3, 15):  # pragma: no cover - a private method is overridden
    pytest.skip("untried with this Python", allow_module_level=True)
