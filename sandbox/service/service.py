"""Everything that a service is made of, and how it begins and ends."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import delete

from sandbox import policy
from sandbox.errors import HostError, PolicyError, step
from sandbox.policy import Policy
from sandbox.service.access import Keys, Principal
from sandbox.service.contents import Contents
from sandbox.service.judging import Judging
from sandbox.service.metrics import Metrics
from sandbox.service.packages import Packages
from sandbox.service.problem import Problem
from sandbox.service.quotas import Quotas
from sandbox.service.sessions import Sessions
from sandbox.service.settings import Settings
from sandbox.service.slots import Slots
from sandbox.service.store import tables
from sandbox.service.store.database import Database, new_id
from sandbox.service.webhooks import Webhooks

log = structlog.get_logger()

ALIVE = 5.0
"""Seconds after which a service says again that it is alive."""
DEAD = 4 * ALIVE
"""Seconds of silence after which it is taken for dead."""


class Service:
    """One service: its database, contents, slots and numbers."""

    def __init__(self, settings: Settings) -> None:
        """Opens the database and brings it up to date. Raises `HostError` if that cannot be."""
        self.settings = settings
        self.id = new_id()
        self.draining = False
        self.ended_well = True
        """Whether everything had ended by itself when it was stopped."""
        with step(f"make {settings.data}"):
            settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.database = Database(settings.database_url)
        self._lock = _only_one(settings.data) if self.database.embedded else None
        self.database.migrate()
        self.metrics = Metrics()
        self.keys = Keys(self.database)
        self.quotas = Quotas(settings, self.database)
        self.contents = Contents(settings, self.database)
        self.slots = Slots(settings.slots, settings.queue)
        self.judging = Judging(
            settings, self.id, self.database, self.contents, self.slots, self.quotas, self.metrics
        )  # fmt: skip
        self.packages = Packages(self.database, self.contents, self.judging.compiler)
        self.webhooks = Webhooks(settings, self.database)
        self.sessions = Sessions()
        self.policies: dict[str, Policy] = {}
        self._terminals: dict[str, Policy] = {}
        self.reload()
        self._stopped = threading.Event()
        self._upkeep = threading.Thread(target=self._keep_up, name="upkeep", daemon=True)
        self._measure()

    def reload(self) -> None:
        """Read the policies again; those in force stay if one of them is wrong, which is raised."""
        policy.forget()
        names = {name: self.settings.policy_name(name) for name in self.settings.policies}
        fresh = {name: policy.load(whole) for name, whole in names.items()}
        terminals = {name: policy.load(f"{whole}+terminal") for name, whole in names.items()}
        self.policies, self._terminals = fresh, terminals
        self.slots.boxes.drop()

    def reload_soon(self) -> None:
        """As `reload`, in another thread, for a signal handler; what is wrong goes into the log."""

        def reload() -> None:
            try:
                self.reload()
                log.info("policies were read again")
            except PolicyError as error:
                log.error("policies stay as they were", error=str(error))

        threading.Thread(target=reload, name="reload", daemon=True).start()

    def policy(self, name: str, field: str = "policy", *, terminal: bool = False) -> Policy:
        """One that requests may name, perhaps for programs with a terminal; a `Problem` if it is none."""
        found = (self._terminals if terminal else self.policies).get(name)
        if found is None:
            there = ", ".join(sorted(self.policies))
            raise Problem("invalid", f"there is no policy {name!r} for requests; there are {there}", field=field)
        return found

    def start(self) -> None:
        """Begin to serve."""
        self._say_alive()
        self._take_back()
        self.slots.start()
        self.judging.start()
        self.webhooks.start()
        self._upkeep.start()

    def stop(self) -> None:
        """Take nothing more, and wait for what runs as long as the settings say."""
        self.draining = True
        self.judging.end()
        self.ended_well = self.slots.stop(self.settings.drain)
        self.judging.close()
        self.webhooks.stop()
        self._stopped.set()
        if self._upkeep.ident is not None:
            self._upkeep.join()
        self.quotas.write()
        self.slots.close()
        with self.database.begin() as session:
            session.execute(delete(tables.Service).where(tables.Service.id == self.id))
        self.database.close()
        if self._lock is not None:
            os.close(self._lock)

    def _measure(self) -> None:
        gauge, slots = self.metrics.gauge, self.slots
        gauge("queue_length", "Tasks that wait for a slot.", lambda: len(slots.queue))
        gauge("slots", "Programs that can run at a time.", lambda: slots.size)
        gauge("slots_busy", "Slots in which something runs.", lambda: slots.busy)
        gauge("submissions_open", "Submissions that are not judged yet.", self.judging.submissions.waiting)
        gauge("boxes_idle", "Warm boxes that wait.", lambda: len(slots.boxes))
        gauge("boxes_made", "Boxes that were made, since the start.", lambda: slots.boxes.made)
        gauge("boxes_renewed", "Boxes that were replaced for somebody else.", lambda: slots.boxes.renewed)

    def _keep_up(self) -> None:
        """What has to be done now and then."""
        turns = 0
        while not self._stopped.wait(ALIVE):
            turns += 1
            try:
                self._say_alive()
                self._take_back()
                self.quotas.write()
                if turns % 120 == 1:
                    self.contents.sweep()
            except Exception:  # a database that is away for a moment
                log.exception("upkeep failed")

    def _take_back(self) -> None:
        """Have what was with services that are no more be judged."""
        only = self.id if self.database.embedded else None
        count = self.judging.submissions.take_back(time.time() - DEAD, only)
        if count:
            log.warning("submissions of a service that is no more are judged again", count=count)
            self.judging.wake()

    async def audit(self, principal: Principal, action: str, target: str, **detail: Any) -> None:
        """Write down who did what."""
        row = tables.Audit(
            id=new_id(), at=time.time(), tenant=principal.tenant, key=principal.key, action=action, target=target,
            detail=detail,
        )  # fmt: skip

        def write() -> None:
            with self.database.begin() as session:
                session.add(row)

        await asyncio.to_thread(write)

    def version_of(self, row: tables.Submission) -> int | None:
        """Which version of its problem a submission is judged with."""
        if row.package is None:
            return None
        with self.database.read() as session:
            return session.get_one(tables.Package, row.package).version

    def _say_alive(self) -> None:
        row = tables.Service(id=self.id, host=socket.gethostname(), seen=time.time())
        with self.database.begin() as session:
            session.merge(row)


def _only_one(data: Path) -> int:
    """A lock that ends with this process: with an embedded database there is one service."""
    lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise HostError(f"another service uses {data}; several can share a database of PostgreSQL") from None
    return lock
