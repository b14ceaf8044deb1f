"""The requests of a service's API, what their answers are, and when they are sent again."""

from __future__ import annotations

import io
import os
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import tenacity

from sandbox.errors import HostError, LaunchError, RequestError, SandboxError
from sandbox.files import File, is_executable
from sandbox.request import Request
from sandbox.result import Result, encoded
from sandbox.running import Argv

Sources = Mapping[str, str | bytes] | str | os.PathLike[str]
"""Contents by names, or the path of a file or a directory."""


class ServiceError(SandboxError):
    """A service that has failed, or refuses: `kind` is that of its problem details, such as `quota`."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{problem.get('title', 'error')}: {problem.get('detail', '')}")
        self.problem = dict(problem)
        self.kind = str(problem.get("type", "")).rpartition("/")[2]
        self.status: int | None = problem.get("status")


@dataclass(frozen=True, slots=True)
class Call:
    """One request, and what is made of its answer."""

    method: str
    path: str
    parse: Callable[[httpx.Response], Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    again: bool = True
    """Whether it may be sent again when nobody knows what has become of it."""


def retrying(call: Call, attempts: int) -> dict[str, Any]:
    """When a call is sent again: if it was refused for now, or could not be sent; else only if that does no harm."""

    def wants(error: BaseException) -> bool:
        if isinstance(error, _Later):
            return True
        if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)):
            return True
        return call.again and isinstance(error, httpx.TransportError)

    def pause(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _Later):
            return error.seconds
        return float(tenacity.wait_random_exponential(0.1, 5)(state))

    return {
        "retry": tenacity.retry_if_exception(wants), "wait": pause, "stop": tenacity.stop_after_attempt(attempts),
        "reraise": True,
    }  # fmt: skip


class _Later(ServiceError):
    """Refused for now."""

    def __init__(self, problem: Mapping[str, Any], seconds: float) -> None:
        super().__init__(problem)
        self.seconds = seconds


def checked(answer: httpx.Response) -> httpx.Response:
    """The answer, if it is none of refusal."""
    if answer.is_success:
        return answer
    try:
        problem = answer.json()
    except ValueError:
        problem = {"title": answer.reason_phrase, "status": answer.status_code, "detail": answer.text[:200]}
    if answer.status_code in (429, 503) and "retry-after" in answer.headers:
        raise _Later(problem, float(answer.headers["retry-after"]))
    raise error_of(problem)


def error_of(problem: Mapping[str, Any]) -> SandboxError:
    """What the library raises for it, if it would."""
    kind = str(problem.get("type", "")).rpartition("/")[2]
    if kind == "invalid":
        return RequestError(problem.get("field") or "request", problem.get("detail", ""))
    if kind == "not-started" and "errno" in problem:
        return LaunchError(problem["step"], problem["errno"])
    if kind == "sandbox":
        return HostError(problem.get("detail", ""))
    return ServiceError(problem)


def _json(answer: httpx.Response) -> Any:
    return answer.json()


def _content(content: bytes | str) -> Any:
    """A content as a request has it."""
    if isinstance(content, str):
        return content
    said = encoded(content)
    return (said if isinstance(said, dict) else {"text": said}) | {"executable": is_executable(content)}


def program(argv: Argv, options: Mapping[str, Any]) -> dict[str, Any]:
    """A run as a request has it; `RequestError` for what does not go over a wire."""
    options = {name: value for name, value in options.items() if value is not None}
    wanted: dict[str, Any] = {
        name: options.pop(name) for name in ("policy", "user", "priority", "keep", "merge") if name in options
    }
    if not isinstance(wanted.get("policy", ""), str):
        raise RequestError("policy", "a service elsewhere knows policies by their names")
    files = options.pop("files", {})
    if options.pop("start_new_session", False):
        raise RequestError("start_new_session", "not over a service")
    request = Request.make(argv=list(argv), files=files, **options)
    body: dict[str, Any] = {"argv": [_text("argv", word) for word in request.argv], **wanted}
    if request.files:
        body["files"] = {name: content for name, part in request.files for name, content in _files(name, part)}
    if request.env:
        body["env"] = {_text("env", name): _text("env", value) for name, value in request.env}
    if request.cwd:
        body["cwd"] = _text("cwd", request.cwd)
    if request.collect:
        body["collect"] = list(request.collect)
    limits = request.limits.model_dump(exclude_none=True)
    return body | ({"limits": limits} if limits else {}) | {"umask": request.umask}


def _files(name: str, content: bytes | Path) -> Iterator[tuple[str, Any]]:
    if isinstance(content, bytes):
        yield name, _content(content)
        return
    for below, data in _read(content).items():
        at = below if name == "./" else f"{name.rstrip('/')}/{below}" if content.is_dir() else name
        yield at, _content(data)


def _text(field: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise RequestError(field, f"{value!r} is not text, and goes not over a service") from None


def _read(path: Path) -> dict[str, File]:
    """A file by its name, or those of a tree by their names in it."""
    if path.is_dir():
        found = {str(p.relative_to(path).as_posix()): p for p in sorted(path.rglob("*")) if p.is_file()}
    elif path.is_file():
        found = {path.name: path}
    else:
        raise RequestError("files", f"there is no file {str(path)!r}")
    return {name: File(p.read_bytes(), os.access(p, os.X_OK)) for name, p in found.items()}


def _sources(sources: Sources) -> dict[str, Any]:
    if isinstance(sources, Mapping):
        given: Mapping[str, str | bytes] = sources
    else:
        given = _read(Path(sources))
    return {name: _content(content) if isinstance(content, bytes) else content for name, content in given.items()}


class Calls:
    """The requests of a service's API, for both clients."""

    @staticmethod
    def run(argv: Argv, stdin: bytes, options: Mapping[str, Any]) -> Call:
        body = program(argv, options)
        if stdin:
            body["stdin"] = _content(stdin)
        return Call("POST", "/v1/runs", lambda answer: Result.from_json(answer.json()), {"json": body}, again=False)

    @staticmethod
    def put_file(content: bytes, days: float | None) -> Call:
        params = {} if days is None else {"days": days}
        return Call(
            "POST", "/v1/files", lambda answer: str(answer.json()["id"]), {"content": content, "params": params}
        )

    @staticmethod
    def get_file(file: str) -> Call:
        return Call("GET", f"/v1/files/{file}", lambda answer: answer.content)

    @staticmethod
    def submit(sources: Sources, wait: float, options: Mapping[str, Any]) -> Call:
        body = {"sources": _sources(sources), **{name: value for name, value in options.items() if value is not None}}
        headers = {"idempotency-key": uuid.uuid4().hex}
        return Call("POST", "/v1/submissions", _json, {"json": body, "headers": headers, "params": {"wait": wait}})

    @staticmethod
    def submission(submission: str) -> Call:
        return Call("GET", f"/v1/submissions/{submission}", _json)

    @staticmethod
    def submissions(filters: Mapping[str, Any]) -> Call:
        return Call("GET", "/v1/submissions", _json, {"params": dict(filters)})

    @staticmethod
    def cancel(submission: str) -> Call:
        return Call("DELETE", f"/v1/submissions/{submission}", _json, again=False)

    @staticmethod
    def rejudge(submission: str, wait: float) -> Call:
        path = f"/v1/submissions/{submission}/rejudge"
        return Call("POST", path, _json, {"params": {"wait": wait}}, again=False)

    @staticmethod
    def put_problem(problem: str, package: bytes | str | os.PathLike[str]) -> Call:
        content = package if isinstance(package, bytes) else _archive(Path(package))
        return Call("PUT", f"/v1/problems/{problem}", _json, {"content": content})

    @staticmethod
    def verify_problem(problem: str, version: int | None) -> Call:
        params = {} if version is None else {"version": version}
        return Call("POST", f"/v1/problems/{problem}/verify", _json, {"params": params})

    @staticmethod
    def listing(what: str) -> Call:
        return Call("GET", f"/v1/{what}", _json)


def _archive(path: Path) -> bytes:
    """A package as a zip archive."""
    if path.is_file():
        return path.read_bytes()
    place = io.BytesIO()
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for below in sorted(path.rglob("*")):
            if below.is_file():
                archive.write(below, below.relative_to(path))
    return place.getvalue()
