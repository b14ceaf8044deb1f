"""The package's structure: imports point one way, starting is cheap, and what is tested is what was installed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sandbox

PACKAGE = Path(sandbox.__file__).parent

LAYERS = (
    ("data", {"errors", "files", "request", "policy", "result"}),
    ("kernel", {"kernel"}),
    ("launch", {"launch"}),
    (
        "runner",
        {"plan", "template", "runner", "box", "monitor", "control", "capture", "handover"}
        | {"transfer", "outcome", "host"},
    ),
    # The package itself offers the public names, and so stands above all that it offers.
    (
        "façades",
        {
            "",
            "local",
            "loops",
            "running",
            "harden",
            "proof",
            "learn",
            "process",
            "subprocess",
            "aio",
            "pool",
            "judge",
            "sessions",
        }
        | {"workflow", "workflow_toml", "workspace"},
    ),
    ("surfaces", {"service", "worker", "cli", "client"}),
)
"""From the lowest to the highest. A module may import from its own layer and from those below."""


def modules() -> list[str]:
    """Every module's path below the package, as `kernel/cgroup.py`."""
    return sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


def layer(dotted: str) -> int:
    """The layer of a module given as `sandbox.kernel.cgroup`."""
    part = dotted.partition(".")[2].partition(".")[0]
    for number, (_, parts) in enumerate(LAYERS):
        if part in parts:
            return number
    raise AssertionError(f"give {dotted} a layer in LAYERS")


def is_module(dotted: str) -> bool:
    """Whether there is such a module or package."""
    path = PACKAGE.parent.joinpath(*dotted.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """The line and dotted name of each module of the package that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name.split(".")[0] == "sandbox")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno}: imports are absolute"
            if node.module and node.module.split(".")[0] == "sandbox":
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    yield node.lineno, inner if is_module(inner) else node.module


def dotted_name(module: str) -> str:
    """`sandbox.kernel.cgroup` for `kernel/cgroup.py`."""
    return ".".join(("sandbox", *Path(module).with_suffix("").parts)).removesuffix(".__init__")


def test_the_installed_package_is_under_test() -> None:
    """The checkout's own directory lacks init, and shadows what users get."""
    checkout = Path(__file__).parents[2] / "sandbox"
    assert checkout != PACKAGE, "run scripts/test, or .venv/bin/pytest"


@pytest.mark.parametrize("module", modules())
def test_imports_point_one_way(module: str) -> None:
    """kernel ← launch ← runner ← façades ← surfaces, and data below all of them."""
    own = dotted_name(module)
    upward = [f"{module}:{line} imports {name}" for line, name in imports(PACKAGE / module) if layer(name) > layer(own)]
    assert not upward


@pytest.mark.parametrize("module", ["sandbox", "sandbox.cli.main", "sandbox.cli.run"])
def test_what_starting_imports(module: str) -> None:
    """`sandbox run` starts without tables, process monitors and the web stack."""
    heavy = {"rich", "psutil", "fastapi", "sqlalchemy", "asyncio"}
    source = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", source], capture_output=True, text=True, check=True)
    assert not heavy & set(done.stdout.split())
