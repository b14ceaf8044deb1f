"""A submission and the jury's program that talk with one another, each in a box of its own; who ended first decides."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from sandbox.box import Box
from sandbox.control import Control
from sandbox.judge.checker import ACCEPTED, FEEDBACK, Checked, Feedback, Validator, broken
from sandbox.judge.crossing import Crossing, Recorded
from sandbox.judge.judgement import Finding
from sandbox.judge.problem import Test
from sandbox.judge.reasons import verdict_of
from sandbox.judge.stop import Stop
from sandbox.judge.verdict import Verdict
from sandbox.request import Limits
from sandbox.result import Result, Status


@dataclass(frozen=True, slots=True)
class Interaction:
    """How a conversation ended, on both sides."""

    contestant: Result
    checked: Checked
    transcript: str = ""


def interact(
    box: Box, argv: Sequence[str], options: dict[str, Any], validator: Validator, test: Test, feedback: Feedback,
    stop: Stop, *, time_limit: float | None, transcript: bool = False,
) -> Interaction:  # fmt: skip
    """Let a submission and the jury's program talk until both have ended, and decide by who ended first and how.

    `options` are those of the submission's run. Raises what `Box.run` raises, of either side.
    """
    crossing = Recorded() if transcript else Crossing()
    try:
        with validator.boxes.box() as other, stop.control() as control:
            limits = options["limits"]
            judging = _in_thread(lambda: _judge(crossing, other, control, limits, validator, test, feedback))
            contestant = crossing.contestant
            try:
                result = box.run(argv, stdin=contestant.stdin, stdout=contestant.stdout, control=control, **options)
            finally:
                crossing.end(contestant)
                judged = judging.result()
    finally:
        crossing.close()
    checked = decide(result, judged, validator.conclude(judged), time_limit)
    return Interaction(result, checked, crossing.transcript)


def _judge(
    crossing: Crossing | Recorded, box: Box, contestant: Control, limits: Limits, validator: Validator, test: Test,
    feedback: Feedback,
) -> Result:  # fmt: skip
    """Run the jury's side to its end."""
    side = crossing.validator
    try:
        result = box.run(
            validator.arguments(test), stdin=side.stdin, stdout=side.stdout, files=validator.files(test, feedback),
            collect=[FEEDBACK], limits=validator.limits_beside(limits),
        )  # fmt: skip
    finally:
        crossing.end(side)
    if result.exit_code != ACCEPTED:  # it is decided, whatever the submission still does
        contestant.kill()
    return result


def decide(contestant: Result, judged: Result, checked: Checked, time_limit: float | None) -> Checked:
    """The verdict of two sides. Who ended first decides: the other one may have ended because of it."""
    own, reason = verdict_of(contestant, time_limit)
    validator_first = (judged.ended_at or 0.0) <= (contestant.ended_at or 0.0)
    said = checked.finding

    def conclude(finding: Finding) -> Checked:
        return Checked(finding, checked.feedback, checked.time)

    if said.verdict is Verdict.JE:
        if own is Verdict.AC and judged.signal == signal.SIGPIPE and not validator_first:
            return conclude(Finding(Verdict.WA, "the submission ended before the validator had said everything"))
        if own is not Verdict.AC and not validator_first and judged.status not in _LIMITS:
            return conclude(Finding(own, f"{reason}; then the validator failed: {said.reason}"))
        if own is Verdict.TLE and judged.status is Status.WALL_TIME_LIMIT:
            return conclude(Finding(own, reason))
        return checked
    if own is Verdict.TLE and contestant.status is Status.WALL_TIME_LIMIT and _was_slow(judged, contestant):
        return conclude(broken(judged, f"it used {judged.cpu_time:.3f} s of CPU time while the submission waited"))
    if said.verdict is Verdict.WA and validator_first:
        return checked
    if own is not Verdict.AC:
        return conclude(Finding(own, reason, judge_message=said.judge_message, team_message=said.team_message))
    return checked


_LIMITS = frozenset({Status.CPU_TIME_LIMIT, Status.MEMORY_LIMIT, Status.OUTPUT_LIMIT})


def _was_slow(judged: Result, contestant: Result) -> bool:
    """Whether the validator's own work took most of the time that the submission had on the clock."""
    return judged.cpu_time is not None and judged.cpu_time > (contestant.limits.wall_time or 0.0) / 2


def _in_thread(work: Callable[[], Result]) -> Future[Result]:
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            future.set_exception(error)

    threading.Thread(target=run, name="judge-validator", daemon=True).start()
    return future
