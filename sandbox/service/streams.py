"""A run whose streams somebody is at the other end of: a task of a slot, with asyncio's ends of its pipes."""

from __future__ import annotations

import asyncio
import functools
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from sandbox.control import Control
from sandbox.handover import Terminal
from sandbox.judge.stop import Stop
from sandbox.loops import call_in
from sandbox.result import Result
from sandbox.service.boxes import Boxes
from sandbox.service.runs import Awaited, Job

LIMIT = 64 << 10
"""Bytes of a stream that are held here: when there are more, the program waits."""


class LiveRun(Awaited):
    """One program and its streams, for an event loop; a `Task` of the slots.

    What is written to `stdin` it reads, with an end when that is closed; `stdout` and `stderr` end when it has ended.
    If nobody reads them it has to wait, until its time on the clock is over.
    """

    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader

    def __init__(
        self, owner: str, make: Callable[[Stop], Job], finish: Callable[[list[Result]], Any], terminal: Terminal | None
    ) -> None:
        """In the event loop that is to wait for `outcome`; `open` makes the streams. With a `terminal` all three are
        that, and what is printed there is `stdout`.
        """
        self.begun = asyncio.Event()
        """The program is what runs."""
        self.control = Control(functools.partial(call_in, asyncio.get_running_loop(), self.begun.set))
        super().__init__(self.control.kill)
        self._owner, self._make, self._finish, self._terminal = owner, make, finish, terminal
        self._theirs: list[socket.socket] = []
        self._ours: list[asyncio.StreamWriter] = []

    async def open(self) -> None:
        """Make the streams."""
        _, self.stdin = await self._pair()
        self.stdout, _ = await self._pair()
        self.stderr, _ = await self._pair()

    async def _pair(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        ours, theirs = socket.socketpair()
        self._theirs.append(theirs)
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=LIMIT)
        self._ours.append(writer)
        return reader, writer

    def serve(self, boxes: Boxes) -> None:
        """See `Task`. The slot is free when the program has ended, whoever reads what it has printed."""
        self.started = time.monotonic()
        try:
            job = self._make(self.kill)
            box = boxes.take(job.policy, self._owner)
            try:
                result = box.run(job.argv, control=self.control, **{**self._streams(), **job.options})
            finally:
                boxes.give(box, self._owner)
                job.close()
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            self._close_theirs()
            self._tell(self.outcome.set_exception, error)
        else:
            threading.Thread(target=self._deliver, args=(result,), name="deliver", daemon=True).start()

    def _streams(self) -> dict[str, Any]:
        stdin, stdout, stderr = (end.fileno() for end in self._theirs)
        if self._terminal is None:
            return {"stdin": stdin, "stdout": stdout, "stderr": stderr}
        self._terminal.stdin = stdin
        return {"stdin": self._terminal, "stdout": stdout}

    def _deliver(self, result: Result) -> None:
        self._close_theirs()
        self.settle(lambda: self._delivered(result))

    def _delivered(self, result: Result) -> Any:
        self.control.deliver(result)
        return self._finish([result])

    def _close_theirs(self) -> None:
        for end in self._theirs:
            end.close()

    def refuse(self) -> None:
        """See `Task`."""
        self._close_theirs()
        super().refuse()

    def close(self) -> None:
        """Close our ends; for when `outcome` is there, or nobody waits for it."""
        for writer in self._ours:
            writer.close()
        self.control.close()
