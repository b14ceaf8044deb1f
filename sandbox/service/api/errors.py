"""Errors of the library and of the framework, in the one shape of errors."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from sandbox.errors import LaunchError, PolicyError, RequestError, SandboxError
from sandbox.service.problem import KINDS, MEDIA_TYPE, Details, Problem

log = structlog.get_logger()

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Details, "description": HTTPStatus(status).phrase}
    for status in sorted({status for status, _, _ in KINDS.values()} - {404, 405, 408, 409, 500})
}
"""What every route may answer beside what it is for."""

_PROGRAM = ("execve", "chdir", "clone")
"""Steps of a launch that fail for what was asked, not for what the host is."""


def as_problem(error: Exception) -> Problem:
    """What the library raised, as a problem."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, ClientDisconnect):
        return Problem("gone", "the body did not come to its end", field="body")
    if isinstance(error, RequestError):
        return Problem("invalid", error.reason, field=error.field)
    if isinstance(error, PolicyError):
        return Problem("invalid", str(error), field="policy")
    if isinstance(error, LaunchError) and error.step.partition(" ")[0] in _PROGRAM:
        field = "cwd" if error.step.startswith("chdir") else "argv"
        return Problem("not-started", str(error), field=field, more={"step": error.step, "errno": error.errno})
    if isinstance(error, SandboxError):
        return Problem("sandbox", "a box could not be had, or died", retry_after=1)
    return Problem("internal", "an error that nobody thought of")


def install(app: FastAPI) -> None:
    """Have an app answer so."""

    async def handle(request: Request, error: Exception) -> Response:
        return answer(request, as_problem(error), error)

    async def handle_http(request: Request, error: HTTPException) -> Response:
        kind = {404: "not-found", 405: "method"}.get(error.status_code, "invalid")
        return answer(request, Problem(kind, f"{request.method} {request.url.path}: {error.detail}"), error)

    async def handle_validation(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:]) or "body"
        return answer(request, Problem("invalid", first["msg"].removeprefix("Value error, "), field=field), error)

    for kind in (Problem, SandboxError, Exception):
        app.add_exception_handler(kind, handle)
    app.add_exception_handler(HTTPException, handle_http)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, handle_validation)  # type: ignore[arg-type]


def answer(request: Request, problem: Problem, error: Exception | None = None) -> Response:
    """A problem as an answer, counted and, if it is ours, logged."""
    metrics = request.app.state.service.metrics
    metrics.refused.labels(problem.kind).inc()
    if problem.kind in ("sandbox", "internal"):
        step = error.step.partition(" ")[0] if isinstance(error, LaunchError) else type(error).__name__
        metrics.failures.labels(step).inc()
        log.error("request failed", problem=problem.kind, error=str(error), exc_info=error)
    body = to_json(problem.to_json(getattr(request.state, "id", None)))
    return Response(body, problem.status, problem.headers, MEDIA_TYPE)
