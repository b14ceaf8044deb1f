"""Trees into a box and out of it: as they are on the host, and as hostile as a program can make them."""

from __future__ import annotations

import os
import random
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import census
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import Box, LaunchError, NotCollected, RequestError, Result, Status
from sandbox.files import File, opened, write_all

Name = Callable[[str], str]


@pytest.fixture(scope="module")
def python(policy: Name) -> Iterator[Box]:
    """A box for programs in Python."""
    with Box(policy("python")) as box:
        yield box


def leave(box: Box, source: str, collect: list[str], **options: object) -> Result:
    """What is collected of what a program in Python leaves."""
    argv = ["python3", "-I", "-S", "-c", f"import os\n{source}"]
    result = box.run(argv, collect=collect, **options)  # type: ignore[arg-type]
    assert (result.status, result.stderr) == (Status.OK, b"")
    return result


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree of the host's."""
    top = tmp_path / "tree"
    (top / "d/e").mkdir(parents=True)
    (top / "empty/inner").mkdir(parents=True)
    (top / "a").write_bytes(b"A")
    (top / "d/e/f").write_bytes(b"F")
    (top / "d/run").write_bytes(b"#!/bin/sh\necho ran")
    for path, mode in (("a", 0o600), ("d/e/f", 0o444), ("d/run", 0o700), ("d", 0o700)):
        (top / path).chmod(mode)
    return top


LISTED = b"./a 644\n./d 755\n./d/e 755\n./d/e/f 644\n./d/run 744\n./empty 755\n./empty/inner 755\n"
"""That tree in a box."""


@pytest.mark.parametrize(("name", "where"), [("src", "src"), ("src/", "src"), ("x/y/src", "x/y/src"), ("./", ".")])
def test_a_tree_goes_in(box: Box, tree: Path, name: str, where: str) -> None:
    """Files and directories, empty ones too, under any name or as the working directory; scripts can be executed."""
    script = (
        f"cd {where}; find . -mindepth 1 -printf '%p %m\\n' | sort; stat -c %u d/e/f empty/inner; cat a d/e/f; d/run"
    )
    result = box.run(["sh", "-c", script], files={name: tree})
    assert (result.stdout, result.stderr) == (LISTED + b"1000\n1000\nAFran\n", b"")


def test_a_tree_and_files_beside_it(box: Box, tree: Path) -> None:
    """What is put into a tree's directory is added, and may not be there already."""
    result = box.run(["cat", "src/d/own", "src/a"], files={"src/": tree, "src/d/own": b"own"})
    assert result.stdout == b"ownA"
    with pytest.raises(RequestError, match=r"^files: 'src/a': File exists"):
        box.run(["true"], files={"src/": tree, "src/a": b""})
    assert box.run(["ls"]).stdout == b""


def test_empty_directories(box: Box) -> None:
    """A name with a slash behind it is a directory, with its parents, which belong to the program."""
    result = box.run(["sh", "-c", "touch a/b/c d/e; find . | sort"], files={"a/b/": b"", "d/": b"", "./": b""})
    assert (result.stdout, result.stderr) == (b".\n./a\n./a/b\n./a/b/c\n./d\n./d/e\n", b"")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("link", "'t/d/e/x': a link; links in a tree are not followed"),
        ("dangling", "'t/d/e/x': a link; links in a tree are not followed"),
        ("fifo", "'t/d/e/x': 'x' is not a regular file"),
        ("socket", "'t/d/e/x': cannot read 'x': No such device or address"),
        ("deep", "more than 32 directories deep"),
        ("wide", "more than 1000 files"),
        ("many", "more than 1000 files"),
        ("large", "No space left on device"),
    ],
)
def test_trees_that_do_not_go_in(box: Box, tree: Path, kind: str, reason: str) -> None:
    """What is no file or directory is named, what is too much is refused, and nothing of the request stays."""
    place = tree / "d/e/x"
    if kind in ("link", "dangling"):
        place.symlink_to("/etc" if kind == "link" else "nowhere")
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(place))
    elif kind == "deep":
        place.joinpath(*["d"] * 32).mkdir(parents=True)
    elif kind == "large":
        with place.open("wb") as file:
            file.truncate(1 << 40)
    for number in range({"wide": 1001, "many": 550}.get(kind, 0)):
        (tree / "d" / str(number)).write_bytes(b"")
        if kind == "many":
            (tree / "empty" / str(number)).mkdir()
    with pytest.raises(RequestError, match=r"^files: ") as caught:
        box.run(["true"], files={"t": tree}, limits={"scratch": 1 << 20})
    assert reason in str(caught.value)
    assert box.run(["ls"]).stdout == b""


