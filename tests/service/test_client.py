"""The clients: what the library does, over HTTP; and they import where there are no boxes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess as standard
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import SANDBOX, Server, StartServer

from sandbox import File, LaunchError, NotCollected, RequestError, Status, run, subprocess
from sandbox.client import AsyncClient, Client, ServiceError
from sandbox.workflow import Step, Workflow

TESTS = [{"input": "1 2\n", "answer": "3\n"}]
SUM = "print(sum(map(int, input().split())))\n"


@pytest.fixture
def service(server: Server) -> Iterator[Client]:
    """A client with a key for everything."""
    with Client(server.url, server.token) as client:
        yield client


def test_a_run_is_that_of_the_library(service: Client, tmp_path: Path) -> None:
    """The same arguments, and a Result that is the same, in types too."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/x").write_text("tree")
    options: dict[str, Any] = {
        "policy": "shell", "stdin": b"in\xff", "env": {"A": "b"}, "limits": {"cpu_time": 3}, "umask": 0o077,
        "files": {"a": b"\xfe", "t": tmp_path / "tree", "n": File(b"text", executable=False)},
        "collect": ["a", "t/", "no"],
    }  # fmt: skip
    argv = ["sh", "-c", "cat; echo $A; umask; ls -l n | cut -c1-10; cat t/x >&2; exit 3"]
    got, own = service.run(argv, **options), run(argv, **options)
    for name in ("status", "exit_code", "signal", "stdout", "stderr", "files", "limits", "enforced"):
        assert getattr(got, name) == getattr(own, name), name
    assert got.status is Status.NONZERO_EXIT
    assert isinstance(got.files["no"], NotCollected)


@pytest.mark.parametrize(
    ("argv", "options"),
    [
        ([], {}),
        (["a\0"], {}),
        (["no-such-program"], {}),
        (["true"], {"cwd": "/no-such"}),
        (["true"], {"limits": {"memory": 1 << 45}}),
        (["true"], {"files": {"../x": b""}}),
        (["true"], {"colour": 1}),
    ],
)
def test_the_same_errors(service: Client, argv: list[str], options: dict[str, Any]) -> None:
    """Of the same type, with the same field, step and number."""
    with pytest.raises((RequestError, LaunchError)) as own:
        run(argv, policy="shell", **options)
    with pytest.raises(type(own.value)) as got:
        service.run(argv, policy="shell", **options)
    for name in ("field", "step", "errno"):
        assert getattr(got.value, name, None) == getattr(own.value, name, None)


def test_submissions(service: Client) -> None:
    """Handed in, followed, listed, judged again, cancelled."""
    package = Path(__file__).parents[1] / "problems/sum"
    assert service.put_problem("sums", package)["tests"] > 0
    done = service.submit({"a.py": SUM}, tests=TESTS, wait=30)
    assert done["report"]["verdict"] == "AC"
    names = [name for name, _ in service.events(service.submit({"a.py": SUM}, tests=TESTS)["id"])]
    assert names[-1] == "done"
    assert service.rejudge(done["id"], wait=30)["rejudge_of"] == done["id"]
    assert next(service.submissions(limit=1))["verdict"] == "AC"
    slow = service.submit({"a.py": "import time; time.sleep(60)"}, tests=TESTS, time_limit=100)
    assert service.cancel(slow["id"])["state"] == "cancelled"
    with pytest.raises(ServiceError, match="is over"):
        service.cancel(slow["id"])
    assert {row["id"] for row in service.problems()} >= {"sums"}
    assert {row["code"] for row in service.languages()} >= {"python3", "cpp"}
    assert {row["name"] for row in service.policies()} >= {"shell"}
    stored = service.put_file(b"kept")
    assert service.get_file(stored) == b"kept"


