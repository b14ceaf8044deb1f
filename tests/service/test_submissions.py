"""`/v1/submissions` and `/v1/problems`: handed in, judged, told of."""

from __future__ import annotations

import io
import json
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import SANDBOX, Server, StartServer, finished

SUM = "print(sum(map(int, input().split())))\n"
SLOW = "import time\ntime.sleep(%s)\n" + SUM
TESTS = [{"input": "1 2\n", "answer": "3\n"}, {"input": "3 4\n", "answer": "7\n"}]


def archive(files: dict[str, str]) -> bytes:
    """A zip of files."""
    place = io.BytesIO()
    with zipfile.ZipFile(place, "w") as made:
        for name, text in files.items():
            made.writestr(name, text)
    return place.getvalue()


FOLDER = {"1.in": "1 2\n", "1.ans": "3\n", "2.in": "5 6\n", "2.ans": "11\n"}


def submit(
    client: httpx.Client, source: str = SUM, *, wait: int = 30, status: int = 200, **more: Any
) -> dict[str, Any]:
    """The answer to a submission, which is judged if there is time to wait."""
    if "problem" not in more:
        more.setdefault("tests", TESTS)
    body = {"language": "python3", "sources": {"a.py": source}, "time_limit": 5, **more}
    answer = client.post("/v1/submissions", params={"wait": wait}, json=body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("source", "verdict"), [(SUM, "AC"), ("print(3)", "WA"), ("1/0", "RTE"), ("def", "CE"), ("while True: pass", "TLE")]
)
def test_verdicts(client: httpx.Client, source: str, verdict: str) -> None:
    """Tests that come along, and the report of the judge."""
    found = submit(client, source, time_limit=0.5)
    assert (found["state"], found["verdict"]) == ("done", verdict)
    assert found["report"]["verdict"] == verdict
    if verdict not in ("CE",):
        assert found["report"]["root"]["children"][0]["children"][0]["name"] == "secret/1"


def test_waiting_is_not_needed(client: httpx.Client) -> None:
    """It is accepted at once, with where it is found, and judged."""
    answer = client.post("/v1/submissions", json={"tests": TESTS, "sources": {"a.py": SUM}})
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    found = finished(client, answer.headers["location"].rpartition("/")[2])
    assert (found["verdict"], found["language"]) == ("AC", "python3")


def test_problems_have_versions(client: httpx.Client) -> None:
    """Another content is another version, the same is the same; submissions are judged with the newest."""
    first = client.put("/v1/problems/versions", content=archive(FOLDER))
    assert (first.status_code, first.json()["version"], first.json()["tests"]) == (201, 1, 2)
    assert client.put("/v1/problems/versions", content=archive(FOLDER)).status_code == 200
    assert submit(client, problem="versions")["verdict"] == "AC"
    other = {**FOLDER, "2.ans": "12\n"}
    assert client.put("/v1/problems/versions", content=archive(other)).json()["version"] == 2
    found = submit(client, problem="versions")
    assert (found["verdict"], found["version"]) == ("WA", 2)
    assert [row["version"] for row in client.get("/v1/problems/versions/versions").json()] == [2, 1]
    package = client.get("/v1/problems/versions/package", params={"version": 1}).content
    assert zipfile.ZipFile(io.BytesIO(package)).read("2.ans") == b"11\n"
    assert "versions" in [row["id"] for row in client.get("/v1/problems").json()]
    assert client.delete("/v1/problems/versions").status_code == 204
    assert client.get("/v1/problems/versions").status_code == 404
    assert submit(client, problem="versions", status=422)["field"] == "problem"
    again = client.post(f"/v1/submissions/{found['id']}/rejudge")
    assert again.status_code == 404


def test_a_package_that_cannot_be_used(client: httpx.Client) -> None:
    """Everything that is wrong with it is said, and nothing is kept."""
    answer = client.put("/v1/problems/broken", content=archive({"problem.yaml": "name: 1\nlimits: {time: x}\n"}))
    assert answer.status_code == 422
    assert len(answer.json()["complaints"]) > 1
    assert client.put("/v1/problems/broken", content=b"no zip").json()["field"] == "body"
    assert client.get("/v1/problems/broken").status_code == 404


def test_a_whole_package(client: httpx.Client) -> None:
    """With a jury's program in it, which is compiled in a box, once."""
    place = Path(__file__).parents[1] / "problems" / "divisors"
    files = {str(path.relative_to(place)): path.read_text() for path in place.rglob("*") if path.is_file()}
    assert client.put("/v1/problems/divisors", content=archive(files)).status_code == 201
    found = submit(client, next((place / "submissions/accepted").glob("*.py")).read_text(), problem="divisors")
    assert (found["verdict"], found["report"]["root"]["verdict"]) == ("AC", "AC")


