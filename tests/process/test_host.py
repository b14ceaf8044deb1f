"""Policy `host`: the host's own tools, on a directory of the host, and on nothing else."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess as standard
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lacking
import pytest

import sandbox
from sandbox import LaunchError, PolicyError, RequestError
from sandbox import subprocess as contained
from sandbox.policy import in_directory

OWNER = (41_234, 41_235)
"""Host ids that nobody uses."""

Run = Callable[..., "standard.CompletedProcess[str]"]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A directory to work in, which as root is somebody's."""
    place = tmp_path / "work space"
    place.mkdir()
    (place / "hello.c").write_text('#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n')
    if os.geteuid() == 0:
        for path in (place, place / "hello.c"):
            os.chown(path, *OWNER)
    return place


@pytest.fixture
def run(workspace: Path, policy: Callable[[str], str]) -> Run:
    """A function that runs a shell's command in the workspace."""

    def run(command: str, **options: Any) -> standard.CompletedProcess[str]:
        options = {"policy": policy("host"), "cwd": workspace, **options}
        done: standard.CompletedProcess[str] = contained.run(
            ["sh", "-c", command], capture_output=True, text=True, **options
        )
        return done

    return run


@pytest.fixture
def outside() -> Iterator[Path]:
    """A directory of the host that boxes see, and that everybody may write to."""
    place = Path("/var/tmp", f"sandbox-test-{os.getpid()}")
    place.mkdir()
    place.chmod(0o777)
    yield place
    shutil.rmtree(place)


def test_compiler(run: Run, workspace: Path) -> None:
    """A program is compiled where its source is, and runs there."""
    done = run("gcc -o hello hello.c && ./hello && pwd")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"hello\n{workspace}\n", "")
    assert standard.check_output([workspace / "hello"], text=True) == "hello\n"


def test_git(run: Run, workspace: Path) -> None:
    """A repository that a box makes is the owner's, and one that the owner makes is the box's."""
    lacking.tool("git", "git")
    commit = "git -c user.name=x -c user.email=x@y commit -q --allow-empty -m"
    done = run(f"git init -q . && git add hello.c && {commit} one && {commit} two && git log --format=%s")
    assert (done.returncode, done.stdout) == (0, "two\none\n"), done.stderr
    assert (workspace / ".git/HEAD").stat().st_uid == workspace.stat().st_uid
    assert run("git status --porcelain").stdout == ""


def test_archive(run: Run, workspace: Path) -> None:
    """As in the module's documentation: tar, on a directory, without a shell."""
    (workspace / "dir").mkdir(mode=0o755)
    (workspace / "dir" / "file").write_text("content")
    done = run("tar cf a.tar dir && mkdir out && tar xf a.tar -C out && cat out/dir/file")
    assert (done.returncode, done.stdout) == (0, "content"), done.stderr


@pytest.mark.root
def test_owner(run: Run, workspace: Path) -> None:
    """In the box everything is the program's; on the disk it is the directory's owner's, whoever that is."""
    assert run("stat -c %u:%g . hello.c; echo x > new; mkdir sub; ln -s x link; chown 1000:1000 new").stdout == (
        "1000:1000\n" * 2
    )
    for name in ("new", "sub", "link"):
        status = (workspace / name).lstat()
        assert (status.st_uid, status.st_gid) == OWNER
    os.chown(workspace, 0, 0)
    assert run("echo x > roots").returncode == 0
    assert (workspace / "roots").stat().st_uid == 0


@pytest.mark.root
def test_files_of_others(run: Run, workspace: Path) -> None:
    """What has another owner can be read if its mode says so, and never changed."""
    other = workspace / "other"
    other.write_text("as it was")
    other.chmod(0o666)
    secret = workspace / "secret"
    secret.write_text("secret")
    secret.chmod(0o600)
    done = run("cat other; echo x > other; cat secret; chmod 777 secret; rm -f other; mv secret s2")
    assert done.stdout == "as it was"
    assert other.read_text() == "as it was"
    assert secret.stat().st_mode & 0o777 == 0o600


