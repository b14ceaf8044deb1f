"""A service in a process of its own, for tests."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

SANDBOX = str(Path(sys.executable).parent / "sandbox")


class Server:
    """A service in a process, and its first key, which may everything."""

    def __init__(self, data: Path, *arguments: str, token: str = "", **settings: Any) -> None:
        """Start it; settings go in by the environment, and other variables by their names in capitals."""
        self.data = data
        self._arguments = arguments
        self._environment = os.environ | {
            name if name.isupper() else f"SANDBOX_SERVE_{name.upper()}": _text(value)
            for name, value in settings.items()
        }
        self.token = token
        self.start()

    def start(self) -> None:
        """Start it, or start it again, and wait until it is ready."""
        self.log = self.data.with_suffix(".log")
        with self.log.open("a") as log, self.data.with_suffix(".out").open("a") as out:
            begun = self.log.stat().st_size
            self.process = subprocess.Popen(
                [SANDBOX, "serve", "--data", str(self.data), "--port", "0", *self._arguments],
                stdout=out, stderr=log, env=self._environment,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while (found := re.search(r"running on (http://[0-9.:]+)", self.log.read_text()[begun:])) is None:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)
        self.url = found[1]
        if not self.token:
            self.token = next(
                line for line in self.data.with_suffix(".out").read_text().splitlines() if line.startswith("sbx_")
            )

    def key(self, tenant: str, *scopes: str) -> str:
        """A further key, made by the command."""
        options = [option for scope in scopes for option in ("--scope", scope)]
        command = [SANDBOX, "key", "make", "--data", str(self.data), *options, tenant]
        return subprocess.check_output(command, text=True, env=self._environment).strip()

    def client(self, token: str | None = None, **options: Any) -> httpx.Client:
        """A client with a key: the first one, if no other is given; an empty one is none."""
        token = self.token if token is None else token
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, **options)

    def logged(self) -> list[dict[str, Any]]:
        """All that is in its log."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def kill(self) -> None:
        """End it as the kernel would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it as an operator would; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


StartServer = Callable[..., Server]


def finished(client: httpx.Client, submission: str) -> dict[str, Any]:
    """A submission, when it is over."""
    deadline = time.monotonic() + 30
    while True:
        found: dict[str, Any] = client.get(f"/v1/submissions/{submission}").json()
        if found["state"] not in ("queued", "running"):
            return found
        assert time.monotonic() < deadline
        time.sleep(0.05)