def test_a_file_is_no_tree(box: Box, tree: Path) -> None:
    """A name with a slash behind it wants a directory."""
    with pytest.raises(RequestError, match="is not a directory"):
        box.run(["true"], files={"t/": tree / "a"})


def test_a_tree_that_changes_does_not_lead_out(tmp_path: Path) -> None:
    """Somebody who puts links in the place of directories and files while these are read gains nothing."""
    secret, tree = tmp_path / "secret", tmp_path / "tree"
    (tree / "d").mkdir(parents=True)
    secret.mkdir()
    for place, text in ((secret, "secret"), (tree / "d", "public")):
        (place / "f").write_text(text)
    link, ended = tmp_path / "link", threading.Event()

    def exchange() -> None:
        while not ended.is_set():
            for path, aim in ((tree / "d", secret), (tree / "d/f", secret / "f")):
                away = tmp_path / "away"
                path.rename(away)
                link.symlink_to(aim)
                link.rename(path)
                path.unlink()
                away.rename(path)
                time.sleep(random.random() * 0.0005)  # in which a look finds what is there

    attacker = threading.Thread(target=exchange)
    attacker.start()
    seen = set()
    try:
        for _ in range(2_000):
            try:
                with closing(opened("t", tree)) as files:
                    seen |= {os.read(fd, 99) for _, fd in files if fd >= 0}
            except RequestError:
                seen.add(b"refused")
    finally:
        ended.set()
        attacker.join()
    assert b"secret" not in seen
    assert b"public" in seen


def test_a_tree_comes_out(box: Box) -> None:
    """Every file below a directory, with its executable bit, and directories that are empty; nothing beside it."""
    script = "mkdir -p out/b/e out/d x; echo 1 > out/a; echo 2 > out/b/c; chmod 700 out/b/c; echo 3 > x/y; ln -s out l"
    result = box.run(["sh", "-c", script], collect=["out/", "missing/", "x", "x/y/", "x/y", "l/"])
    assert result.files == {
        "out/a": b"1\n",
        "out/b/c": b"2\n",
        "out/b/e/": b"",
        "out/d/": b"",
        "missing/": NotCollected("no such file"),
        "x": NotCollected("a directory"),
        "x/y/": NotCollected("not a directory"),
        "x/y": b"3\n",
        "l/": NotCollected("a link; links are not followed"),
    }
    executable = {name: file.executable for name, file in result.files.items() if isinstance(file, File)}
    assert executable == {"out/a": False, "out/b/c": True, "x/y": False}


def test_everything_comes_out(box: Box) -> None:
    """The working directory itself is a tree, by the name './'."""
    assert box.run(["true"], collect=["./"]).files == {"./": b""}
    script = "mkdir d e; echo 1 > a; echo 2 > d/b"
    assert box.run(["sh", "-c", script], collect=["./"]).files == {"a": b"1\n", "d/b": b"2\n", "e/": b""}


def test_names_that_are_asked_for_twice(box: Box) -> None:
    """A file that is in two trees, or asked for by itself as well, is read and counted once."""
    script = "mkdir -p d/e; head -c 600000 /dev/zero > d/e/f"
    for collect in (["./", "d/", "d/e/f"], ["d/e/f", "d/e/", "./"]):
        result = box.run(["sh", "-c", script], collect=collect, limits={"scratch": 1 << 20})
        assert result.files == {"d/e/f": bytes(600_000)}
    script = "mkdir d; cd d; seq 600 | xargs touch"
    assert box.run(["sh", "-c", script], collect=["./", "d/"]).files == {f"d/{n}": b"" for n in range(1, 601)}
    deep = "d/" * 33
    for collect in (["./", deep], [deep, "./"]):
        result = box.run(["sh", "-c", f"mkdir -p {deep}; echo 1 > {deep}f"], collect=collect)
        assert result.files == {f"{deep}f": b"1\n"}