def test_own_working_directory(workspace: Path, policy: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `cwd` it is the caller's, for `sandbox.run` as well; a relative one starts there."""
    monkeypatch.chdir(workspace)
    (workspace / "sub").mkdir()
    if os.geteuid() == 0:
        os.chown(workspace / "sub", *OWNER)
    shown = contained.check_output(["pwd"], policy=policy("host"), text=True)
    assert shown == f"{workspace}\n"
    result = sandbox.run(["sh", "-c", "pwd; echo x > y; ls .."], policy=policy("host"), cwd="sub")
    assert result.stdout == f"{workspace}/sub\nsub\n".encode()
    assert (workspace / "sub" / "y").read_text() == "x\n"


def test_replaced_directory(run: Run, workspace: Path) -> None:
    """Each run has the directory that is there at the time, not the one that was."""
    assert run("echo 1 > mark").returncode == 0
    shutil.rmtree(workspace)
    workspace.mkdir()
    if os.geteuid() == 0:
        os.chown(workspace, *OWNER)
    assert run("ls; echo 2 > mark").stdout == ""
    assert (workspace / "mark").read_text() == "2\n"


def test_rest_is_read_only(run: Run, outside: Path, workspace: Path) -> None:
    """Of the rest of the host nothing can be written to, whatever its mode, by no path and by no link."""
    victim = outside / "victim"
    victim.write_text("as it was")
    victim.chmod(0o666)
    (workspace / "link").symlink_to(victim)
    (workspace / "way").symlink_to(outside)
    for command in (
        f"echo x > {victim}", f"echo x > {outside}/new", "echo x > link", "echo x > way/new", "touch /etc/x",
        f"ln {victim} hard", f"mv {victim} .", f"rm -f way/victim && test ! -e {victim}", f"chmod 600 {victim}",
        f"touch -d 2001-01-01 {victim}", "truncate -s 0 link", "echo x > /usr/bin/x",
    ):  # fmt: skip
        assert run(command).returncode != 0, command
    assert victim.read_text() == "as it was"
    assert victim.stat().st_mode & 0o777 == 0o666
    assert os.listdir(outside) == ["victim"]
    assert run(f"cat {victim}").stdout == "as it was"


@pytest.mark.root
def test_secrets_of_root(run: Run) -> None:
    """A service that is root does not lend its eyes."""
    done = run("cat /etc/shadow; ls /root")
    assert done.stdout == ""
    assert "Permission denied" in done.stderr


def test_own_places(run: Run, workspace: Path, tmp_path: Path) -> None:
    """The box has its own /proc and /tmp, where of the host there is nothing but the way to the workspace."""
    beside = tmp_path / "beside"
    beside.write_text("not shown")
    done = run(
        f"ls {tmp_path}; ls /run /sys 2>/dev/null; ls -d /proc/[0-9]* | wc -l; echo x > /tmp/{tmp_path.name}-new"
    )
    shown = done.stdout.splitlines()
    assert shown[0] == workspace.name
    assert int(shown[1]) <= 5
    assert not Path(f"/tmp/{tmp_path.name}-new").exists()


def test_set_user_id(run: Run, workspace: Path) -> None:
    """No set-user-ID file can be left on the host, by no call that makes one; one that is there gives nothing."""
    attack = """
import os, ctypes
def tried(what):
    try: what()
    except OSError: pass
tried(lambda: os.close(os.open("a", os.O_CREAT | os.O_WRONLY, 0o4755)))
tried(lambda: os.close(os.open("b", os.O_CREAT | os.O_WRONLY, 0o2755)))
tried(lambda: os.mknod("c", 0o104755))
open("d", "w").close()
tried(lambda: os.chmod("d", 0o4755))
tried(lambda: os.fchmod(os.open("d", os.O_RDONLY), 0o6755))
libc = ctypes.CDLL(None)
for number in (85, 2, 257): libc.syscall(number, *((-100,) if number == 257 else ()), b"e%d" % number, 0o4755, 0o4755)
libc.syscall(452, -100, b"d", 0o4755, 0)
how = (ctypes.c_uint64 * 3)(os.O_CREAT | os.O_WRONLY, 0o4755, 0)
libc.syscall(437, -100, b"f", how, 24)
"""
    (workspace / "attack.py").write_text(attack)
    assert run("umask 0; python3 attack.py").returncode == 0
    found = [path.name for path in workspace.iterdir() if path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)]
    assert found == []
    assert (workspace / "d").exists()
    own = workspace / "id"
    shutil.copy(shutil.which("id") or "", own)
    own.chmod(0o6755)
    assert run("./id -u").stdout == "1000\n"


