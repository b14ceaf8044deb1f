"""The ASGI application: routes, errors, and what surrounds every request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import FastAPI, Request
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Message, Receive, Scope, Send

from sandbox.service import pages
from sandbox.service import problem as problems
from sandbox.service.api import bodies, errors, files, packages, runs, state, stream, submissions
from sandbox.service.service import Service
from sandbox.service.store.database import new_id

log = structlog.get_logger()


def create_app(service: Service) -> Front:
    """The application of a service, which is started and stopped with it."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await asyncio.to_thread(service.stop)

    app = FastAPI(
        title="sandbox", version="1", lifespan=life, redoc_url=None,
        description="Runs and judges programs that nobody trusts: contained, measured, warm.",
    )  # fmt: skip
    app.state.service = service
    errors.install(app)
    for module in (runs, stream, submissions, packages, files, state, pages):
        app.include_router(module.router)
    _document(app)
    if service.settings.cors:
        app.add_middleware(
            CORSMiddleware, allow_origins=service.settings.cors, allow_methods=["*"], allow_headers=["authorization"]
        )
    return Front(app, service)


def _document(app: FastAPI) -> None:
    """Have the OpenAPI document tell of bodies that are read by hand, and of keys."""
    make = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = make()
            found["components"].setdefault("schemas", {}).update(bodies.schemas())
            found["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            found["security"] = [{"key": []}]
            _problems_everywhere(found)
        return app.openapi_schema or found

    app.openapi = document  # type: ignore[method-assign]


def _problems_everywhere(document: dict[str, Any]) -> None:
    """Every error is told of in the one shape, FastAPI's own of a malformed parameter too."""
    problem = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Details"}}}
    for methods in document["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if status >= "400":
                    response["content"] = problem


class Front:
    """Around every request: an id, a line in the log, and its time in the metrics.

    `POST /v1/runs` goes straight to its function: what a framework does for a request costs as much as a run.
    """

    def __init__(self, app: FastAPI, service: Service) -> None:
        """Before an app, which still knows the route, for its document."""
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI wants it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.monotonic(), 500
        request_id = new_id()
        scope.setdefault("state", {})["id"] = request_id

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        bound = structlog.contextvars.bind_contextvars(request=request_id)
        try:
            if scope["path"] == "/v1/runs" and scope["method"] == "POST" and not self._service.settings.cors:
                await self._run(scope, receive, sending)
            else:
                await self._app(scope, receive, sending)
        finally:
            self._tell(scope, status, time.monotonic() - started)
            structlog.contextvars.reset_contextvars(**bound)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self._app
        request = Request(scope, receive, send)
        try:
            answer = await runs.run(request)
        except Exception as error:  # noqa: BLE001 - as the framework has it
            answer = errors.answer(request, errors.as_problem(error), error)
        await answer(scope, receive, send)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "/v1/runs" if scope["path"] == "/v1/runs" else "none")
        self._service.metrics.request(scope["method"], route, status).observe(seconds)
        log.info("request", method=scope["method"], path=scope["path"], status=status, ms=round(seconds * 1000, 2))
