"""Submissions in the database: from queued over running to done or cancelled, each step in one transaction."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, defer

from sandbox.service.problem import Problem
from sandbox.service.store.database import Database, new_id
from sandbox.service.store.tables import CANCELLED, DONE, OPEN, QUEUED, RUNNING, Delivery, Service, Submission

FILTERS = ("problem", "verdict", "state", "user", "language")


class Submissions:
    """All submissions of one database, for many threads and several services."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def accept(self, row: Submission, most: int) -> tuple[Submission, bool]:
        """Keep a new one, and whether it is new: of the same idempotency key there is one. A `Problem` if the key was
        used for something else, or if the tenant has `most` that are not judged yet.
        """
        row.id, row.state, row.created = new_id(), QUEUED, time.time()
        row.attempts, row.next_try, row.failures = 0, row.created, []
        row.fingerprint = _fingerprint(row)
        try:
            with self._database.begin() as session:
                if row.idempotency is not None and (before := _same(session, row)) is not None:
                    return before, False
                _check_room(session, row.tenant, most)
                session.add(row)
        except IntegrityError:  # the same key at the same time
            with self._database.read() as session:
                before = _same(session, row)
            if before is None:
                raise
            return before, False
        return row, True

    def get(self, submission: str, tenant: str | None = None) -> Submission:
        """One, of a tenant if that is given; a `Problem` if there is none."""
        with self._database.read() as session:
            row = session.get(Submission, submission)
        if row is None or (tenant is not None and row.tenant != tenant):
            raise Problem("not-found", f"there is no submission {submission}")
        return row

    def list(
        self, tenant: str | None, filters: Mapping[str, str | None], before: str | None, limit: int
    ) -> Sequence[Submission]:
        """The latest first, of those before an id, without what is large; `filters` are values by `FILTERS`."""
        large = (Submission.tests, Submission.sources, Submission.report)
        query = select(Submission).options(*map(defer, large)).order_by(Submission.id.desc()).limit(limit)
        if tenant is not None:
            query = query.where(Submission.tenant == tenant)
        if before is not None:
            query = query.where(Submission.id < before)
        for name in FILTERS:
            if (value := filters.get(name)) is not None:
                query = query.where(getattr(Submission, name) == value)
        with self._database.read() as session:
            return session.scalars(query).all()

    def claim(self, owner: str, count: int, each: int) -> Sequence[Submission]:
        """Up to `count` that wait, for a service: of each tenant no more than `each`, by priority, then age."""
        now = time.time()
        rank = func.row_number().over(
            partition_by=Submission.tenant, order_by=(Submission.priority.desc(), Submission.id)
        )
        waiting = (
            select(Submission.id, rank.label("rank"))
            .where(Submission.state == QUEUED, Submission.next_try <= now)
            .subquery()
        )
        chosen = select(waiting.c.id).where(waiting.c.rank <= each).order_by(waiting.c.rank, waiting.c.id).limit(count)
        with self._database.begin() as session:
            ids = session.scalars(chosen).all()
            rows = session.scalars(
                select(Submission)
                .where(Submission.id.in_(ids), Submission.state == QUEUED)
                .with_for_update(skip_locked=True)
            ).all()
            for row in rows:
                row.state, row.owner, row.started = RUNNING, owner, now
                row.attempts += 1
        return rows

    def finish(self, row: Submission, owner: str, **values: Any) -> bool:
        """Write the final report, and have the webhook told; whether it was this service's to write."""
        with self._database.begin() as session:
            finished = {"state": DONE, "finished": time.time(), "owner": None, **values}
            if not _change(session, finished, _mine(row.id, owner)):
                return False
            _announce(session, row)
        return True

    def retry(self, row: Submission, owner: str, failure: str, seconds: float) -> bool:
        """Have it wait for another try, and remember why."""
        values = {
            "state": QUEUED, "owner": None, "next_try": time.time() + seconds, "failures": [*row.failures, failure],
        }  # fmt: skip
        with self._database.begin() as session:
            return _change(session, values, _mine(row.id, owner))

    def release(self, submission: str, owner: str, *, begun: bool) -> None:
        """Have it wait again: this service does not judge it. If it has not `begun`, that was no attempt."""
        attempts = Submission.attempts - (0 if begun else 1)
        with self._database.begin() as session:
            _change(session, {"state": QUEUED, "owner": None, "attempts": attempts}, _mine(submission, owner))

    def cancel(self, row: Submission) -> bool:
        """Nobody wants it any more; whether it was not over yet."""
        with self._database.begin() as session:
            values = {"state": CANCELLED, "finished": time.time()}
            cancelled = _change(session, values, Submission.id == row.id, Submission.state.in_(OPEN))
            if cancelled:
                _announce(session, row)
        return cancelled

    def owned(self, owner: str) -> Mapping[str, str]:
        """The states of those that are with this service, by their ids: running, or cancelled by whichever service."""
        with self._database.read() as session:
            query = select(Submission.id, Submission.state).where(Submission.owner == owner)
            return dict(session.execute(query).tuples().all())

    def let_go(self, submission: str) -> None:
        """A cancelled one is not judged any more."""
        with self._database.begin() as session:
            _change(session, {"owner": None}, Submission.id == submission, Submission.state == CANCELLED)

    def take_back(self, alive_since: float, owner: str | None = None) -> int:
        """Have those wait again that were with a service which has said nothing since then, or with anybody but
        `owner`, if that is given: the only one that there can be. How many there were.
        """
        with self._database.begin() as session:
            alive = [owner] if owner else session.scalars(select(Service.id).where(Service.seen >= alive_since)).all()
            values = {"state": QUEUED, "owner": None}
            statement = update(Submission).where(Submission.state == RUNNING, Submission.owner.not_in(alive))
            return int(session.execute(statement.values(**values)).rowcount)  # type: ignore[attr-defined]

    def waiting(self) -> int:
        """How many are not judged yet."""
        with self._database.read() as session:
            query = select(func.count()).where(Submission.state.in_(OPEN))
            return session.scalar(query) or 0


