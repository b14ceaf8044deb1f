"""`/v1/runs`: what goes in by HTTP, and what comes out."""

from __future__ import annotations

import base64
import contextlib
import json
import random
import socket
import threading
import time
from typing import Any

import httpx
import psutil
import pytest
from serving import Server, StartServer

from sandbox import run


def ask(client: httpx.Client, **program: Any) -> dict[str, Any]:
    """The report of a run that is to have one."""
    answer = client.post("/v1/runs", json={"policy": "shell", **program})
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


def test_a_run_is_that_of_the_library(client: httpx.Client) -> None:
    """The same words in, the same words out."""
    options: dict[str, Any] = {
        "stdin": "in", "env": {"A": "b"}, "cwd": "/tmp", "limits": {"cpu_time": 3}, "umask": 0o077,
    }  # fmt: skip
    argv = ["sh", "-c", "cat; echo $A; pwd; umask; echo err >&2; exit 3"]
    report, own = ask(client, argv=argv, **options), run(argv, policy="shell", **options).to_json()
    assert report.keys() == own.keys()
    for name in ("status", "exit_code", "stdout", "stderr", "limits", "enforced"):
        assert report[name] == own[name]
    assert report["measured_by"].keys() == own["measured_by"].keys()  # a warm box may not know the peak of processes


def test_files_in_and_out(client: httpx.Client) -> None:
    """Text, bytes and files of the service go in; text, bytes and files of the service come out."""
    raw = bytes(range(256))
    stored = client.post("/v1/files", content=raw).json()["id"]
    files = {
        "text": "x", "raw": {"base64": base64.b64encode(raw).decode()}, "stored": {"file": stored},
        "tool": {"text": "#!/bin/sh\necho ran", "executable": True},
    }  # fmt: skip
    script = "cmp raw stored && ./tool && cp raw out && mkdir d && echo t > d/t"
    report = ask(client, argv=["sh", "-c", script], files=files, collect=["out", "d/", "none"])
    assert report["stdout"] == "ran\n"
    assert report["files"]["out"] == {"base64": base64.b64encode(raw).decode()}
    assert report["files"]["d/t"] == "t\n"
    assert report["files"]["none"] == {"error": "no such file"}
    kept = ask(client, argv=["sh", "-c", script], files=files, collect=["out"], keep=True)["files"]["out"]
    assert kept == {"file": stored, "size": 256}


def test_sources(client: httpx.Client) -> None:
    """In a language: compiled in a box, with what the compiler says, and run."""
    main = "#include <iostream>\nint main(int n, char **v) { int x; std::cin >> x; std::cout << x + n << v[1]; }"
    report = ask(client, language="cpp", sources={"a.cpp": main}, stdin="40", argv=["!"])
    assert (report["status"], report["stdout"]) == ("OK", "42!")
    assert ask(client, sources={"a.py": "print(input())"}, stdin="x")["stdout"] == "x\n"
    answer = client.post("/v1/runs", json={"sources": {"a.cpp": "int main() { return x; }"}})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/not-compiled")
    assert "error" in answer.json()["compiler_output"]
    assert client.post("/v1/runs", json={"sources": {"a.b": ""}, "language": "klingon"}).status_code == 422


def test_a_group(client: httpx.Client) -> None:
    """Programs with pipes between them, at the same time, each with its report."""
    programs = [
        {"argv": ["seq", "1000"], "policy": "shell"},
        {"argv": ["tac"], "policy": "shell"},
        {"argv": ["head", "-1"], "policy": "shell"},
    ]
    pipes = [{"source": 0, "target": 1}, {"source": 1, "target": 2}]
    answer = client.post("/v1/runs", json={"programs": programs, "pipes": pipes})
    results = answer.json()["results"]
    assert [result["stdout"] for result in results] == [None, None, "1000\n"]
    talk = ["sh", "-c", "read x; echo got $x >&2"]
    both = [
        {"argv": ["sh", "-c", "echo hi; read y"], "policy": "shell"},
        {"argv": [*talk[:2], talk[2] + "; echo ho"], "policy": "shell"},
    ]
    answer = client.post(
        "/v1/runs", json={"programs": both, "pipes": [{"source": 0, "target": 1}, {"source": 1, "target": 0}]}
    )
    assert [result["status"] for result in answer.json()["results"]] == ["OK", "OK"]
    assert answer.json()["results"][1]["stderr"] == "got hi\n"


