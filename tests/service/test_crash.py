"""What was accepted is judged, once, whatever becomes of the service: with both databases."""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time

import httpx
import pytest
from serving import Server, StartServer

KILLS = int(os.environ.get("SANDBOX_TEST_KILLS", "12"))
"""How often the service is killed; `scripts/crash` says more."""

SOURCES = {
    "AC": "import time, sys\ntime.sleep(0.03)\nprint(sum(map(int, input().split())))\n",
    "WA": "print(4)\n",
    "RTE": "raise SystemExit(1)\n",
    "CE": "def\n",
}
TESTS = [{"input": "1 2\n", "answer": "3\n"}, {"input": "3 4\n", "answer": "7\n"}]


class Load:
    """Clients that hand in submissions, whatever happens, and remember what was accepted."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.accepted: dict[str, str] = {}
        """The verdict that is expected, by id."""
        self.stopped = False
        self._threads = [threading.Thread(target=self._submit, args=(number,)) for number in range(3)]
        for thread in self._threads:
            thread.start()

    def _submit(self, client_number: int) -> None:
        number = 0
        while not self.stopped:
            number += 1
            verdict = random.choice(list(SOURCES))
            body = {"tests": TESTS, "sources": {"a.py": SOURCES[verdict]}, "language": "python3", "time_limit": 10}
            headers = {"idempotency-key": f"{client_number}-{number}"}
            while not self.stopped:  # until it is known to have been accepted
                with contextlib.suppress(httpx.HTTPError), self.server.client() as client:
                    answer = client.post("/v1/submissions", json=body, headers=headers)
                    if answer.status_code in (200, 202):
                        self.accepted[answer.json()["id"]] = verdict
                        break
                time.sleep(0.05)
            time.sleep(0.02)

    def stop(self) -> None:
        """No more."""
        self.stopped = True
        for thread in self._threads:
            thread.join()


@pytest.mark.timeout(600 + 10 * KILLS)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_service_that_is_killed(start_server: StartServer, request: pytest.FixtureRequest, kind: str) -> None:
    """At any moment, again and again, under load: each submission that was accepted ends with one report, the right
    one, and none that was finished is judged again.
    """
    settings = {"database": request.getfixturevalue("postgresql")} if kind == "postgresql" else {}
    server = start_server(slots=2, quota={"rate": 1e6, "burst": 1_000_000}, **settings)
    load = Load(server)
    request.addfinalizer(load.stop)
    finished: dict[str, float] = {}
    for _ in range(KILLS):
        time.sleep(random.uniform(0.1, 1.0))
        with contextlib.suppress(httpx.HTTPError), server.client() as client:
            rows = client.get("/v1/submissions", params={"state": "done", "limit": 500}).json()["submissions"]
            for row in rows:
                assert finished.setdefault(row["id"], row["finished"]) == row["finished"]
        server.kill()
        server.start()
    load.stop()
    with server.client() as client:
        deadline = time.monotonic() + 300
        while client.get("/metrics").text.split("sandbox_submissions_open ")[-1].split()[0] != "0.0":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert len(load.accepted) > KILLS
        for submission, verdict in load.accepted.items():
            row = client.get(f"/v1/submissions/{submission}").json()
            assert (row["state"], row["verdict"], row["failures"]) == ("done", verdict, [])
            if submission in finished:
                assert row["finished"] == finished[submission]
    assert server.stop() == 0


def test_two_services_share_a_database(start_server: StartServer, postgresql: str) -> None:
    """Both judge; what was with one that is killed is judged by the other."""
    first = start_server(slots=1, database=postgresql)
    second = start_server(slots=1, database=postgresql, token=first.token)
    slow = "import time\ntime.sleep(1)\nprint(sum(map(int, input().split())))\n"
    body = {"tests": TESTS, "sources": {"a.py": slow}, "language": "python3", "time_limit": 10}
    with first.client() as client:
        ids = [client.post("/v1/submissions", json=body).json()["id"] for _ in range(6)]
        time.sleep(1)
    first.kill()
    with second.client() as client:
        deadline = time.monotonic() + 300
        while True:
            rows = [client.get(f"/v1/submissions/{submission}").json() for submission in ids]
            if all(row["state"] == "done" for row in rows):
                break
            assert time.monotonic() < deadline, rows
            time.sleep(0.2)
    assert {row["verdict"] for row in rows} == {"AC"}
