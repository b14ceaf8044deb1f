"""`/v1/files`: contents that runs and submissions name, by their SHA-256."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from sandbox.service.api.bodies import read_body
from sandbox.service.api.errors import PROBLEMS
from sandbox.service.api.requests import principal_of, service_of

router = APIRouter(prefix="/v1/files", tags=["files"], responses=PROBLEMS)

DAY = 86_400

Id = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="The SHA-256 of the content.")]


class Stored(BaseModel):
    """A file of the service's."""

    id: str
    size: int = Field(description="Bytes.")
    expires: float = Field(description="When it is removed, in seconds since the epoch.")


_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("", status_code=201, openapi_extra=_BODY, summary="Keep a file")
async def put(
    request: Request, days: Annotated[float | None, Query(gt=0, le=3650, description="How long to keep it.")] = None
) -> Stored:
    """Keep the body as a file, for some days; of the same content there is one, which is kept for the longer time."""
    service, principal = service_of(request), await principal_of(request, "run")
    service.quotas.admit(principal.tenant)
    longest = service.settings.file_days
    content = await read_body(request)
    seconds = min(days if days is not None else longest, longest) * DAY
    digest = await asyncio.to_thread(service.contents.keep, principal.tenant, content, seconds)
    found = await asyncio.to_thread(service.contents.find, principal.tenant, digest)
    return Stored(id=digest, size=found.size, expires=found.expires)


@router.get("/{file}", response_class=FileResponse, summary="A file's content")
async def get(request: Request, file: Id) -> Response:
    """The content, or the ranges of it that are asked for."""
    service, principal = service_of(request), await principal_of(request, "run")
    await asyncio.to_thread(service.contents.find, principal.tenant, file)
    # What a program has made is never a page of ours.
    headers = {"content-disposition": "attachment", "x-content-type-options": "nosniff", "etag": f'"{file}"'}
    return FileResponse(service.contents.path(file), media_type="application/octet-stream", headers=headers)


@router.delete("/{file}", status_code=204, summary="Remove a file")
async def remove(request: Request, file: Id) -> None:
    """Have it not be there any more; what runs with it goes on."""
    service, principal = service_of(request), await principal_of(request, "run")
    await asyncio.to_thread(service.contents.forget, principal.tenant, file)