def test_a_batch(client: httpx.Client) -> None:
    """A line for each run as it ends, with its number."""
    runs = [{"argv": ["echo", str(number)], "policy": "shell"} for number in range(50)] + [
        {"argv": ["no-such"], "policy": "shell"}
    ]
    with client.stream("POST", "/v1/runs:batch", json={"runs": runs}) as answer:
        lines = [json.loads(line) for line in answer.iter_lines()]
    assert {line["index"] for line in lines} == set(range(51))
    for line in lines:
        if line["index"] == 50:
            assert line["problem"]["type"] == "/problems/not-started"
        else:
            assert line["result"]["stdout"] == f"{line['index']}\n"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{", "body"),
        ("[]", "body"),
        ({}, "argv"),
        ({"argv": []}, "argv"),
        ({"sources": {"a.py": "1"}, "limits": {"memory": 1 << 45}}, "limits.memory"),
        ({"argv": "ls"}, "argv"),
        ({"argv": ["a\0b"]}, "argv"),
        ({"argv": ["true"], "policy": "host"}, "policy"),
        ({"argv": ["true"], "policy": "../../etc/passwd"}, "policy"),
        ({"argv": ["true"], "policy": "native+weak-no-cgroup"}, "policy"),
        ({"argv": ["true"], "limits": {"memory": 1 << 45}}, "limits.memory"),
        ({"argv": ["true"], "limits": {"colour": 1}}, "limits.colour"),
        ({"argv": ["true"], "files": {"../x": ""}}, "files"),
        ({"argv": ["true"], "files": {"x": {"base64": "%"}}}, "files.x.base64"),
        ({"argv": ["true"], "files": {"x": {"path": "/etc/passwd"}}}, "files.x"),
        ({"argv": ["true"], "files": {"x": {"file": "0" * 64}}}, "files.x"),
        ({"argv": ["true"], "colour": 1}, "colour"),
        ({"programs": [{"argv": ["true"]}], "pipes": [{"source": 0, "target": 1}]}, "pipes.target"),
        ({"programs": [{"argv": ["true"], "policy": "x"}]}, "programs.0.policy"),
    ],
)
def test_mistakes_name_their_field(client: httpx.Client, body: Any, field: str) -> None:
    """In one shape, with what to do."""
    content = body if isinstance(body, str) else json.dumps(body)
    answer = client.post("/v1/runs", content=content)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code in (404, 422), problem["field"]) == (True, field), problem
    assert problem["detail"]
    assert problem["hint"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert client.get(problem["type"]).json()["status"] == answer.status_code


def test_keys(server: Server) -> None:
    """Without one nothing is run, and a key is for its scopes only; a revoked one is for nothing."""
    submit, own = server.key("guest", "submit"), server.key("guest", "run")
    for token, status in (("", 401), ("nonsense", 401), (server.token[:-1] + "x", 401), (submit, 403), (own, 200)):
        with server.client(token) as client:
            answer = client.post("/v1/runs", json={"argv": ["true"], "policy": "shell"})
            assert answer.status_code == status, token
            if status != 200:
                assert answer.json()["type"] == f"/problems/{'unauthorized' if status == 401 else 'forbidden'}"


def test_who_goes_away_takes_the_program_along(server: Server) -> None:
    """No program runs for somebody who is not there any more."""
    body = json.dumps({"argv": ["sleep", "31.41"], "policy": "shell"}).encode()
    lines = [
        "POST /v1/runs HTTP/1.1",
        "host: x",
        f"authorization: Bearer {server.token}",
        f"content-length: {len(body)}",
    ]
    head = "\r\n".join([*lines, "", ""])
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + body)
        wait_until(lambda: bool(sleepers()))
    wait_until(lambda: not sleepers())


