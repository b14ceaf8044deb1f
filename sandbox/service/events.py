"""What happens to submissions, for those who want to hear of it now."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox.loops import call_in


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: `queued`, `compiling`, `test`, `retry`, `done` or `cancelled`."""

    number: int
    name: str
    data: dict[str, Any]


class _Listener:
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.queue: asyncio.Queue[Event] = asyncio.Queue()

    def tell(self, event: Event) -> None:
        """From any thread."""
        call_in(self._loop, self.queue.put_nowait, event)


class Events:
    """The events of submissions that are not over, by this service; kept so that who comes late hears all of them."""

    def __init__(self) -> None:
        self._events: dict[str, list[Event]] = {}
        self._listeners: dict[str, set[_Listener]] = {}
        self._lock = threading.Lock()

    def tell(self, submission: str, name: str, data: dict[str, Any] | None = None) -> None:
        """Something has happened; from any thread. After `done` and `cancelled` nothing is kept."""
        with self._lock:
            before = self._events.setdefault(submission, [])
            event = Event(len(before) + 1, name, data or {})
            before.append(event)
            for listener in self._listeners.get(submission, ()):
                listener.tell(event)
            if name in ("done", "cancelled"):
                del self._events[submission]

    @contextmanager
    def listening(self, submission: str, after: int = 0) -> Iterator[asyncio.Queue[Event]]:
        """A queue of all events of a submission after that number, past and future; in an event loop."""
        listener = _Listener()
        with self._lock:
            for event in self._events.get(submission, ()):
                if event.number > after:
                    listener.queue.put_nowait(event)
            self._listeners.setdefault(submission, set()).add(listener)
        try:
            yield listener.queue
        finally:
            with self._lock:
                listeners = self._listeners[submission]
                listeners.discard(listener)
                if not listeners:
                    del self._listeners[submission]
