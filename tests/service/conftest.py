"""A service of its own for each test that needs one: a real process, on a port of the loopback."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import lacking
import pytest
from serving import Server, StartServer


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """A function that starts a service with settings."""
    with contextlib.ExitStack() as started:
        count = 0

        def start(*arguments: str, **settings: Any) -> Server:
            nonlocal count
            count += 1
            server = Server(tmp_path / f"service-{count}", *arguments, **settings)
            started.callback(server.kill)
            return server

        yield start


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service for all tests that leave it as it is."""
    server = Server(tmp_path_factory.mktemp("service") / "data", quota={"rate": 10_000, "burst": 100_000})
    yield server
    assert server.stop() == 0, server.log.read_text()


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """A client with a key for everything."""
    with server.client() as client:
        yield client


def _find(name: str) -> str | None:
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(places[-1]) if places else shutil.which(name)


@pytest.fixture
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server of its own, which is thrown away."""
    initdb, server = _find("initdb"), _find("postgres")
    if initdb is None or server is None:
        lacking.missing_tool("PostgreSQL", "postgresql")
    place = tmp_path_factory.mktemp("postgresql")
    user: str | None = None
    if os.geteuid() == 0:  # as which it does not run
        user = "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else "nobody"
        shutil.chown(place, user)
        for above in place.parents:
            if above.is_relative_to("/tmp/"):
                above.chmod(above.stat().st_mode | 0o011)
    data, sockets = str(place / "data"), str(place)
    subprocess.run(
        [initdb, "-D", data, "-U", "sandbox", "-A", "trust", "-N"],
        check=True,
        capture_output=True,
        user=user,
        cwd=place,
    )
    options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={sockets}", "-c", "fsync=off"]
    with subprocess.Popen(
        [server, "-D", data, *options], user=user, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 30
        while not (place / ".s.PGSQL.5432").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.3)
        yield f"postgresql://sandbox@/postgres?host={sockets}"
        process.send_signal(signal.SIGINT)  # which waits for nobody
