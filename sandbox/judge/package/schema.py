"""From YAML to models: the types that the formats share, and complaints with file, line and what is expected."""

from __future__ import annotations

import contextlib
import difflib
import re
import shlex
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError

from sandbox.judge.package import tree
from sandbox.judge.package.findings import Findings
from sandbox.judge.package.yaml import Node, Word, YamlError, parse
from sandbox.judge.problem import CONSTANT
from sandbox.judge.tolerance import GRAMMAR, decimal

_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_INTEGER = re.compile(r"[-+]?[0-9]{1,30}")
_GUESSES = 20
"""Unknown keys of one file for which a known one is looked for that is meant."""


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")
    return str(value)


def _word(value: Any, pattern: re.Pattern[str], wanted: str) -> str:
    """A scalar that means something by its form: quotes would make it text."""
    if not isinstance(value, Word):
        raise ValueError(f"must be {wanted}")
    if not value.plain:
        raise ValueError(f"must be {wanted}, which the quotes make text")
    if not pattern.fullmatch(value):
        raise ValueError(f"must be {wanted}, not {value[:40]!r}")
    return value


def truth(value: Any) -> bool:
    """`true` or `false`, or what YAML 1.1 has for them."""
    wanted = re.compile("|".join(_TRUTH), re.IGNORECASE)
    return _TRUTH[_word(value, wanted, "true or false").lower()]


def integer(value: Any) -> int:
    """A whole number, written without quotes."""
    return int(_word(value, _INTEGER, "a whole number"))


def number(value: Any) -> float:
    """A finite number, written without quotes."""
    found = decimal(_word(value, GRAMMAR, "a number"))
    if found is None:
        raise ValueError(f"{value[:40]!r} is too large")
    return found


