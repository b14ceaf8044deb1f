"""Requests that wait for what they have asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request

from sandbox.service.problem import Problem
from sandbox.service.queue import QueueFull, Share
from sandbox.service.runs import Awaited
from sandbox.service.service import Service

PATIENCE = 0.05
"""Seconds after which it is watched whether whoever asked is still there: most runs are shorter."""


class Waiting:
    """A task of a request, in the queue or in a slot."""

    def __init__(self, service: Service, tenant: str, task: Awaited, priority: int) -> None:
        if service.draining:
            raise Problem("draining", "the service is being stopped", retry_after=5)
        self._service, self._task = service, task
        quota = service.settings.quota_of(tenant)
        try:
            self._entry = service.slots.put(task, tenant, priority, Share(quota.waiting, quota.running))
        except QueueFull as full:
            kind = "busy" if full.tenant is None else "quota"
            raise Problem(kind, str(full), retry_after=1) from None

    async def outcome(self, gone: Callable[[], Awaitable[object]] | None = None) -> Any:
        """The answer. What runs is ended if this is cancelled, or `gone` returns: nobody is there any more to have it.
        Raises what the library raises, and `Problem`.
        """
        outcome: asyncio.Future[Any] = self._task.outcome
        watch: list[asyncio.Task[None]] = []
        # Most have ended by then, and need no task to look after them.
        later = outcome.get_loop().call_later(PATIENCE, lambda: watch.append(asyncio.ensure_future(self._watch(gone))))
        try:
            return await outcome
        except asyncio.CancelledError:
            self.abandon()
            raise
        finally:
            later.cancel()
            for task in watch:
                task.cancel()

    async def _watch(self, gone: Callable[[], Awaitable[Any]] | None) -> None:
        """Look after what takes longer than most, or has to wait for a slot."""
        left = self._service.settings.wait - PATIENCE
        try:
            await asyncio.wait_for(gone() if gone is not None else asyncio.Event().wait(), left)
        except TimeoutError:
            if self._service.slots.queue.remove(self._entry):
                why = f"no slot was free for {self._service.settings.wait:g} seconds"
                self._task.outcome.set_exception(Problem("busy", why, retry_after=5))
                return
            if gone is None:
                return
            await gone()
        if self.abandon():
            self._task.outcome.set_exception(Problem("gone", "nobody waits for it any more"))

    def abandon(self) -> bool:
        """Nobody wants it any more; whether it had not begun, and never will."""
        waited = self._service.slots.queue.remove(self._entry)
        if not waited:
            self._task.kill()
        return waited

    def measure(self) -> str:
        """How long its parts took, for the metrics and for a Server-Timing header."""
        now, started = time.monotonic(), self._task.started
        queued, ran = started - self._entry.since, now - started
        self._service.metrics.queued.observe(queued)
        self._service.metrics.ran.observe(ran)
        return f"queue;dur={queued * 1000:.3f}, run;dur={ran * 1000:.3f}"


async def until_gone(request: Request) -> None:
    """Returns when the client has gone away, of a request whose body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
