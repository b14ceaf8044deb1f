"""Runs that somebody waits for: a task of a slot, with an event loop at the other end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.box import Prepared
from sandbox.handover import PipeEnd
from sandbox.judge.stop import Stop
from sandbox.loops import run_in
from sandbox.policy import Policy
from sandbox.result import Result
from sandbox.service.boxes import Boxes
from sandbox.service.problem import Problem
from sandbox.service.slots import Short, Task

Pipes = Sequence[tuple[int, int]]
"""The numbers of the program that writes and of the one that reads, of each."""


@dataclass(frozen=True, slots=True)
class Job:
    """One program, decided; options as of `Box.run`."""

    argv: Sequence[str]
    policy: Policy
    options: Mapping[str, Any] = field(default_factory=dict)
    close: Callable[[], object] = lambda: None
    """To be called when it has run."""


class Awaited(Task):
    """What is common to tasks of the slots for which an event loop waits."""

    def __init__(self, *calls: Callable[[], object]) -> None:
        """In the event loop that is to wait for `outcome`."""
        self._loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[Any] = self._loop.create_future()
        self.started = 0.0
        """When it left the queue, by `time.monotonic`; 0 if it has not."""
        self.kill = Stop(*calls)
        """Ends its programs, or has them end as soon as they begin: for when nobody waits any more."""

    def refuse(self) -> None:
        """See `Task`."""
        self._tell(self.outcome.set_exception, Problem("draining", "the service is being stopped", retry_after=5))

    def settle(self, work: Callable[[], Any]) -> None:
        """Do the last of it, and have whoever waits get what it returns, or raises; for any thread."""
        try:
            outcome = work()
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            self._tell(self.outcome.set_exception, error)
        else:
            self._tell(self.outcome.set_result, outcome)

    def _tell(self, settle: Callable[[Any], object], what: object) -> None:
        run_in(self._loop, lambda: None if self.outcome.done() else settle(what))


class Run(Awaited):
    """Programs that run at the same time, and whoever waits for their Results; a `Task` of the slots.

    `make` makes the jobs, and `finish` what is waited for of their Results: both in the slot's thread, in which files
    can be read. If it is `plain`, neither has to wait for anything, and one short program needs no thread.
    """

    def __init__(
        self,
        owner: str,
        make: Callable[[Stop], Sequence[Job]],
        finish: Callable[[list[Result]], Any],
        pipes: Pipes = (),
        *,
        plain: bool = False,
    ) -> None:
        """In the event loop that is to wait for `outcome`."""
        super().__init__()
        self._owner, self._make, self.finish, self._pipes, self._plain = owner, make, finish, pipes, plain
        self._lacks_box = False
        """Whether it could have been prepared, had there been a box."""

    def prepare(self, boxes: Boxes) -> Short | None:
        """See `Task`."""
        if not self._plain or self.kill.wanted:
            return None
        box = prepared = None
        with contextlib.suppress(Exception):  # which the thread will meet again, and tell of
            (job,) = self._make(self.kill)
            box = boxes.own(job.policy, self._owner)
            self._lacks_box = box is None
            prepared = box.prepare(job.argv, **job.options) if box is not None else None
        if box is None:
            return None
        give = functools.partial(boxes.give, box, self._owner)
        if prepared is None:
            give()
            return None
        return _Short(self, prepared, give)

    def serve(self, boxes: Boxes) -> None:
        """See `Task`."""
        self.started = time.monotonic()
        with contextlib.ExitStack() as made:
            self.settle(lambda: self.finish(self._results(boxes, made)))

    def _results(self, boxes: Boxes, made: contextlib.ExitStack) -> list[Result]:
        jobs = self._make(self.kill)
        for job in jobs:
            made.callback(job.close)
        if len(jobs) == 1:
            return [self.carry_out(boxes, jobs[0])]
        return _Group(self, boxes, jobs, self._pipes).run()

    def carry_out(self, boxes: Boxes, job: Job, **streams: PipeEnd) -> Result:
        """One of its programs; raises what `Box.run` raises."""
        box = boxes.take(job.policy, self._owner, another=self._lacks_box)
        try:
            with self.kill.control() as control:
                return box.run(job.argv, control=control, **{**job.options, **streams})
        finally:
            boxes.give(box, self._owner)


class Work(Awaited):
    """Anything that programs are run for, in a slot of its own; a `Task` of the slots."""

    def __init__(self, do: Callable[[Stop], Any]) -> None:
        """What is to be done, and given up if that is called; in the event loop that is to wait for `outcome`."""
        super().__init__()
        self._do = do

    def serve(self, boxes: Boxes) -> None:
        """See `Task`."""
        self.started = time.monotonic()
        self.settle(self._work)

    def _work(self) -> Any:
        self.kill.check()
        return self._do(self.kill)


class _Short(Short):
    """A run of one program; `give` gives its box back."""

    def __init__(self, run: Run, prepared: Prepared, give: Callable[[], None]) -> None:
        self.prepared = prepared
        self._run, self._give = run, give

    def withdraw(self) -> None:
        """See `Short`."""
        self.prepared.drop()
        self._give()

    def wait(self) -> None:
        """See `Short`."""
        self._conclude(self._waited)

    def _waited(self) -> Result:
        with self._run.kill.control() as control:
            self.prepared.wait(control)
        return self.prepared.result()

    def finish(self) -> None:
        """See `Short`."""
        self._conclude(self.prepared.result)

    def _conclude(self, end: Callable[[], Result]) -> None:
        def work() -> Any:
            try:
                result = end()
            finally:
                self._give()
            return self._run.finish([result])

        self._run.started = self.prepared.started
        self._run.settle(work)


class _Group:
    """Programs that run at the same time, each in a thread and a box."""

    def __init__(self, run: Run, boxes: Boxes, jobs: Sequence[Job], pipes: Pipes) -> None:
        self._run, self._boxes, self._jobs = run, boxes, jobs
        self._streams: list[dict[str, PipeEnd]] = [{} for _ in jobs]
        self._results: list[Result | BaseException | None] = [None] * len(jobs)
        for source, target in pipes:
            reading, writing = PipeEnd.pair()
            self._streams[source]["stdout"] = writing
            self._streams[target]["stdin"] = reading

    def run(self) -> list[Result]:
        """All of them; what one raises ends the others, and is raised."""
        threads = [
            threading.Thread(target=self._one, args=(number,), name=f"program-{number}", daemon=True)
            for number in range(len(self._jobs))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for result in self._results:
            if isinstance(result, BaseException):
                raise result
        return [result for result in self._results if isinstance(result, Result)]

    def _one(self, number: int) -> None:
        job, streams = self._jobs[number], self._streams[number]
        try:
            self._results[number] = self._run.carry_out(self._boxes, job, **streams)
        except BaseException as error:  # noqa: BLE001 - raised in the slot's thread
            self._results[number] = error
            self._run.kill()
        finally:
            for end in streams.values():  # those that no program has taken
                end.close()
