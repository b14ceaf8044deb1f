"""How a service is set, started, reloaded and told of things by its operator; webhooks; audit."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from serving import SANDBOX, Server, StartServer

from sandbox import RequestError
from sandbox.service.settings import Settings
from sandbox.service.webhooks import Webhooks

SECRET = "a secret of the operator"
TESTS = [{"input": "1 2\n", "answer": "3\n"}]


def wait_for(condition: Callable[[], Any]) -> Any:
    """Within twenty seconds."""
    deadline = time.monotonic() + 20
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def serve(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    return subprocess.run(
        [SANDBOX, "serve", *arguments], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


def test_settings_come_from_three_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flags win over the environment, that over the file, and that over what is the default."""
    file = tmp_path / "settings.toml"
    file.write_text('port = 1\nslots = 1\nbody = "1M"\n[quota]\nrate = 5\n[quotas.school]\nrunning = 2\n')
    monkeypatch.setenv("SANDBOX_SERVE_SLOTS", "2")
    monkeypatch.setenv("SANDBOX_SERVE_PORT", "2")
    settings = Settings.load(file, port=3, host=None)
    assert (settings.port, settings.slots, settings.body, settings.host) == (3, 2, 1 << 20, "127.0.0.1")
    assert (settings.quota_of("any").rate, settings.quota_of("school").running) == (5, 2)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("port = 70000", "port"),
        ("colour = 1", "colour"),
        ('policies = ["no-such"]', "policies.0"),
        ("[quota]\nrate = 0", "quota.rate"),
        ('webhooks = ["example.org"]', "request"),
        ("port = ", ""),
    ],
)
def test_mistakes_in_settings(tmp_path: Path, text: str, field: str) -> None:
    """Are named before anything starts."""
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(RequestError) as mistake:
        Settings.load(file)
    assert mistake.value.field.startswith(field)
    assert serve("--config", str(file)).returncode == 2


def test_a_check(tmp_path: Path) -> None:
    """Says if it would do: settings, database and a box under each policy."""
    done = serve("--check", "--data", str(tmp_path / "data"))
    assert (done.returncode, "policy python: a box can be made" in done.stdout) == (0, True), done.stderr
    done = serve("--check", "--data", str(tmp_path / "data"), "--database", "nonsense")
    assert (done.returncode, done.stderr.startswith("sandbox: database: ")) == (2, True)


def test_a_port_that_is_taken(server: Server, tmp_path: Path) -> None:
    """A service that cannot listen says so, and exits as what could not be started does."""
    port = server.url.rpartition(":")[2]
    command = [SANDBOX, "serve", "--data", str(tmp_path / "data"), "--port", port, "--no-first-key"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 125
    assert f"sandbox: cannot serve on 127.0.0.1:{port}; the log says why" in done.stderr
    assert "address already in use" in done.stderr


def test_an_overlay(start_server: StartServer) -> None:
    """Is laid over every policy, of runs and of languages, and told of in each result."""
    server = start_server(overlay="weak-no-cgroup")
    with server.client() as client:
        for run in ({"argv": ["true"], "policy": "shell"}, {"sources": {"a.py": "print(1)"}}):
            report = client.post("/v1/runs", json=run).json()
            assert (report["status"], "cgroup" in report["enforced"]) == ("OK", False)


def test_policies_are_read_again(start_server: StartServer, tmp_path: Path) -> None:
    """After SIGHUP, without losing a run; a wrong file changes nothing, and is told of."""
    own = tmp_path / "policies"
    own.mkdir()
    policy = own / "mine.toml"
    policy.write_text('description = "first"\nextends = "shell"\n')
    server = start_server(policies=["mine"], SANDBOX_POLICIES=str(own))
    with server.client() as client:

        def described() -> str:
            return str(client.get("/v1/policies").json()[0]["description"])

        assert described() == "first"
        answers: list[str] = []
        run = {"argv": ["sh", "-c", "sleep 1; echo done"], "policy": "mine"}
        thread = threading.Thread(target=lambda: answers.append(client.post("/v1/runs", json=run).json()["stdout"]))
        thread.start()
        time.sleep(0.3)
        policy.write_text('description = "second"\nextends = "shell"\n')
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: described() == "second")
        thread.join()
        assert answers == ["done\n"]
        policy.write_text("nonsense")
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: any("stay as they were" in line["event"] for line in server.logged()))
        assert described() == "second"


