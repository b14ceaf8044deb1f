"""`/v1/problems`: problem packages, in versions."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, Field

from sandbox.judge.stop import Stop, Stopped
from sandbox.service.access import Principal
from sandbox.service.api.bodies import read_body
from sandbox.service.api.errors import PROBLEMS
from sandbox.service.api.requests import principal_of, service_of
from sandbox.service.api.waiting import Waiting, until_gone
from sandbox.service.problem import Problem
from sandbox.service.runs import Work
from sandbox.service.store.tables import Package

router = APIRouter(prefix="/v1/problems", tags=["problems"], responses=PROBLEMS)

Id = Annotated[str, Path(pattern="^[a-z0-9][a-z0-9_.-]{0,99}$", description="What the problem is called.")]
Version = Annotated[int | None, Query(ge=1, description="The newest if it is not said.")]

_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class View(BaseModel):
    """A version of a problem package."""

    id: str
    version: int
    created: float = Field(description="Seconds since the epoch.")
    size: int = Field(description="Bytes of the archive.")
    sha256: str
    title: str
    format: str = Field(description="legacy, legacy-icpc, 2023-07-draft, 2025-09, or folder.")
    tests: int
    time_limit: float = Field(description="CPU seconds.")
    time_limit_from: str | None = Field(description="Where it comes from, if the package leaves it open.")
    memory_limit: int = Field(description="Bytes.")
    scoring: bool
    interactive: bool
    languages: list[str] | None = Field(description="Those that are allowed; null for all.")
    warnings: list[str]


class Verification(BaseModel):
    """What was found out about a package: `sandbox problem check --json`."""

    problem: str
    ok: bool
    time_limit: float | None
    complaints: list[dict[str, Any]]
    submissions: list[dict[str, Any]]


def view(row: Package) -> dict[str, Any]:
    """A version, as answers have it."""
    return {
        "id": row.problem, "version": row.version, "created": row.created, "size": row.size, "sha256": row.digest,
        **row.summary,
    }  # fmt: skip


@router.put("/{problem}", response_model=View, status_code=201, openapi_extra=_BODY, summary="Put a problem package")
async def put(request: Request, problem: Id) -> Response:
    """A zip archive of a problem package, or of a folder of tests. Its programs are compiled and its data is validated,
    in a slot, and it is said at once what is wrong; a time limit that it leaves open comes from how long the jury's
    submissions take. Another content is another version (201); the same is the same (200).
    """
    service, principal = service_of(request), await principal_of(request, "manage")
    service.quotas.admit(principal.tenant)
    archive = await read_body(request)
    do = functools.partial(service.packages.put, principal.tenant, problem, archive)
    row, fresh = await _tried(request, principal, do)
    if fresh:
        await service.audit(principal, "problem.put", problem, version=row.version)
    return JSONResponse(view(row), 201 if fresh else 200)


async def _tried(request: Request, principal: Principal, do: Callable[[Stop], Any]) -> Any:
    """What comes of something that a package is tried by, in a slot, for so long; it ends if the client goes away."""
    service = service_of(request)
    most = service.settings.trial

    def work(stop: Stop) -> Any:
        started = time.monotonic()
        alarm = threading.Timer(most, stop)
        alarm.start()
        try:
            return do(stop)
        except Stopped:
            raise Problem("invalid", f"to try the package takes more than {most:g} seconds", field="body") from None
        finally:
            alarm.cancel()
            service.quotas.charge(principal.tenant, time.monotonic() - started, 0)

    return await Waiting(service, principal.tenant, Work(work), 0).outcome(functools.partial(until_gone, request))


@router.get("", summary="The problems")
async def list_problems(request: Request) -> list[View]:
    """The newest version of each."""
    service, principal = service_of(request), await principal_of(request, "submit")
    newest: dict[str, Package] = {}
    for row in await asyncio.to_thread(service.packages.versions, principal.tenant):
        newest.setdefault(row.problem, row)
    return [View(**view(row)) for row in newest.values()]


@router.get("/{problem}", summary="A problem")
async def get(request: Request, problem: Id, version: Version = None) -> View:
    """One version of it."""
    service, principal = service_of(request), await principal_of(request, "submit")
    return View(**view(await asyncio.to_thread(service.packages.find, principal.tenant, problem, version)))


@router.get("/{problem}/versions", summary="All versions of a problem")
async def versions(request: Request, problem: Id) -> list[View]:
    """The newest first."""
    service, principal = service_of(request), await principal_of(request, "submit")
    await asyncio.to_thread(service.packages.find, principal.tenant, problem)
    rows = await asyncio.to_thread(service.packages.versions, principal.tenant, problem)
    return [View(**view(row)) for row in rows]


@router.get("/{problem}/package", response_class=FileResponse, summary="The package of a problem")
async def package(request: Request, problem: Id, version: Version = None) -> Response:
    """The archive, with the jury's answers."""
    service, principal = service_of(request), await principal_of(request, "manage")
    row = await asyncio.to_thread(service.packages.find, principal.tenant, problem, version)
    path = service.contents.path(row.digest)
    return FileResponse(path, media_type="application/zip", filename=f"{row.problem}-{row.version}.zip")


@router.post("/{problem}/verify", summary="Judge the jury's submissions")
async def verify(request: Request, problem: Id, version: Version = None) -> Verification:
    """Whether the package keeps its promises: its data is valid, and all of the jury's submissions end as it says."""
    service, principal = service_of(request), await principal_of(request, "manage")
    service.quotas.admit(principal.tenant)
    row = await asyncio.to_thread(service.packages.find, principal.tenant, problem, version)
    return Verification(**await _tried(request, principal, functools.partial(service.packages.verify, row)))


@router.delete("/{problem}", status_code=204, summary="Remove a problem")
async def remove(request: Request, problem: Id) -> None:
    """All versions of it; what is being judged goes on."""
    service, principal = service_of(request), await principal_of(request, "manage")
    await asyncio.to_thread(service.packages.remove, principal.tenant, problem)
    await service.audit(principal, "problem.remove", problem)