SUM_PACKAGE = {
    "problem.yaml": "problem_format_version: legacy-icpc\nname: Sum\n",
    "data/secret/1.in": "1 2\n",
    "data/secret/1.ans": "3\n",
    "input_validators/two.py": "import sys\nsys.exit(42 if len(sys.stdin.read().split()) == 2 else 43)\n",
    "submissions/accepted/a.py": SUM,
    "submissions/wrong_answer/b.py": "print(4)\n",
}


def test_data_is_validated(client: httpx.Client) -> None:
    """A package whose own validators do not accept its data is none."""
    wrong = SUM_PACKAGE | {"data/secret/2.in": "1 2 3\n", "data/secret/2.ans": "6\n"}
    answer = client.put("/v1/problems/validated", content=archive(wrong))
    assert answer.status_code == 422
    (complaint,) = answer.json()["complaints"]
    assert "data/secret/2" in complaint
    assert "two.py does not accept the input" in complaint
    assert client.get("/v1/problems/validated").status_code == 404


def test_an_open_time_limit(client: httpx.Client) -> None:
    """It comes from how long the jury's submissions take, and is what submissions are judged by."""
    found = client.put("/v1/problems/open", content=archive(SUM_PACKAGE)).json()
    assert 0 < found["time_limit"] <= 5
    assert found["time_limit_from"].startswith("accepted/a.py takes 0.")
    started = time.monotonic()
    assert submit(client, "while True: pass", problem="open")["verdict"] == "TLE"
    assert time.monotonic() - started < 60
    folder = client.put("/v1/problems/open-folder", content=archive(FOLDER)).json()
    assert (folder["time_limit"], folder["time_limit_from"][:11]) == (10, "the default")


def test_a_package_is_verified(client: httpx.Client) -> None:
    """All of the jury's submissions are judged, and what does not end as the package says is named."""
    client.put("/v1/problems/verified", content=archive(SUM_PACKAGE))
    found = client.post("/v1/problems/verified/verify").json()
    assert found["ok"], found
    assert [row["judgement"]["verdict"] for row in found["submissions"]] == ["AC", "WA"]
    broken = SUM_PACKAGE | {"submissions/accepted/c.py": "print(5)\n"}
    client.put("/v1/problems/verified", content=archive(broken))
    found = client.post("/v1/problems/verified/verify").json()
    assert not found["ok"]
    assert [row["name"] for row in found["submissions"] if row["mismatches"]] == ["accepted/c.py"]
    assert client.post("/v1/problems/verified/verify", params={"version": 1}).json()["ok"]


def test_trying_a_package_takes_no_longer_than_it_may(start_server: StartServer) -> None:
    """A jury's submission that goes on for ever holds up a slot for so long as the settings say."""
    server = start_server(trial=1)
    with server.client() as client:
        started = time.monotonic()
        slow = SUM_PACKAGE | {"submissions/accepted/a.py": "while True: pass\n"}
        answer = client.put("/v1/problems/slow", content=archive(slow))
        assert answer.status_code == 422
        assert "takes more than 1 seconds" in answer.json()["detail"]
        assert time.monotonic() - started < 60
        assert "sandbox_slots_busy 0.0" in client.get("/metrics").text


def test_rejudging(client: httpx.Client) -> None:
    """Is another submission, of the same sources to the newest version."""
    client.put("/v1/problems/again", content=archive(FOLDER))
    first = submit(client, "print(3)", problem="again")
    client.put("/v1/problems/again", content=archive({"1.in": "1 2\n", "1.ans": "3\n"}))
    second = client.post(f"/v1/submissions/{first['id']}/rejudge", params={"wait": 30}).json()
    assert (first["verdict"], second["verdict"], second["rejudge_of"]) == ("WA", "AC", first["id"])


