"""Workspaces: what one run leaves the next one finds, and nothing is lost without a word."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox import Box, LaunchError, NotCollected, RequestError, Result, Status
from sandbox.files import File
from sandbox.workspace import Snapshot, Workspace, WorkspaceError

Name = Callable[[str], str]
Make = Callable[..., Workspace]


@pytest.fixture
def make(policy: Name) -> Make:
    """A function that makes a workspace for shell scripts."""
    return lambda files=None, **options: Workspace(files, **{"policy": policy("shell")} | options)


def sh(workspace: Workspace, script: str, **options: Any) -> bytes:
    """What a script prints in the workspace."""
    result = workspace.run(["sh", "-c", script], **options)
    assert (result.status, result.stderr) == (Status.OK, b"")
    return result.stdout or b""


def test_files_stay(make: Make) -> None:
    """What is new, changed, moved and removed in one run is so in the next, and directories that are empty stay."""
    workspace = make({"a": b"1", "d/b": b"2", "gone": b"3"})
    sh(workspace, "printf 4 >> a; mkdir -p e/f; mv d/b e/b; rm gone; touch new")
    assert workspace.files == {"a": b"14", "d/": b"", "e/b": b"2", "e/f/": b"", "new": b""}
    assert sh(workspace, "find . | sort; cat a") == b".\n./a\n./d\n./e\n./e/b\n./e/f\n./new\n14"
    sh(workspace, "rm -r *")
    assert workspace.files == {}
    assert sh(workspace, "ls -a") == b".\n..\n"


def test_what_is_compiled_can_be_run(policy: Name) -> None:
    """A compiler's output is a program in the next run, and what was no program does not become one."""
    workspace = Workspace({"a.c": File(b"int main(void) { return 7; }")}, policy=policy("compile"))
    assert workspace.run(["gcc", "-c", "a.c"]).ok
    assert workspace.run(["gcc", "-o", "a", "a.o"]).ok
    assert workspace.run(["./a"]).exit_code == 7
    modes = {name: content.executable for name, content in workspace.files.items() if isinstance(content, File)}
    assert modes == {"a.c": False, "a.o": False, "a": True}


def test_modes_of_what_is_put(make: Make, tmp_path: Path) -> None:
    """Plain bytes can be executed, files of the host if they can there, and a program may decide otherwise."""
    for name, mode in (("x", 0o755), ("data", 0o600)):
        (tmp_path / name).write_bytes(b"")
        (tmp_path / name).chmod(mode)
    workspace = make({"b": b"", "x": tmp_path / "x", "data": tmp_path / "data"})
    assert sh(workspace, "stat -c '%n %a' *; chmod -x x; chmod +x data") == b"b 755\ndata 644\nx 755\n"
    assert sh(workspace, "stat -c '%n %a' *") == b"b 755\ndata 755\nx 644\n"


def test_nothing_else_stays(make: Make) -> None:
    """No process, and nothing in /tmp or /dev/shm."""
    workspace = make()
    sh(workspace, "touch /tmp/x /dev/shm/x; (setsid sleep 60 > /dev/null 2>&1 &)")
    assert sh(workspace, "ls -A /tmp /dev/shm; set -- /proc/[0-9]*; echo $#") == b"/dev/shm:\n\n/tmp:\n1\n"


def test_however_a_run_ends(make: Make) -> None:
    """What a program has left before it failed or was ended is kept."""
    workspace = make()
    assert workspace.run(["sh", "-c", "echo 1 > a; exit 3"]).exit_code == 3
    ended = workspace.run(["sh", "-c", "echo 2 > b; sleep 60"], limits={"wall_time": 0.2})
    assert ended.status is Status.WALL_TIME_LIMIT
    assert workspace.files == {"a": b"1\n", "b": b"2\n"}


@pytest.mark.parametrize("argv", [["no-such-program"], []])
def test_what_is_not_started_changes_nothing(make: Make, argv: list[str]) -> None:
    """As with any run, and the files are there still."""
    workspace = make({"a": b"1"})
    with pytest.raises((LaunchError, RequestError)):
        workspace.run(argv)
    assert sh(workspace, "cat a") == b"1"