def as_number(text: str) -> float:
    """A finite number in text; `ValueError` if it is none."""
    found = decimal(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is not a number")
    return found


def flags(value: Any) -> tuple[str, ...]:
    """Text, split into arguments as a shell does."""
    text = _text(value)
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ValueError(f"cannot be split into arguments: {error}") from None


def _listed(value: Any) -> Any:
    """One of them stands for a list of one."""
    return [value] if isinstance(value, str) else value


def _nonempty(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("must not be empty")
    return value


Text = Annotated[str, PlainValidator(_text)]
Truth = Annotated[bool, PlainValidator(truth)]
Integer = Annotated[int, BeforeValidator(integer)]
Number = Annotated[float, BeforeValidator(number)]
Flags = Annotated[tuple[str, ...], PlainValidator(flags)]
"""Arguments in one text, split as a shell does."""
Texts = tuple[Text, ...]
TextOrTexts = Annotated[tuple[Text, ...], BeforeValidator(_listed)]
SomeTexts = Annotated[tuple[Text, ...], BeforeValidator(_listed), AfterValidator(_nonempty)]
Positive = Annotated[Integer, Field(gt=0, le=1 << 30)]
Seconds = Annotated[Number, Field(gt=0, le=86_400)]


class Model(BaseModel):
    """A map of a YAML file. Keys that it does not have are warnings; `null` is as good as not given."""

    model_config = ConfigDict(frozen=True, extra="forbid")


AnyModel = TypeVar("AnyModel", bound=Model)


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file that holds a map."""

    file: str
    node: Node
    findings: Findings
    within: tuple[str, ...] = ()
    """The keys that lead to this map, if it is a part of the file."""

    @property
    def data(self) -> dict[str, Any]:
        """The map; scalars in it are `Word`."""
        return self.node.value or {}

    def part(self, key: str, without: Collection[str] = ()) -> Document:
        """The map at a key, without some of its keys."""
        node = self.node.children[key]
        value = {name: value for name, value in node.value.items() if name not in without}
        return replace(self, node=replace(node, value=value), within=(*self.within, key))

    def error(self, rule: str, message: str, *where: str | int) -> None:
        """An error at the value that these keys and indices lead to."""
        self.findings.error(self.file, rule, message, self.node.line_of(where))

    def warning(self, rule: str, message: str, *where: str | int) -> None:
        """A warning there."""
        self.findings.warning(self.file, rule, message, self.node.line_of(where))

    def model(self, wanted: type[AnyModel]) -> AnyModel | None:
        """The map as this model. Unknown keys are warnings, wrong values errors; both are left out.

        So whatever follows is checked as well. `None` if there is no model without what is wrong.
        """
        data = self.data
        try:
            return wanted.model_validate(data)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False)
        unknown = {tuple(problem["loc"]) for problem in problems if problem["type"] == "extra_forbidden"}
        for problem in problems:
            where = tuple(problem["loc"])
            key = ".".join(str(step)[:60] for step in (*self.within, *where))
            if where in unknown:
                guess = _guess(wanted, where) if len(unknown) <= _GUESSES else ""
                self.warning("unknown-key", f"the key {key} is not known here, and ignored{guess}", *where)
            elif problem["type"] == "missing":
                self.error("missing-key", f"{key} is missing", *where)
            else:
                self.error("type", f"{key} {_message(dict(problem))}", *where)
        wrong = {tuple(problem["loc"])[:1] for problem in problems} - {where for where in unknown if len(where) == 1}
        keep = _without(data, unknown)
        try:
            return wanted.model_validate(keep)
        except ValidationError:
            with contextlib.suppress(ValidationError):
                return wanted.model_validate(_without(keep, wrong))
        return None


def load(
    path: str, name: str, findings: Findings, constants: Mapping[str, str] | None = None, limit: int = tree.MAX_TEXT
) -> Document | None:
    """A YAML file with a map, in which `{{name}}` stands for a constant; `None` and an error if it is none."""
    text = tree.text(path, name, findings, limit)
    if text is None:
        return None
    try:
        node = parse(substituted(text, constants or {}))
    except YamlError as error:
        findings.error(name, "yaml", f"is not YAML that can be read: {error}", error.line)
        return None
    if node.value is not None and not isinstance(node.value, dict):
        findings.error(name, "type", "must be a map of keys to values", node.line)
        return None
    return Document(name, _without_null(node), findings)


def substituted(text: str, constants: Mapping[str, str]) -> str:
    """`{{name}}` replaced by the constant of that name; other names stay."""
    if not constants:
        return text
    return re.sub(CONSTANT, lambda match: constants.get(match[1], match[0]), text)


def _without_null(node: Node) -> Node:
    """A key whose value was left empty has its default. Where a value is wanted in a list, nothing is wrong."""
    if isinstance(node.value, dict):
        for key in [key for key, value in node.value.items() if value is None]:
            del node.value[key]
        for child in node.children.values():
            _without_null(child)
    return node


def _without(data: Any, unknown: Set[tuple[str | int, ...]], at: tuple[str | int, ...] = ()) -> Any:
    """A copy without the keys that these paths lead to."""
    if isinstance(data, list):
        return [_without(item, unknown, (*at, number)) for number, item in enumerate(data)]
    if isinstance(data, dict):
        return {key: _without(item, unknown, (*at, key)) for key, item in data.items() if (*at, key) not in unknown}
    return data


def _guess(model: type[Model], where: tuple[str | int, ...]) -> str:
    known: set[str] = set()
    models: list[Any] = [model]
    for one in models:  # grows: the models that fields hold
        known |= set(one.model_fields)
        held = [inner.annotation for inner in one.model_fields.values()]
        models += [inner for inner in held if isinstance(inner, type) and issubclass(inner, Model)]
    close = difflib.get_close_matches(str(where[-1])[:60], known, 1, 0.8)
    return f" (is it {close[0]}?)" if close else ""


_EXPECTED = {
    "model_type": "a map",
    "model_attributes_type": "a map",
    "dict_type": "a map",
    "tuple_type": "a list",
    "list_type": "a list",
}


def _message(problem: dict[str, Any]) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    if kind in _EXPECTED:
        return f"must be {_EXPECTED[kind]}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"must be {context['expected']}"
    bounds = {"greater_than": "more than", "greater_than_equal": "at least", "less_than_equal": "at most"}
    if kind in bounds:
        limit = context.get("gt", context.get("ge", context.get("le")))
        return f"must be {bounds[kind]} {limit:g}" if isinstance(limit, float) else f"must be {bounds[kind]} {limit}"
    return str(problem["msg"])