def sleepers() -> list[psutil.Process]:
    """Processes of that command line, anywhere."""
    return [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "31.41"]]


def wait_until(condition: Any) -> None:
    """Within ten seconds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_bodies_are_bounded(start_server: StartServer) -> None:
    """Before they are parsed, whether they say their length or not; and they have to come in time."""
    server = start_server(body="64K", body_time=0.5)
    with server.client() as client:
        large = json.dumps({"argv": ["cat"], "stdin": "x" * 100_000}).encode()
        for content in (large, iter([large[:50_000], large[50_000:]])):
            answer = client.post("/v1/runs", content=content)
            assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")

        def slowly() -> Any:
            yield b"{"
            time.sleep(2)
            yield b"}"

        answer = client.post("/v1/runs", content=slowly())
        assert (answer.status_code, answer.json()["type"]) == (408, "/problems/too-slow")


def test_what_a_request_names_is_bounded(start_server: StartServer) -> None:
    """Files of the service's count as if they had come along, and small ones for more than they hold."""
    server = start_server(body="64K", quota={"storage": "200K"})
    with server.client() as client:
        stored = client.post("/v1/files", content=bytes(40_000)).json()["id"]
        files = {name: {"file": stored} for name in "ab"}
        answer = client.post("/v1/runs", json={"argv": ["true"], "policy": "shell", "files": files})
        assert (answer.status_code, answer.json()["field"]) == (413, "files.b")
        body = {"tests": [{"input": {"file": stored}, "answer": {"file": stored}}], "sources": {"a.py": "1"}}
        assert client.post("/v1/submissions", json=body).json()["field"] == "tests.0.answer"
        codes = [client.post("/v1/files", content=b"%d" % number).status_code for number in range(60)]
        assert 30 < codes.count(201) < 45
        assert set(codes) == {201, 429}


def test_what_is_too_much_is_refused(start_server: StartServer) -> None:
    """At once, and with when to come again: by rate, by what waits of one tenant, and of all."""
    server = start_server(
        slots=1, queue=3, wait=0.5, quota={"waiting": 2}, quotas={"slow": {"rate": 0.1, "burst": 2}},
    )  # fmt: skip
    with server.client(server.key("slow", "run")) as client:
        codes = [client.post("/v1/runs", json={"argv": ["true"], "policy": "shell"}).status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        answer = client.post("/v1/runs", json={"argv": ["true"]})
        assert 1 <= int(answer.headers["retry-after"]) <= 10
    kinds: list[str] = []

    def sleep(token: str) -> None:
        with server.client(token) as client:
            answer = client.post("/v1/runs", json={"argv": ["sleep", "2"], "policy": "shell"})
            kinds.append(answer.json().get("type", "done"))

    other = server.key("other", "run")
    threads = [threading.Thread(target=sleep, args=(token,)) for token in [server.token] * 4 + [other] * 3]
    for thread in threads:
        thread.start()
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    # One runs, two of its tenant wait in vain and one is refused; one of the other's waits, for two there is no room.
    assert sorted(kinds) == ["/problems/busy"] * 5 + ["/problems/quota", "done"]


def test_cpu_seconds(start_server: StartServer) -> None:
    """What a tenant's programs have used counts, also after a restart."""
    server = start_server(quota={"cpu_seconds": 0.2})
    spin = {"argv": ["sh", "-c", "while :; do :; done"], "policy": "shell", "limits": {"cpu_time": 0.3}}
    with server.client() as client:
        assert client.post("/v1/runs", json=spin).json()["status"] == "CPU_TIME_LIMIT"
        assert client.post("/v1/runs", json=spin).status_code == 429
    assert server.stop() == 0
    server.start()
    with server.client() as client:
        assert client.post("/v1/runs", json=spin).json()["type"] == "/problems/quota"


def test_stopping_lets_run_what_runs(start_server: StartServer) -> None:
    """After SIGTERM what runs ends with its answer, and nothing more begins."""
    server = start_server()
    answers: list[httpx.Response] = []
    with server.client() as client:
        run = {"argv": ["sh", "-c", "sleep 1; echo done"], "policy": "shell"}
        thread = threading.Thread(target=lambda: answers.append(client.post("/v1/runs", json=run)))
        thread.start()
        time.sleep(0.4)
        assert server.stop() == 0
        thread.join()
    assert answers[0].json()["stdout"] == "done\n"


def test_numbers_and_logs(server: Server, client: httpx.Client) -> None:
    """Runs are counted, and what a request did is in the log under its id."""
    answer = client.post("/v1/runs", json={"argv": ["false"], "policy": "shell"})
    numbers = client.get("/metrics").text
    assert 'sandbox_runs_total{status="NONZERO_EXIT"}' in numbers
    assert "sandbox_queue_length 0.0" in numbers
    assert "queue;dur=" in answer.headers["server-timing"]
    wait_until(lambda: any(line.get("request") == answer.headers["x-request-id"] for line in server.logged()))
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}
    assert {policy["name"] for policy in client.get("/v1/policies").json()} >= {"native", "python"}
    assert any(feature["name"] == "seccomp" for feature in client.get("/v1/host").json())


