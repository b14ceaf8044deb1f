"""Web pages: a playground, submissions, and how the service does; rendered here, with small scripts of our own."""

from __future__ import annotations

import asyncio
import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from sandbox.judge import languages
from sandbox.service.access import Principal, Scope
from sandbox.service.api.requests import principal_of, service_of
from sandbox.service.problem import Problem
from sandbox.service.sessions import COOKIE, HOURS, check_origin

router = APIRouter(include_in_schema=False)

_HERE = Path(__file__).parent
_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"), autoescape=select_autoescape(), undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip
_STATIC = {"app.css": "text/css", "playground.js": "text/javascript", "submission.js": "text/javascript",
           "dashboard.js": "text/javascript"}  # fmt: skip

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with none, forms would not say that they are ours
    "cache-control": "no-store",
}
"""Of every page: nothing from elsewhere, nothing inline, in no frame."""


def render(name: str, status: int = 200, **values: Any) -> Response:
    """A page."""
    values.setdefault("principal", None)
    return HTMLResponse(_templates.get_template(name).render(**values), status, HEADERS)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")


_templates.filters["time"] = _time
_templates.filters["mib"] = lambda size: "" if size is None else f"{size / 1048576:.1f}"
_templates.filters["seconds"] = lambda value: "" if value is None else f"{value:.3f}"


async def _who(request: Request, scope: Scope) -> Principal | Response:
    """Who is there, or the way to the login."""
    try:
        return await principal_of(request, scope)
    except Problem as problem:
        if problem.kind == "unauthorized":
            return RedirectResponse(f"/login?next={request.url.path}", 303)
        return render("problem.html", problem.status, problem=problem)


@router.get("/static/{name}")
async def static(name: str) -> Response:
    """A script or a style."""
    if name not in _STATIC:
        raise Problem("not-found", f"there is no {name}")
    headers = {"x-content-type-options": "nosniff", "cache-control": "max-age=300"}
    return FileResponse(_HERE / "static" / name, media_type=_STATIC[name], headers=headers)


@router.get("/login")
async def login_form(next: str = "/") -> Response:  # noqa: A002 - what it is called everywhere
    """Where a key is given."""
    return render("login.html", after=_local(next), wrong="")


@router.post("/login")
async def login(request: Request, key: Annotated[str, Form()] = "", after: Annotated[str, Form()] = "/") -> Response:
    """A session for a key."""
    check_origin(request)
    service = service_of(request)
    address = request.client.host if request.client else ""
    service.sessions.check_attempts(address)
    try:
        await asyncio.to_thread(service.keys.authenticate, key.strip())
    except Problem as problem:
        service.sessions.count_wrong(address)
        return render("login.html", problem.status, after=_local(after), wrong=problem.detail)
    answer = RedirectResponse(_local(after), 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(
        COOKIE, service.sessions.begin(key.strip()), HOURS * 3600, httponly=True, samesite="strict", secure=secure
    )
    return answer


def _local(path: str) -> str:
    """A path of this service, whatever was asked for."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


@router.post("/logout")
async def logout(request: Request) -> Response:
    """No session any more."""
    check_origin(request)
    service_of(request).sessions.end(request)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/")
async def playground(request: Request) -> Response:
    """A language, sources, input, limits; and what comes of them."""
    who = await _who(request, "run")
    if isinstance(who, Response):
        return who
    known = await asyncio.to_thread(_languages)
    return render("playground.html", principal=who, languages=known)


def _languages() -> list[dict[str, Any]]:
    """Those that are installed, with a name for a source and a program that works."""
    found = []
    for code in languages.codes():
        language = languages.load(code)
        if language.installed():
            name, source = language.selftest.file, language.selftest.source.lstrip("\n")
            found.append({"code": code, "name": language.name, "file": name, "source": source})
    return sorted(found, key=lambda one: one["name"].lower())


@router.get("/submissions")
async def submissions(request: Request, before: str | None = None, verdict: str | None = None) -> Response:
    """The latest."""
    who = await _who(request, "submit")
    if isinstance(who, Response):
        return who
    filters = {"verdict": verdict or None}
    rows = await asyncio.to_thread(service_of(request).judging.submissions.list, who.tenant, filters, before, 50)
    more = rows[-1].id if len(rows) == 50 else None
    return render("submissions.html", principal=who, rows=rows, more=more, verdict=verdict or "")


@router.get("/submissions/{submission}")
async def submission(request: Request, submission: str) -> Response:
    """One, live while it is judged."""
    who = await _who(request, "submit")
    if isinstance(who, Response):
        return who
    tenant = None if who.may("admin") else who.tenant
    try:
        row = await asyncio.to_thread(service_of(request).judging.submissions.get, submission, tenant)
    except Problem as problem:
        return render("problem.html", problem.status, principal=who, problem=problem)
    report = row.report and row.report["jury" if who.may("manage") else "contestant"]
    tests = list(_tests(report["root"])) if report and report["root"] else []
    limit = (report or {}).get("time_limit")
    return render(
        "submission.html", principal=who, row=row, report=report, tests=tests, limit=limit, jury=who.may("manage")
    )


def _tests(group: dict[str, Any]) -> Any:
    for child in group.get("children", ()):
        if "children" in child:
            yield from _tests(child)
        else:
            yield child


@router.get("/dashboard")
async def dashboard(request: Request) -> Response:
    """How the service does."""
    who = await _who(request, "admin")
    if isinstance(who, Response):
        return who
    return render("dashboard.html", principal=who, numbers=await _numbers(request))


@router.get("/dashboard/numbers")
async def numbers(request: Request) -> dict[str, Any]:
    """What the dashboard shows."""
    await principal_of(request, "admin")
    return await _numbers(request)


async def _numbers(request: Request) -> dict[str, Any]:
    service = service_of(request)
    filters = {"verdict": "JE"}
    failed = await asyncio.to_thread(service.judging.submissions.list, None, filters, None, 10)
    return {
        "slots": service.slots.size,
        "busy": service.slots.busy,
        "waiting": len(service.slots.queue),
        "open": await asyncio.to_thread(service.judging.submissions.waiting),
        "runs": service.metrics.count(service.metrics.runs),
        "judged": service.metrics.count(service.metrics.judgements),
        "failures": service.metrics.count(service.metrics.failures),
        "boxes": len(service.slots.boxes),
        "failed": [{"id": row.id, "at": _time(row.finished), "why": (row.failures or [""])[-1]} for row in failed],
    }