def events(client: httpx.Client, submission: str, **headers: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What happens to a submission, until it is over."""
    with client.stream("GET", f"/v1/submissions/{submission}/events", headers=headers) as answer:
        name = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                yield name, json.loads(line[6:])


def test_events(client: httpx.Client) -> None:
    """Each test as it ends; who comes late hears everything, who comes after the end hears that."""
    found = submit(client, SLOW % 0.3, wait=0, status=202, time_limit=5)
    heard = list(events(client, found["id"]))
    assert [name for name, _ in heard] == ["queued", "compiling", "test", "test", "done"]
    assert heard[2][1] == {"number": 1, "of": 2, "name": "secret/1", "verdict": "AC"}
    assert heard[-1][1] == {"verdict": "AC", "score": None}
    assert list(events(client, found["id"])) == [("done", {"verdict": "AC", "score": None})]


def test_cancelling(client: httpx.Client) -> None:
    """What runs ends at once, what waits does not begin, and what is over stays as it is."""
    found = submit(client, "import time\ntime.sleep(41.5)", wait=0, status=202, time_limit=100)
    stream = events(client, found["id"])
    while next(stream)[0] != "compiling":
        pass
    time.sleep(0.5)
    assert client.delete(f"/v1/submissions/{found['id']}").json()["state"] == "cancelled"
    assert [name for name, _ in stream] == ["cancelled"]
    deadline = time.monotonic() + 10
    while "sandbox_slots_busy 0.0" not in client.get("/metrics").text:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert finished(client, found["id"])["report"] is None
    answer = client.delete(f"/v1/submissions/{found['id']}")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict")


def test_the_same_key_is_the_same_submission(client: httpx.Client) -> None:
    """However often it comes; with another content it is a conflict."""
    body = {"tests": TESTS, "sources": {"a.py": SUM}}
    headers = {"idempotency-key": "one"}
    ids = {client.post("/v1/submissions", json=body, headers=headers).json()["id"] for _ in range(3)}
    assert len(ids) == 1
    answer = client.post("/v1/submissions", json={**body, "sources": {"a.py": "1"}}, headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (409, "idempotency-key")


def test_lists(client: httpx.Client, server: Server) -> None:
    """The latest first, in parts, and of what is asked for."""
    with server.client(server.key("lists", "run", "submit", "manage")) as own:
        ids = [submit(own, SUM if n % 2 else "1/0", user=f"u{n % 3}")["id"] for n in range(6)]
        assert [row["id"] for row in own.get("/v1/submissions").json()["submissions"]] == ids[::-1]
        seen, before = [], None
        while True:
            page = own.get("/v1/submissions", params={"limit": 4} | ({"before": before} if before else {})).json()
            seen += [row["id"] for row in page["submissions"]]
            before = page["next"]
            if before is None:
                break
        assert seen == ids[::-1]
        rows = own.get("/v1/submissions", params={"verdict": "RTE", "user": "u0"}).json()["submissions"]
        assert [row["id"] for row in rows] == [ids[0]]
        assert "report" not in rows[0] or rows[0]["report"] is None


def test_tenants_do_not_see_each_other(client: httpx.Client, server: Server) -> None:
    """Neither submissions nor problems nor files; and a contestant's key sees what a contestant may."""
    client.put("/v1/problems/secret", content=archive(FOLDER))
    stored = client.post("/v1/files", content=b"mine").json()["id"]
    found = submit(client, "print(4)")
    with server.client(server.key("stranger", "run", "submit", "manage")) as other:
        for path in (
            f"submissions/{found['id']}",
            f"submissions/{found['id']}/events",
            "problems/secret",
            f"files/{stored}",
        ):
            assert other.get(f"/v1/{path}").status_code == 404, path
        assert other.delete(f"/v1/submissions/{found['id']}").status_code == 404
        assert submit(other, problem="secret", status=422)["field"] == "problem"
        assert other.get("/v1/audit").status_code == 403
    with server.client(server.key("default", "submit")) as contestant:
        seen = contestant.get(f"/v1/submissions/{found['id']}").json()
        assert seen["failures"] is None
        assert seen["report"]["reason"] == ""
        assert "reason" not in seen["report"]["root"]["children"][0]["children"][0]
        assert contestant.put("/v1/problems/x", content=b"").status_code == 403


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"problem": "sums", "tests": TESTS}, "problem"),
        ({"tests": None}, "problem"),
        ({"problem": "no-such", "tests": None}, "problem"),
        ({"language": "klingon"}, "language"),
        ({"sources": {}}, "sources"),
        ({"sources": {"../a.py": "x"}}, "sources.../a.py"),
        ({"sources": {"a.py": {"file": "0" * 64}}}, "sources.a.py"),
        ({"time_limit": -1}, "time_limit"),
        ({"checker": "custom"}, "checker"),
        ({"webhook": "http://127.0.0.1/"}, "webhook"),
        ({"colour": 1}, "colour"),
    ],
)
def test_mistakes(client: httpx.Client, change: dict[str, Any], field: str) -> None:
    """Name their field, and nothing is kept."""
    body = {
        key: value for key, value in {"tests": TESTS, "sources": {"a.py": SUM}, **change}.items() if value is not None
    }
    answer = client.post("/v1/submissions", json=body)
    assert (answer.status_code, answer.json()["field"].startswith(field)) == (422, True), answer.text


