"""Problem packages, in versions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, update

from sandbox.judge.calibrate import time_limit
from sandbox.judge.compiler import Compiler
from sandbox.judge.judge import Judge
from sandbox.judge.package import opened
from sandbox.judge.problem import Complaint, ProblemError
from sandbox.judge.problem import Problem as JudgeProblem
from sandbox.judge.stop import Stop
from sandbox.judge.verify import validate, verify
from sandbox.service.contents import Contents
from sandbox.service.problem import Problem
from sandbox.service.store.database import Database, new_id
from sandbox.service.store.tables import Package


class Packages:
    """The problem packages of tenants, for many threads."""

    def __init__(self, database: Database, contents: Contents, compiler: Compiler) -> None:
        self._database, self._contents, self._compiler = database, contents, compiler

    def put(self, tenant: str, name: str, archive: bytes, stop: Stop) -> tuple[Package, bool]:
        """Keep a version of a problem, and whether it is a new one: of the same content there is one. A `Problem` with
        all complaints if it cannot be used; `Stopped` if it was not wanted any more.
        """
        digest = self._contents.put(archive)
        latest = self.latest(tenant, name)
        if latest is not None and latest.digest == digest:
            return latest, False
        summary = self._tried(name, digest, stop)
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

    def _tried(self, name: str, digest: str, stop: Stop) -> dict[str, Any]:
        """What there is to say of a package that can be used: its programs compile, its validators are content with its
        data, and there is a time limit.
        """
        try:
            with opened(self._contents.path(digest), name) as problem:
                limit, why = time_limit(problem, compiler=self._compiler, jobs=1, stop=stop)
                with Judge(problem, compiler=self._compiler, jobs=1, time_limit=limit) as judge:
                    complaints = validate(judge, stop)
        except ProblemError as error:
            raise _unusable(error.complaints) from None
        if any(complaint.error for complaint in complaints):
            raise _unusable(complaints)
        return _summary(problem) | {"time_limit": limit, "time_limit_from": why or None}

    def verify(self, package: Package, stop: Stop) -> dict[str, Any]:
        """Judge all of the jury's submissions, and whether they end as the package says; `Stopped` as of `put`."""
        with opened(self._contents.path(package.digest), package.problem) as problem:
            return verify(problem, compiler=self._compiler, jobs=1, stop=stop).to_json()

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


def _unusable(complaints: Sequence[Complaint]) -> Problem:
    return Problem(
        "invalid", f"the package cannot be used: {complaints[0]}", field="body",
        more={"complaints": [str(complaint) for complaint in complaints]},
    )  # fmt: skip


def _summary(problem: JudgeProblem) -> dict[str, Any]:
    return {
        "title": problem.title,
        "format": problem.format,
        "tests": sum(1 for _ in problem.root.tests()),
        "memory_limit": problem.limits.memory,
        "scoring": problem.scoring,
        "interactive": problem.interactive,
        "languages": None if problem.languages is None else list(problem.languages),
        "warnings": [str(complaint) for complaint in problem.warnings],
    }
