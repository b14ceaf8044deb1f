"""What a program finds around itself: an environment, descriptors, ids and processes, and nothing of the host's."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import Box, LaunchError, Result
from sandbox.policy import load

Name = Callable[[str], str]
Program = Callable[[str], Path]
Run = Callable[..., Result]

CANARY = "sandbox-canary"


@pytest.fixture
def status(box: Box) -> dict[str, str]:
    """/proc/self/status of a program."""
    lines = box.run(["cat", "/proc/self/status"]).stdout.decode().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


# Environment, directory, path


def test_environment_is_the_policys(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly the policy's variables and the request's over them."""
    monkeypatch.setenv("CANARY", CANARY)
    wanted = {"HOME": "/elsewhere", "MORE": "ü=1"}
    result = box.run(["/usr/bin/env", "-0"], env=wanted)
    items = result.stdout.decode().rstrip("\0").split("\0")
    found = {name: value for name, _, value in (item.partition("=") for item in items)}
    assert found == dict(load("native").env) | wanted


def test_no_variable_of_the_caller(policy: Name, monkeypatch: pytest.MonkeyPatch) -> None:
    """A box that was made while the caller held a secret shows it nowhere in /proc."""
    monkeypatch.setenv("CANARY", CANARY)
    with Box(policy("shell")) as box:
        result = box.run(["sh", "-c", "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'; ls /proc"])
    assert b"PATH=" in result.stdout, "it did look"
    assert CANARY.encode() not in result.stdout


def test_working_directory(box: Box) -> None:
    """/box, or what the request names: below it, or anywhere in the box."""
    assert box.run(["pwd"]).stdout == b"/box\n"
    assert box.run(["pwd"], cwd="sub/dir", files={"sub/dir/x": b""}).stdout == b"/box/sub/dir\n"
    assert box.run(["pwd"], cwd="/tmp").stdout == b"/tmp\n"
    with pytest.raises(LaunchError, match=r"^chdir /box/nowhere: No such file or directory"):
        box.run(["pwd"], cwd="nowhere")
    with pytest.raises(LaunchError, match=r"^chdir /box/x: Not a directory"):
        box.run(["pwd"], cwd="x", files={"x": b""})


def test_path_lookup(box: Box) -> None:
    """A name is looked for in the program's own PATH, in its order; a path with a slash is taken as it is."""
    files = {"a/tool": b"#!/bin/sh\necho a", "b/tool": b"#!/bin/sh\necho b"}
    assert box.run(["tool"], files=files, env={"PATH": "/none:/box/b:/box/a"}).stdout == b"b\n"
    assert box.run(["a/tool"], files=files).stdout == b"a\n"
    with pytest.raises(LaunchError, match=r"^execve tool: No such file or directory"):
        box.run(["tool"], files=files)
    with pytest.raises(LaunchError, match=r"^execve true: No such file or directory"):
        box.run(["true"], env={"PATH": "/nowhere"})


def test_first_argument_is_what_was_asked_for(box: Box) -> None:
    """Arguments arrive as they are: empty ones, spaces, bytes that are not UTF-8."""
    argv: list[str | bytes] = ["sh", "-c", 'printf "%s\\n" "$0" "$@"', "zero", "", " a  b ", b"\xff", "$HOME", "*"]
    assert box.run(argv).stdout == b"zero\n\n a  b \n\xff\n$HOME\n*\n"


def test_umask(box: Box) -> None:
    """The usual one, whatever the caller's is."""
    old = os.umask(0o777)
    try:
        result = box.run(["sh", "-c", "umask; touch /tmp/x; stat -c %a /tmp/x"], files={"a/b": b""})
        assert result.stdout == b"0022\n644\n"
    finally:
        os.umask(old)