HOSTILE = r"""
import ctypes, socket
os.makedirs('t/inner')
os.chdir('t')
for name in ('plain', 'hard', 'mode 0', 'inner/x'): open(name, 'w').write(name)
os.link('hard', 'harder')
os.chmod('mode 0', 0)
os.symlink('/etc', 'to directory')
os.symlink('/etc/passwd', 'to file')
os.symlink('.', 'to itself')
os.mkfifo('fifo')
socket.socket(socket.AF_UNIX).bind('socket')
open(b'\xff\xfe', 'w').write('bytes')
open('new\nline', 'w').write('line')
open('n' * 255, 'w').write('long')
open('gone', 'w')
libc = ctypes.CDLL(None, use_errno=True)
whiteout = libc.renameat2(-100, b'gone', -100, b'moved', 4)
print(whiteout == 0)
os.truncate(os.open('sparse', os.O_CREAT | os.O_WRONLY), 60 << 20)
os.chmod('inner', 0)
os.chmod('.', 0)
"""


def test_a_hostile_tree(python: Box) -> None:
    """Whatever a program can make is a content or a reason, and nothing is followed, waited for or believed."""
    before = census.quiet(python)
    result = leave(python, HOSTILE, ["t/"], limits={"scratch": 1 << 20, "file_size": 1 << 30})
    link, odd, hard = "a link; links are not followed", "not a regular file", "has more than one name (hard link)"
    expected: dict[str, bytes | NotCollected] = {
        "plain": b"plain", "mode 0": b"mode 0", "inner/x": b"inner/x", "\udcff\udcfe": b"bytes",
        "new\nline": b"line", "n" * 255: b"long",
        "hard": NotCollected(hard), "harder": NotCollected(hard), "fifo": NotCollected(odd),
        "socket": NotCollected(odd), "to directory": NotCollected(link), "to file": NotCollected(link),
        "to itself": NotCollected(link),
    }  # fmt: skip
    files = dict(result.files)
    sparse = files.pop("t/sparse")
    assert isinstance(sparse, NotCollected)
    assert "that are left of the limit scratch" in sparse.reason
    moved = result.stdout == b"True\n"  # not every kernel lets a program make a whiteout
    expected |= {"moved": b"", "gone": NotCollected(odd)} if moved else {"gone": b""}
    assert files == {f"t/{name}": content for name, content in expected.items()}
    result.to_json()
    assert not census.left(before, python)


def test_a_tree_of_ten_thousand_levels(python: Box) -> None:
    """It ends where it is told, by a name that says so, whatever is below."""
    source = "open('top', 'w')\nfor _ in range(10000): os.mkdir('d'); os.chdir('d')"
    result = leave(python, source, ["./"], limits={"inodes": 11_000, "cpu_time": 60, "wall_time": 300})
    assert result.files == {"top": b"", "d/" * 33: NotCollected("more than 32 directories deep")}


def test_names_as_long_as_they_can_be(python: Box) -> None:
    """A path that no request could name is a reason."""
    source = "for _ in range(20): os.mkdir('d' * 255); os.chdir('d' * 255); open('f', 'w').write('x')"
    files = leave(python, source, ["./"]).files
    assert sum(content == b"x" for content in files.values()) == 15
    assert [c for c in files.values() if c != b"x"] == [NotCollected("its name is too long")]


def test_a_directory_of_very_many_entries(python: Box, write_policy: Name) -> None:
    """No more of them are looked at than may come out, and that there are more is said."""
    wide = write_policy("[limits]\ninodes = 200000\n[ceilings]\ninodes = 300000\n")
    with Box(wide) as box:
        script = "mkdir t u; cd t; seq 150000 | xargs touch; cd ../u; mkdir d; touch d/f"
        result = box.run(["sh", "-c", script], collect=["u/", "t/", "u/d/"])
    assert result.status is Status.OK
    reason = NotCollected("not all of it: more than 1000 files and directories in all trees")
    assert result.files["t/"] == reason
    assert result.files["u/d/f"] == b""
    assert sum(content == b"" for content in result.files.values()) == 999  # with u/d, which is counted


def test_every_directory_that_is_cut_says_so(python: Box) -> None:
    """What is missing is below a name that has a reason: nothing is left out silently."""
    source = "for i in range(60):\n os.makedirs(f't/{i}')\n for j in range(60): open(f't/{i}/{j}', 'w')"
    files = leave(python, source, ["t/"]).files
    cut = {name for name, content in files.items() if isinstance(content, NotCollected)}
    assert len(files) <= 2_000
    for i in range(60):
        assert f"t/{i}/" in cut or all(f"t/{i}/{j}" in files for j in range(60))
    assert len(cut) == 60 - 940 // 60


