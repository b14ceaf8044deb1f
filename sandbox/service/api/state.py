"""What a service is and can: health, numbers, languages, policies, the host."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select, text

from sandbox.judge import languages
from sandbox.kernel.probe import probe
from sandbox.service.api.errors import PROBLEMS
from sandbox.service.api.requests import principal_of, service_of
from sandbox.service.problem import KINDS, Problem
from sandbox.service.store.tables import Audit

router = APIRouter(tags=["state"])


@router.get("/healthz", summary="Whether the service is alive")
async def healthy() -> dict[str, str]:
    """Yes, if it answers."""
    return {"status": "alive"}


@router.get("/readyz", summary="Whether the service takes work", responses={503: PROBLEMS[503]})
def ready(request: Request) -> dict[str, str]:
    """Whether it takes runs and submissions: it is not being stopped, and its database answers."""
    service = service_of(request)
    if service.draining:
        raise Problem("draining", "the service is being stopped", retry_after=5)
    with service.database.read() as session:
        session.execute(text("SELECT 1"))
    return {"status": "ready"}


@router.get("/metrics", summary="Numbers for Prometheus", response_class=Response)
async def metrics(request: Request) -> Response:
    """For the operator's own network: without a key, and without anything of a tenant's."""
    return Response(service_of(request).metrics.text(), media_type="text/plain; version=0.0.4")


@router.get("/v1/policies", summary="Policies that requests may name", responses=PROBLEMS)
async def policies(request: Request) -> list[dict[str, Any]]:
    """Each with what it is for, the limits that are in force unless a request says less, and the most it may say."""
    await principal_of(request, "run")
    return [
        {
            "name": name, "description": policy.description, "limits": policy.limits.model_dump(),
            "ceilings": policy.ceilings.model_dump(),
        }
        for name, policy in sorted(service_of(request).policies.items())
    ]  # fmt: skip


@router.get("/v1/languages", summary="Languages of submissions", responses=PROBLEMS)
async def list_languages(request: Request) -> list[dict[str, Any]]:
    """Each with its code, name, endings of files, and whether it is installed."""
    await principal_of(request, "submit")
    return await asyncio.to_thread(lambda: [_language(languages.load(code)) for code in languages.codes()])


def _language(language: languages.Language) -> dict[str, Any]:
    return {
        "code": language.code, "name": language.name, "endings": list(language.extensions),
        "installed": language.installed(),
    }  # fmt: skip


@router.get("/v1/audit", summary="Who did what", responses=PROBLEMS)
async def audit(
    request: Request, before: str | None = None, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> list[dict[str, Any]]:
    """The latest first: changes of keys, problems and submissions."""
    await principal_of(request, "admin")
    service = service_of(request)

    def read() -> list[dict[str, Any]]:
        query = select(Audit).order_by(Audit.id.desc()).limit(limit)
        with service.database.read() as session:
            rows = session.scalars(query if before is None else query.where(Audit.id < before)).all()
        names = ("id", "at", "tenant", "key", "action", "target", "detail")
        return [{name: getattr(row, name) for name in names} for row in rows]

    return await asyncio.to_thread(read)


@router.get("/v1/host", summary="What the host offers for containing programs", responses=PROBLEMS)
async def host(request: Request) -> list[dict[str, Any]]:
    """As `sandbox doctor --json`."""
    await principal_of(request, "admin")
    service = service_of(request)
    limits = next(iter(service.policies.values())).limits
    return [dataclasses.asdict(feature) for feature in await asyncio.to_thread(probe, limits)]


@router.get("/problems/{kind}", summary="What a kind of problem is", tags=["problems"])
async def problem(kind: str) -> dict[str, Any]:
    """What the `type` of an error refers to."""
    if kind not in KINDS:
        raise Problem("not-found", f"there is no kind of problem {kind!r}")
    status, title, hint = KINDS[kind]
    return {"type": Problem.base + kind, "status": status, "title": title, "hint": hint}
