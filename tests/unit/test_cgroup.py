"""Where groups are made: decided on directories that look like a hierarchy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandbox.errors import HostError
from sandbox.kernel import cgroup


def make_group(path: Path, available: str = "cpu memory pids", handed_down: str = "") -> Path:
    """A directory with the files of a v2 group that matter here, and no process in it."""
    path.mkdir(parents=True)
    (path / "cgroup.controllers").write_text(available)
    (path / "cgroup.subtree_control").write_text(handed_down)
    (path / "cgroup.procs").write_text("")
    return path


@pytest.fixture(autouse=True)
def no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have chosen a group."""
    monkeypatch.delenv("SANDBOX_CGROUP", raising=False)


@pytest.mark.parametrize(
    ("root", "group", "directory"),
    [
        ("/", "/", "/cg"),
        ("/", "/user.slice/a b", "/cg/user.slice/a b"),
        ("/docker/1", "/docker/1", "/cg"),
        ("/docker/1", "/docker/1/service", "/cg/service"),
        ("/docker/1", "/docker/2", "/cg"),
        ("/", "/../other", "/cg"),
    ],
)
def test_directory_of_a_group(root: str, group: str, directory: str) -> None:
    """In a container the mount may show a part of the hierarchy only; what is not below it is not looked for above."""
    assert cgroup._Mount(root, Path("/cg")).find(group) == Path(directory)


def test_mounts_name_directories() -> None:
    """What is found in this host's own tables is there."""
    mounts = dict(cgroup._mounts())
    for mount in mounts.values():
        assert mount.point.is_dir()


def test_own_group_is_first(tmp_path: Path) -> None:
    """A group with the controllers is told to hand them down, but not cpu, which costs and is rarely asked for."""
    own = make_group(tmp_path / "top/own")
    make_group(tmp_path / "top/other", handed_down="memory pids")
    assert cgroup._find_v2(tmp_path / "top", own) == own
    assert (own / "cgroup.subtree_control").read_text() == "+memory +pids"


def test_service_leaf_is_left(tmp_path: Path) -> None:
    """A program that a service has started makes its groups beside the service's."""
    parent = make_group(tmp_path / "top/own", handed_down="memory pids")
    leaf = make_group(parent / f"{cgroup.SERVICE_PREFIX}1")
    assert cgroup._find_v2(tmp_path / "top", leaf) == parent


def test_group_above_that_hands_down(tmp_path: Path) -> None:
    """Where the own group is without controllers, the nearest above that hands them down already is taken."""
    top = tmp_path / "top"
    make_group(top, available="memory pids")
    slices = make_group(top / "slice", handed_down="cpu memory pids")
    make_group(slices / "between")
    own = make_group(slices / "between/own", available="")
    assert cgroup._find_v2(top, own) == slices


def test_nothing_outside_of_the_hierarchy(tmp_path: Path) -> None:
    """The search ends at the top, and the error says what is wrong with the own group."""
    make_group(tmp_path / "outside", handed_down="memory pids")
    top = make_group(tmp_path / "outside/top", available="")
    own = make_group(top / "own", available="memory")
    with pytest.raises(
        HostError, match=r"own \(the memory and pids controllers are not delegated to it\), nor in any above it$"
    ):
        cgroup._find_v2(top, own)


def test_chosen_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's choice is taken or refused, and nothing else is tried."""
    own, chosen = make_group(tmp_path / "top/own"), make_group(tmp_path / "top/chosen", available="")
    monkeypatch.setenv("SANDBOX_CGROUP", str(chosen))
    with pytest.raises(HostError, match=r"chosen \(the memory and pids controllers are not delegated to it\)$"):
        cgroup._find_v2(tmp_path / "top", own)
    (chosen / "cgroup.controllers").write_text("memory pids")
    assert cgroup._find_v2(tmp_path / "top", own) == chosen


def test_sweep(tmp_path: Path) -> None:
    """Groups of services that are dead go, and no others."""
    dead = 2**22 + 1  # above the largest pid that there can be
    gone = [f"sandbox-{dead}-0", f"sandbox-{dead}-probe", f"sandbox-service-{dead}"]
    kept = [f"sandbox-{os.getpid()}-0", f"sandbox-service-{os.getpid()}", "sandbox-x", f"other-{dead}-0"]
    for name in (*gone, *kept):
        (tmp_path / name).mkdir()
    cgroup.sweep(cgroup.V2(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