@pytest.mark.parametrize(
    ("script", "name", "reason"),
    [
        ("ln -s a l", "l", "a link"),
        ("mkfifo f", "f", "not a regular file"),
        ("ln a b", "a", "more than one name"),
        ("mkdir d; cd d; seq 1001 | xargs touch", "d/", "not all of it: more than 1000"),
        ("truncate -s 9M a b c d e f g h", "h", "left of the limit scratch"),
        ("mkdir -p " + "d/" * 40, "d/" * 33, "more than 32 directories deep"),
    ],
)
def test_what_cannot_be_kept(make: Make, script: str, name: str, reason: str) -> None:
    """It is named, with the run's result, and the workspace is as it was before."""
    workspace = make({"a": b"before"})
    with pytest.raises(WorkspaceError, match=r"^not kept: ") as caught:
        workspace.run(["sh", "-c", f"echo after > a; {script}"])
    assert reason in caught.value.reasons[name]
    assert isinstance(caught.value.result.files[name], NotCollected)
    assert caught.value.result.ok
    assert workspace.files == {"a": b"before"}
    assert sh(workspace, "cat *") == b"before"


def test_a_run_that_may_have_more(make: Make) -> None:
    """Can use more than the workspace holds, and may not leave it: what cannot go into the next run is not kept."""
    workspace = make({"a": b"before"})
    more = {"scratch": 100 << 20, "file_size": 100 << 20}
    assert workspace.run(["sh", "-c", "head -c 70M /dev/zero > b; rm b"], limits=more).ok
    with pytest.raises(WorkspaceError, match=r"'\./': more than the 67108864 bytes of the policy's limit scratch"):
        workspace.run(["sh", "-c", "head -c 70M /dev/zero > b"], limits=more)
    assert sh(workspace, "cat *") == b"before"
    with pytest.raises(RequestError, match=r"^snapshot: 'x' is none"):
        workspace.restore("x")  # type: ignore[arg-type]


def test_snapshots(make: Make) -> None:
    """One can be gone back to, however often, in another workspace as well; what did not change is not copied."""
    workspace = make({"a": bytes(100_000), "d/": b""})
    first = workspace.snapshot()
    sh(workspace, "echo 1 > b; rmdir d")
    second = workspace.snapshot()
    sh(workspace, "echo 2 > b")
    assert workspace.files["a"] is first.files["a"]
    for snapshot, listing in ((first, b"a\nd\n"), (second, b"a\nb\n"), (first, b"a\nd\n")):
        workspace.restore(snapshot)
        assert workspace.files == snapshot.files
        assert sh(workspace, "ls") == listing
        workspace.remove("a")
    other = make()
    other.restore(second)
    assert sh(other, "cat b") == b"1\n"


def test_nobody_changes_what_is_held(make: Make) -> None:
    """Neither the view nor a snapshot, and nothing that was given in is shared with who gave it."""
    given, raw = {"a": b"1"}, bytearray(b"2")
    workspace = make(given | {"b": raw})
    snapshot, view = workspace.snapshot(), workspace.files
    given["c"], raw[0] = b"", 0
    for files in (snapshot.files, view):
        with pytest.raises(TypeError):
            files["x"] = b""  # type: ignore[index]
    workspace.put("a", b"3")
    assert (view, workspace.files) == ({"a": b"1", "b": b"2"}, {"a": b"3", "b": b"2"})
    assert snapshot == Snapshot({"a": b"1", "b": b"2"})


def test_putting_and_removing(make: Make, tmp_path: Path) -> None:
    """Files, trees and empty directories, by the names that runs have them by."""
    (tmp_path / "t/u").mkdir(parents=True)
    (tmp_path / "t/v").write_bytes(b"v")
    workspace = make({"e/": b""})
    workspace.put("e/a", b"1")
    workspace.put("t/", tmp_path / "t")
    workspace.put("t/", tmp_path / "t")  # again: in the place of what is there
    workspace.put("f", tmp_path / "t/v")
    assert workspace.files == {"e/a": b"1", "t/u/": b"", "t/v": b"v", "f": b"v"}
    workspace.remove("f")
    workspace.remove("t/")
    assert workspace.files == {"e/a": b"1"}
    for name in ("f", "e", "x/"):
        with pytest.raises(RequestError, match="no such file"):
            workspace.remove(name)


