"""A report of judgements as one page of HTML that needs nothing else: no network, no scripts.

Everything that programs and packages say is escaped by the template engine, whatever it is.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.judge.judgement import Judgement, TestResult
from sandbox.judge.problem import Problem

if TYPE_CHECKING:
    from jinja2 import Template

LONGEST = 4_000
"""Characters of each text of a program that are shown."""

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 720, 224, 48, 32


@dataclass(frozen=True, slots=True)
class Mark:
    """A test in the plot of times."""

    x: float
    y: float
    title: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Plot:
    """CPU times of all tests of all submissions, a line for each submission. Coordinates are those of the picture."""

    lines: tuple[tuple[str, tuple[Mark, ...]], ...]
    ticks: tuple[tuple[float, str], ...]
    limit: float | None
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    floor: int = _HEIGHT - _BOTTOM


def report(
    problem: Problem,
    judgements: Sequence[Judgement],
    *,
    jury: bool = True,
    expected: Sequence[tuple[str, ...]] | None = None,
) -> str:
    """The page. `expected` has for each judgement what was not as it should be; without `jury` only what a contestant
    may see is in it.
    """
    names = _names(judgements)
    rows = [(judgement, {test.name: test for test in judgement.tests}) for judgement in judgements]
    return _template().render(
        problem=problem,
        names=names,
        rows=rows,
        expected=[()] * len(rows) if expected is None else expected,
        checked=expected is not None,
        plot=_plot(names, judgements),
        jury=jury,
    )


def _names(judgements: Sequence[Judgement]) -> list[str]:
    """Of all tests that any submission ran, in the order of judging."""
    longest = max(judgements, key=lambda judgement: len(judgement.tests), default=None)
    names = dict.fromkeys(test.name for test in longest.tests) if longest is not None else {}
    for judgement in judgements:
        names |= dict.fromkeys(test.name for test in judgement.tests)
    return list(names)


def _plot(names: Sequence[str], judgements: Sequence[Judgement]) -> Plot | None:
    """The plot, on a scale of powers of ten from a millisecond on; `None` if there is nothing to show."""
    times = [test.cpu_time for judgement in judgements for test in judgement.tests if test.cpu_time]
    limits = [judgement.time_limit for judgement in judgements if judgement.time_limit]
    if not times:
        return None
    top = math.ceil(math.log10(max([*times, *limits]) * 1.2))
    bottom = min(-3, top - 1)

    def y(seconds: float) -> float:
        part = (math.log10(max(seconds, 10**bottom)) - bottom) / (top - bottom)
        return round((_HEIGHT - _BOTTOM) * (1 - part) + 8, 1)

    step = (_WIDTH - _LEFT - 4) / max(len(names), 1)
    places = {name: round(_LEFT + step * (number + 0.5), 1) for number, name in enumerate(names)}
    lines = []
    for judgement in judgements:
        marks = [_mark(test, places[test.name], y) for test in judgement.tests if test.cpu_time is not None]
        lines.append((judgement.submission, tuple(marks)))
    ticks = tuple((y(10.0**power), f"{10.0**power:g} s") for power in range(bottom, top + 1))
    return Plot(tuple(lines), ticks, y(max(limits)) if limits else None)


def _mark(test: TestResult, x: float, y: Callable[[float], float]) -> Mark:
    return Mark(x, y(test.cpu_time or 0.0), f"{test.name}: {test.cpu_time:.3f} s, {test.verdict}", test.verdict.value)


def _clean(text: str, most: int = LONGEST) -> str:
    """A text in which characters that cannot be seen, or that turn the direction of others, are shown by number."""
    cut = text if len(text) <= most else text[:most] + "\n… (cut)"
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in cut)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3f} s"


def _mebibytes(value: int | None) -> str:
    return "" if value is None else f"{value / (1 << 20):.1f} MiB"


@functools.lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"clean": _clean, "seconds": _seconds, "mebibytes": _mebibytes}
    return environment.get_template("report.html")