def test_trees_share_one_budget(box: Box) -> None:
    """Of bytes, whatever the trees and files are that they are in."""
    script = "mkdir a b; for d in a b .; do truncate -s 400000 $d/f; done"
    result = box.run(["sh", "-c", script], collect=["a/", "f", "b/"], limits={"scratch": 1 << 20})
    left = NotCollected("larger than the 248576 bytes that are left of the limit scratch")
    assert result.files == {"a/f": bytes(400_000), "f": bytes(400_000), "b/f": left}


def test_a_tree_after_a_limit(box: Box) -> None:
    """It is read when nothing writes to it any more."""
    script = "for i in 1 2 3; do (while :; do echo x > $i; mv $i d; mv d $i; done) & done 2> /dev/null; wait"
    result = box.run(["sh", "-c", script], collect=["./"], limits={"wall_time": 0.3})
    assert result.status is Status.WALL_TIME_LIMIT
    assert all(isinstance(content, bytes) for content in result.files.values())


parts = st.binary(min_size=1, max_size=8).map(lambda part: part.replace(b"\0", b"_").replace(b"/", b"_"))
names = st.lists(parts.filter(lambda part: part not in (b".", b"..")), min_size=1, max_size=4).map(b"/".join)


@settings(max_examples=50, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(names.map(os.fsdecode), st.binary(max_size=50) | st.none(), max_size=8))
def test_what_goes_in_comes_out(box: Box, files: dict[str, bytes | None]) -> None:
    """Any tree, in a box where nothing happens to it."""
    wanted = {f"{name}/" if content is None else name: content or b"" for name, content in files.items()}
    try:
        result = box.run(["true"], files=wanted, collect=["./"])
    except RequestError:
        return
    empty = {name for name in wanted if not any(other.startswith(name) for other in wanted if other != name)}
    expected = {name: content for name, content in wanted.items() if name in empty or not name.endswith("/")}
    assert result.files == (expected or {"./": b""})


def test_saving(box: Box, tmp_path: Path) -> None:
    """Collected files are written where they are to be, executable as they were, over those that are there."""
    script = "mkdir -p d/e; echo 1 > a; echo 2 > d/b; chmod 755 d/b; ln -s a l"
    result = box.run(["sh", "-c", script], collect=["./"])
    for _ in range(2):
        assert result.save(tmp_path / "out") == ("l",)
        found = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*")}
        assert found == {"a", "d", "d/b", "d/e"}
    assert (tmp_path / "out/a").read_bytes() == b"1\n"
    assert [os.access(tmp_path / "out" / name, os.X_OK) for name in ("a", "d/b")] == [False, True]


def test_saving_follows_nothing(tmp_path: Path) -> None:
    """A link in the place of a file is replaced, in the place of a directory it is an error; a directory stays."""
    out, other = tmp_path / "out", tmp_path / "other"
    out.mkdir()
    other.mkdir()
    (other / "f").write_bytes(b"before")
    for name, aim in (("f", other / "f"), ("d", other), ("dangling", tmp_path / "new")):
        (out / name).symlink_to(aim)
    os.mkfifo(out / "fifo")
    (out / "full").mkdir()
    write_all(out, [("f", b"x"), ("dangling", b"x"), ("fifo", b"x")])
    for name in ("d/f", "full", "d/", "f/g"):
        with pytest.raises(LaunchError, match=f"^save {name}: "):
            write_all(out, [(name, b"x")])
    assert [path.name for path in other.iterdir()] == ["f"]
    assert (other / "f").read_bytes() == b"before"
    assert not (tmp_path / "new").exists()
    assert all(stat.S_ISREG((out / name).lstat().st_mode) for name in ("f", "dangling", "fifo"))
    assert sorted(os.listdir(out)) == ["d", "dangling", "f", "fifo", "full"]


def test_the_command_saves_trees(policy: Name, tree: Path, tmp_path: Path) -> None:
    """`--file` takes a directory, `--collect` a name with a slash; odd names do not reach the terminal as they are."""
    command = [str(Path(sys.executable).parent / "sandbox"), "run", "-p", policy("shell"), "--file", f"src={tree}"]
    script = ["sh", "-c", "mkdir out; cp -r src/d out/d; ln -s x out/$(printf 'l\\033[31m')"]
    done = subprocess.run(
        [*command, "--collect", "out/", "--", *script], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/d/e/f").read_bytes() == b"F"
    assert os.access(tmp_path / "out/d/run", os.X_OK)
    assert done.stderr == b"sandbox: 'out/l\\x1b[31m': not collected: a link; links are not followed\n"