def test_what_waits_is_bounded(start_server: StartServer) -> None:
    """A tenant has so many that are not judged, and is told when to come again."""
    server = start_server(slots=1, quota={"submissions": 2})
    with server.client() as client:
        for _ in range(2):
            submit(client, SLOW % 1, wait=0, status=202)
        answer = client.post("/v1/submissions", json={"tests": TESTS, "sources": {"a.py": SUM}})
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")


def test_a_deadline(start_server: StartServer) -> None:
    """What nobody wants any more is not judged."""
    server = start_server(slots=1)
    with server.client() as client:
        slow = submit(client, SLOW % 1, wait=0, status=202)
        late = submit(client, wait=0, status=202, deadline=0.5)
        assert finished(client, late["id"])["state"] == "cancelled"
        assert finished(client, slow["id"])["verdict"] == "AC"


def test_a_sandbox_that_fails(start_server: StartServer, tmp_path: Path) -> None:
    """Is asked again, and at last the verdict is the jury's error, with what happened each time."""
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "python.toml").write_text('extends = "base"\n[mounts."/no-such-directory"]\n')
    server = start_server(attempts=3, back_off=0.05, policies=["native"], SANDBOX_POLICIES=str(policies))
    with server.client() as client:
        found = submit(client)
        assert (found["verdict"], found["attempts"], len(found["failures"])) == ("JE", 3, 3)
        assert all("no-such-directory" in failure for failure in found["failures"])
        assert "the sandbox failed 3 times" in found["report"]["reason"]


def test_two_services_and_one_embedded_database(start_server: StartServer) -> None:
    """The second refuses, and says what to do."""
    server = start_server()
    command = [SANDBOX, "serve", "--data", str(server.data), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "another service uses" in done.stderr) == (125, True)


def test_a_stop_leaves_work_for_the_next(start_server: StartServer) -> None:
    """What waits when the service is told to stop is judged by the next one; what runs ends first."""
    server = start_server(slots=1)
    with server.client() as client:
        ids = [submit(client, SLOW % 0.3, wait=0, status=202)["id"] for _ in range(5)]
        time.sleep(0.3)
    assert server.stop() == 0
    server.start()
    with server.client() as client:
        rows = [finished(client, submission) for submission in ids]
    assert [(row["verdict"], row["attempts"]) for row in rows] == [("AC", 1)] * 5


KLINGON = """name = "Klingon"
extensions = [".tlh"]
packages = ["klingon-dev"]
version = ["no-such-compiler", "--version"]
run = {argv = ["no-such-compiler", "{main}"]}
selftest = {file = "main.tlh", source = ""}
"""


def test_a_language_that_is_not_installed(start_server: StartServer, tmp_path: Path) -> None:
    """Is told at once, by the name of the file, and is neither the contestant's fault nor tried again."""
    (tmp_path / "policies/languages").mkdir(parents=True)
    (tmp_path / "policies/languages/klingon.toml").write_text(KLINGON)
    server = start_server(SANDBOX_POLICIES=str(tmp_path / "policies"))
    with server.client() as client:
        assert "not installed" in submit(client, language="klingon", sources={"a.tlh": ""}, status=422)["detail"]
        found = submit(client, language=None, sources={"a.tlh": ""})  # which is found out only when it is judged
        assert (found["verdict"], found["attempts"]) == ("JE", 1)
        assert found["report"]["reason"] == "not judged: a.tlh: Klingon is not installed: apt-get install klingon-dev"


def test_an_archive_of_another_system(client: httpx.Client) -> None:
    """A package whose archive has DOS's separators, no modes, and what macOS leaves beside it, is read as meant."""
    script = "#!/bin/sh\ncat > run <<'END'\n#!/bin/sh\nread a; [ $a = 3 ] && exit 42; exit 43\nEND\nchmod +x run\n"
    files = {
        "problem.yaml": "problem_format_version: 2025-09\nname: T\nuuid: 1\nlimits: {time_limit: 1}\n",
        "output_validator/build": script, "data/secret/1.in": "1 2\n", "data/secret/1.ans": "",
    }  # fmt: skip
    place = io.BytesIO()
    with zipfile.ZipFile(place, "w") as made:
        for name, text in {**{f"sums/{name}": text for name, text in files.items()}, "__MACOSX/sums/._x": ""}.items():
            info = zipfile.ZipInfo(name.replace("/", "\\"))
            info.create_system, info.external_attr = 0, 0x20
            made.writestr(info, text)
    put = client.put("/v1/problems/dos", content=place.getvalue())
    assert put.status_code in (200, 201), put.text
    assert any("not-executable" in warning for warning in put.json()["warnings"])
    assert [submit(client, source, problem="dos")["verdict"] for source in (SUM, "print(4)")] == ["AC", "WA"]
