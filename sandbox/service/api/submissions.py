"""`/v1/submissions`: what is judged when there is a slot for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import AfterValidator, BaseModel, Field, TypeAdapter
from pydantic_core import to_json

from sandbox.errors import RequestError
from sandbox.judge.languages import load
from sandbox.request import Size, file_name
from sandbox.result import encoded
from sandbox.service.access import Principal
from sandbox.service.api.bodies import accepts, parsed, read_body
from sandbox.service.api.errors import PROBLEMS
from sandbox.service.api.given import Given
from sandbox.service.api.models import Content, Model, Order
from sandbox.service.api.requests import principal_of, service_of
from sandbox.service.events import Event
from sandbox.service.problem import Problem
from sandbox.service.service import Service
from sandbox.service.store.tables import CANCELLED, DONE, Submission

router = APIRouter(prefix="/v1/submissions", tags=["submissions"], responses=PROBLEMS)

HEARTBEAT = 10.0
"""Seconds after which a stream of events says that it is still there, and looks if it has missed the end."""
OVER = (DONE, CANCELLED)

Id = Annotated[str, Path(pattern="^[0-9A-Z]{26}$")]
Checker = Literal["default", "exact", "tokens", "lines", "floats", "unordered"]


class InlineTest(Model):
    """A test that comes along."""

    input: Content
    answer: Content


class Submit(Order):
    """A submission: to a problem of the service's, or with tests of its own."""

    model_config = Order.model_config | {
        "json_schema_extra": {
            "examples": [
                {"problem": "sums", "sources": {"a.py": "print(sum(map(int, input().split())))"}},
                {
                    "tests": [{"input": "1 2\n", "answer": "3\n"}], "time_limit": 1.0, "language": "python3",
                    "sources": {"a.py": "print(sum(map(int, input().split())))"},
                },
            ]
        }
    }  # fmt: skip

    problem: str | None = Field(None, max_length=100)
    tests: list[InlineTest] | None = Field(None, min_length=1, max_length=1000)
    time_limit: float | None = Field(None, gt=0, le=600, description="CPU seconds, for tests that come along.")
    memory: Annotated[int, Size, Field(ge=1 << 20, le=1 << 40)] | None = None
    checker: Checker = "default"
    language: str | None = Field(None, max_length=32, description="Found out by names and contents if not said.")
    sources: dict[Annotated[str, AfterValidator(file_name)], Content] = Field(min_length=1, max_length=100)
    webhook: str | None = Field(None, max_length=2000, description="Where the end is told of, if that is allowed.")
    deadline: float | None = Field(None, gt=0, description="Seconds after which nobody wants it any more.")


class Report(BaseModel):
    """A submission, and what is known of it."""

    id: str
    state: str = Field(description="queued, running, done or cancelled.")
    problem: str | None
    version: int | None
    language: str | None
    user: str
    priority: int
    created: float = Field(description="Seconds since the epoch, as the others.")
    started: float | None
    finished: float | None
    verdict: str | None = Field(description="AC, WA, TLE, MLE, OLE, RTE, CE, or JE.")
    score: float | None
    rejudge_of: str | None
    attempts: int
    failures: list[str] | None = Field(None, description="How the sandbox failed, for keys with the scope manage.")
    report: dict[str, Any] | None = Field(
        None, description="The judgement; with the scope manage the jury's, else what the contestant may see."
    )


class Page(BaseModel):
    """A part of a list."""

    submissions: list[Report]
    next: str | None = Field(description="`before` of the next part; null at the end.")


_SUBMIT: TypeAdapter[Submit] = TypeAdapter(Submit)


def view(row: Submission, *, jury: bool, version: int | None, whole: bool = True) -> dict[str, Any]:
    """A submission, as answers have it."""
    names = (
        "id", "state", "problem", "language", "user", "priority", "created", "started", "finished", "verdict", "score",
        "rejudge_of", "attempts",
    )  # fmt: skip
    seen: dict[str, Any] = {name: getattr(row, name) for name in names} | {"version": version}
    if jury:
        seen["failures"] = row.failures
    if whole:
        seen["report"] = row.report and row.report["jury" if jury else "contestant"]
    return seen


