"""Plans: what init is told, decided before anything starts."""

from __future__ import annotations

import struct
import tracemalloc
from typing import Any

import pytest

from sandbox.errors import RequestError
from sandbox.launch import wire
from sandbox.plan import Plan, Planner
from sandbox.policy import load
from sandbox.request import Limits

RLIMITS = ("cpu", "fsize", "nofile", "stack", "as", "nproc")


@pytest.fixture
def planner() -> Planner:
    """Plans under a policy, for a slot that has two processes under the programs' uid."""
    return Planner(load("native"), 2)


def plan(planner: Planner, argv: Any = ("x",), **options: Any) -> Plan:
    """A plan for a request that says little."""
    return planner.plan(argv, **options)


def unpack(plan: Plan) -> tuple[list[bytes], list[bytes], list[bytes], bytes]:
    """Candidates, arguments, environment, directory."""
    _, _, _, _, _, candidates, argc, envc, *_ = wire.RUN.unpack(plan.head)
    strings = plan.tail.split(b"\0")[:-1]
    return (
        strings[:candidates],
        strings[candidates : candidates + argc],
        strings[candidates + argc : candidates + argc + envc],
        strings[-1],
    )


def rlimits(plan: Plan) -> dict[str, int | None]:
    """Resource limits by name, `None` for unlimited."""
    values = struct.unpack("=6Q", plan.head[-48:])
    return {name: None if value == wire.UNLIMITED else value for name, value in zip(RLIMITS, values, strict=True)}


@pytest.mark.parametrize(
    ("program", "path", "candidates"),
    [
        ("prog", "/a:/b", [b"/a/prog", b"/b/prog"]),
        ("prog", "/a::b", [b"/a/prog", b"./prog", b"b/prog"]),
        ("prog", "", [b"./prog"]),
        ("./prog", "/a:/b", [b"./prog"]),
        ("/a/prog", "/b", [b"/a/prog"]),
        ("d/prog", "/b", [b"d/prog"]),
    ],
)
def test_candidates(planner: Planner, program: str, path: str, candidates: list[bytes]) -> None:
    """As execvp(3): a name is looked for in PATH, where an empty entry is the directory; a path is not."""
    assert unpack(plan(planner, [program], env={"PATH": path}))[0] == candidates


def test_path_of_the_policy(planner: Planner) -> None:
    """Without a PATH of its own a request has the policy's."""
    directories = load("native").env["PATH"].split(":")
    assert unpack(plan(planner, ["prog"]))[0] == [f"{directory}/prog".encode() for directory in directories]


def test_environment(planner: Planner) -> None:
    """The policy's variables, then the request's; one that both have is the request's, and there is one of it."""
    env = unpack(plan(planner, env={"HOME": "/h", "X": "="}))[2]
    expected = dict(load("native").env) | {"HOME": "/h", "X": "="}
    assert sorted(env) == sorted(f"{name}={value}".encode() for name, value in expected.items())


@pytest.mark.parametrize(
    ("cwd", "expected"), [("", b"/box/"), ("sub", b"/box/sub"), ("/tmp", b"/tmp"), (b"\xff", b"/box/\xff")]
)
def test_directory(planner: Planner, cwd: str | bytes, expected: bytes) -> None:
    """Relative to the working directory."""
    assert unpack(plan(planner, cwd=cwd))[3] == expected


def test_rlimits(planner: Planner) -> None:
    """The backstops: CPU time a tenth and a second after the monitor, and our own processes on top of the program's."""
    limits = Limits(cpu_time=1.2, processes=5, file_size=10, open_files=20, stack=30, address_space=40)
    assert rlimits(plan(planner, limits=limits)) == {
        "cpu": 3, "fsize": 10, "nofile": 20, "stack": 30, "as": 40, "nproc": 7,
    }  # fmt: skip
    assert rlimits(plan(planner, limits=Limits(cpu_time=2)))["cpu"] == 4
    assert rlimits(plan(planner))["as"] is None


def test_limits_are_the_policys_unless_asked_for(planner: Planner) -> None:
    """A plan carries every limit that will be in force."""
    chosen = plan(planner, limits={"cpu_time": 1}).limits
    assert chosen == load("native").limits.model_copy(update={"cpu_time": 1.0})


def test_ceiling(planner: Planner) -> None:
    """More than the policy allows is no plan."""
    with pytest.raises(RequestError, match=r"^limits\.processes: .*ceiling"):
        plan(planner, limits={"processes": 1_000_000})


def test_the_same_request_is_decided_once(planner: Planner) -> None:
    """A grader's few commands are remembered, whatever containers they come in."""
    first = plan(planner, ["a", "b"], env={"X": "1"}, limits=Limits(cpu_time=1))
    assert plan(planner, ("a", "b"), env={"X": "1"}, limits=Limits(cpu_time=1)) is first
    assert plan(planner, iter(["a", "b"]), env={"X": "1"}, limits=Limits(cpu_time=1)) is first


@pytest.mark.parametrize(
    "other",
    [
        {"argv": ("a", "c")}, {"argv": ("a",)}, {"env": {"X": "2"}}, {"env": None}, {"cwd": "d"}, {"cwd": "/"},
        {"collect": ("f",)}, {"limits": Limits(cpu_time=2)}, {"limits": None}, {"limits": {"cpu_time": 2}},
        {"files": {"f": b""}},
    ],
)  # fmt: skip
def test_different_requests_have_different_plans(planner: Planner, other: dict[str, Any]) -> None:
    """What differs in anything is not the same request."""
    base: dict[str, Any] = {"argv": ("a", "b"), "env": {"X": "1"}, "limits": Limits(cpu_time=1)}
    first = plan(planner, **base)
    second = plan(planner, **(base | other))
    assert second is not first
    assert (second.head, second.tail, second.limits, second.files, second.collect) != (
        first.head, first.tail, first.limits, first.files, first.collect,
    )  # fmt: skip


def test_malformed_requests_are_never_remembered(planner: Planner) -> None:
    """A wrong request is wrong every time, and equal keys of different types are not mixed up."""
    for _ in range(2):
        for wrong in ({"argv": (1,)}, {"argv": (True,)}, {"env": (("X", "1"),)}, {"cwd": 7}, {"limits": 7}):
            with pytest.raises(RequestError):
                plan(planner, **wrong)
        plan(planner, env={"X": "1"})


def test_memory_of_plans_is_bounded(planner: Planner) -> None:
    """A service that runs ever new commands does not remember them all."""
    for i in range(2000):
        plan(planner, ["x", str(i)])
    assert len(planner._known) <= 256


@pytest.mark.parametrize("field", ["argv", "env", "collect"])
def test_large_requests_are_not_remembered(planner: Planner, field: str) -> None:
    """What a box remembers of requests is bounded in bytes, however large they are."""

    def request(number: int) -> Any:
        names = [f"{number} {'x' * 200} {part}" for part in range(100)]
        return {"argv": names, "env": dict.fromkeys(names, "y"), "collect": names}[field]

    tracemalloc.start()
    try:
        for number in range(250):
            plan(planner, **{field: request(number)})
        assert tracemalloc.get_traced_memory()[0] < 4 << 20
    finally:
        tracemalloc.stop()
