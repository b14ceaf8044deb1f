"""Workflows as TOML files: a table for each step, conditions as comparisons."""

from __future__ import annotations

import operator
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sandbox.errors import RequestError
from sandbox.request import Limits, request_error
from sandbox.result import Result, Status
from sandbox.workflow import Artefact, Step, Workflow

_NUMBERS = ("exit_code", "signal", "cpu_time", "wall_time", "memory_peak", "processes_peak")
_TEXTS = ("status", "stdout", "stderr")
_FLAGS = ("ok", "stdout_truncated", "stderr_truncated")
_COMPARISON = re.compile(r"\s*([\w-]+)\.(\w+)\s*(==|!=|<=|>=|<|>)\s*(.+)", re.ASCII)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True)
class Comparison:
    """A field of a step's result compared with a number, text or truth value: `build.cpu_time < 1.5`."""

    text: str
    step: str
    field: str
    operator: str
    value: float | str | bool | bytes

    @classmethod
    def parse(cls, text: object) -> Comparison:
        """Read one; `ValueError` says what is wrong with it."""
        match = _COMPARISON.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError(f"{text!r} is not a comparison such as 'build.exit_code == 0'")
        step, name, sign, literal = match.groups()
        try:
            value = tomllib.loads(f"value = {literal}")["value"]
        except (ValueError, RecursionError):
            raise ValueError(f"{literal[:80]!r} is not a number, true, false or text in quotes") from None
        kind = _kind(name)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"{name} cannot be compared with {literal!r}")
        if kind in (str, bool) and sign not in ("==", "!="):
            raise ValueError(f"{name} can only be compared with == and !=")
        if name == "status":
            value = Status(value)
        return cls(str(text), step, name, sign, value.encode() if name in ("stdout", "stderr") else value)

    def __call__(self, results: Mapping[str, Result]) -> bool:
        """Whether it holds; it does not if the step did not run, or the number could not be measured."""
        found = getattr(results[self.step], self.field) if self.step in results else None
        return found is not None and _OPERATORS[self.operator](found, self.value)


def _kind(name: str) -> Any:
    if name in _NUMBERS:
        return (int, float)
    if name in _TEXTS:
        return str
    if name in _FLAGS:
        return bool
    raise ValueError(f"a result has no {name!r} to compare; there are {', '.join((*_NUMBERS, *_TEXTS, *_FLAGS))}")


@dataclass(frozen=True)
class Comparisons:
    """A condition for a step: all of these hold."""

    parts: tuple[Comparison, ...]

    @classmethod
    def parse(cls, *texts: object) -> Comparisons:
        """Read them; `ValueError` says what is wrong with one."""
        return cls(tuple(Comparison.parse(text) for text in texts))

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps whose results are compared."""
        return tuple(comparison.step for comparison in self.parts)

    def __call__(self, results: Mapping[str, Result]) -> bool:
        """Whether all hold."""
        return all(comparison(results) for comparison in self.parts)

    def __str__(self) -> str:
        return " and ".join(comparison.text for comparison in self.parts)


_KEYS = {item.name for item in fields(Step)} - {"name"}
_LIMITS: TypeAdapter[Any] = TypeAdapter(Limits)


def load(source: str | Path, make: Callable[[list[Step]], Workflow]) -> Workflow:
    """The workflow that is made of the steps in a file, or in text; `RequestError` names the file and the key."""
    if isinstance(source, str):
        return make(_steps(source, Path()))
    try:
        return make(_steps(source.read_text("utf-8"), source.parent))
    except RequestError as error:
        raise RequestError(f"{source}: {error.field}", error.reason) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(str(source), f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _steps(text: str, place: Path) -> list[Step]:
    try:
        table = tomllib.loads(text)
    except ValueError as error:  # numbers that are too long, too
        raise RequestError("TOML", str(error)) from None
    except RecursionError:
        raise RequestError("TOML", "is nested too deeply") from None
    for key in table:
        if key != "steps":
            raise RequestError(key, "there is no such key; a workflow has a table [steps.NAME] for each step")
    return [
        _step(name, _table(f"steps.{name}", value), place)
        for name, value in _table("steps", table.get("steps")).items()
    ]


def _step(name: str, table: dict[str, Any], place: Path) -> Step:
    where = f"steps.{name}"
    for key in table:
        if key not in _KEYS:
            raise RequestError(f"{where}.{key}", f"there is no such key; there are {', '.join(sorted(_KEYS))}")
    options = dict(table)
    if "argv" not in options:
        raise RequestError(f"{where}.argv", "is missing")
    if "stdin" in options:
        options["stdin"] = _content(f"{where}.stdin", options["stdin"], place)
    if "files" in options:
        files = _table(f"{where}.files", options["files"])
        options["files"] = {at: _content(f"{where}.files.{at}", item, place) for at, item in files.items()}
    if "limits" in options:
        options["limits"] = _limits(f"{where}.limits", options["limits"])
    if "when" in options:
        options["when"] = _condition(f"{where}.when", options["when"])
    return Step(name, **options)


def _table(where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RequestError(where, "must be a table")
    return value


def _content(where: str, value: object, place: Path) -> bytes | Path | Artefact:
    table = _table(where, value)
    if all(isinstance(item, str) for item in table.values()):
        if table.keys() == {"text"}:
            return str(table["text"]).encode()
        if table.keys() in ({"step"}, {"step", "name"}):
            return Artefact(**table)
        if table.keys() == {"path"}:
            path = os.path.abspath(place / table["path"])
            if not os.path.isfile(path):  # not Path.is_file(), which raises for what cannot be a path
                raise RequestError(where, f"there is no file {path!r}")
            return Path(path)
    raise RequestError(where, 'must be {path = "…"}, {text = "…"} or {step = "…", name = "…"}')


def _limits(where: str, value: object) -> Any:
    try:
        return _LIMITS.validate_python(value)
    except ValidationError as error:
        wrong = request_error(error)
        raise RequestError(where if wrong.field == "request" else f"{where}.{wrong.field}", wrong.reason) from None


def _condition(where: str, value: object) -> Comparisons:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts:
        raise RequestError(where, "must be a comparison, or a list of them")
    try:
        return Comparisons.parse(*texts)
    except ValueError as error:
        raise RequestError(where, str(error)) from None
