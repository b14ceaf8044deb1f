"""The slots: so many tasks at a time of all that requests and submissions want."""

from __future__ import annotations

import asyncio
import functools
import queue
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from sandbox.box import Prepared
from sandbox.launch.launcher import Answer
from sandbox.launch.packets import Lanes
from sandbox.loops import call_in, run_in
from sandbox.service.boxes import Boxes
from sandbox.service.queue import Entry, FairQueue, Share


class Task(ABC):
    """What one slot does at a time. Nothing raises."""

    @abstractmethod
    def serve(self, boxes: Boxes) -> None:
        """Do all of it; for a thread."""

    @abstractmethod
    def refuse(self) -> None:
        """It will not be done: the service is being stopped."""

    def prepare(self, boxes: Boxes) -> Short | None:
        """If it is one run that a lane could begin at once, that run; for the event loop."""
        return None


class Short(ABC):
    """A task of one run that most likely is short, and is prepared for a lane. Nothing raises."""

    prepared: Prepared

    @abstractmethod
    def withdraw(self) -> None:
        """It was not begun; its task is prepared or served later. For the event loop."""

    @abstractmethod
    def finish(self) -> None:
        """It has ended; for the event loop."""

    @abstractmethod
    def wait(self) -> None:
        """It has begun, and may take long; for a thread."""


class Turn:
    """A task that was taken from the queue; for the event loop."""

    def __init__(self, slots: Slots, entry: Entry[Task]) -> None:
        self.entry = entry
        self.began = 0.0
        """When it got a lane, by `time.monotonic`."""
        self._slots = slots
        self._short = entry.item.prepare(slots.boxes)

    def submit(self, lanes: Lanes) -> None:
        """Have a lane begin it."""
        if self._short is not None:
            self._short.prepared.submit(lanes, self)
        else:
            lanes.hold(self)

    def told(self, began: float, answer: Answer | None, error: OSError | None) -> None:
        """What the lane has to say."""
        self.began = began
        short = self._short
        if short is None:
            self._slots.keep(self, functools.partial(self.entry.item.serve, self._slots.boxes))
        elif short.prepared.told(began, answer, error):
            self._slots.over(self)  # first: what is next is prepared while this one's end is told of
            short.finish()
        else:
            self._slots.keep(self, short.wait)

    def withdraw(self) -> None:
        """It has not begun, and waits for another turn."""
        if self._short is not None:
            self._short.withdraw()


class Slots:
    """So many tasks at a time of one fair queue, each in a lane, with as many threads for those that take long.

    The event loop takes tasks from the queue, one more for each lane than can run: so that the next program begins when
    one has ended, and not when the interpreter has come to know of it. Where a lane turns out to be taken for longer,
    none waits for it.
    """

    def __init__(self, size: int, waiting: int) -> None:
        """`start` begins."""
        self.size = size
        self.queue: FairQueue[Task] = FairQueue(waiting)
        self.boxes = Boxes(4 * size + 6)
        self._taken = 0
        """Tasks that were taken from the queue, and are not over."""
        self._kept = 0
        """Those of them that have a thread."""
        self._work: queue.SimpleQueue[tuple[Turn, Callable[[], None]] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = threading.Event()
        """Whether nothing runs, nor will."""

    @property
    def busy(self) -> int:
        """Slots in which something runs."""
        return min(self._taken, self.size)

    def start(self) -> None:
        """Begin to serve; in the event loop."""
        self._loop = asyncio.get_running_loop()
        self._lanes = Lanes(self.size)
        self._loop.add_reader(self._lanes.fileno(), self._hear)
        for number in range(self.size):
            thread = threading.Thread(target=self._serve, name=f"slot-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def put(self, task: Task, tenant: str, priority: int, share: Share) -> Entry[Task]:
        """Have a task wait for its turn; `QueueFull`. For any thread."""
        entry = self.queue.put(task, tenant, priority=priority, share=share)
        run_in(self._loop, self._fill)
        return entry

    def _fill(self) -> None:
        while self._taken + self._kept < 2 * self.size and (entry := self.queue.take()) is not None:
            self._taken += 1
            Turn(self, entry).submit(self._lanes)

    def _hear(self) -> None:
        for turn, *what in self._lanes.finished():
            turn.told(*what)

    def keep(self, turn: Turn, work: Callable[[], None]) -> None:
        """A task keeps its lane, and gets a thread; none waits behind it."""
        self._kept += 1
        for other in reversed(self._lanes.withdraw()):
            other.withdraw()
            self._taken -= 1
            if not self.queue.give_back(other.entry):
                other.entry.item.refuse()
        self._work.put((turn, work))
        self._fill()

    def _serve(self) -> None:
        while (one := self._work.get()) is not None:
            turn, work = one
            work()
            call_in(self._loop, self._release, turn)

    def _release(self, turn: Turn) -> None:
        self._kept -= 1
        self._lanes.release()
        self.over(turn)

    def over(self, turn: Turn) -> None:
        """A task has had its turn."""
        self._taken -= 1
        self.queue.done(turn.entry, time.monotonic() - turn.began)
        self._fill()
        self._look()

    def _look(self) -> None:
        if self.queue.closed and not self._taken:
            self._idle.set()

    def stop(self, seconds: float) -> bool:
        """Begin nothing more, and wait so long for what runs; whether it has ended. Not for the event loop."""
        for entry in self.queue.close():
            entry.item.refuse()
        call_in(self._loop, self._look)
        well = self._idle.wait(seconds)
        for _ in self._threads:
            self._work.put(None)
        call_in(self._loop, self._end)
        return well

    def _end(self) -> None:
        self._loop.remove_reader(self._lanes.fileno())
        self._lanes.close()

    def close(self) -> None:
        """End all boxes."""
        self.boxes.close()
