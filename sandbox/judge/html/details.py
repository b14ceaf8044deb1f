"""What a page tells of one submission: its tests, and of those that were not accepted why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sandbox.judge.difference import Difference, printable
from sandbox.judge.html.texts import LONGEST, Room, clean
from sandbox.judge.judgement import Judgement, TestResult
from sandbox.judge.verdict import Verdict

ROWS = 3_000
"""Tests that have a row of their own, of all submissions together."""
FEWEST_ROWS = 30
"""Of one submission, however many there are."""
TEXTS = 200_000
"""Bytes of what programs said, of all submissions together."""
FEWEST_TEXTS = 4_000
SHORT = 600
"""Characters of each text from the second test on that was not accepted: the first tells most."""
SHORTEST = 40
"""Characters of a reason that has no room."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of two texts that differ: what both have, and what follows."""

    same: str
    rest: str


@dataclass(frozen=True, slots=True)
class Sides:
    """The first difference, to be shown side by side."""

    expected: Side
    found: Side

    @property
    def texts(self) -> tuple[str, ...]:
        """All that is shown."""
        return self.expected.same, self.expected.rest, self.found.same, self.found.rest


@dataclass(frozen=True, slots=True)
class Row:
    """A test, with as much of it as may be seen."""

    anchor: str
    test: TestResult
    why: str
    notes: tuple[str, ...]
    sides: Sides | None
    texts: tuple[tuple[str, str], ...]
    """What programs said, each with what it is."""


@dataclass(frozen=True, slots=True)
class Details:
    """All of a submission that has a place on the page."""

    rows: tuple[Row, ...]
    without: int
    """Tests, all of them accepted if there is room for the others, that have no row."""
    compiler_output: str
    lacking: bool
    """Whether something that was said had no room."""


def details(judgement: Judgement, number: int, of: int, *, jury: bool) -> Details:
    """Of the submission with this number, from 1, on a page with `of` of them."""
    room = Room(max(TEXTS // of, FEWEST_TEXTS))
    compiler_output = (room.take(judgement.compiler_output) or "") if judgement.compiler_output else ""
    tests = _chosen(judgement.tests, max(ROWS // of, FEWEST_ROWS))
    rows = []
    most = LONGEST
    for place, test in tests:
        rows.append(_row(f"s{number}t{place}", test, room, most, jury=jury))
        if test.verdict is not Verdict.AC:
            most = SHORT
    return Details(tuple(rows), len(judgement.tests) - len(rows), compiler_output, room.lacked)


def _chosen(tests: Sequence[TestResult], most: int) -> list[tuple[int, TestResult]]:
    """As many as may be, those first that were not accepted, with their places; in the order of judging."""
    placed = list(enumerate(tests, 1))
    if len(placed) > most:
        failed_first = sorted(placed, key=lambda pair: pair[1].verdict is Verdict.AC)
        placed = sorted(failed_first[:most], key=lambda pair: pair[0])
    return placed


def _row(anchor: str, test: TestResult, room: Room, most: int, *, jury: bool) -> Row:
    open_ = jury or test.full_feedback
    why = room.take(test.reason, SHORT) if open_ else ""
    both = sides(test.difference) if open_ and test.difference and test.verdict is not Verdict.AC else None
    if both is not None and not room.has(*both.texts):
        both = None
    texts = tuple(
        (label, shown) for label, text in _texts(test, jury=jury) if (shown := room.take(text, most)) is not None
    )
    return Row(anchor, test, clean(test.reason, SHORTEST) if why is None else why, tuple(_notes(test)), both, texts)


def _notes(test: TestResult) -> Iterator[str]:
    if test.attempts:
        times = ", ".join(f"{time:.3f}" for time in test.attempts)
        yield f"Near the limit, so it was run {len(test.attempts)} times: {times} s; the fastest counts."
    if test.verdict is not Verdict.AC and test.hint:
        yield f"Hint: {clean(test.hint, SHORT)}"


def _texts(test: TestResult, *, jury: bool) -> Iterator[tuple[str, str]]:
    """What may be seen of what was said about a test, and in it."""
    if test.team_message:
        yield "Message for the team", test.team_message
    if jury and test.judge_message.strip() not in ("", test.reason):
        yield "Message of the validator", test.judge_message
    if jury and test.transcript:
        yield "Transcript: < the jury, > the submission", test.transcript
    if (jury or test.full_feedback) and test.verdict is not Verdict.AC:
        if test.output:
            yield "Output, its beginning", test.output.decode(errors="backslashreplace")
        if test.error_output:
            yield "stderr, its beginning", test.error_output.decode(errors="backslashreplace")


def sides(difference: Difference) -> Sides:
    """Both sides of a difference, whitespace visible where it is what differs."""
    expected, found = _shown(difference.expected, difference.kind), _shown(difference.found, difference.kind)
    same = 0
    for one, other in zip(expected, found, strict=False):
        if one != other:
            break
        same += 1
    return Sides(Side(expected[:same], expected[same:]), Side(found[:same], found[same:]))


def _shown(data: bytes, kind: str) -> str:
    text = printable(data)[1:-1]
    return text.replace(" ", "␣") if kind == "whitespace" else text
