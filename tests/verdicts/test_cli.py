"""The command `sandbox run`, as a whole process: streams, exit codes, files in and out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SANDBOX = str(Path(sys.executable).with_name("sandbox"))

Name = Callable[[str], str]


def sandbox(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the command, with its streams captured."""
    defaults: dict[str, Any] = {
        "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 60,
    }  # fmt: skip
    return subprocess.run([SANDBOX, *arguments], check=False, **(defaults | options))


def test_streams_and_exit_code_are_the_programs(policy: Name) -> None:
    """What goes in comes out, apart, and so does the code."""
    script = "cat; echo error >&2; exit 7"
    done = sandbox("run", "-p", policy("shell"), "--", "sh", "-c", script, stdin=None, input=b"through")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"through", b"error\n")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--wall", "0.2", "--", "sleep", "5"], 121),
        (["--output", "10", "--", "seq", "1000"], 123),
        (["--", "sh", "-c", "kill -9 $$"], 137),
        (["--", "no-such-program"], 125),
        (["--memory", "9999G", "--", "true"], 2),
    ],
)
def test_exit_codes(policy: Name, arguments: list[str], code: int) -> None:
    """Limits, signals, failures of the sandbox and of the command line have the codes that the README lists."""
    done = sandbox("run", "-p", policy("shell"), *arguments)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr


def test_compile_then_run(policy: Name, tmp_path: Path) -> None:
    """What one box has collected another can execute, and a second time too."""
    (tmp_path / "a.c").write_text("int main(void) { return 5; }")
    for _ in range(2):
        compiler = ["--file", "a.c=a.c", "--collect", "a", "--", "gcc", "-o", "a", "a.c"]
        done = sandbox("run", "-p", policy("compile"), *compiler, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert sandbox("run", "-p", policy("native"), "--file", "a=a", "--", "./a", cwd=tmp_path).returncode == 5


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_closed_streams(policy: Name, closed: int, tmp_path: Path) -> None:
    """A stream that the caller has closed is nobody else's file."""
    shell = f'exec "$@" {closed}>&-'
    command = ["sh", "-c", shell, "sh", SANDBOX, "run", "-p", policy("shell"), "--", "sh", "-c", "cat; echo x"]
    with (tmp_path / "out").open("wb") as out:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").read_bytes() == (b"" if closed == 1 else b"x\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_output_that_cannot_be_written(policy: Name) -> None:
    """A full disk is a failure of ours, in one line, and not the program's."""
    with open("/dev/full", "wb") as full:
        done = sandbox("run", "-p", policy("shell"), "--", "echo", "x", stdout=full)
    assert done.returncode == 125
    assert done.stderr.startswith(b"sandbox: ")
    assert done.stderr.count(b"\n") == 1


def test_a_reader_that_goes(policy: Name) -> None:
    """As in `sandbox run -- yes | head -1`: the program is told by SIGPIPE, as it would be without a box."""
    reading, writing = os.pipe()
    with subprocess.Popen([SANDBOX, "run", "-p", policy("shell"), "--", "yes"], stdout=writing) as process:
        os.close(writing)
        assert os.read(reading, 2) == b"y\n"
        os.close(reading)
        assert process.wait(timeout=60) == 128 + signal.SIGPIPE


def test_output_that_cannot_be_passed_on(policy: Name) -> None:
    """A full disk is a failure with a reason, not a program that ended well."""
    with open("/dev/full", "wb") as full:
        done = sandbox("run", "-p", policy("shell"), "--", "echo", "hi", stdout=full)
    assert (done.returncode, done.stderr) == (125, b"sandbox: cannot pass on output: No space left on device\n")


def test_learning(policy: Name, tmp_path: Path) -> None:
    """What a program does beyond a policy is proposed, as one that can be used at once and allows just that."""
    program = "import socket; print(socket.socket(socket.AF_UNIX).family.name); open('/etc/hostname').read()"
    argv = ["/usr/bin/python3", "-I", "-S", "-c", program]
    learned = sandbox("policy", "learn", "-p", policy("native"), "--", *argv)
    assert learned.returncode == 0, learned.stderr
    proposal = tomllib.loads(learned.stdout.decode())
    assert proposal["extends"] == "native"
    assert "/etc/hostname" in proposal["mounts"]
    assert proposal["syscalls"]["rules"] == [{"syscall": "socket", "action": "allow", "arg": 0, "values": [1]}]
    (tmp_path / "learned.toml").write_bytes(learned.stdout)
    before = sandbox("run", "-p", policy("native"), "--", *argv)
    after = sandbox("run", "-p", str(tmp_path / "learned.toml") + policy(""), "--", *argv)
    assert (before.returncode, after.returncode) == (1, 0), after.stderr
