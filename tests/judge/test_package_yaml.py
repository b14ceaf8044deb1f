"""YAML in packages: values stay what was written, everything has a line, and nothing that is hostile gets far."""

from __future__ import annotations

import contextlib
import re
import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sandbox.judge.package.yaml import MAX_DEPTH, MAX_VALUES, Word, YamlError, parse

SCALARS = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFFFF, exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20
)
VALUES = st.recursive(
    st.none() | SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SCALARS, inner, max_size=4),
    max_leaves=20,
)


def plain(value: Any) -> Any:
    """The value without what `Word` adds."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value and str(value)


@pytest.mark.parametrize("text", ["no", "yes", "1e3", "1.10", "0x10", "007", "12:30:00", "2025-09-30", ".5", "1_000"])
def test_scalars_stay_text(text: str) -> None:
    """What would be a number, a date or a truth value elsewhere is the text that was written."""
    (value,) = parse(f"key: {text}").value.values()
    assert isinstance(value, Word)
    assert (str(value), value.plain) == (text, True)


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_nothing(text: str) -> None:
    """An empty value and null are nothing – unless they are quoted."""
    assert parse(f"key: {text}").value == {"key": None}
    assert parse(f"key: '{text}'").value == {"key": text}


def test_keys_are_text() -> None:
    """So `no` can be the code of a language, and a number a name."""
    assert parse("no: 1\n1: 2\ntrue: 3\nnull: 4").value == {"no": "1", "1": "2", "true": "3", "null": "4"}


def test_lines() -> None:
    """Every value has its line; one that is missing has that of what it would be in."""
    node = parse("a: 1\nb:\n  c:\n  - x\n  - y:\n      z\n")
    assert [node.line_of(where) for where in ((), ("a",), ("b", "c"), ("b", "c", 1), ("b", "c", 1, "y"))] == [
        1,
        1,
        3,
        5,
        5,
    ]
    assert node.line_of(("b", "d")) == 2


def test_line_ends_of_windows() -> None:
    """CRLF ends a line as well as LF."""
    node = parse("a: 1\r\nb: |\r\n  two\r\n  lines\r\nc: 3\r\n")
    assert node.value == {"a": "1", "b": "two\nlines\n", "c": "3"}
    assert node.line_of(("c",)) == 5


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: 1\na: 2", 2, "the key 'a' is there twice, first in line 1"),
        ("a: 1\n? [b]\n: 2", 2, "a key must be plain text"),
        ("a: &x [1, *x]", 1, r"there is no complete value for the alias \*x"),
        ("a: *x", 1, r"there is no complete value for the alias \*x"),
        ("\na: !!python/object:os.system x", 2, "the tag tag:yaml.org,2002:python/object:os.system is not read"),
        ("a: !!binary x", 1, "the tag tag:yaml.org,2002:binary is not read"),
        ("--- 1\n--- 2", 2, "a second document; only one is read"),
        ("a: \x01", 1, "has a character that YAML does not allow"),
        ("a: 1\n\tb: 2", 2, "found a tab|cannot start any token"),
        ("a: b: c\n", 1, r"mapping values are not allowed.*\(column 5\)"),
    ],
)
def test_what_is_not_read(text: str, line: int, reason: str) -> None:
    """The complaint has the line, and says what is wrong there."""
    with pytest.raises(YamlError) as caught:
        parse(text)
    assert re.search(reason, str(caught.value))
    assert caught.value.line == line


def test_aliases() -> None:
    """What was written once can be used again."""
    assert parse("a: &x {b: [1]}\nc: *x").value == {"a": {"b": ["1"]}, "c": {"b": ["1"]}}


def bomb(levels: int) -> str:
    """Ten to the power of so many values, in a few lines."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (bomb(9), f"more than {MAX_VALUES} values"),
        ("[" + "1," * MAX_VALUES + "]", f"more than {MAX_VALUES} values"),
        (
            "\n".join("  " * depth + f"k{depth}:" for depth in range(MAX_DEPTH + 2)),
            f"nested more than {MAX_DEPTH} deep",
        ),
        ("[" * 200_000, "nest"),
        ("{a: " * 200_000, "nest"),
        ("- " * 200_000, "nest"),
    ],
)
def test_bombs(text: str, reason: str) -> None:
    """Neither aliases nor nesting cost more than a moment."""
    start = time.monotonic()
    with pytest.raises(YamlError, match=reason):
        parse(text)
    assert time.monotonic() - start < 5


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    """Text is YAML, or an error of ours; nothing else comes out."""
    with contextlib.suppress(YamlError):
        parse(text)


@given(VALUES)
def test_what_others_write(value: Any) -> None:
    """What PyYAML writes is read as it was, all scalars having been text."""
    if isinstance(value, dict) and None in value:
        return
    assert plain(parse(yaml.safe_dump(value, allow_unicode=True)).value) == value