def test_keys_by_the_command(server: Server) -> None:
    """Made, listed without their secrets, and revoked, which a running service sees at once, nearly."""
    token = server.key("revoked", "run")
    options = ["--data", str(server.data)]
    listed = subprocess.check_output([SANDBOX, "key", "list", *options], text=True)
    line = next(line for line in listed.splitlines() if " revoked " in line)
    assert token[-12:] not in listed
    with server.client(token) as client:
        run = {"argv": ["true"], "policy": "shell"}
        assert client.post("/v1/runs", json=run).status_code == 200
        subprocess.check_call([SANDBOX, "key", "revoke", *options, line.split()[0]], stdout=subprocess.DEVNULL)
        wait_for(lambda: client.post("/v1/runs", json=run).status_code == 401)
    assert subprocess.run([SANDBOX, "key", "revoke", *options, "x"], capture_output=True, check=False).returncode == 1
    for arguments in (["Bad Name"], ["good", "--scope", "all"]):
        done = subprocess.run([SANDBOX, "key", "make", *options, *arguments], capture_output=True, check=False)
        assert done.returncode == 2


class Receiver:
    """Somebody whom ends of submissions are told."""

    def __init__(self, failures: int) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.heard.append((dict(self.headers), body))
                self.send_response(500 if len(receiver.heard) <= failures else 204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """One that fails at first."""
    receiver = Receiver(1)
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


def test_webhooks(start_server: StartServer, receiver: Receiver) -> None:
    """Tell of the end, signed, and again if they were not taken."""
    server = start_server(webhooks=["127.0.0.0/8"], webhook_secret=SECRET)
    with server.client() as client:
        body = {"tests": TESTS, "sources": {"a.py": "print(3)"}, "webhook": receiver.url}
        submission = client.post("/v1/submissions", json=body, params={"wait": 30}).json()
    wait_for(lambda: len(receiver.heard) == 2)
    headers, content = receiver.heard[1]
    assert json.loads(content) == {"id": submission["id"], "state": "done", "verdict": "AC", "score": None}
    stamp = headers["Sandbox-Timestamp"]
    assert abs(time.time() - int(stamp)) < 30
    expected = hmac.new(SECRET.encode(), stamp.encode() + b"." + content, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(headers["Sandbox-Signature"], expected)


@pytest.mark.parametrize(
    ("allowed", "host", "found"),
    [
        (["10.0.0.0/8"], "127.0.0.1", False),
        (["127.0.0.0/8"], "127.0.0.1", True),
        (["localhost"], "localhost", False),  # a name has addresses of the internet: it may mean another one tomorrow
        (["localhost", "127.0.0.0/8"], "localhost", True),
        (["example.org"], "169.254.169.254", False),
        (["::1/128"], "::1", True),
    ],
)
def test_where_webhooks_may_go(allowed: list[str], host: str, found: bool) -> None:
    """Only to what the operator has named, by the address that is really connected to."""
    settings = Settings(webhooks=tuple(allowed), webhook_secret=SecretStr(SECRET))
    assert (Webhooks(settings, None)._address(host, 80) is not None) is found  # type: ignore[arg-type]


def test_who_did_what_is_written_down(server: Server) -> None:
    """For who may see it."""
    with server.client() as client:
        body = {"tests": TESTS, "sources": {"a.py": "print(3)"}}
        submission = client.post("/v1/submissions", json=body, params={"wait": 30}).json()["id"]
        client.post(f"/v1/submissions/{submission}/rejudge")
        rows = client.get("/v1/audit").json()
        assert (rows[0]["action"], rows[0]["target"], rows[0]["tenant"]) == (
            "submission.rejudge",
            submission,
            "default",
        )
        assert {"key.make"} <= {row["action"] for row in rows}
