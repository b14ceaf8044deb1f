"""Interactive problems: who ended first decides, and a jury's program that fails is never the contestant's fault."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.judge.checker import Checked
from sandbox.judge.interactor import decide
from sandbox.judge.judgement import Finding
from sandbox.judge.verdict import Verdict
from sandbox.request import Limits
from sandbox.result import Result, Status

AC, WA, TLE, RTE, JE = Verdict.AC, Verdict.WA, Verdict.TLE, Verdict.RTE, Verdict.JE
FIRST, SECOND = 1.0, 2.0


def ended(at: float, **how: Any) -> Result:
    """A run that ended well at that time, if nothing else is said."""
    values: dict[str, Any] = {
        "status": Status.OK, "exit_code": 0, "signal": None, "cpu_time": 0.1, "wall_time": 0.1,
        "memory_peak": 1, "processes_peak": 1, "ended_at": at, "limits": Limits(cpu_time=1.05, wall_time=3.0),
    }  # fmt: skip
    if how.get("signal"):
        values |= {"status": Status.SIGNALED, "exit_code": None}
    elif how.get("exit_code"):
        values |= {"status": Status.NONZERO_EXIT}
    return Result(**(values | how))


CRASH: dict[str, Any] = {"signal": 11}
FAIL: dict[str, Any] = {"exit_code": 1}
SIGPIPE: dict[str, Any] = {"signal": 13}
SLOW: dict[str, Any] = {"status": Status.CPU_TIME_LIMIT, "signal": 9, "exit_code": None, "cpu_time": 1.05}
STUCK: dict[str, Any] = {"status": Status.WALL_TIME_LIMIT, "signal": 9, "exit_code": None, "wall_time": 3.0}


@pytest.mark.parametrize(
    ("contestant", "judged", "said", "expected"),
    [
        (ended(FIRST), ended(SECOND, exit_code=42), AC, AC),
        (ended(SECOND), ended(FIRST, exit_code=42), AC, AC),
        (ended(FIRST), ended(SECOND, exit_code=43), WA, WA),
        # What the contestant does after the validator's no is a consequence of it.
        (ended(SECOND, **CRASH), ended(FIRST, exit_code=43), WA, WA),
        (ended(SECOND, **SIGPIPE), ended(FIRST, exit_code=43), WA, WA),
        (ended(SECOND, **SLOW), ended(FIRST, exit_code=43), WA, WA),
        # What the validator says after the contestant's crash is a consequence of that.
        (ended(FIRST, **CRASH), ended(SECOND, exit_code=43), WA, RTE),
        (ended(FIRST, **FAIL), ended(SECOND, exit_code=43), WA, RTE),
        (ended(FIRST, **SLOW), ended(SECOND, exit_code=43), WA, TLE),
        (ended(FIRST, **STUCK), ended(SECOND, exit_code=43), WA, TLE),
        # Accepted, and crashed all the same.
        (ended(FIRST, **CRASH), ended(SECOND, exit_code=42), AC, RTE),
        (ended(SECOND, **CRASH), ended(FIRST, exit_code=42), AC, RTE),
        (ended(SECOND, **SLOW), ended(FIRST, exit_code=42), AC, TLE),
        # A validator that fails by itself.
        (ended(SECOND), ended(FIRST, **CRASH), JE, JE),
        (ended(SECOND, **FAIL), ended(FIRST, exit_code=1), JE, JE),
        (ended(FIRST), ended(SECOND, exit_code=1), JE, JE),
        (ended(FIRST), ended(SECOND, **SLOW), JE, JE),
        (ended(FIRST, **CRASH), ended(SECOND, **SLOW), JE, JE),
        (ended(FIRST), ended(SECOND, **STUCK), JE, JE),
        # One that fails because the contestant is gone.
        (ended(FIRST), ended(SECOND, **SIGPIPE), JE, WA),
        (ended(FIRST, **CRASH), ended(SECOND, **SIGPIPE), JE, RTE),
        (ended(FIRST, **CRASH), ended(SECOND, exit_code=1), JE, RTE),
        # Both wait for one another: the contestant has had its time.
        (ended(FIRST, **STUCK), ended(SECOND, **STUCK), JE, TLE),
    ],
)
def test_who_ended_first_decides(contestant: Result, judged: Result, said: Verdict, expected: Verdict) -> None:
    """The verdict of each way in which two programs can end."""
    assert decide(contestant, judged, Checked(Finding(said)), 1.0).finding.verdict is expected


def test_a_slow_validator_is_the_jurys() -> None:
    """A submission that waited for the validator's own work is not too slow."""
    judged = ended(SECOND, exit_code=43, cpu_time=2.5)
    finding = decide(ended(FIRST, **STUCK), judged, Checked(Finding(WA)), 1.0).finding
    assert finding.verdict is JE
    assert "2.500 s of CPU time" in finding.reason


def test_the_evidence_is_kept() -> None:
    """A crash keeps what the validator said about it."""
    said = Checked(Finding(WA, judge_message="no answer"), {"judgemessage.txt": b"no answer"})
    checked = decide(ended(FIRST, **CRASH), ended(SECOND, exit_code=43), said, 1.0)
    assert (checked.finding.reason, checked.finding.judge_message) == ("ended by SIGSEGV", "no answer")
