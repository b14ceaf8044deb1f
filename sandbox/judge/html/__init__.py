"""A report of judgements as one page of HTML that needs nothing else: no network, no scripts.

Everything that programs and packages say is escaped by the template engine, whatever it is, and bounded: a hundred
tests of twenty submissions make a page of less than a megabyte, and ten thousand of them not much more.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.judge.html.columns import Cell, Column, cell, columns, spans
from sandbox.judge.html.details import Details, details
from sandbox.judge.html.plot import plot
from sandbox.judge.html.texts import clean
from sandbox.judge.judgement import Judgement
from sandbox.judge.problem import Complaint, Problem

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["Remark", "report"]

LETTERS = 24
"""Columns of the matrix up to which there is room for verdicts in letters."""
REASONS = 600
"""Cells of the matrix up to which each says why, too, when it is pointed at."""
OPEN = 3
"""Submissions up to which the details of each are open from the start."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What was to be expected of a submission, and what of that is not so."""

    expected: str = ""
    mismatches: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A submission on the page."""

    number: int
    judgement: Judgement
    cells: tuple[Cell, ...]
    details: Details
    remark: Remark


def report(
    problem: Problem,
    judgements: Sequence[Judgement],
    *,
    jury: bool = True,
    remarks: Sequence[Remark] | None = None,
    complaints: Sequence[Complaint] = (),
    notes: Sequence[str] = (),
) -> str:
    """The page. `remarks` has one for each judgement; `complaints` are about the package, and `notes` are sentences for
    its head, such as where the time limit came from. Without `jury` only what a contestant may see is in it, of the
    judgements: what else is given is shown.
    """
    shown = columns(problem, judgements)
    entries = [
        Entry(
            number,
            judgement,
            _cells(shown, judgement),
            details(judgement, number, len(judgements), jury=jury),
            Remark() if remarks is None else remarks[number - 1],
        )
        for number, judgement in enumerate(judgements, 1)
    ]
    style = _style()
    return _template().render(
        problem=problem,
        entries=entries,
        columns=shown,
        spans=spans(shown),
        tests=sum(len(column.tests) for column in shown),
        letters=len(shown) <= LETTERS,
        titles=functools.partial(_title, jury=jury and len(shown) * len(entries) <= REASONS),
        checked=remarks is not None,
        complaints=complaints,
        notes=notes,
        open=len(entries) <= OPEN,
        limits=sorted({judgement.time_limit for judgement in judgements if judgement.time_limit}),
        plot=plot(shown, judgements, [entry.cells for entry in entries]),
        jury=jury,
        style=style,
        policy=f"default-src 'none'; style-src 'sha256-{_digest(style)}'; base-uri 'none'; form-action 'none'",
    )


def _cells(shown: Sequence[Column], judgement: Judgement) -> tuple[Cell, ...]:
    tests = {test.name: test for test in judgement.tests}
    return tuple(cell(column, tests) for column in shown)


def _title(entry: Entry, number: int, column: Column, *, jury: bool) -> str:
    """What a cell of the matrix says when it is pointed at."""
    found = entry.cells[number]
    if not found.verdict:
        return f"{column.name}: not run"
    text = f"{column.name}: {found.verdict}"
    if found.failed and len(column.tests) > 1:
        text += f" ({found.failed} of {len(column.tests)} not accepted)"
    if found.time is not None:
        text += f", {_seconds(found.time)}"
    if jury and len(column.tests) == 1 and found.failed:
        reason = next(test.reason for test in entry.judgement.tests if test.name == column.tests[0])
        text += f": {clean(reason, 200)}" if reason else ""
    return text


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3f} s"


def _mebibytes(value: int | None) -> str:
    return "" if value is None else f"{value / (1 << 20):.1f} MiB"


def _points(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


@functools.cache
def _style() -> str:
    return (Path(__file__).parent / "report.css").read_text(encoding="utf-8")


def _digest(style: str) -> str:
    """By which the page's policy knows its style sheet, and lets in no other."""
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


@functools.cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"clean": clean, "seconds": _seconds, "mebibytes": _mebibytes, "points": _points}
    return environment.get_template("report.html")
