"""A service elsewhere, from Python: `Client` and `AsyncClient`, on every operating system.

    from sandbox.client import Client

    with Client("https://judge.example.org", key="sbx_…") as service:
        print(service.run(["echo", "hi"], policy="shell").stdout)
        print(service.submit({"a.py": "print(3)"}, problem="sums", wait=30)["verdict"])

A client is a `Runner`: `sandbox.subprocess.run(["echo", "hi"], runner=service)`, and workflows, run over it. What a
service refuses is raised as the library raises it: `RequestError`, `LaunchError`, `HostError`; everything else as
`ServiceError`.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from subprocess import PIPE
from typing import Any

import httpx
import tenacity

from sandbox.client.calls import Call, Calls, ServiceError, Sources, checked, retrying
from sandbox.client.remote import RemoteProcess
from sandbox.result import Result
from sandbox.running import Argv

__all__ = ["AsyncClient", "Client", "RemoteProcess", "ServiceError"]


def _options(url: str, key: str, timeout: float) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return {"base_url": url.rstrip("/"), "headers": headers, "timeout": httpx.Timeout(timeout, connect=10.0)}


class Client:
    """A service elsewhere; a `Runner`. For many threads at once. Closed by leaving its context."""

    def __init__(self, url: str, key: str = "", *, timeout: float = 120.0, attempts: int = 5) -> None:
        """`key` is an API key. An answer may take `timeout` seconds; what is refused for now, or could not be sent, is
        sent again, `attempts` times in all.
        """
        self.url, self._key, self._attempts = url.rstrip("/"), key, attempts
        self._http = httpx.Client(**_options(url, key, timeout))

    def _call(self, call: Call) -> Any:
        for attempt in tenacity.Retrying(**retrying(call, self._attempts)):
            with attempt:
                answer = checked(self._http.request(call.method, call.path, **call.options))
        return call.parse(answer)

    def run(self, argv: Argv, *, stdin: Any = None, stdout: Any = PIPE, stderr: Any = PIPE, **options: Any) -> Result:
        """As `sandbox.run`, elsewhere; also with `user`, `priority`, `keep`."""
        if stdout == PIPE and stderr == PIPE and (stdin is None or isinstance(stdin, (str, bytes, Path))):
            given = stdin.read_bytes() if isinstance(stdin, Path) else stdin or b""
            result: Result = self._call(Calls.run(argv, given.encode() if isinstance(given, str) else given, options))
            return result
        return self.start(argv, stdin=stdin, stdout=stdout, stderr=stderr, **options).wait()

    def start(self, argv: Argv, **options: Any) -> RemoteProcess:
        """As `sandbox.process.Process`, elsewhere."""
        return RemoteProcess(self.url, self._key, argv, **options)

    def put_file(self, content: bytes, days: float | None = None) -> str:
        """Keep a content there; its id, to be named as `{"file": id}`."""
        return str(self._call(Calls.put_file(content, days)))

    def get_file(self, file: str) -> bytes:
        """A content that is kept there."""
        return bytes(self._call(Calls.get_file(file)))

    def submit(self, sources: Sources, *, wait: float = 0.0, **options: Any) -> dict[str, Any]:
        """Hand in sources to a `problem`, or with `tests` of `{"input": …, "answer": …}`; further options are those of
        `POST /v1/submissions`. The report is in it if it is done within `wait` seconds.
        """
        return dict(self._call(Calls.submit(sources, wait, options)))

    def submission(self, submission: str) -> dict[str, Any]:
        """A submission, with its report when it is done."""
        return dict(self._call(Calls.submission(submission)))

    def submissions(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """All that match, the latest first."""
        while True:
            page = self._call(Calls.submissions(filters))
            yield from page["submissions"]
            if page["next"] is None:
                return
            filters["before"] = page["next"]

    def events(self, submission: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """What happens to a submission, as it happens: names and what is told."""
        with self._http.stream("GET", f"/v1/submissions/{submission}/events") as answer:
            if not answer.is_success:
                answer.read()
            checked(answer)
            name = ""
            for line in answer.iter_lines():
                name, event = _event(name, line)
                if event is not None:
                    yield name, event

    def cancel(self, submission: str) -> dict[str, Any]:
        """Have a submission not be judged, or what runs of it end."""
        return dict(self._call(Calls.cancel(submission)))

    def rejudge(self, submission: str, *, wait: float = 0.0) -> dict[str, Any]:
        """Another submission of the same sources."""
        return dict(self._call(Calls.rejudge(submission, wait)))

    def put_problem(self, problem: str, package: bytes | str | os.PathLike[str]) -> dict[str, Any]:
        """Put a problem package: an archive, or the path of one or of a directory."""
        return dict(self._call(Calls.put_problem(problem, package)))

    def verify_problem(self, problem: str, version: int | None = None) -> dict[str, Any]:
        """Whether all of the jury's submissions end as the package says, and what does not."""
        return dict(self._call(Calls.verify_problem(problem, version)))

    def problems(self) -> list[dict[str, Any]]:
        """The newest version of each problem."""
        return list(self._call(Calls.listing("problems")))

    def languages(self) -> list[dict[str, Any]]:
        """Languages of submissions."""
        return list(self._call(Calls.listing("languages")))

    def policies(self) -> list[dict[str, Any]]:
        """Policies that runs can name."""
        return list(self._call(Calls.listing("policies")))

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _event(name: str, line: str) -> tuple[str, dict[str, Any] | None]:
    """The name of the event that a line of a stream is of, and its data, if that is what the line has."""
    if line.startswith("event: "):
        return line[7:], None
    if line.startswith("data: "):
        return name, json.loads(line[6:])
    return name, None


