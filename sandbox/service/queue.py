"""Who is next: a queue that is bounded, and fair between tenants."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

GUESS = 0.001
"""Seconds that an item counts for while nobody knows how long it takes."""


class QueueFull(Exception):
    """There is no room: in the whole queue, or, if there is a `tenant`, in the part of it that is this one's."""

    def __init__(self, tenant: str | None = None) -> None:
        super().__init__("the queue is full" if tenant is None else f"{tenant} has as much in the queue as it may")
        self.tenant = tenant


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a queue one tenant may have."""

    waiting: int = 1_000
    running: int = 1_000


@dataclass(slots=True, eq=False)
class Entry(Generic[T]):
    """An item that waits, or is being served."""

    item: T
    tenant: str
    priority: int
    since: float
    """When it came, by `time.monotonic`."""


@dataclass(slots=True)
class _Tenant(Generic[T]):
    name: str
    share: Share
    served: float
    """Seconds that it has been served, with a handicap for the time before it came."""
    waiting: dict[int, deque[Entry[T]]] = field(default_factory=dict)
    """By priority, in the order in which they came."""
    count: int = 0
    running: int = 0


class FairQueue(Generic[T]):
    """Items of many tenants, for many threads: at most `size` wait.

    Of one tenant the highest priority is next, and of that the first that came. Between tenants, the one is next whose
    items were served for the least time since it began to wait; no tenant saves up time in which it wants nothing.
    """

    def __init__(self, size: int) -> None:
        """An empty queue."""
        self.size = size
        self._tenants: dict[str, _Tenant[T]] = {}
        self._least = 0.0
        """What whoever was served last had been served before: whoever comes begins there."""
        self._count = 0
        self._lock = threading.Lock()
        self.closed = False
        """Whether nothing is given out any more."""

    def __len__(self) -> int:
        return self._count

    def put(self, item: T, tenant: str, *, priority: int = 0, share: Share = Share()) -> Entry[T]:
        """Have an item wait; `QueueFull` if it cannot. The share is the tenant's from now on."""
        with self._lock:
            if self._count >= self.size:
                raise QueueFull
            own = self._tenants.get(tenant)
            if own is None:
                own = self._tenants[tenant] = _Tenant(tenant, share, self._least)
            own.share = share
            if own.count >= share.waiting:
                raise QueueFull(tenant)
            if not own.count and not own.running:
                own.served = max(own.served, self._least)
            entry = Entry(item, tenant, priority, time.monotonic())
            own.waiting.setdefault(priority, deque()).append(entry)
            own.count += 1
            self._count += 1
        return entry

    def take(self) -> Entry[T] | None:
        """The next entry, to be served; `None` if there is none that may be, or the queue is closed."""
        with self._lock:
            own = None if self.closed else self._next()
            return self._take(own) if own is not None else None

    def _next(self) -> _Tenant[T] | None:
        able = (own for own in self._tenants.values() if own.count and own.running < own.share.running)
        return min(able, key=lambda own: own.served, default=None)

    def _take(self, own: _Tenant[T]) -> Entry[T]:
        priority = max(own.waiting)
        entries = own.waiting[priority]
        entry = entries.popleft()
        if not entries:
            del own.waiting[priority]
        self._least = own.served
        own.count -= 1
        own.running += 1
        own.served += GUESS
        self._count -= 1
        return entry

    def give_back(self, entry: Entry[T]) -> bool:
        """An entry that was taken has not been served, and is the next of its tenant's again; not, if it is closed."""
        with self._lock:
            own = self._tenants[entry.tenant]
            own.running -= 1
            own.served -= GUESS
            if not self.closed:
                own.waiting.setdefault(entry.priority, deque()).appendleft(entry)
                own.count += 1
                self._count += 1
            return not self.closed

    def done(self, entry: Entry[T], seconds: float) -> None:
        """An entry that was taken has been served, which took so long."""
        with self._lock:
            own = self._tenants[entry.tenant]
            own.running -= 1
            own.served += seconds - GUESS
            self._forget(own)

    def remove(self, entry: Entry[T]) -> bool:
        """Take an entry back that waits; whether it did."""
        with self._lock:
            own = self._tenants.get(entry.tenant)
            entries = own.waiting.get(entry.priority, ()) if own is not None else ()
            if own is None or entry not in entries:
                return False
            own.waiting[entry.priority].remove(entry)
            if not own.waiting[entry.priority]:
                del own.waiting[entry.priority]
            own.count -= 1
            self._count -= 1
            self._forget(own)
        return True

    def _forget(self, own: _Tenant[T]) -> None:
        """Not keep what is no more than what a newcomer has."""
        if not own.count and not own.running and own.served <= self._least:
            del self._tenants[own.name]

    def running(self, tenant: str) -> int:
        """How many entries of a tenant are being served."""
        own = self._tenants.get(tenant)
        return own.running if own is not None else 0

    def waiting(self, tenant: str) -> int:
        """How many entries of a tenant wait."""
        own = self._tenants.get(tenant)
        return own.count if own is not None else 0

    def close(self) -> list[Entry[T]]:
        """Give no more out: `take` has nothing for anybody. What waited is returned."""
        with self._lock:
            self.closed = True
            return [entry for own in self._tenants.values() for entries in own.waiting.values() for entry in entries]
