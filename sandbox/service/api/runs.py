"""`/v1/runs`: programs that run while the request waits."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter
from pydantic_core import to_json

from sandbox.capture import STDOUT
from sandbox.errors import SandboxError
from sandbox.judge.compiler import Rejected
from sandbox.judge.stop import Stop
from sandbox.judge.submission import Submission
from sandbox.policy import Policy
from sandbox.request import Limits
from sandbox.result import Result
from sandbox.service.access import Principal
from sandbox.service.api.bodies import accepts, parsed, read_body
from sandbox.service.api.errors import PROBLEMS, as_problem
from sandbox.service.api.given import Given
from sandbox.service.api.models import (
    AnyRun,
    Batch,
    Group,
    GroupRun,
    Order,
    Program,
    Report,
    Reports,
    Run,
)
from sandbox.service.api.requests import principal_of, service_of
from sandbox.service.api.waiting import Waiting, until_gone
from sandbox.service.problem import Problem
from sandbox.service.runs import Job
from sandbox.service.runs import Run as RunTask
from sandbox.service.service import Service

router = APIRouter(prefix="/v1", tags=["runs"], responses=PROBLEMS)

_RUN: TypeAdapter[Run | GroupRun] = TypeAdapter(AnyRun)
_BATCH = TypeAdapter(Batch)
SMALL, FEW = 65_536, 256
"""Characters of a stdin, and arguments or variables, that the event loop takes care of itself."""


class Runner:
    """Has requests' programs run, for one principal."""

    def __init__(self, service: Service, principal: Principal) -> None:
        self._service, self._principal = service, principal

    def start(self, asked: Run | GroupRun) -> Waiting:
        """Put it into the queue; a `Problem` if it is not one, or there is no room."""
        programs: Sequence[Program] = asked.programs if isinstance(asked, Group) else [asked]
        pipes = [(pipe.source, pipe.target) for pipe in asked.pipes] if isinstance(asked, Group) else []
        _check_pipes(pipes, programs)
        policies = [
            self._service.policy(program.policy, _Place(number, asked)("policy"))
            for number, program in enumerate(programs)
        ]
        finish = functools.partial(self._finish, asked, programs)
        owner = f"{self._principal.tenant}/{asked.user}"
        make = functools.partial(self._make, asked, programs, policies)
        task = RunTask(owner, make, finish, pipes, plain=isinstance(asked, Run) and _is_plain(asked))
        return Waiting(self._service, self._principal.tenant, task, asked.priority)

    def live(self, asked: Run, *, terminal: bool) -> tuple[Callable[[Stop], Job], Callable[[list[Result]], bytes]]:
        """What makes the job of a run whose streams are elsewhere, and what makes the answer."""
        chosen = self._service.policy(asked.policy, terminal=terminal)

        def make(stop: Stop) -> Job:
            return self._make(asked, [asked], [chosen], stop)[0]

        return make, functools.partial(self._finish, asked, [asked])

    def _make(self, asked: Order, programs: Sequence[Program], policies: Sequence[Policy], stop: Stop) -> list[Job]:
        given = Given(self._service, self._principal)
        return [
            self._job(program, chosen, _Place(number, asked), given, stop)
            for number, (program, chosen) in enumerate(zip(programs, policies, strict=True))
        ]

    def _job(self, program: Program, chosen: Policy, at: _Place, given: Given, stop: Stop) -> Job:
        options = self._options(program, at, given)
        if not program.sources:
            return Job(program.argv, chosen, options)
        files = {name: given.file(content, at(f"sources.{name}")) for name, content in program.sources.items()}
        made = self._service.judging.compiler.compile(Submission("run", files, program.language), stop=stop)
        if isinstance(made, Rejected):
            why = made.message.strip().partition("\n")[0]
            raise Problem("not-compiled", why, field=at("sources"), more={"compiler_output": made.message})
        if made.compile_time and not made.cached:
            self._service.quotas.charge(self._principal.tenant, made.compile_time, 0)
        memory = made.policy.resolve(program.limits).memory  # before what the language gets beyond it
        limits = made.limits(program.limits.model_copy(update={"memory": memory}))
        options["limits"] = limits
        policy = made.under(Limits(memory=limits.memory, stack=limits.stack))
        return Job((*made.argv(limits), *program.argv), policy, options, made.close)

    @staticmethod
    def _options(program: Program, at: _Place, given: Given) -> dict[str, Any]:
        options: dict[str, Any] = {"limits": program.limits}
        if program.stdin:
            options["stdin"] = given.file(program.stdin, at("stdin"))
        if program.files:
            options["files"] = {
                name: given.file(content, at(f"files.{name}")) for name, content in program.files.items()
            }
        for name in ("env", "cwd", "collect"):
            if value := getattr(program, name):
                options[name] = value
        if program.merge:
            options["stderr"] = STDOUT
        options["umask"] = program.umask
        return options

    def _finish(self, asked: Order, programs: Sequence[Program], results: list[Result]) -> bytes:
        """The answer, and what it costs the tenant."""
        self._service.quotas.charge(
            self._principal.tenant, sum(r.cpu_time or r.wall_time for r in results), len(results)
        )
        for result in results:
            self._service.metrics.runs.labels(result.status.value).inc()
        reports = [self._report(program, result) for program, result in zip(programs, results, strict=True)]
        return to_json({"results": reports} if isinstance(asked, Group) else reports[0])

    def _report(self, program: Program, result: Result) -> dict[str, Any]:
        report = result.to_json()
        if program.keep:
            keep = functools.partial(self._service.contents.keep, self._principal.tenant)
            seconds = self._service.settings.file_days * 86_400
            for name, content in result.files.items():
                if isinstance(content, bytes) and not name.endswith("/"):
                    report["files"][name] = {"file": keep(content, seconds), "size": len(content)}
        return report


