"""YAML with line numbers, read so that neither its author nor its reader is surprised.

A scalar stays the text that was written, as `Word`; what it means is decided by who asks for a number, a truth value or
text. So a problem called `no`, `1e3` or `2048` has that name, and `1.10` stays a version of its own. Only an empty
value and `null` are nothing (`None`), as in the core schema of YAML 1.2.

Files are hostile input: bounded in bytes, depth and – aliases followed – in values. Nothing is ever constructed from
a tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_BYTES = 1 << 20
"""Of one file."""
MAX_DEPTH = 50
MAX_VALUES = 100_000
"""Of one file, those counted again that an alias repeats."""

_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_TAGS = frozenset({None, "!", "tag:yaml.org,2002:str"})
# libyaml's parser is many times as fast; not every build of PyYAML has it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Word(str):
    """A scalar, as it was written."""

    __slots__ = ("plain",)
    plain: bool
    """Whether it was written without quotes, so that it can be a number or a truth value."""

    def __new__(cls, text: str, plain: bool) -> Word:
        """That text."""
        word = super().__new__(cls, text)
        word.plain = plain
        return word


class YamlError(ValueError):
    """The text is not YAML, or is not read; `line` and `column` count from 1."""

    def __init__(self, reason: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(reason if column is None else f"{reason} (column {column})")
        self.line = line


@dataclass(slots=True)
class Node:
    """A value with the lines of everything in it."""

    line: int
    value: Any = None
    """`Word`, `None`, or a list or dict of these; keys of dicts are text."""
    size: int = 1
    keys: dict[str, int] = field(default_factory=dict)
    children: dict[str | int, Node] = field(default_factory=dict)

    def line_of(self, where: Sequence[str | int]) -> int:
        """The line of a value given as the keys and indices that lead to it, or of the last that exists on the way."""
        node, line = self, self.line
        for step in where:
            if step not in node.children:
                break
            line = node.keys.get(step, node.children[step].line) if isinstance(step, str) else node.children[step].line
            node = node.children[step]
        return line

    def _put(self, key: str | int, child: Node) -> None:
        self.children[key] = child
        self.size += child.size
        if self.size > MAX_VALUES:
            raise YamlError(f"more than {MAX_VALUES} values, those counted that aliases repeat", child.line)
        if isinstance(key, int):
            self.value.append(child.value)
        else:
            self.value[key] = child.value


def parse(text: str) -> Node:
    """The only document of a text, empty if there is none; `YamlError` if it is not YAML or too much."""
    try:
        return _Composer(yaml.parse(text, Loader=_Loader)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = ", ".join(part for part in (error.problem, error.context) if part)
        place = (mark.line + 1, mark.column + 1) if mark else (None, None)
        raise YamlError(reason or "not YAML", *place) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else None
        raise YamlError("has a character that YAML does not allow", line) from None
    except yaml.YAMLError as error:
        raise YamlError(str(error)) from None


class _Composer:
    """Makes nodes of the parser's events, which come without recursion on its side."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, Node] = {}

    def document(self) -> Node:
        node: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if node is not None:
                    raise YamlError("a second document; only one is read", _line(event))
                node = self._node(next(self._events), 0)
        return node or Node(1)

    def _node(self, event: Any, depth: int) -> Node:
        line = _line(event)
        if depth > MAX_DEPTH:
            raise YamlError(f"nested more than {MAX_DEPTH} deep", line)
        if isinstance(event, yaml.AliasEvent):
            # An anchor is known once its value is complete: none can contain itself.
            if event.anchor not in self._anchors:
                raise YamlError(f"there is no complete value for the alias *{event.anchor}", line)
            return self._anchors[event.anchor]
        if isinstance(event, yaml.ScalarEvent):
            node = Node(line, _scalar(event))
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(line, depth)
        else:
            node = self._mapping(line, depth)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _sequence(self, line: int, depth: int) -> Node:
        node = Node(line, [])
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            node._put(len(node.children), self._node(event, depth + 1))
        return node

    def _mapping(self, line: int, depth: int) -> Node:
        node = Node(line, {})
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            at = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise YamlError("a key must be plain text", at)
            key: str = event.value
            if key in node.children:
                raise YamlError(f"the key {key!r} is there twice, first in line {node.keys[key]}", at)
            node.keys[key] = at
            node._put(key, self._node(next(self._events), depth + 1))
        return node


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _scalar(event: Any) -> Word | None:
    if event.tag not in _TAGS:
        raise YamlError(f"the tag {event.tag} is not read", _line(event))
    plain = not event.style and event.implicit[0]  # None or empty, as the parser is in Python or C
    return None if plain and event.value in _NOTHING else Word(event.value, plain)