KINDS = {
    "echo": ({"argv": ["/bin/echo", "TOKEN"]}, {"stdout": "TOKEN\n", "status": "OK"}),
    "stdin": ({"argv": ["/bin/cat"], "stdin": "TOKEN"}, {"stdout": "TOKEN"}),
    "code": ({"argv": ["/bin/sh", "-c", "echo TOKEN >&2; exit 7"]}, {"stderr": "TOKEN\n", "exit_code": 7}),
    "long": ({"argv": ["/bin/sh", "-c", "sleep 0.02; echo TOKEN"]}, {"stdout": "TOKEN\n"}),
    "late": ({"argv": ["/bin/sleep", "5"], "limits": {"wall_time": 0.02}}, {"status": "WALL_TIME_LIMIT"}),
    "much": ({"argv": ["/usr/bin/yes"], "limits": {"output": 1000}}, {"status": "OUTPUT_LIMIT"}),
    "files": ({"argv": ["/bin/cat", "a"], "files": {"a": "TOKEN"}, "collect": ["a"]}, {"files": {"a": "TOKEN"}}),
    "leave": ({"argv": ["/bin/sh", "-c", "echo TOKEN | tee /tmp/left /box/left"]}, {"stdout": "TOKEN\n"}),
    "look": ({"argv": ["/bin/sh", "-c", "cat /tmp/left /box/left 2>/dev/null; echo TOKEN"]}, {"stdout": "TOKEN\n"}),
    "none": ({"argv": ["/bin/TOKEN"]}, {"type": "/problems/not-started"}),
}
"""Requests, and what their answers have to say."""


def test_many_at_a_time(start_server: StartServer) -> None:
    """Everybody gets the answer to what they asked, and sees nothing of others, whatever runs beside it, whoever goes
    away in between; then nothing is left over, and nothing went wrong that somebody would have to look at.
    """
    server = start_server(quota={"rate": 10_000, "burst": 100_000})
    wrong: list[object] = []

    def work(number: int) -> None:
        chosen = random.Random(number)
        with server.client() as client:
            for turn in range(40):
                name, token = chosen.choice(list(KINDS)), f"{number}-{turn}"
                body, wanted = json.loads(json.dumps(KINDS[name]).replace("TOKEN", token))
                body |= {"policy": "shell", "user": chosen.choice("ab")}
                if turn % 10 == 9:  # and nobody waits for the answer
                    with contextlib.suppress(httpx.TransportError):
                        client.post("/v1/runs", json=body, timeout=chosen.choice([0.0005, 0.002, 0.01]))
                    continue
                answer = client.post("/v1/runs", json=body).json()
                if {key: answer.get(key) for key in wanted} != wanted:
                    wrong.append((name, token, answer))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    with server.client() as client:
        deadline = time.monotonic() + 10
        while "sandbox_slots_busy 0.0" not in client.get("/metrics").text:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert server.stop() == 0
    assert [line for line in server.logged() if line.get("level") == "error"] == []