class AsyncClient:
    """The same for asyncio."""

    def __init__(self, url: str, key: str = "", *, timeout: float = 120.0, attempts: int = 5) -> None:
        """As `Client`."""
        self._attempts = attempts
        self._http = httpx.AsyncClient(**_options(url, key, timeout))

    async def _call(self, call: Call) -> Any:
        async for attempt in tenacity.AsyncRetrying(**retrying(call, self._attempts)):
            with attempt:
                answer = checked(await self._http.request(call.method, call.path, **call.options))
        return call.parse(answer)

    async def run(self, argv: Argv, *, stdin: str | bytes = b"", **options: Any) -> Result:
        """As `sandbox.run`, elsewhere. If it is cancelled, the program is ended."""
        given = stdin.encode() if isinstance(stdin, str) else stdin
        result: Result = await self._call(Calls.run(argv, given, options))
        return result

    async def put_file(self, content: bytes, days: float | None = None) -> str:
        """As of `Client`."""
        return str(await self._call(Calls.put_file(content, days)))

    async def get_file(self, file: str) -> bytes:
        """As of `Client`."""
        return bytes(await self._call(Calls.get_file(file)))

    async def submit(self, sources: Sources, *, wait: float = 0.0, **options: Any) -> dict[str, Any]:
        """As of `Client`."""
        return dict(await self._call(Calls.submit(sources, wait, options)))

    async def submission(self, submission: str) -> dict[str, Any]:
        """As of `Client`."""
        return dict(await self._call(Calls.submission(submission)))

    async def submissions(self, **filters: Any) -> AsyncIterator[dict[str, Any]]:
        """As of `Client`."""
        while True:
            page = await self._call(Calls.submissions(filters))
            for row in page["submissions"]:
                yield row
            if page["next"] is None:
                return
            filters["before"] = page["next"]

    async def events(self, submission: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """As of `Client`."""
        async with self._http.stream("GET", f"/v1/submissions/{submission}/events") as answer:
            if not answer.is_success:
                await answer.aread()
            checked(answer)
            name = ""
            async for line in answer.aiter_lines():
                name, event = _event(name, line)
                if event is not None:
                    yield name, event

    async def cancel(self, submission: str) -> dict[str, Any]:
        """As of `Client`."""
        return dict(await self._call(Calls.cancel(submission)))

    async def rejudge(self, submission: str, *, wait: float = 0.0) -> dict[str, Any]:
        """As of `Client`."""
        return dict(await self._call(Calls.rejudge(submission, wait)))

    async def put_problem(self, problem: str, package: bytes | str | os.PathLike[str]) -> dict[str, Any]:
        """As of `Client`."""
        return dict(await self._call(Calls.put_problem(problem, package)))

    async def verify_problem(self, problem: str, version: int | None = None) -> dict[str, Any]:
        """As of `Client`."""
        return dict(await self._call(Calls.verify_problem(problem, version)))

    async def problems(self) -> list[dict[str, Any]]:
        """As of `Client`."""
        return list(await self._call(Calls.listing("problems")))

    async def languages(self) -> list[dict[str, Any]]:
        """As of `Client`."""
        return list(await self._call(Calls.listing("languages")))

    async def policies(self) -> list[dict[str, Any]]:
        """As of `Client`."""
        return list(await self._call(Calls.listing("policies")))

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
