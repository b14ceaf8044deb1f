"""The README's table of what can be done: each example is true."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
SECTION = README[README.index("### Whatever `subprocess` can do") : README.index("## How it works")]
ROWS = re.findall(r"^\| (\d+) \| (.+?) \| .+? \| `(.+)` \|$", SECTION, re.MULTILINE)


@pytest.fixture(scope="module")
def names() -> Iterator[dict[str, Any]]:
    """What the lines before the table define."""
    found: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(re.search(r"```python\n(.+?)```", SECTION, re.DOTALL)[1], found)  # type: ignore[index]
        yield found
        found["pool"].close()
        for end in (found["ours"], found["theirs"]):
            end.close()


def test_it_is_complete() -> None:
    """One row for each of the capabilities."""
    assert [int(number) for number, _, _ in ROWS] == list(range(1, 28))


@pytest.mark.parametrize(("number", "what", "example"), ROWS, ids=[what for _, what, _ in ROWS])
def test_what_it_says_is_true(names: dict[str, Any], number: str, what: str, example: str) -> None:
    """As somebody would type it."""
    assert eval(example, names) is True