def test_sockets(run: Run, outside: Path, workspace: Path) -> None:
    """A daemon of the host that listens in what is shown cannot be spoken to, by a socket or by a pair of them."""
    attack = f"""
import socket
for make in (lambda: socket.socket(socket.AF_UNIX), lambda: socket.socketpair(type=socket.SOCK_DGRAM)[0]):
    try: make().sendto(b"x", {str(outside / "d")!r})
    except OSError as error: print(error.errno)
a, b = socket.socketpair()
for call in (lambda: a.connect({str(outside / "s")!r}), lambda: a.sendto(b"x", {str(outside / "s")!r})):
    try: call()
    except OSError: print("no")
"""
    (workspace / "attack.py").write_text(attack)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams, socket.socket(socket.AF_UNIX) as stream:
        datagrams.bind(str(outside / "d"))
        stream.bind(str(outside / "s"))
        stream.listen()
        for name in "ds":
            (outside / name).chmod(0o777)
        assert run("python3 attack.py").stdout == "97\n97\nno\nno\n"
        stream.setblocking(False)
        datagrams.setblocking(False)
        for wait in (stream.accept, lambda: datagrams.recv(9)):
            with pytest.raises(BlockingIOError):
                wait()


def test_fifo(run: Run, outside: Path) -> None:
    """A FIFO of the host cannot be written to."""
    os.mkfifo(outside / "fifo")
    (outside / "fifo").chmod(0o666)
    reader = os.open(outside / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run(f"echo x > {outside}/fifo").returncode != 0
    finally:
        os.close(reader)


def test_synchronised(run: Run, workspace: Path) -> None:
    """fsync is done, and not only said to be: on a descriptor that has no such thing it fails."""
    (workspace / "sync.py").write_text("import os\nos.fsync(os.open('sync.py', os.O_RDONLY))\nos.fsync(os.pipe()[0])\n")
    assert "OSError: [Errno 22]" in run("python3 sync.py").stderr


@pytest.mark.parametrize(
    "place",
    ["/", "/usr", "/usr/bin", "/usr/local", "/bin", "/etc", "/etc/ssl", "/home", "/root", "/var", "/tmp", "/proc/self",
     "/dev", "/dev/shm", "/sys", "/run", "~", "/nonexistent", "/etc/passwd", "a\0b"],
)  # fmt: skip
def test_refused_directories(place: str, policy: Callable[[str], str]) -> None:
    """The system's directories, a home and what is none are refused before there is a box."""
    with pytest.raises(RequestError, match=r"^cwd: "):
        contained.run(["true"], policy=policy("host"), cwd=os.path.expanduser(place))


def test_a_way_that_an_earlier_program_has_made(run: Run, workspace: Path, outside: Path) -> None:
    """A program can put a link in the place of a directory that a later one is to work in: that is not followed."""
    run("mkdir sub")
    assert run("pwd", cwd=workspace / "sub").stdout == f"{workspace}/sub\n"
    run(f"rmdir sub; ln -s {outside} sub")
    with pytest.raises(RequestError, match=f"^cwd: {workspace}/sub is a link.* its real path is {outside}"):
        run("echo planted > x", cwd=workspace / "sub")
    assert not (outside / "x").exists()


def test_links_of_the_system_are_followed(run: Run) -> None:
    """Those of / and /usr are as good as directories; what they lead to is judged as ever."""
    with pytest.raises(RequestError, match=r"^cwd: /usr/bin is not to be written to"):
        run("true", cwd="/bin")


@pytest.mark.parametrize("name", [".ssh", ".config/app", ".cache"])
def test_what_a_login_obeys(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Directories of a home that begin with a dot are not lent; others of it are."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / name).mkdir(parents=True)
    (tmp_path / "work").mkdir()
    tmp_path.chmod(0o755)
    with pytest.raises(RequestError, match="is not to be written to"):
        run("true", cwd=tmp_path / name)
    assert run("echo yes", cwd=tmp_path / "work").stdout == "yes\n"


def test_link_in_its_place(workspace: Path, outside: Path, policy: Callable[[str], str]) -> None:
    """If the directory, or one on the way, becomes a link after it was judged, there is no box."""
    decided = in_directory(policy("host"), workspace)
    workspace.rename(workspace.parent / "moved")
    workspace.symlink_to(outside)
    with pytest.raises(LaunchError, match=f"^mount {workspace}: Too many levels of symbolic links"):
        sandbox.Box(decided)


@pytest.mark.root
def test_hidden_directory(policy: Callable[[str], str]) -> None:
    """Where programs could not get through, they are shown the way to the workspace, and nothing beside it."""
    home = Path("/var/tmp", f"sandbox-home-{os.getpid()}")
    work = home / "closed" / "work"
    work.mkdir(parents=True)
    (home / "closed" / "secret").write_text("secret")
    (home / "closed").chmod(0o700)
    try:
        result = sandbox.run(["sh", "-c", "echo x > new; ls; ls .."], policy=policy("host"), cwd=str(work))
        assert result.stdout == b"new\nwork\n"
    finally:
        shutil.rmtree(home)


def test_without_a_directory(policy: Callable[[str], str]) -> None:
    """A box that nobody has named a directory for is refused, and so is a directory for another policy."""
    with pytest.raises(PolicyError, match="in_directory"):
        sandbox.Box(policy("host"))
    with pytest.raises(RequestError, match="not for a directory"):
        in_directory(policy("shell"), "/var/tmp/x")


@pytest.mark.root
def test_unmappable(write_policy: Callable[[str], str]) -> None:
    """Where the file system cannot show an owner as another, there is no box."""
    own = write_policy('[mounts]\n"/data" = { source = "/sys/kernel", writable = true, owner = "program" }\n')
    with pytest.raises(LaunchError, match=r"^map the owner of /sys/kernel: Invalid argument"):
        sandbox.Box(own)


def test_any_policy(workspace: Path, write_policy: Callable[[str], str]) -> None:
    """A policy of one's own can have such mounts, of directories and of files, at any path."""
    own = write_policy(f"""
[mounts]
"/data/in" = {{ source = "{workspace}", writable = true, owner = "program" }}
"/tmp/file.c" = {{ source = "{workspace}/hello.c", writable = true, owner = "program" }}
""")
    with sandbox.Box(own) as box:
        result = box.run(["sh", "-c", "echo x > /data/in/new; cat /data/in/new; echo y > /tmp/file.c"])
        assert result.stdout == b"x\n"
        assert box.run(["cat", "/data/in/new", "/tmp/file.c"]).stdout == b"x\ny\n"
    assert (workspace / "hello.c").read_text() == "y\n"


@pytest.mark.parametrize("rest", ["", "writable = true, optional = true,"])
def test_senseless_owner(rest: str, write_policy: Callable[[str], str]) -> None:
    """What is read-only, or may be absent, has no owner to show."""
    with pytest.raises(PolicyError, match="writable and not optional"):
        sandbox.Box(write_policy(f'[mounts]\n"/data" = {{ {rest} owner = "program" }}\n'))


def test_command_line(workspace: Path, policy: Callable[[str], str]) -> None:
    """`sandbox run` works in the directory that it is called in."""
    command = [shutil.which("sandbox", path=os.path.dirname(sys.executable)) or "sandbox", "run"]
    command += ["-p", policy("host"), "sh", "-c", "pwd; echo x > new"]
    done = standard.run(command, cwd=workspace, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{workspace}\n"), done.stderr
    assert (workspace / "new").exists()