@pytest.mark.parametrize(
    ("name", "content"),
    [("../x", b""), ("/x", b""), ("a/b", b""), ("a", "text"), ("d", b""), ("big", bytes((64 << 20) + 1)), ("x/", b"y")],
)
def test_what_is_not_put(make: Make, name: str, content: Any) -> None:
    """What no run could have is refused at once, and what was there stays."""
    workspace = make({"a": b"1", "d/f": b"2"})
    with pytest.raises(RequestError):
        workspace.put(name, content)
    assert workspace.files == {"a": b"1", "d/f": b"2"}


def test_too_many_files(make: Make) -> None:
    """As many as a request may have, and not one more."""
    workspace = make({str(number): b"" for number in range(1_000)})
    with pytest.raises(RequestError, match="more than 1000"):
        workspace.put("x", b"")
    assert len(sh(workspace, "ls").split()) == 1_000
    assert len(workspace.files) == 1_000
    workspace.remove("0")
    with pytest.raises(RequestError, match="more than 1000 files and directories"):
        workspace.put("d/x", b"")  # the directory is counted on the way out
    for name in (str(number) for number in range(1, 900)):
        workspace.remove(name)
    with pytest.raises(RequestError, match="more than 32 directories deep"):
        workspace.put("d/" * 33 + "f", b"")
    workspace.put("d/" * 32 + "f", b"")
    assert sh(workspace, "ls | wc -l") == b"101\n"


def test_saving_and_loading(make: Make, policy: Name, tmp_path: Path) -> None:
    """A workspace goes to a directory of the host and comes from one, whole."""
    workspace = make()
    sh(workspace, "mkdir -p d/e x; echo 1 > d/a; echo '#!/bin/sh' > d/b; chmod +x d/b")
    workspace.save(tmp_path / "out")
    again = Workspace.load(tmp_path / "out", policy=policy("shell"))
    assert again.files == workspace.files == {"d/a": b"1\n", "d/b": b"#!/bin/sh\n", "d/e/": b"", "x/": b""}
    assert os.access(tmp_path / "out/d/b", os.X_OK)
    assert not os.access(tmp_path / "out/d/a", os.X_OK)
    assert sh(again, "d/b; stat -c %a d/a d/b") == b"644\n755\n"


def test_loading_what_is_too_much(make: Make, policy: Name, tmp_path: Path) -> None:
    """A directory with links, or larger than the scratch, is refused, and no more of it is read than fits."""
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(RequestError, match="limit scratch"):
        Workspace.load(tmp_path, policy=policy("shell"))
    (tmp_path / "huge").unlink()
    (tmp_path / "l").symlink_to("/etc/passwd")
    with pytest.raises(RequestError, match="'l': a link"):
        make({"./": tmp_path})


def test_a_runner_of_ones_own(policy: Name) -> None:
    """A box's or a pool's method, which gets what `sandbox.run` would get; other options pass through."""
    with Box(policy("shell")) as box:
        workspace = Workspace(policy=policy("shell"), runner=box.run)
        assert sh(workspace, "cat; echo $X > a", stdin=b"in", env={"X": "1"}) == b"in"
        assert sh(workspace, "cat a") == b"1\n"
        assert box.run(["ls"]).stdout == b""


def test_a_policy_for_a_directory_of_the_host() -> None:
    """What a program leaves there is nothing to be collected."""
    with pytest.raises(RequestError, match=r"^policy: .* directory of the host"):
        Workspace(policy="host")


@pytest.mark.parametrize("option", ["files", "collect", "policy"])
def test_options_that_are_the_workspaces_own(make: Make, option: str) -> None:
    """They are refused by name."""
    with pytest.raises(RequestError, match=f"^{option}: "):
        make().run(["true"], **{option: {}})


def test_a_run_that_brings_nothing_back() -> None:
    """A box that died with the files is no empty directory."""

    def runner(argv: Any, **_: Any) -> Result:
        died = {"./": NotCollected("the box died with it")}
        return Result(Status.MEMORY_LIMIT, None, 9, 0.0, 0.0, 0, 0, files=died)

    workspace = Workspace({"a": b"1"}, runner=runner)
    with pytest.raises(WorkspaceError, match="the box died with it; the run: MEMORY_LIMIT"):
        workspace.run(["x"])
    assert workspace.files == {"a": b"1"}
