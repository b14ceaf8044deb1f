"""What tenants have used, and whether they may have more."""

from __future__ import annotations

import threading
import time
from collections import defaultdict

from sqlalchemy import select

from sandbox.service.problem import Problem
from sandbox.service.settings import Settings
from sandbox.service.store.database import Database
from sandbox.service.store.tables import Usage

HOUR = 3600


class Quotas:
    """Rates and CPU seconds of tenants; for many threads."""

    def __init__(self, settings: Settings, database: Database) -> None:
        """Goes on with what was used in this hour before."""
        self._settings = settings
        self._database = database
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}
        """By tenant: how many requests it may make at once, as of when."""
        self._used: defaultdict[tuple[str, int], float] = defaultdict(float)
        self._unwritten: defaultdict[tuple[str, int], tuple[float, int]] = defaultdict(lambda: (0.0, 0))
        with database.read() as session:
            for row in session.scalars(select(Usage).where(Usage.hour == _hour())):
                self._used[row.tenant, row.hour] = row.cpu_seconds

    def admit(self, tenant: str, count: int = 1) -> None:
        """A tenant wants to start so many things; a `Problem` if it may not yet."""
        quota = self._settings.quota_of(tenant)
        now = time.monotonic()
        with self._lock:
            left, since = self._buckets.get(tenant, (float(quota.burst), now))
            left = min(float(quota.burst), left + (now - since) * quota.rate)
            if left < count:
                wait = (min(count, quota.burst) - left) / quota.rate
                why = f"{tenant} may make {quota.rate:g} requests per second, and {quota.burst} at once"
                raise Problem("quota", why, retry_after=wait)
            self._buckets[tenant] = left - count, now
            used = self._used[tenant, _hour()]
        if used >= quota.cpu_seconds:
            why = f"{tenant} has used {used:.0f} CPU seconds in this hour, of {quota.cpu_seconds:g}"
            raise Problem("quota", why, retry_after=HOUR - time.time() % HOUR)

    def charge(self, tenant: str, cpu_seconds: float, runs: int = 1) -> None:
        """A tenant's programs have used this."""
        at = tenant, _hour()
        with self._lock:
            self._used[at] += cpu_seconds
            seconds, count = self._unwritten[at]
            self._unwritten[at] = seconds + cpu_seconds, count + runs

    def write(self) -> None:
        """Write down what has been used, and forget past hours; to be called now and then, and at the end."""
        with self._lock:
            unwritten, self._unwritten = self._unwritten, defaultdict(lambda: (0.0, 0))
            for at in [at for at in self._used if at[1] != _hour()]:
                del self._used[at]
        if not unwritten:
            return
        with self._database.begin() as session:
            for (tenant, hour), (seconds, runs) in unwritten.items():
                row = session.get(Usage, (tenant, hour), with_for_update=True)
                if row is None:
                    session.add(Usage(tenant=tenant, hour=hour, cpu_seconds=seconds, runs=runs))
                else:
                    row.cpu_seconds += seconds
                    row.runs += runs


def _hour() -> int:
    return int(time.time() // HOUR)