def test_asyncio(server: Server) -> None:
    """The same, many at once."""

    async def main() -> None:
        async with AsyncClient(server.url, server.token) as service:
            many = await asyncio.gather(*(service.run(["echo", str(n)], policy="shell") for n in range(20)))
            assert [result.stdout for result in many] == [b"%d\n" % n for n in range(20)]
            found = await service.submit({"a.py": SUM}, tests=TESTS)
            names = [name async for name, _ in service.events(found["id"])]
            assert names[-1] == "done"
            assert (await service.submission(found["id"]))["verdict"] == "AC"
            assert (await anext(service.submissions(limit=2)))["id"] == found["id"]

    asyncio.run(main())


def test_what_is_refused_for_now_is_asked_again(start_server: StartServer) -> None:
    """After the time that the service says, and not for ever."""
    server = start_server(quota={"rate": 2, "burst": 1})
    with Client(server.url, server.token) as service:
        started = time.monotonic()
        for _ in range(2):
            assert service.run(["true"], policy="shell").ok
        assert time.monotonic() - started > 0.3
    with Client(server.url, server.token, attempts=1) as service:
        with contextlib.suppress(ServiceError):
            service.run(["true"], policy="shell")
        with pytest.raises(ServiceError) as refused:
            service.run(["true"], policy="shell")
    assert refused.value.kind == "quota"
    assert server.stop() == 0
    server_url = server.url
    with Client(server_url, attempts=2) as service, pytest.raises(Exception, match="refused"):
        service.policies()


BEHAVIOURS = {
    "capture": lambda m, o: m.run(["sh", "-c", "echo out; echo err >&2; exit 3"], capture_output=True, **o),
    "input": lambda m, o: m.run(["tr", "a-z", "A-Z"], input="text", text=True, capture_output=True, **o),
    "merge": lambda m, o: m.run(["sh", "-c", "echo 1; echo 2 >&2; echo 3"], stdout=m.PIPE, stderr=m.STDOUT, **o),
    "signal": lambda m, o: m.run(["sh", "-c", "kill -9 $$"], **o),
    "missing": lambda m, o: _raised(lambda: m.run(["no-such-program"], **o)),
    "check": lambda m, o: _raised(lambda: m.run(["false"], check=True, **o)),
    "timeout": lambda m, o: _raised(lambda: m.run(["sleep", "9"], timeout=0.5, **o)),
    "large": lambda m, o: m.run(["cat"], input=bytes(range(256)) * 4000, capture_output=True, **o),
    "shell": lambda m, o: m.check_output("echo $((1 + 2))", shell=True, **o),
    "env": lambda m, o: m.check_output(["/usr/bin/env"], env={"A": "b"}, **o).splitlines()[-1:],
}


def _raised(call: Any) -> Any:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - that is the question
        return type(error).__name__, re.sub(r"after .* seconds", "", str(error))
    return None


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_the_facade_runs_over_it(service: Client, name: str) -> None:
    """`sandbox.subprocess` with the client as its runner does what it does on this machine."""
    own = BEHAVIOURS[name](subprocess, {"policy": "shell"})
    got = BEHAVIOURS[name](subprocess, {"policy": "shell", "runner": service})
    if isinstance(own, subprocess.CompletedProcess):
        assert (got.returncode, got.stdout, got.stderr) == (own.returncode, own.stdout, own.stderr)
    else:
        assert got == own


