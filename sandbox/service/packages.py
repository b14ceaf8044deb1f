"""Problem packages, in versions."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, update

from sandbox.judge.compiler import Compiler
from sandbox.judge.judge import Judge
from sandbox.judge.package import opened
from sandbox.judge.problem import Problem as JudgeProblem
from sandbox.judge.problem import ProblemError
from sandbox.service.contents import Contents
from sandbox.service.problem import Problem
from sandbox.service.store.database import Database, new_id
from sandbox.service.store.tables import Package


class Packages:
    """The problem packages of tenants, for many threads."""

    def __init__(self, database: Database, contents: Contents, compiler: Compiler) -> None:
        self._database, self._contents, self._compiler = database, contents, compiler
        self._checking = threading.Lock()
        """One package at a time is tried: its programs are compiled outside of the slots."""

    def put(self, tenant: str, name: str, archive: bytes) -> tuple[Package, bool]:
        """Keep a version of a problem, and whether it is a new one: of the same content there is one. A `Problem` with
        all complaints if it cannot be used.
        """
        digest = self._contents.put(archive)
        latest = self.latest(tenant, name)
        if latest is not None and latest.digest == digest:
            return latest, False
        summary = self._tried(name, digest)
        with self._database.begin() as session:
            self._contents.make_room(session, tenant, len(archive))
            last = session.scalar(
                select(func.max(Package.version)).where(Package.tenant == tenant, Package.problem == name)
            )
            row = Package(
                id=new_id(), tenant=tenant, problem=name, version=(last or 0) + 1, digest=digest, size=len(archive),
                created=time.time(), summary=summary,
            )  # fmt: skip
            session.add(row)
        return row, True

    def _tried(self, name: str, digest: str) -> dict[str, Any]:
        """What there is to say of a package, with which a judge can be made."""
        try:
            with (
                self._checking,
                opened(self._contents.path(digest), name) as problem,
                contextlib.closing(Judge(problem, compiler=self._compiler, jobs=1)),
            ):
                return _summary(problem)
        except ProblemError as error:
            complaints = [str(complaint) for complaint in error.complaints]
            raise Problem(
                "invalid", f"the package cannot be used: {complaints[0]}", field="body", more={"complaints": complaints}
            ) from None

    def latest(self, tenant: str, name: str) -> Package | None:
        """The newest version, if there is one that was not removed."""
        query = select(Package).where(Package.tenant == tenant, Package.problem == name, Package.removed.is_(None))
        with self._database.read() as session:
            return session.scalar(query.order_by(Package.version.desc()).limit(1))

    def find(self, tenant: str, name: str, version: int | None = None) -> Package:
        """A version, the newest if none is named; a `Problem` if there is none."""
        if version is None:
            found = self.latest(tenant, name)
        else:
            found = next((row for row in self.versions(tenant, name) if row.version == version), None)
        if found is None:
            what = f"problem {name}" if version is None else f"version {version} of problem {name}"
            raise Problem("not-found", f"there is no {what}")
        return found

    def versions(self, tenant: str, name: str | None = None) -> Sequence[Package]:
        """All that were not removed, the newest first; of one problem if it is named."""
        query = select(Package).where(Package.tenant == tenant, Package.removed.is_(None))
        if name is not None:
            query = query.where(Package.problem == name)
        with self._database.read() as session:
            return session.scalars(query.order_by(Package.problem, Package.version.desc())).all()

    def remove(self, tenant: str, name: str) -> None:
        """Have a problem not be there any more; what is being judged goes on."""
        self.find(tenant, name)
        with self._database.begin() as session:
            where = (Package.tenant == tenant, Package.problem == name, Package.removed.is_(None))
            session.execute(update(Package).where(*where).values(removed=time.time()))


def _summary(problem: JudgeProblem) -> dict[str, Any]:
    return {
        "title": problem.title,
        "format": problem.format,
        "tests": sum(1 for _ in problem.root.tests()),
        "time_limit": problem.limits.time,
        "memory_limit": problem.limits.memory,
        "scoring": problem.scoring,
        "interactive": problem.interactive,
        "languages": None if problem.languages is None else list(problem.languages),
        "warnings": [str(complaint) for complaint in problem.warnings],
    }
