"""Results as JSON and as one line."""

from __future__ import annotations

import base64
import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.files import File
from sandbox.result import NotCollected, Result, Status, signal_name


def result(**changes: object) -> Result:
    """A result with everything measured."""
    values: dict[str, object] = {
        "status": Status.OK, "exit_code": 0, "signal": None, "cpu_time": 0.0012, "wall_time": 0.0015,
        "memory_peak": 1_048_576, "processes_peak": 1,
    }  # fmt: skip
    return Result(**(values | changes))  # type: ignore[arg-type]


@given(st.binary(max_size=40) | st.none())
def test_content(content: bytes | None) -> None:
    """Text is text, everything else is marked; both come back byte by byte."""
    form = json.loads(json.dumps(result(stdout=content, files={"f": content or b""}).to_json()))
    for shown, original in ((form["stdout"], content), (form["files"]["f"], content or b"")):
        if original is None:
            assert shown is None
        elif isinstance(shown, dict):
            assert base64.b64decode(shown["base64"]) == original
            with pytest.raises(UnicodeDecodeError):
                original.decode()
        else:
            assert shown.encode() == original


def test_what_was_not_measured() -> None:
    """`None` stays `null`, and a question mark in the line."""
    unknown = result(cpu_time=None, memory_peak=None, processes_peak=None)
    form = unknown.to_json()
    assert (form["cpu_time"], form["memory_peak"], form["processes_peak"]) == (None, None, None)
    assert str(unknown) == "OK (exit code 0) · cpu ? · wall 0.002 s · memory ?"


def test_files_that_could_not_be_had() -> None:
    """Their reason stands where the content would be, and cannot be taken for one."""
    form = result(files={"f": NotCollected("no such file"), "g": b"no such file"}).to_json()
    assert form["files"] == {"f": {"error": "no such file"}, "g": "no such file"}


@pytest.mark.parametrize("status", Status)
def test_status(status: Status) -> None:
    """Statuses are written as they are called; only OK is ok."""
    assert str(status) == status.value == status.name == result(status=status).to_json()["status"]
    assert result(status=status).ok is (status is Status.OK)


def test_line() -> None:
    """How it ended, then what it used."""
    line = str(result(status=Status.SYSCALL_DENIED, exit_code=None, signal=9, denied_syscalls=("ptrace",)))
    assert line == "SYSCALL_DENIED (SIGKILL, denied ptrace) · cpu 0.001 s · wall 0.002 s · memory 1.0 MiB"


def test_signal_names() -> None:
    """Real-time signals have numbers only."""
    assert [signal_name(number) for number in (9, 11, 40, 99)] == ["SIGKILL", "SIGSEGV", "signal 40", "signal 99"]


def test_it_can_be_sent_to_another_process() -> None:
    """As by multiprocessing: a pickle of a result is the same result."""
    sent = result(stdout=b"x", files={"f": NotCollected("no such file")}, measured_by={"cpu_time": "cgroup1"})
    assert pickle.loads(pickle.dumps(sent)) == sent


def test_files_that_can_be_executed() -> None:
    """A File is its content, with a bit that stays with its copies and cannot be changed."""
    file = File(b"content", executable=True)
    assert file == b"content"
    assert not File(b"").executable
    for copied in (copy.copy(file), copy.deepcopy(file), pickle.loads(pickle.dumps(file))):
        assert (copied, copied.executable) == (b"content", True)
    with pytest.raises(AttributeError):
        file.executable = False  # type: ignore[misc]