def test_a_dialogue(service: Client) -> None:
    """Streams in and out while it runs; signals; what it uses."""
    process = subprocess.Popen(
        ["sh", "-c", "trap 'exit 5' TERM; while read -r x; do echo got $x; done; sleep 9 & wait"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, policy="shell", runner=service,
    )  # fmt: skip
    with process:
        for word in ("one", "two"):
            process.stdin.write(f"{word}\n")
            assert process.stdout.readline() == f"got {word}\n"
        assert process.poll() is None
        assert process.process is not None
        assert process.process.usage().wall_time > 0
        process.stdin.close()
        time.sleep(0.3)
        process.terminate()
        assert process.wait(10) == 5


def test_a_workflow_runs_over_it(service: Client) -> None:
    """With steps that hand files on."""
    report = Workflow([Step("a", ["echo", "hi"], policy="shell"), Step("b", ["true"], after=["a"])], service).run()
    assert report.ok
    assert report["a"].result is not None
    assert report["a"].result.stdout == b"hi\n"


def test_it_imports_everywhere() -> None:
    """Without the modules that only Unix has, on a system that is not Linux; boxes say that they need one."""
    script = """
import asyncio, httpx, pydantic, sys, tenacity, websockets.sync.client, zipfile, builtins
import subprocess as standard
original = builtins.__import__
absent = {"fcntl", "termios", "pwd", "grp", "resource", "prctl", "pyseccomp", "pty", "tty"}
def importing(name, globals=None, *rest):
    if name in absent and (globals or {}).get("__name__", "").startswith("sandbox"):
        raise ImportError(name)
    return original(name, globals, *rest)
builtins.__import__ = importing
sys.platform = "win32"
import os
for name in ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "memfd_create", "pidfd_open", "eventfd", "register_at_fork"):
    delattr(os, name)
from sandbox.client import AsyncClient, Client
from sandbox import Result, Limits, RequestError
import sandbox, sandbox.subprocess, sandbox.workflow
print(Client("http://127.0.0.1:1", "x").url)
try:
    sandbox.run
except (ImportError, AttributeError) as error:
    print(error)
"""
    done = standard.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "http://127.0.0.1:1", "sandbox.run needs Linux; a service elsewhere is used by sandbox.client",
    ]  # fmt: skip


def test_who_goes_away(server: Server) -> None:
    """A client that is closed leaves nothing running."""
    client = Client(server.url, server.token)
    process = client.start(["sleep", "33"], policy="shell")
    assert process.running()
    process.kill()
    assert process.wait(10).signal == 9
    client.close()


def command(server: Server, *arguments: str, stdin: str = "") -> standard.CompletedProcess[str]:
    """`sandbox --server`."""
    return standard.run(
        [SANDBOX, "--server", server.url, *arguments], input=stdin, capture_output=True, text=True, check=False,
        env={**os.environ, "SANDBOX_KEY": server.token},
    )  # fmt: skip


def test_the_shell(server: Server, tmp_path: Path) -> None:
    """`run` passes streams, exit codes and files through; `judge` tells verdicts; others are for this machine."""
    (tmp_path / "f").write_text("file")
    script = "cat; cat f >&2; echo made > out; exit 3"
    done = command(server, "run", "-p", "shell", "--file", f"f={tmp_path}/f", "--", "sh", "-c", script, stdin="in")
    assert (done.returncode, done.stdout, done.stderr) == (3, "in", "file")
    done = command(server, "run", "-p", "shell", "--wall", "0.2", "--json", "--", "sleep", "9")
    assert (done.returncode, json.loads(done.stdout)["status"]) == (121, "WALL_TIME_LIMIT")
    done = command(server, "run", "-p", "shell", "--memory", "1T", "--", "true")
    assert (done.returncode, done.stderr.startswith("sandbox: --memory: ")) == (2, True)
    package = Path(__file__).parents[1] / "problems/sum"
    wrong = tmp_path / "wrong.py"
    wrong.write_text("print('no')")
    (tmp_path / "empty").mkdir()
    done = command(server, "judge", str(package), str(tmp_path / "empty"), str(wrong))
    assert done.returncode == 125
    first, why, other = done.stdout.splitlines()[:3]
    assert first == f"not judged  {tmp_path / 'empty'}"
    assert why.strip()
    assert other.startswith(f"WA  {wrong}")
    done = command(server, "judge", str(package), str(wrong))
    assert (done.returncode, done.stdout.startswith(f"WA  {wrong}  python3")) == (1, True)
    done = command(server, "doctor")
    assert (done.returncode, done.stderr) == (2, "sandbox: --server is for run and judge, not for doctor\n")
