"""A submission and the jury's program that talk with one another, each in a box of its own, and what follows from that.

The jury's exit code is the verdict (2025-09, "Reporting a judgement"). A submission that fails by itself, or does not
end, is not accepted whatever the jury's program says, as in a problem that is not interactive. The format does not say
which of the two counts when both find fault; here it is the jury's, if it came without knowing that the submission had
ended, and otherwise that of the submission, which the jury's program then only saw the end of. Nor is one accepted that
stops reading with so much unread that the jury's program could not have gone on with a pipe between them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from sandbox.box import Box
from sandbox.control import Control
from sandbox.judge.checker import NOTHING, Checked, Feedback, Files, Validator, broken
from sandbox.judge.crossing import Crossing
from sandbox.judge.judgement import Finding
from sandbox.judge.problem import Test
from sandbox.judge.reasons import of_submission
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


@dataclass(frozen=True, slots=True)
class Ends:
    """What the pipes tell about the end of a conversation."""

    told_at: float = float("inf")
    """When the jury's program was shown the end of its input."""
    excess: int | None = None
    """The limit of output, if the submission has said more."""
    flooded: bool = False
    """Whether it was ahead of the jury's program by all that pipes hold."""
    unheard: bool = False
    """Whether the submission left so much unread of what the jury's program said that a pipe would have been full."""


def interact(
    box: Box, argv: Sequence[str], options: dict[str, Any], validator: Validator, test: Test, feedback: Feedback,
    stop: Stop, *, time_limit: float | None, submitted: Files = NOTHING, transcript: bool = False,
    out_of_memory: Collection[str] = (),
) -> Interaction:  # fmt: skip
    """Let a submission and the jury's program talk until both have ended, and decide by how they did.

    The submission begins when the jury's program has begun: its time on the clock is its own.
    `options` are those of the submission's run, `submitted` its files. Raises what `Box.run` raises, of either side.
    """
    limits: Limits = options["limits"]
    ready = threading.Event()
    with validator.boxes.box() as other, stop.control() as control, Control(ready.set) as other_control:
        crossing = Crossing(control, other_control, limits.output, record=transcript)
        try:
            judging = _in_thread(lambda: _judge(crossing, other, limits, validator, test, feedback, submitted, ready))
            contestant, failed = crossing.contestant, True
            try:
                ready.wait()
                result = box.run(argv, stdin=contestant.stdin, stdout=contestant.stdout, control=control, **options)
                failed = of_submission(result, time_limit, out_of_memory)[0] is not Verdict.AC
            finally:
                crossing.end(contestant, failed=failed)
                judged, checked = judging.result()
        finally:
            crossing.close()
    said, unheard = crossing.to_validator, crossing.to_contestant.unheard
    ends = Ends(said.told_at, limits.output if said.exceeded else None, crossing.flooded, unheard)
    decided = decide(result, judged, checked, time_limit, ends, out_of_memory)
    return Interaction(result, decided, crossing.transcript)


def _judge(
    crossing: Crossing, box: Box, limits: Limits, validator: Validator, test: Test, feedback: Feedback,
    submitted: Files, ready: threading.Event,
) -> tuple[Result, Checked]:  # fmt: skip
    """Run the jury's side to its end, and the submission's too if that is decided by it."""
    side = crossing.validator
    try:
        result = box.run(
            validator.arguments(test), stdin=side.stdin, stdout=side.stdout, control=side.control,
            limits=validator.limits_beside(limits), **validator.at_work(test, feedback, submitted),
        )  # fmt: skip
    finally:
        ready.set()
        crossing.end(side)
    checked = validator.conclude(result)
    if checked.finding.verdict is not Verdict.AC:
        crossing.contestant.control.kill()
    return result, checked


def decide(
    contestant: Result, judged: Result, checked: Checked, time_limit: float | None, ends: Ends,
    out_of_memory: Collection[str] = (),
) -> Checked:  # fmt: skip
    """The verdict of two sides."""
    own, reason = of_submission(contestant, time_limit, out_of_memory)
    told = (contestant.ended_at or 0.0) <= ends.told_at <= (judged.ended_at or float("inf"))
    if ends.excess is not None:
        own, reason, told = Verdict.OLE, f"more than {ends.excess} bytes on stdout", ends.told_at < float("inf")
    said = checked.finding

    def conclude(finding: Finding) -> Checked:
        return Checked(finding, checked.feedback, checked.time)

    unheard = Finding(
        Verdict.WA, "the submission stopped reading before the validator had said everything", None, None,
        said.judge_message, said.team_message,
    )  # fmt: skip
    if said.verdict is Verdict.JE:
        if own is not Verdict.AC and (ends.unheard or (told and judged.status not in _LIMITS)):
            return conclude(Finding(own, f"{reason}; then the validator failed: {said.reason}"))
        if ends.unheard:
            return conclude(unheard)
        if ends.flooded and judged.status in (Status.CPU_TIME_LIMIT, Status.WALL_TIME_LIMIT):
            return conclude(Finding(Verdict.TLE, "the submission said more than the validator could read in its time"))
        return checked
    slow = own is Verdict.TLE and contestant.status is Status.WALL_TIME_LIMIT and _was_slow(judged, contestant)
    if slow and not (ends.flooded or ends.unheard):
        return conclude(broken(judged, f"it used {judged.cpu_time:.3f} s of CPU time while the submission waited"))
    if own is Verdict.AC or (said.verdict is Verdict.WA and not told):
        return conclude(unheard) if said.verdict is Verdict.AC and ends.unheard else checked
    return conclude(Finding(own, reason, judge_message=said.judge_message, team_message=said.team_message))


_LIMITS = frozenset({Status.CPU_TIME_LIMIT, Status.MEMORY_LIMIT, Status.OUTPUT_LIMIT})


def _was_slow(judged: Result, contestant: Result) -> bool:
    """Whether the validator's own work took most of the time that the submission had on the clock."""
    return judged.cpu_time is not None and judged.cpu_time > (contestant.limits.wall_time or 0.0) / 2


def _in_thread(work: Callable[[], tuple[Result, Checked]]) -> Future[tuple[Result, Checked]]:
    future: Future[tuple[Result, Checked]] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - `result` raises it
            future.set_exception(error)

    threading.Thread(target=run, name="judge-validator", daemon=True).start()
    return future
