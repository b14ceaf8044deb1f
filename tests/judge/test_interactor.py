"""What two programs' ends mean together: the jury's word counts, and its failure is never the contestant's choice."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.judge.checker import Checked
from sandbox.judge.interactor import Ends, decide
from sandbox.judge.judgement import Finding
from sandbox.judge.verdict import Verdict
from sandbox.request import Limits
from sandbox.result import Result, Status

AC, WA, TLE, MLE, OLE, RTE, CE, JE = Verdict
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


TOLD = Ends(told_at=1.5)
"""The jury's program saw the end of its input after the submission had ended, and before it ended itself."""


@pytest.mark.parametrize(
    ("contestant", "judged", "said", "ends", "expected"),
    [
        (ended(FIRST), ended(SECOND, exit_code=42), AC, TOLD, AC),
        (ended(SECOND), ended(FIRST, exit_code=42), AC, Ends(), AC),
        (ended(FIRST), ended(SECOND, exit_code=43), WA, TOLD, WA),
        # What the contestant does after the validator's no is a consequence of it.
        (ended(SECOND, **CRASH), ended(FIRST, exit_code=43), WA, Ends(), WA),
        (ended(SECOND, **SLOW), ended(FIRST, exit_code=43), WA, Ends(), WA),
        (ended(SECOND, **CRASH), ended(FIRST, exit_code=43), WA, Ends(2.5), WA),
        # The validator's no came from what was said, though the contestant had failed meanwhile.
        (ended(FIRST, **CRASH), ended(SECOND, exit_code=43), WA, Ends(), WA),
        (ended(FIRST, **SLOW), ended(SECOND, exit_code=43), WA, Ends(2.5), WA),
        # It closed its output and went on: the no has nothing to do with its crash.
        (ended(SECOND, **CRASH), ended(3.0, exit_code=43), WA, TOLD, WA),
        # What the validator says when it sees the end of a contestant that has failed is a consequence of that.
        (ended(FIRST, **CRASH), ended(SECOND, exit_code=43), WA, TOLD, RTE),
        (ended(FIRST, **FAIL), ended(SECOND, exit_code=43), WA, TOLD, RTE),
        (ended(FIRST, **SLOW), ended(SECOND, exit_code=43), WA, TOLD, TLE),
        (ended(FIRST, **STUCK), ended(SECOND, exit_code=43), WA, TOLD, TLE),
        # Accepted, and failed all the same.
        (ended(FIRST, **CRASH), ended(SECOND, exit_code=42), AC, TOLD, RTE),
        (ended(SECOND, **CRASH), ended(FIRST, exit_code=42), AC, Ends(), RTE),
        (ended(SECOND, **SLOW), ended(FIRST, exit_code=42), AC, Ends(), TLE),
        # It said too much: it was ended for that, whatever the validator made of it.
        (ended(FIRST, signal=9), ended(SECOND, exit_code=42), AC, Ends(1.5, excess=9), OLE),
        (ended(FIRST, signal=9), ended(SECOND, exit_code=43), WA, Ends(1.5, excess=9), OLE),
        (ended(FIRST, signal=9), ended(SECOND, exit_code=1), JE, Ends(1.5, excess=9), OLE),
        # A validator that fails by itself.
        (ended(SECOND), ended(FIRST, **CRASH), JE, Ends(), JE),
        (ended(SECOND, **FAIL), ended(FIRST, exit_code=1), JE, Ends(), JE),
        (ended(FIRST), ended(SECOND, exit_code=1), JE, TOLD, JE),
        (ended(FIRST), ended(SECOND, **SIGPIPE), JE, TOLD, JE),
        (ended(FIRST), ended(SECOND, **SLOW), JE, TOLD, JE),
        (ended(FIRST, **CRASH), ended(SECOND, **SLOW), JE, TOLD, JE),
        (ended(FIRST, **FAIL), ended(SECOND, exit_code=1), JE, Ends(), JE),
        (ended(FIRST), ended(SECOND, **STUCK), JE, TOLD, JE),
        # One that fails because the contestant is gone.
        (ended(FIRST), ended(SECOND, **SIGPIPE), JE, Ends(1.5, unheard=True), WA),
        (ended(FIRST), ended(SECOND, exit_code=120), JE, Ends(1.5, unheard=True), WA),
        (ended(FIRST), ended(SECOND, **SLOW), JE, Ends(1.5, unheard=True), WA),
        (ended(FIRST, **CRASH), ended(SECOND, **SLOW), JE, Ends(1.5, unheard=True), RTE),
        (ended(FIRST, **CRASH), ended(SECOND, exit_code=1), JE, TOLD, RTE),
        # One that had more to say than a pipe holds, and accepts all the same.
        (ended(FIRST), ended(SECOND, exit_code=42), AC, Ends(1.5, unheard=True), WA),
        (ended(FIRST, **CRASH), ended(SECOND, exit_code=42), AC, Ends(1.5, unheard=True), RTE),
        (ended(SECOND, **STUCK), ended(SECOND, **SLOW), JE, Ends(0.5, unheard=True), TLE),
        # One whose time the contestant has used up by talking.
        (ended(SECOND, signal=9), ended(FIRST, **SLOW), JE, Ends(flooded=True), TLE),
        (ended(SECOND, signal=9), ended(FIRST, signal=11), JE, Ends(flooded=True), JE),
        # Both wait for one another: the contestant has had its time.
        (ended(FIRST, **STUCK), ended(SECOND, **STUCK), JE, TOLD, TLE),
    ],
)
def test_verdict(contestant: Result, judged: Result, said: Verdict, ends: Ends, expected: Verdict) -> None:
    """The verdict of each way in which two programs can end."""
    assert decide(contestant, judged, Checked(Finding(said)), 1.0, ends).finding.verdict is expected


def test_a_slow_validator_is_the_jurys() -> None:
    """A submission that waits for the validator's own work is not too slow, unless it flooded, or did not listen."""
    judged = ended(SECOND, exit_code=43, cpu_time=2.5)
    finding = decide(ended(FIRST, **STUCK), judged, Checked(Finding(WA)), 1.0, TOLD).finding
    assert finding.verdict is JE
    assert "2.500 s of CPU time" in finding.reason
    for ends in (Ends(1.5, flooded=True), Ends(1.5, unheard=True)):
        assert decide(ended(FIRST, **STUCK), judged, Checked(Finding(WA)), 1.0, ends).finding.verdict is TLE


def test_the_evidence_is_kept() -> None:
    """A crash keeps what the validator said about it."""
    said = Checked(Finding(WA, judge_message="no answer"), {"judgemessage.txt": b"no answer"})
    checked = decide(ended(FIRST, **CRASH), ended(SECOND, exit_code=43), said, 1.0, TOLD)
    assert (checked.finding.reason, checked.finding.judge_message) == ("ended by SIGSEGV", "no answer")