def _mine(submission: str, owner: str) -> ColumnElement[bool]:
    return (Submission.id == submission) & (Submission.owner == owner) & (Submission.state == RUNNING)


def _change(session: Session, values: Mapping[str, Any], *where: ColumnElement[bool]) -> bool:
    """Whether it was as it should be, and is now as it is to be."""
    result = session.execute(update(Submission).where(*where).values(**values))
    return bool(result.rowcount == 1)  # type: ignore[attr-defined]


def _announce(session: Session, row: Submission) -> None:
    if row.webhook is not None:
        session.add(Delivery(id=new_id(), submission=row.id, url=row.webhook, attempts=0, next_try=time.time()))


def _same(session: Session, row: Submission) -> Submission | None:
    """What came with the same idempotency key before."""
    query = select(Submission).where(Submission.tenant == row.tenant, Submission.idempotency == row.idempotency)
    before = session.scalar(query)
    if before is not None and before.fingerprint != row.fingerprint:
        why = f"the idempotency key {row.idempotency!r} came with another submission, {before.id}"
        raise Problem("conflict", why, field="idempotency-key")
    return before


def _check_room(session: Session, tenant: str, most: int) -> None:
    query = select(func.count()).where(Submission.tenant == tenant, Submission.state.in_(OPEN))
    if (session.scalar(query) or 0) >= most:
        raise Problem("quota", f"{tenant} has {most} submissions that are not judged yet", retry_after=5)


def _fingerprint(row: Submission) -> str:
    """Of what is to be judged: two with the same are the same."""
    parts = [row.problem, row.package, row.tests, row.language, row.sources, row.user, row.rejudge_of]
    return hashlib.sha256(to_json(parts)).hexdigest()
