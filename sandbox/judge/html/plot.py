"""CPU times of all tests of all submissions as a picture, a line for each submission, against the time limit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandbox.judge.html.columns import Cell, Column
from sandbox.judge.html.texts import clean
from sandbox.judge.judgement import Judgement

HUES = 8
"""Colours of lines; further ones have the same again, dashed."""
MOST_TITLES = 600
"""Marks up to which each tells what it stands for."""

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 250, 52, 10, 26
RADIUS = 2.3
"""Of a mark."""
LETTER = 7
"""How wide one is, about."""

Scale = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Mark:
    """A column of a submission; a cross if a test in it was not accepted, else a dot."""

    x: float
    y: float
    cross: bool
    title: str


@dataclass(frozen=True, slots=True)
class Line:
    """A submission. Coordinates are those of the picture."""

    name: str
    hue: int
    dashed: bool
    marks: tuple[Mark, ...]

    @property
    def points(self) -> str:
        """The line, for `polyline`."""
        return " ".join(f"{mark.x:g},{mark.y:g}" for mark in self.marks)

    @property
    def dots(self) -> str:
        """Those that are dots, for `path`: strokes without length, whose caps are round."""
        return "".join(f"M{mark.x:g} {mark.y:g}h0" for mark in self.marks if not mark.cross)

    @property
    def crosses(self) -> str:
        """The others, for `path`."""
        return "".join(_cross(mark.x, mark.y) for mark in self.marks if mark.cross)


@dataclass(frozen=True, slots=True)
class Plot:
    """The whole picture."""

    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, str], ...]
    limits: tuple[tuple[float, str], ...]
    """Where each time limit is; they differ where languages have different ones."""
    edges: tuple[tuple[float, str], ...]
    """Where each group of tests begins, and as much of its name as has room."""
    titled: bool
    """Whether there are so few marks that each can have its title."""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    top: int = TOP
    floor: int = HEIGHT - BOTTOM
    radius: float = RADIUS


def plot(
    columns: Sequence[Column], judgements: Sequence[Judgement], rows: Sequence[Sequence[Cell]]
) -> Plot | None:  # fmt: skip
    """The picture; `None` if there is nothing to show. `rows` has the cells of each judgement."""
    times = [cell.time for row in rows for cell in row if cell.time]
    limits = sorted({judgement.time_limit for judgement in judgements if judgement.time_limit})
    if not times:
        return None
    y, ticks = _scale(min(times), max([*times, *limits]))
    step = (WIDTH - LEFT - 6) / len(columns)

    def x(number: float) -> float:
        return round(LEFT + step * number, 1)

    shown = [
        (judgement, row) for judgement, row in zip(judgements, rows, strict=True) if any(cell.time for cell in row)
    ]
    lines = tuple(
        Line(clean(judgement.submission, 60), number % HUES, number // HUES % 2 == 1, _marks(columns, row, x, y))
        for number, (judgement, row) in enumerate(shown)
    )
    titled = sum(len(line.marks) for line in lines) <= MOST_TITLES
    return Plot(lines, ticks, tuple((y(limit), f"{limit:g} s") for limit in limits), _edges(columns, x), titled)


def _scale(least: float, most: float) -> tuple[Scale, tuple[tuple[float, str], ...]]:
    """From seconds to the picture, by powers of ten, and these powers; at least two of them, from a millisecond on."""
    top = math.log10(most * 1.25)
    bottom = min(max(math.floor(math.log10(least)), -3), math.ceil(top) - 2)

    def y(seconds: float) -> float:
        part = (math.log10(max(seconds, 10.0**bottom)) - bottom) / (top - bottom)
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * part, 1)

    return y, tuple((y(10.0**power), f"{10.0**power:g} s") for power in range(bottom, math.floor(top) + 1))


def _marks(columns: Sequence[Column], row: Sequence[Cell], x: Scale, y: Scale) -> tuple[Mark, ...]:
    return tuple(
        Mark(x(number + 0.5), y(cell.time), cell.failed > 0, f"{column.name}: {cell.verdict}, {cell.time:.3f} s")
        for number, (column, cell) in enumerate(zip(columns, row, strict=True))
        if cell.time is not None
    )


def _cross(x: float, y: float) -> str:
    left, side = x - RADIUS, 2 * RADIUS
    return f"M{left:g} {y - RADIUS:g}l{side:g} {side:g}m0 {-side:g}l{-side:g} {side:g}"


def _edges(columns: Sequence[Column], x: Scale) -> tuple[tuple[float, str], ...]:
    """Groups that are too narrow for their name have none."""
    starts = [(x(number), column.group) for number, column in enumerate(columns) if column.first]
    ends = [place for place, _ in starts[1:]] + [float(WIDTH)]
    return tuple(
        (place, _name(group, int((end - place) / LETTER))) for (place, group), end in zip(starts, ends, strict=True)
    )


def _name(group: str, letters: int) -> str:
    """As much of a group's name as says something."""
    name = clean(group.removeprefix("secret/") or "data", 40)
    return name[:letters] if letters >= min(len(name), 3) else ""