async def _view(service: Service, principal: Principal, row: Submission) -> dict[str, Any]:
    version = await asyncio.to_thread(service.version_of, row)
    return view(row, jury=principal.may("manage"), version=version)


@router.post("", status_code=202, response_model=Report, openapi_extra=accepts(Submit), summary="Submit")
async def submit(
    request: Request,
    wait: Annotated[float, Query(ge=0, le=60, description="Seconds to wait for the report.")] = 0.0,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Hand in sources: they are kept, whatever happens, and judged when there is a slot (202), or the report is there
    already (200). With the same Idempotency-Key there is one submission, however often it comes.
    """
    service, principal = service_of(request), await principal_of(request, "submit")
    service.quotas.admit(principal.tenant)
    asked = parsed(_SUBMIT, await read_body(request))
    row = await asyncio.to_thread(_row, service, principal, asked)
    row.idempotency = idempotency_key
    return await _accept(service, principal, row, wait)


async def _accept(service: Service, principal: Principal, row: Submission, wait: float) -> Response:
    if service.draining:
        raise Problem("draining", "the service is being stopped", retry_after=5)
    most = service.settings.quota_of(principal.tenant).submissions
    row, fresh = await asyncio.to_thread(service.judging.submissions.accept, row, most)
    if fresh:
        service.judging.events.tell(row.id, "queued")
        service.judging.wake()
    if wait:
        async for event in _events(service, row.id, 0, wait):
            if event.name in OVER:
                break
        row = await asyncio.to_thread(service.judging.submissions.get, row.id)
    body = await _view(service, principal, row)
    return JSONResponse(body, 200 if row.state in OVER else 202, {"location": f"/v1/submissions/{row.id}"})


def _row(service: Service, principal: Principal, asked: Submit) -> Submission:
    """What is kept of a request; a `Problem` for what cannot be judged. For a thread that may wait."""
    package = tests = None
    if (asked.problem is None) == (asked.tests is None):
        raise Problem("invalid", "there must be either a problem or tests", field="problem")
    if asked.problem is not None:
        try:
            package = service.packages.find(principal.tenant, asked.problem)
        except Problem as problem:
            raise Problem("invalid", problem.detail, field="problem") from None
    given = Given(service, principal)
    if asked.tests is not None:
        tests = _tests(given, asked)
    _check_language(asked.language)
    sources = {name: encoded(given.file(content, f"sources.{name}")) for name, content in asked.sources.items()}
    if asked.webhook is not None:
        service.webhooks.check(asked.webhook)
    deadline = None if asked.deadline is None else time.time() + asked.deadline
    return Submission(
        tenant=principal.tenant, key=principal.key, problem=asked.problem, package=package and package.id, tests=tests,
        language=asked.language, sources=sources, user=asked.user, priority=asked.priority, webhook=asked.webhook,
        deadline=deadline,
    )  # fmt: skip


def _tests(given: Given, asked: Submit) -> dict[str, Any]:
    tests = [
        {
            "in": encoded(given.file(test.input, f"tests.{number}.input")),
            "ans": encoded(given.file(test.answer, f"tests.{number}.answer")),
        }
        for number, test in enumerate(asked.tests or ())
    ]
    return {"tests": tests, "time_limit": asked.time_limit, "memory": asked.memory, "checker": asked.checker}


def _check_language(code: str | None) -> None:
    if code is None:
        return
    try:
        language = load(code)
    except RequestError as error:
        raise Problem("invalid", error.reason, field="language") from None
    if not language.installed():
        raise Problem("invalid", f"{language.name} is not installed here", field="language")


@router.get("", summary="Submissions")
async def list_submissions(
    request: Request,
    problem: str | None = None,
    verdict: str | None = None,
    state: str | None = None,
    user: str | None = None,
    language: str | None = None,
    before: Annotated[str | None, Query(pattern="^[0-9A-Z]{26}$", description="An id: older ones than that.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Page:
    """The latest first, without their reports."""
    service, principal = service_of(request), await principal_of(request, "submit")
    filters = {"problem": problem, "verdict": verdict, "state": state, "user": user, "language": language}
    rows = await asyncio.to_thread(service.judging.submissions.list, principal.tenant, filters, before, limit)
    jury = principal.may("manage")
    views = [Report(**view(row, jury=jury, version=None, whole=False)) for row in rows]
    return Page(submissions=views, next=rows[-1].id if len(rows) == limit else None)


@router.get("/{submission}", summary="A submission")
async def get(request: Request, submission: Id) -> Report:
    """With its report, when it is done."""
    service, principal = service_of(request), await principal_of(request, "submit")
    row = await _find(service, principal, submission)
    return Report(**await _view(service, principal, row))


async def _find(service: Service, principal: Principal, submission: str) -> Submission:
    tenant = None if principal.may("admin") else principal.tenant
    return await asyncio.to_thread(service.judging.submissions.get, submission, tenant)


@router.get(
    "/{submission}/events", summary="What happens to a submission",
    responses={200: {"content": {"text/event-stream": {}}, "description": "Server-sent events."}},
)  # fmt: skip
async def events(request: Request, submission: Id, last_event_id: Annotated[int, Header(ge=0)] = 0) -> Response:
    """Server-sent events: `queued`, `compiling`, `test` with its number, of how many, its name and verdict, `retry`,
    and at the end `done` or `cancelled`. What has happened before is told first.
    """
    service, principal = service_of(request), await principal_of(request, "submit")
    await _find(service, principal, submission)

    async def lines() -> AsyncIterator[bytes]:
        async for event in _events(service, submission, last_event_id):
            if event.name == "heartbeat":
                yield b": still there\n\n"
            else:
                yield b"id: %d\nevent: %s\ndata: %s\n\n" % (event.number, event.name.encode(), to_json(event.data))

    return StreamingResponse(lines(), media_type="text/event-stream", headers={"cache-control": "no-store"})


async def _events(service: Service, submission: str, after: int, seconds: float = float("inf")) -> AsyncIterator[Event]:
    """Its events until it is over, or for so long; in between, `heartbeat`."""
    deadline = time.monotonic() + seconds
    number = after
    with service.judging.events.listening(submission, after) as queue:
        while (left := deadline - time.monotonic()) > 0:
            if queue.empty():
                row = await asyncio.to_thread(service.judging.submissions.get, submission)
                if row.state in OVER and queue.empty():  # before somebody listened, or by another service
                    yield Event(number + 1, row.state, {"verdict": row.verdict, "score": row.score})
                    return
            try:
                event = await asyncio.wait_for(queue.get(), min(left, HEARTBEAT))
            except TimeoutError:
                yield Event(number, "heartbeat", {})
                continue
            number = event.number
            yield event
            if event.name in OVER:
                return


@router.delete("/{submission}", summary="Cancel a submission")
async def cancel(request: Request, submission: Id) -> Report:
    """Have it not be judged, and what runs of it end; a `conflict` if it is over already."""
    service, principal = service_of(request), await principal_of(request, "submit")
    row = await _find(service, principal, submission)
    if not await asyncio.to_thread(service.judging.submissions.cancel, row):
        raise Problem("conflict", f"submission {submission} is over", field="submission")
    service.judging.stop(submission)
    service.judging.events.tell(submission, "cancelled")
    row = await asyncio.to_thread(service.judging.submissions.get, submission)
    return Report(**await _view(service, principal, row))


@router.post("/{submission}/rejudge", status_code=202, response_model=Report, summary="Judge again")
async def rejudge(request: Request, submission: Id, wait: Annotated[float, Query(ge=0, le=60)] = 0.0) -> Response:
    """A new submission of the same sources, to the newest version of the problem."""
    service, principal = service_of(request), await principal_of(request, "manage")
    service.quotas.admit(principal.tenant)
    old = await _find(service, principal, submission)
    package = old.package
    if old.problem is not None:
        package = (await asyncio.to_thread(service.packages.find, old.tenant, old.problem)).id
    row = Submission(
        tenant=old.tenant, key=principal.key, problem=old.problem, package=package, tests=old.tests,
        language=old.language, sources=old.sources, user=old.user, priority=old.priority, rejudge_of=old.id,
    )  # fmt: skip
    await service.audit(principal, "submission.rejudge", old.id)
    return await _accept(service, principal, row, wait)
