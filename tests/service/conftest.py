"""A service of its own for each test that needs one: a real process, on a port of the loopback."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
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
