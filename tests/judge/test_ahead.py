"""Tests run ahead of those who ask: in order, no more than slots at a time, none in vain for long."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sandbox.judge.ahead import Ahead
from sandbox.judge.judgement import TestResult
from sandbox.judge.problem import Test
from sandbox.judge.stop import Stop
from sandbox.judge.verdict import Verdict


def cases(count: int) -> list[Test]:
    """Tests without files."""
    return [Test(str(number), Path(), Path()) for number in range(count)]


class Slot:
    """Remembers what is done with it."""

    def __init__(self, log: list[str], endless: str = "", wrong: str = "") -> None:
        self.log = log
        self.endless = endless
        self.wrong = wrong

    def run(self, test: Test, stop: Stop) -> TestResult:
        """Runs until it is stopped, for the endless test."""
        self.log.append(test.name)
        if test.name == self.wrong:
            raise OSError("no room")
        if test.name == self.endless:
            stopped = threading.Event()
            with stop.calling(stopped.set):
                assert stopped.wait(10)
        return TestResult(test.name, Verdict.AC)

    def close(self) -> None:
        """As of `ahead.Slot`."""
        self.log.append("closed")


@pytest.mark.parametrize("slots", [1, 3, 100])
def test_every_result_is_had(slots: int) -> None:
    """Each test is run once, on any number of slots, and every slot is closed."""
    log: list[str] = []
    many = cases(50)
    with Ahead(many, lambda: Slot(log), slots) as ahead:
        assert [ahead.result(test).name for test in many] == [test.name for test in many]
    names = [entry for entry in log if entry != "closed"]
    assert sorted(names, key=int) == [test.name for test in many]
    assert 1 <= log.count("closed") <= slots


def test_one_slot_keeps_the_order() -> None:
    """With one slot, tests are run in the order of judging."""
    log: list[str] = []
    many = cases(20)
    with Ahead(many, lambda: Slot(log), 1) as ahead:
        ahead.result(many[-1])
    assert log == [test.name for test in many] + ["closed"]


def test_left_out_tests_do_not_run() -> None:
    """What is left out before its turn is not begun."""
    log: list[str] = []
    many = cases(5)
    with Ahead(many, lambda: Slot(log, endless="0"), 1) as ahead:
        ahead.leave_out(many[1:4])
        ahead.leave_out(many[:1])
        ahead.result(many[4])
    assert log == ["0", "4", "closed"]


def test_an_error_is_for_who_asks() -> None:
    """A sandbox that fails is no result of a test."""
    many = cases(2)
    with Ahead(many, lambda: Slot([], wrong="1"), 2) as ahead:
        assert ahead.result(many[0]).verdict is Verdict.AC
        with pytest.raises(OSError, match="no room"):
            ahead.result(many[1])


def test_leaving_ends_what_runs() -> None:
    """Whoever leaves early, by an error for instance, does not wait for the rest."""
    log: list[str] = []
    with Ahead(cases(9), lambda: Slot(log, endless="0"), 1):
        pass
    assert log in (["0", "closed"], [])
