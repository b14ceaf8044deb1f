"""What a Result says: numbers with their sources, and a stable JSON form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

import sandbox
from sandbox import Box, NotCollected, Result, Status
from sandbox.policy import Protections

Name = Callable[[str], str]
Run = Callable[..., Result]

KEYS = [
    "status", "exit_code", "signal", "cpu_time", "wall_time", "memory_peak", "processes_peak", "scratch",
    "stdout", "stderr", "stdout_truncated", "stderr_truncated", "files", "limits", "enforced", "measured_by",
    "denied_syscalls",
]  # fmt: skip


def test_json_round_trip(run: Run) -> None:
    """The JSON form is plain JSON with the agreed keys in their order."""
    form = run("leave", "file", "x", collect=["x", "y"]).to_json()
    assert json.loads(json.dumps(form)) == form
    assert list(form) == KEYS
    assert form["status"] == "OK"
    assert form["files"] == {"x": "content", "y": {"error": "no such file"}}
    assert form["limits"]["processes"] >= 1


def test_bytes_that_are_not_text(box: Box) -> None:
    """Output that is not UTF-8 is marked and encoded, and nothing of it is lost."""
    form = box.run(["printf", r"\377\376"]).to_json()
    assert form["stdout"] == {"base64": "//4="}
    assert form["stderr"] == ""


def test_every_number_names_its_source(run: Run) -> None:
    """What could not be measured is `None` and `unavailable`, never 0."""
    result = run("burn", "for", 0.2)
    numbers = ("cpu_time", "wall_time", "memory_peak", "processes_peak")
    assert set(result.measured_by) == {*numbers, "scratch"}
    for name in numbers:
        value, source = getattr(result, name), result.measured_by[name]
        assert source in ("cgroup1", "cgroup2", "psutil", "rusage", "init", "unavailable")
        assert (value is None) == (source == "unavailable")
        assert value is None or value > 0


@pytest.mark.cgroup
def test_processes_peak(run: Run) -> None:
    """The most processes at one time, where the kernel counts them."""
    result = run("limits", "processes", processes=30)
    assert result.processes_peak in (30, None)
    if result.measured_by["processes_peak"] != "unavailable":
        assert result.processes_peak == 30


def test_wall_time_is_the_programs(box: Box) -> None:
    """The wall time is from exec to exit."""
    result = box.run(["sleep", "0.2"])
    assert 0.2 <= result.wall_time < 20
    assert result.cpu_time < 2


def test_enforced_names_the_protections(box: Box) -> None:
    """A result says which protections were in place: all but those that the policy's name says are not."""
    enforced = set(box.run(["true"]).enforced)
    lacking = set(Protections.model_fields) - enforced
    assert lacking == ({"cgroup"} if "no-cgroup" in box.policy.name else set())


def test_prints_well(run: Run) -> None:
    """One line that says how it ended and what it used."""
    assert re.match(r"NONZERO_EXIT \(exit code 3\) · cpu \d\.\d{3} s · wall \d\.\d{3} s", str(run("end", "exit", 3)))
    assert "SIGNALED (SIGSEGV)" in str(run("end", "segv"))
    assert "SYSCALL_DENIED (SIGKILL, denied ptrace)" in str(run("deny", "ptrace"))


def test_run_without_a_box(policy: Name) -> None:
    """`sandbox.run` is all that a script needs."""
    script = "cat; cat a; echo -n $K > b"
    result = sandbox.run(
        ["sh", "-c", script],
        policy=policy("native"),
        stdin="in ",
        env={"K": "v"},
        files={"a": b"file"},
        collect=["b", "c"],
    )
    assert (result.status, result.stdout) == (Status.OK, b"in file")
    assert result.files == {"b": b"v", "c": NotCollected("no such file")}


SCRATCH = {
    "nothing": ("true", 0),
    "in the working directory": ("head -c 100000 /dev/zero > left", 25 * 4096),
    "elsewhere": ("for d in /tmp /dev/shm; do head -c 8192 /dev/zero > $d/left; done", 4 * 4096),
    "held by a process that stays": ("head -c 8192 /dev/zero > a; sleep 9 < a & rm a", 0),
    "removed again": ("head -c 100000 /dev/zero > left; rm left", 0),
    "in place of what was there": ("head -c 8192 /dev/zero > given", 0),
    "behind what was there": ("head -c 8192 /dev/zero >> given", 2 * 4096),
    "beyond a limit": ("head -c 8192 /dev/zero > left; while :; do :; done", 2 * 4096),
}
"""What a program does in its directories, and what its files take at its end."""


@pytest.mark.parametrize("case", SCRATCH)
def test_scratch(case: str, policy: Name) -> None:
    """Files are counted in whole pages; what was put there is not, and it is the same in a box that is used again."""
    script, wanted = SCRATCH[case]
    limits = {"cpu_time": 0.3 if case == "beyond a limit" else 9.0}
    with Box(policy("shell")) as box:
        for files in ({"given": b"x" * 8192}, {"given": b"x" * 8192}, {}, {}):
            if files or "given" not in script:
                result = box.run(["sh", "-c", script], files=files, limits=limits)
                assert (result.scratch, result.measured_by["scratch"]) == (wanted, "statfs"), result
