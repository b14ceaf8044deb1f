"""`/v1/files`: contents by their SHA-256, for a while."""

from __future__ import annotations

import hashlib
import time

import httpx
import pytest
from serving import Server

CONTENT = bytes(range(256)) * 1000


def test_a_file_is_what_it_was(client: httpx.Client) -> None:
    """Its id is its digest; the same content is the same file, and never a page of ours."""
    made = client.post("/v1/files", content=CONTENT)
    assert (made.status_code, made.json()["id"]) == (201, hashlib.sha256(CONTENT).hexdigest())
    assert client.post("/v1/files", content=CONTENT).json()["id"] == made.json()["id"]
    answer = client.get(f"/v1/files/{made.json()['id']}")
    assert answer.content == CONTENT
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "attachment" in answer.headers["content-disposition"]


@pytest.mark.parametrize(("asked", "start", "end"), [("bytes=10-19", 10, 20), ("bytes=-5", -5, None)])
def test_ranges(client: httpx.Client, asked: str, start: int, end: int | None) -> None:
    """A part of it is what was asked for."""
    file = client.post("/v1/files", content=CONTENT).json()["id"]
    answer = client.get(f"/v1/files/{file}", headers={"range": asked})
    assert (answer.status_code, answer.content) == (206, CONTENT[start:end])
    assert client.get(f"/v1/files/{file}", headers={"range": "bytes=999999999-"}).status_code == 416


def test_its_time(client: httpx.Client) -> None:
    """Is what the request says, at most what the service does; then there is no such file."""
    made = client.post("/v1/files", content=b"short", params={"days": 1 / 86_400}).json()
    assert made["expires"] - time.time() < 2
    assert client.post("/v1/files", content=b"long", params={"days": 3000}).json()["expires"] - time.time() < 8 * 86_400
    time.sleep(1.2)
    answer = client.get(f"/v1/files/{made['id']}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


def test_removing(client: httpx.Client, server: Server) -> None:
    """A tenant removes its own; another's of the same content stays."""
    file = client.post("/v1/files", content=b"shared").json()["id"]
    with server.client(server.key("sharing", "run")) as other:
        assert other.get(f"/v1/files/{file}").status_code == 404
        other.post("/v1/files", content=b"shared")
        assert client.delete(f"/v1/files/{file}").status_code == 204
        assert client.get(f"/v1/files/{file}").status_code == 404
        assert other.get(f"/v1/files/{file}").content == b"shared"
