"""What begins every script of a service under test: one life of a box, and what the service leaves behind."""

import contextlib
import ctypes
import os
import sys
from typing import Any

import census

import sandbox
from sandbox.kernel import cgroup

POLICY = sys.argv[1]

# Whatever loses its parent becomes a child of this process, so that nothing that lives on is overlooked (prctl(2)).
PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


class CutShort(sandbox.SandboxError):
    """A run was ended at its deadline that would have ended before."""


def use(box: sandbox.Box, deadline: float = 30) -> None:
    """Every kind of exchange with a box, and every way of making descriptors."""

    def run(*argv: str, **options: Any) -> sandbox.Result:
        result = box.run(argv, limits={"wall_time": deadline}, **options)
        if result.status is sandbox.Status.WALL_TIME_LIMIT:
            raise CutShort(str(result))
        assert result.ok, result
        return result

    result = run("sh", "-c", "cat in - > out", stdin=b"b", files={"in": b"a"}, collect=["out"])
    assert result.files == {"out": b"ab"}, result
    with open("/etc/hostname", "rb") as file:
        run("sh", "-c", "sleep 0.01; cat", stdin=file)  # in a fresh box; the monitor watches, and copies
    run("true", *["x" * 100_000] * 2)  # too long for a packet
    ended = box.run(["sleep", "9"], limits={"wall_time": 0.02})
    assert ended.status is sandbox.Status.WALL_TIME_LIMIT, ended
    assert ended.wall_time < 8, ended
    run("true")


def life() -> None:
    """A box from its making to its end."""
    with sandbox.Box(POLICY) as box:
        use(box)


def groups() -> list[str]:
    """The control groups of this service."""
    parents = cgroup.find().parents() if "no-cgroup" not in POLICY else ()
    return [str(path) for parent in parents for path in parent.glob(f"{cgroup.PREFIX}{os.getpid()}-*")]


def holdings() -> census.Counts:
    """What this service has, after the dead among those that lost their parents are reaped."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return census.count()


def quiet(*boxes: sandbox.Box) -> census.Counts:
    """What this service has when nothing is on its way."""
    return census.quiet(*boxes, look=holdings)


def attempt(action) -> str:
    """How an action ended: "done", or its error, which has to be one of ours."""
    try:
        action()
    except sandbox.SandboxError as error:
        return f"{type(error).__name__}: {error}"
    return "done"


def await_nothing_left(before: census.Counts, *boxes: sandbox.Box) -> None:
    """What is on its way out may take a moment; what does not go is a leak."""
    found = census.left(before, *boxes, look=holdings)
    assert not found, f"left behind: {found}"
