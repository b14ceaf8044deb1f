"""The slots: as many threads, in which everything runs that requests and submissions want."""

from __future__ import annotations

import threading
import time
from typing import Protocol

from sandbox.service.boxes import Boxes
from sandbox.service.queue import Entry, FairQueue, Share


class Task(Protocol):
    """What one slot does at a time."""

    def serve(self, boxes: Boxes) -> None:
        """Do it, in the slot's thread; raises nothing."""

    def refuse(self) -> None:
        """It will not be done: the service is being stopped."""


class Slots:
    """So many threads that serve one fair queue."""

    def __init__(self, size: int, queue: int) -> None:
        """`start` begins."""
        self.size = size
        self.queue: FairQueue[Task] = FairQueue(queue)
        self.boxes = Boxes(2 * size + 6)
        self.busy = 0
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to serve."""
        for number in range(self.size):
            thread = threading.Thread(target=self._serve, name=f"slot-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def put(self, task: Task, tenant: str, priority: int, share: Share) -> Entry[Task]:
        """Have a task wait for its turn; `QueueFull`."""
        return self.queue.put(task, tenant, priority=priority, share=share)

    def _serve(self) -> None:
        while (entry := self.queue.take()) is not None:
            started = time.monotonic()
            self.busy += 1
            try:
                entry.item.serve(self.boxes)
            finally:
                self.busy -= 1
                self.queue.done(entry, time.monotonic() - started)

    def stop(self, seconds: float) -> bool:
        """Begin nothing more, and wait so long for what runs; whether it has ended."""
        for entry in self.queue.close():
            entry.item.refuse()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def close(self) -> None:
        """End all boxes."""
        self.boxes.close()
