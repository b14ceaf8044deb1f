"""`/v1/problems`: problem packages, in versions."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, Field

from sandbox.service.api.bodies import read_body
from sandbox.service.api.errors import PROBLEMS
from sandbox.service.api.requests import principal_of, service_of
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


class Problem(BaseModel):
    """A version of a problem package."""

    id: str
    version: int
    created: float = Field(description="Seconds since the epoch.")
    size: int = Field(description="Bytes of the archive.")
    sha256: str
    title: str
    format: str = Field(description="legacy, legacy-icpc, 2023-07-draft, 2025-09, or folder.")
    tests: int
    time_limit: float | None = Field(description="CPU seconds; null if the package leaves it open.")
    memory_limit: int = Field(description="Bytes.")
    scoring: bool
    interactive: bool
    languages: list[str] | None = Field(description="Those that are allowed; null for all.")
    warnings: list[str]


def view(row: Package) -> dict[str, Any]:
    """A version, as answers have it."""
    return {
        "id": row.problem, "version": row.version, "created": row.created, "size": row.size, "sha256": row.digest,
        **row.summary,
    }  # fmt: skip


@router.put("/{problem}", response_model=Problem, status_code=201, openapi_extra=_BODY, summary="Put a problem package")
async def put(request: Request, problem: Id) -> Response:
    """A zip archive of a problem package, or of a folder of tests; its programs are compiled, and it is said at once
    what is wrong. Another content is another version (201); the same is the same (200).
    """
    service, principal = service_of(request), await principal_of(request, "manage")
    service.quotas.admit(principal.tenant)
    archive = await read_body(request)
    row, fresh = await asyncio.to_thread(service.packages.put, principal.tenant, problem, archive)
    if fresh:
        await service.audit(principal, "problem.put", problem, version=row.version)
    return JSONResponse(view(row), 201 if fresh else 200)


@router.get("", summary="The problems")
async def list_problems(request: Request) -> list[Problem]:
    """The newest version of each."""
    service, principal = service_of(request), await principal_of(request, "submit")
    newest: dict[str, Package] = {}
    for row in await asyncio.to_thread(service.packages.versions, principal.tenant):
        newest.setdefault(row.problem, row)
    return [Problem(**view(row)) for row in newest.values()]


@router.get("/{problem}", summary="A problem")
async def get(request: Request, problem: Id, version: Version = None) -> Problem:
    """One version of it."""
    service, principal = service_of(request), await principal_of(request, "submit")
    return Problem(**view(await asyncio.to_thread(service.packages.find, principal.tenant, problem, version)))


@router.get("/{problem}/versions", summary="All versions of a problem")
async def versions(request: Request, problem: Id) -> list[Problem]:
    """The newest first."""
    service, principal = service_of(request), await principal_of(request, "submit")
    await asyncio.to_thread(service.packages.find, principal.tenant, problem)
    rows = await asyncio.to_thread(service.packages.versions, principal.tenant, problem)
    return [Problem(**view(row)) for row in rows]


@router.get("/{problem}/package", response_class=FileResponse, summary="The package of a problem")
async def package(request: Request, problem: Id, version: Version = None) -> Response:
    """The archive, with the jury's answers."""
    service, principal = service_of(request), await principal_of(request, "manage")
    row = await asyncio.to_thread(service.packages.find, principal.tenant, problem, version)
    path = service.contents.path(row.digest)
    return FileResponse(path, media_type="application/zip", filename=f"{row.problem}-{row.version}.zip")


@router.delete("/{problem}", status_code=204, summary="Remove a problem")
async def remove(request: Request, problem: Id) -> None:
    """All versions of it; what is being judged goes on."""
    service, principal = service_of(request), await principal_of(request, "manage")
    await asyncio.to_thread(service.packages.remove, principal.tenant, problem)
    await service.audit(principal, "problem.remove", problem)
