"""Bad input: one clear error that names what is wrong, before anything starts, and the box works on."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import census
import pytest

import sandbox
from sandbox import Box, LaunchError, Limits, PolicyError, RequestError

Name = Callable[[str], str]


@pytest.fixture(autouse=True)
def works_on(box):
    """After every error the box still works, and holds nothing of the request."""
    yield
    assert box.run(["ls", "-A"]).stdout == b""


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (["./missing"], "No such file or directory"),
        (["missing"], "No such file or directory"),
        (["/missing/program"], "No such file or directory"),
        (["./plain"], "Permission denied"),
        (["/usr"], "Permission denied"),
        (["/etc/passwd"], "Permission denied"),
        (["./garbage"], "Exec format error"),
        (["./empty"], "Exec format error"),
        (["./interpreter"], "No such file or directory"),
        (["./plain/x"], "No such file or directory"),
    ],
)
def test_programs_that_cannot_be_started(box: Box, tmp_path: Path, argv: list[str], error: str) -> None:
    """The step and the kernel's reason, as an exception: the program's own end would look different."""
    plain = tmp_path / "plain"
    plain.write_bytes(b"#!/bin/sh\n")
    plain.chmod(0o644)
    files: dict[str, bytes | Path] = {
        "plain": plain,
        "garbage": b"\1\2\3\4garbage",
        "empty": b"",
        "interpreter": b"#!/none/such\n",
    }
    with pytest.raises(LaunchError, match=f"{error}$") as caught:
        box.run(argv, files=files)
    assert caught.value.step == f"execve {argv[0]}"
    assert caught.value.code in ("ENOENT", "EACCES", "ENOEXEC", "ENOTDIR")


def test_program_below_noexec(box: Box) -> None:
    """Nothing can be executed from /tmp."""
    script = "cp /usr/bin/true /tmp/t; chmod 755 /tmp/t; /tmp/t"
    assert box.run(["sh", "-c", script]).exit_code == 126


def test_arguments_that_are_too_large(box: Box) -> None:
    """3 MB of arguments under a stack that takes 2: the error's own name."""
    for argv in (["true", *["x" * 10_000] * 300], ["true", "x" * 3_000_000]):
        with pytest.raises(LaunchError, match=r"^execve true: Argument list too long$") as caught:
            box.run(argv, limits={"stack": 8 << 20})
        assert caught.value.code == "E2BIG"


def test_environment_that_is_too_large(box: Box) -> None:
    """So is an environment."""
    with pytest.raises(LaunchError) as caught:
        box.run(["true"], env={f"V{i}": "x" * 10_000 for i in range(300)}, limits={"stack": 8 << 20})
    assert caught.value.code == "E2BIG"


def test_large_arguments(box: Box) -> None:
    """200 KB of arguments arrive, many small ones and few large ones."""
    for argv in (["x" * 100_000, "y" * 100_000], ["z"] * 50_000):
        result = box.run(["printf", "%s", *argv])
        assert result.stdout == "".join(argv).encode()


@pytest.mark.parametrize(
    "argv",
    [[], "true", b"true", Path("/bin/true"), [""], ["true", "a\0b"], ["true", 7], ["true", None], None, 7, ["tr\0ue"]],
)
def test_wrong_arguments(box: Box, argv: Any) -> None:
    """No list, nothing in it, no text, a NUL: refused by the field's name."""
    with pytest.raises(RequestError, match=r"^argv: ") as caught:
        box.run(argv)
    assert caught.value.field == "argv"


@pytest.mark.parametrize("env", [{"A=B": "x"}, {"": "x"}, {"A": "x\0y"}, {"A\0": "x"}, {"A": 7}, "A=b", 7, ["A=b"]])
def test_wrong_environment(box: Box, env: Any) -> None:
    """Names with '=' or NUL, values that are no text."""
    with pytest.raises(RequestError, match=r"^env: "):
        box.run(["true"], env=env)


@pytest.mark.parametrize("cwd", ["a\0b", 7, ["x"]])
def test_wrong_directory(box: Box, cwd: Any) -> None:
    """A directory is text."""
    with pytest.raises(RequestError, match=r"^cwd: "):
        box.run(["true"], cwd=cwd)


WRONG_NUMBERS = [-1, 0, math.nan, math.inf, -math.inf, "many", 1e30, [1]]


@pytest.mark.parametrize("name", sorted(Limits.model_fields))
@pytest.mark.parametrize("value", WRONG_NUMBERS)
def test_wrong_limits(box: Box, name: str, value: object) -> None:
    """Negative, zero, NaN, infinite, absurd: refused by the limit's name."""
    with pytest.raises(RequestError, match=rf"^limits\.{name}: ") as caught:
        box.run(["true"], limits={name: value})
    assert caught.value.field == f"limits.{name}"


def test_limits_above_the_ceiling(box: Box) -> None:
    """A request tightens a policy, never loosens it: the error says what the most is."""
    for name, ceiling in box.policy.ceilings:
        if ceiling is not None:
            with pytest.raises(RequestError, match=rf"^limits\.{name}: .* above the policy's ceiling of {ceiling}"):
                box.run(["true"], limits={name: ceiling + 1})


def test_unknown_limit(box: Box) -> None:
    """A misspelt limit would be no limit."""
    with pytest.raises(RequestError, match=r"^limits\.memry: "):
        box.run(["true"], limits={"memry": 1 << 20})
    with pytest.raises(RequestError, match=r"^limits: "):
        box.run(["true"], limits=7)  # type: ignore[arg-type]


def test_unknown_policy() -> None:
    """An unknown policy is named, with those that there are."""
    with pytest.raises(PolicyError, match=r"there is no policy 'nativ'; there are .*native"):
        sandbox.run(["true"], policy="nativ")


def test_policy_that_mounts_something_absent(write_policy: Name) -> None:
    """A mount that must be there and is not refuses the box by its path; an optional one is left out."""
    with pytest.raises(LaunchError, match=r"^mount /nonexistent/tree: No such file or directory$"):
        Box(write_policy("[mounts]\n'/nonexistent/tree' = {}\n"))
    with Box(write_policy("[mounts]\n'/nonexistent/tree' = { optional = true }\n")) as box:
        assert box.run(["ls", "-A", "/nonexistent"]).stdout == b""


def test_refused_boxes_leave_nothing(write_policy: Name) -> None:
    """A box that could not be made gives everything back."""
    policy = write_policy("[mounts]\n'/nonexistent/tree' = {}\n")
    before = census.quiet()
    for _ in range(3):
        with pytest.raises(LaunchError):
            Box(policy)
    assert not census.left(before)


def test_pool_without_boxes(policy: Name) -> None:
    """A pool has at least one place, and no more than there are ids for."""
    for size in (0, -1, 10**6, 2.5):
        with pytest.raises(RequestError, match=r"^size: must be a number from 1 to 4096"):
            sandbox.BoxPool(policy("native"), size)  # type: ignore[arg-type]
