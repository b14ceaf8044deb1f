"""Everything that is meant to be read says in one sentence what it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sandbox

PACKAGE = Path(sandbox.__file__).parent
TESTS = Path(__file__).parents[1]

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def undocumented(tree: ast.Module, wanted: Iterator[Definition]) -> list[str]:
    """The module, if it has no docstring, and those of its definitions that have none."""
    lacking = [] if ast.get_docstring(tree) else ["the module"]
    return lacking + [f"line {node.lineno}: {node.name}" for node in wanted if not ast.get_docstring(node)]


def public(tree: ast.Module) -> Iterator[Definition]:
    """Top-level functions and classes without a leading underscore."""
    for node in tree.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node


def functions_that_test(tree: ast.Module) -> Iterator[Definition]:
    """Test functions, in classes as well."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test"):
            yield node


@pytest.mark.parametrize("module", sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py")))
def test_public_names_are_documented(module: str) -> None:
    """Modules, and their public functions and classes."""
    tree = ast.parse((PACKAGE / module).read_text())
    assert not undocumented(tree, public(tree))


@pytest.mark.parametrize("file", sorted(str(path.relative_to(TESTS)) for path in TESTS.rglob("test_*.py")))
def test_tests_are_documented(file: str) -> None:
    """A test says what it shows."""
    tree = ast.parse((TESTS / file).read_text())
    assert not undocumented(tree, functions_that_test(tree))