def _is_plain(program: Program) -> bool:
    """Whether nothing has to be read, compiled, moved or kept for it that would hold up the event loop."""
    if program.sources or program.files or program.collect or len(program.argv) > FEW or len(program.env) > FEW:
        return False
    return not program.stdin or (isinstance(program.stdin, str) and len(program.stdin) <= SMALL)


def _check_pipes(pipes: Sequence[tuple[int, int]], programs: Sequence[Program]) -> None:
    for end, name in ((0, "source"), (1, "target")):
        numbers = [pipe[end] for pipe in pipes]
        if any(number >= len(programs) for number in numbers):
            raise Problem("invalid", f"there is no program of that number: {max(numbers)}", field=f"pipes.{name}")
        if len(set(numbers)) < len(numbers):
            raise Problem("invalid", "a program has one stdin and one stdout", field=f"pipes.{name}")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a request a program is."""

    number: int
    asked: Order

    def __call__(self, name: str) -> str:
        """The name of a field of it."""
        return f"programs.{self.number}.{name}" if isinstance(self.asked, Group) else name


@router.post(
    "/runs",
    response_model=Report | Reports,
    openapi_extra=accepts(Run, GroupRun),
    summary="Run programs, and wait for them",
)
async def run(request: Request) -> Response:
    """Run one program, or a group with pipes between them, and answer with how it ended.

    If the client goes away, what runs is ended.
    """
    service, principal = service_of(request), await principal_of(request, "run")
    service.quotas.admit(principal.tenant)
    asked = parsed(_RUN, await read_body(request))
    waiting = Runner(service, principal).start(asked)
    answer = await waiting.outcome(functools.partial(until_gone, request))
    return Response(answer, media_type="application/json", headers={"server-timing": waiting.measure()})


@router.post(
    "/runs:batch", openapi_extra=accepts(Batch), summary="Run many programs",
    responses={200: {"content": {"application/x-ndjson": {}}, "description": "A line for each run, as they end."}},
)  # fmt: skip
async def batch(request: Request) -> Response:
    """Run many programs; a line `{"index": …, "result": …}`, or with `"problem"`, for each as it ends.

    No more are begun than are read: a client that reads slowly holds up its own batch only.
    """
    service, principal = service_of(request), await principal_of(request, "run")
    asked = parsed(_BATCH, await read_body(request))
    if len(asked.runs) > service.settings.batch:
        raise Problem("invalid", f"a batch has at most {service.settings.batch} runs", field="runs")
    service.quotas.admit(principal.tenant, len(asked.runs))
    lines = _lines(service, Runner(service, principal), asked.runs)
    return StreamingResponse(lines, media_type="application/x-ndjson")


async def _lines(service: Service, runner: Runner, runs: Sequence[Run]) -> AsyncIterator[bytes]:
    left = iter(enumerate(runs))
    going: set[asyncio.Task[bytes]] = set()
    try:
        while True:
            while len(going) < 2 * service.settings.slots and (one := next(left, None)) is not None:
                going.add(asyncio.ensure_future(_line(runner, *one)))
            if not going:
                return
            done, going = await asyncio.wait(going, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in going:
            task.cancel()


async def _line(runner: Runner, index: int, asked: Run) -> bytes:
    try:
        answer = await runner.start(asked).outcome()
    except (SandboxError, Problem) as error:
        return to_json({"index": index, "problem": as_problem(error).to_json()}) + b"\n"
    return b'{"index":%d,"result":%s}\n' % (index, answer)