def test_root_directory(box: Box) -> None:
    """Nothing but what the policy and the box are made of is there."""
    found = set(box.run(["ls", "-A", "/"]).stdout.decode().split())
    assert found <= {"bin", "box", "dev", "etc", "lib", "lib64", "proc", "sbin", "tmp", "usr"}
    devices = set(box.run(["ls", "/dev"]).stdout.decode().split())
    assert devices == {"fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "urandom", "zero"}


def test_links_of_a_policy_lead_into_the_box(write_policy: Name) -> None:
    """What is made behind a link lies in the box, where the link leads there, and never on the host."""
    with Box(write_policy("[symlinks]\n'/x' = '/etc'\n[etc]\n'/x/made' = 'in the box'\n")) as box:
        assert box.run(["cat", "/etc/made"]).stdout == b"in the box"
    with tempfile.TemporaryDirectory() as outside:
        os.chmod(outside, 0o777)
        with pytest.raises(LaunchError, match=r"^open above /x/made: No such file or directory$"):
            Box(write_policy(f"[symlinks]\n'/x' = '{outside}'\n[etc]\n'/x/made' = ''\n"))
        assert not os.listdir(outside)


def test_mounts_name_nothing_of_the_host(box: Box, tmp_path: Path) -> None:
    """The mount table of the box is its own: no host path outside of the policy's mounts is in it."""
    table = box.run(["cat", "/proc/self/mountinfo"]).stdout.decode()
    points = {line.split()[4] for line in table.splitlines()}
    assert {"/", "/usr", "/box", "/tmp", "/dev/shm", "/proc"} <= points
    # A bind mount shows its path on its own file system, which for a file of the caller would be telling.
    assert str(tmp_path.parent) not in table
    assert "/home" not in table


# Descriptors and signals

LEAKY = """
import json, os, sys
import sandbox
with sandbox.Box(sys.argv[1]) as box:
    shown = []
    for name in ("descriptors", "signals"):
        result = box.run(["./program", name], files={"program": __import__("pathlib").Path(sys.argv[2])}, stdin=b"x")
        shown.append(result.stdout.decode())
    shown.append(box.run(["ls", "-l", "/proc/self/fd"], stdin=b"x").stdout.decode())
os.write(9, json.dumps(shown).encode())
"""


@pytest.mark.parametrize("closed", ["", "0<&- 1>&- 2>&-"])
def test_inherited_descriptors_and_signals(program: Program, policy: Name, tmp_path: Path, closed: str) -> None:
    """A caller that leaks directories and secrets at low numbers, ignores signals, or has no streams itself.

    Programs hold 0, 1 and 2 only, and no signal is ignored or blocked.
    """
    secret, answer = tmp_path / "secret", tmp_path / "answer"
    secret.write_text(CANARY)
    script = f"""
        trap '' HUP INT QUIT USR1 PIPE CHLD TERM
        exec 3<{secret} 4</ 5</proc/self/ns/net 6<>{secret} 7</etc 8</dev/null 9>{answer} {closed}
        exec "$@"
    """
    arguments = [sys.executable, "-P", "-c", LEAKY, policy("native"), str(program("look"))]
    subprocess.run(["sh", "-c", script, "sh", *arguments], check=True, timeout=60)
    descriptors, signals, listing = json.loads(answer.read_text())
    assert descriptors.split() == ["0", "1", "2"]
    assert signals == ""
    targets = [line.split("-> ")[1] for line in listing.splitlines()[1:]]
    assert len(targets) == 4, "and the directory that ls is reading"
    assert all(target.startswith(("pipe:", "/memfd:sandbox", "/proc/")) for target in targets)


# Identity and privileges


def test_ids(box: Box) -> None:
    """An unprivileged user without any further group."""
    assert box.run(["id", "-u"]).stdout == b"1000\n"
    assert box.run(["id", "-g"]).stdout == b"1000\n"
    if os.geteuid() == 0:  # otherwise the caller's groups stay, as "nogroup", and nothing in the box belongs to them
        assert box.run(["id", "-G"]).stdout == b"1000\n"


def test_no_privilege(status: dict[str, str]) -> None:
    """No capability in any set, no way to gain one, and a filter."""
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert status["Uid"].split() == status["Gid"].split() == ["1000"] * 4


def test_files_of_the_host_belong_to_nobody(box: Box) -> None:
    """Root of the host is not mapped: its files show the overflow id, and are what others may read."""
    assert box.run(["stat", "-c", "%u %g", "/usr"]).stdout == b"65534 65534\n"


@pytest.mark.root
def test_own_host_ids() -> None:
    """As root, a program runs under a host uid that no other slot and nothing else has."""
    with Box("native") as one, Box("native") as two:
        uids = []
        for box in (one, two):
            result = box.run(["cat", "/proc/self/uid_map"])
            uids.append({int(line.split()[1]) for line in result.stdout.splitlines()})
    assert not uids[0] & uids[1]
    assert min(uids[0] | uids[1]) > 1 << 20


def test_setuid_programs_do_not_work(box: Box) -> None:
    """A set-uid program of the host runs as whoever starts it."""
    found = [path for path in ("/usr/bin/su", "/usr/bin/mount", "/usr/bin/passwd") if _is_setuid(path)]
    if not found:
        pytest.skip("this host has no set-uid program")
    result = box.run(
        ["sh", "-c", f"{found[0]} --help >/dev/null 2>&1; grep Uid /proc/self/status; findmnt -no OPTIONS /usr"]
    )
    assert b"Uid:\t1000\t1000\t1000\t1000" in result.stdout
    table = box.run(["cat", "/proc/self/mountinfo"]).stdout.decode()
    for line in table.splitlines():
        assert "nosuid" in line.split()[5], line


def _is_setuid(path: str) -> bool:
    try:
        return bool(os.stat(path).st_mode & stat.S_ISUID)
    except OSError:
        return False


# Processes


def test_own_processes_only(box: Box) -> None:
    """A program sees itself in /proc: not the host's processes, and not PID 1 either."""
    names = box.run(["ls", "/proc"]).stdout.decode().split()
    numbers = [int(name) for name in names if name.isdigit()]
    assert len(numbers) == 1
    assert numbers[0] > 1
    assert not {"sys", "kcore", "sysrq-trigger", "kallsyms", "cpuinfo", "meminfo", "version"} & set(names)


@pytest.mark.parametrize("number", [9, 19, 15, 1, 6, 11])
def test_init_cannot_be_signalled(run: Run, number: int) -> None:
    """PID 1 takes no signal from a program, and there is nobody else to hit."""
    for target in (1, -1):
        result = run("signal", target, number, wall_time=5)
        assert result.ok
        assert result.stdout in (b"EPERM\n", b"ESRCH\n", b"sent\n")
    assert run("end", "exit", 3).exit_code == 3


def test_init_cannot_be_looked_into(box: Box) -> None:
    """Nothing of PID 1 can be read through /proc, by its number."""
    names = "environ cmdline maps mem status fd/0 root cwd exe ns/mnt"
    script = f"for f in {names}; do cat /proc/1/$f && echo $f; done 2>/dev/null"
    assert box.run(["sh", "-c", script]).stdout == b""


def test_session(box: Box) -> None:
    """Programs have a process group of their own and no terminal."""
    fields = box.run(["cat", "/proc/self/stat"]).stdout.decode().rpartition(") ")[2].split()
    assert fields[4] == "0", "the controlling terminal"
    assert int(fields[2]) > 1, "the process group is not init's"


# Host name, network


def test_host_name(box: Box) -> None:
    """The policy's, not the host's."""
    assert box.run(["uname", "-n"]).stdout.decode().strip() == box.policy.hostname


def test_cgroup_is_not_named(box: Box) -> None:
    """The path of the program's control group tells nothing of the host's hierarchy."""
    lines = box.run(["cat", "/proc/self/cgroup"]).stdout.decode().splitlines()
    assert {line.split(":")[2] for line in lines} == {"/"}


def test_no_network(run: Run) -> None:
    """No family leads anywhere: not out, not to the host's loopback, not to its daemons."""
    with socket.socket(socket.AF_UNIX) as listener, socket.socket() as web:
        listener.bind(f"\0{CANARY}")
        listener.listen()
        web.bind(("127.0.0.1", 0))
        web.listen()
        result = run("network", wall_time=5)
    halves = (line.partition(" ") for line in result.stdout.decode().splitlines())
    lines = {family: error for family, _, error in halves}
    assert len(lines) == 8
    assert "connected" not in lines.values()
    assert lines["abstract"] in ("ECONNREFUSED", "EPERM", "EAFNOSUPPORT")


def test_only_a_loopback_that_is_down(box: Box) -> None:
    """The network namespace is empty: one interface, without a route or an address."""
    lines = box.run(["cat", "/proc/self/net/dev"]).stdout.decode().splitlines()[2:]
    assert [line.split(":")[0].strip() for line in lines] == ["lo"]
    assert box.run(["cat", "/proc/self/net/route"]).stdout.count(b"\n") <= 1
    assert b"lo" not in box.run(["cat", "/proc/self/net/if_inet6"]).stdout
