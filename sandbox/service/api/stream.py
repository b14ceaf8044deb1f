"""`WS /v1/runs/stream`: a program whose streams the client is at the other end of.

The client's first message is text, an object: a run as of `POST /v1/runs`, without `stdin`, and perhaps `key` (instead
of a header, for browsers), `terminal` (`{"rows": 24, "columns": 80}`) and `usage` (seconds between two samples). Then,
from the client: bytes for stdin; and as text `{"eof": true}`, `{"signal": 15, "group": false}`,
`{"resize": {"rows": …, "columns": …}}`, `{"kill": true}`. From the service: bytes, of which the first is 1 for stdout
and 2 for stderr; and as text `{"started": true}`, `{"usage": {…}}`, and at the end `{"result": {…}}` or
`{"problem": {…}}`. Who does not read has the program wait, and its time on the clock goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from typing import Annotated

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from sandbox.errors import SandboxError
from sandbox.handover import Terminal
from sandbox.service.access import Principal
from sandbox.service.api.bodies import invalid, parsed
from sandbox.service.api.errors import as_problem
from sandbox.service.api.models import Model, Run
from sandbox.service.api.requests import principal_of, service_of
from sandbox.service.api.runs import Runner
from sandbox.service.api.waiting import Waiting
from sandbox.service.problem import Problem
from sandbox.service.sessions import check_origin
from sandbox.service.streams import LiveRun

router = APIRouter()

PATIENCE = 10.0
"""Seconds in which the first message has to come."""

CHUNK = 32 << 10
"""Bytes of a message, at most."""


class Size(Model):
    """That of a terminal."""

    rows: Annotated[int, Field(gt=0, lt=1 << 16)] = 24
    columns: Annotated[int, Field(gt=0, lt=1 << 16)] = 80


class Start(Run):
    """The first message."""

    key: str = ""
    terminal: Size | None = None
    usage: Annotated[float, Field(ge=0.1)] | None = None


class Order(Model):
    """A later message: one of these."""

    eof: bool = False
    kill: bool = False
    signal: Annotated[int, Field(ge=1, le=64)] | None = None
    group: bool = False
    resize: Size | None = None


_START, _ORDER = TypeAdapter(Start), TypeAdapter(Order)


@router.websocket("/v1/runs/stream")
async def stream(socket: WebSocket) -> None:
    """Run one program; see above."""
    await socket.accept()
    if "origin" in socket.headers:  # of a browser, in which any site's page could ask
        try:
            check_origin(socket)
        except Problem as problem:
            await socket.send_text(to_json({"problem": problem.to_json()}).decode())
            await socket.close()
            return
    talk = _Talk(socket)
    try:
        await talk.hold()
    except WebSocketDisconnect:
        return
    except (SandboxError, Problem) as error:
        await talk.say(to_json({"problem": as_problem(error).to_json()}))
    with contextlib.suppress(RuntimeError):  # it has been closed by the other side
        await socket.close()


class _Talk:
    """One client and one program."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._saying = asyncio.Lock()
        self._terminal: Terminal | None = None

    async def say(self, text: bytes) -> None:
        """Send a text."""
        async with self._saying:
            await self._socket.send_text(text.decode())

    async def hold(self) -> None:
        """From the first message to the last."""
        service = service_of(self._socket)
        asked, principal = await self._hear_first()
        service.quotas.admit(principal.tenant)
        with contextlib.ExitStack() as opened:
            if asked.terminal is not None:
                self._terminal = Terminal(asked.terminal.rows, asked.terminal.columns)
                opened.callback(self._terminal.close)
            make, finish = Runner(service, principal).live(asked, terminal=asked.terminal is not None)
            live = LiveRun(f"{principal.tenant}/{asked.user}", make, finish, self._terminal)
            opened.callback(live.close)
            await live.open()
            await self._accompany(live, Waiting(service, principal.tenant, live, asked.priority), asked.usage)

    async def _hear_first(self) -> tuple[Start, Principal]:
        try:
            async with asyncio.timeout(PATIENCE):
                first = await self._hear()
        except TimeoutError:
            raise Problem("too-slow", f"the first message did not come within {PATIENCE:g} seconds") from None
        if isinstance(first, bytes):
            raise Problem("invalid", "the first message is to be text", field="body")
        asked = parsed(_START, first.encode())
        if asked.stdin:
            raise Problem("invalid", "what it reads comes as messages of bytes", field="stdin")
        return asked, await principal_of(self._socket, "run", asked.key)

    async def _hear(self) -> bytes | str:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        data: bytes | str | None = message.get("bytes")
        return data if data is not None else message["text"]

    async def _accompany(self, live: LiveRun, waiting: Waiting, every: float | None) -> None:
        outcome = asyncio.ensure_future(waiting.outcome())
        outputs = [asyncio.ensure_future(self._pass_on(live, number)) for number in (1, 2)]
        obeying = asyncio.ensure_future(self._obey(live))
        telling = asyncio.ensure_future(self._tell(live, every))
        try:
            await asyncio.wait([outcome, obeying], return_when=asyncio.FIRST_COMPLETED)
            if not outcome.done():
                await obeying  # which raises: the client has gone, or has said what cannot be obeyed
            answer = await asyncio.shield(outcome)  # which ends when the program has, and not before
            await asyncio.gather(*outputs)
            await self.say(b'{"result":%s}' % answer)
        finally:
            for task in (*outputs, obeying, telling):
                task.cancel()
            if waiting.abandon():
                outcome.cancel()
            await asyncio.wait([outcome])
            outcome.cancelled() or outcome.exception()  # whoever is told of it has been

    async def _pass_on(self, live: LiveRun, number: int) -> None:
        reader = live.stdout if number == 1 else live.stderr
        while data := await reader.read(CHUNK):
            async with self._saying:
                await self._socket.send_bytes(bytes([number]) + data)

    async def _tell(self, live: LiveRun, every: float | None) -> None:
        """That it has begun, and what it uses."""
        await live.begun.wait()
        await self.say(b'{"started":true}')
        while every is not None and (usage := await asyncio.to_thread(live.control.usage)) is not None:
            await self.say(to_json({"usage": usage._asdict()}))
            await asyncio.sleep(every)

    async def _obey(self, live: LiveRun) -> None:
        """What the client says, until it goes away, which raises `WebSocketDisconnect`."""
        while True:
            heard = await self._hear()
            if isinstance(heard, str):
                await self._carry_out(live, _order(heard))
            elif not live.stdin.is_closing():
                live.stdin.write(heard)
                with contextlib.suppress(ConnectionError):  # the program has closed its stdin, or has ended
                    await live.stdin.drain()

    async def _carry_out(self, live: LiveRun, order: Order) -> None:
        if order.eof and live.stdin.can_write_eof():
            live.stdin.write_eof()
        if order.resize is not None and self._terminal is not None:
            self._terminal.resize(order.resize.rows, order.resize.columns)
        if order.signal is not None:
            await asyncio.to_thread(functools.partial(live.control.signal, order.signal, group=order.group))
        if order.kill:
            live.kill()


def _order(text: str) -> Order:
    try:
        return _ORDER.validate_json(text)
    except ValidationError as error:
        raise invalid(error) from None
