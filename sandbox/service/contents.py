"""Contents by their SHA-256, as files in a directory; who may have which is in the database."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from pathlib import Path

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from sandbox.service.problem import Problem
from sandbox.service.settings import Settings
from sandbox.service.store.database import Database
from sandbox.service.store.tables import OPEN, File, Package, Submission

LEAST = 4096
"""Bytes that a file counts for beside its content: there may not be any number of small ones."""


class Contents:
    """Files of tenants. A content that several have is there once; a tenant sees only its own."""

    def __init__(self, settings: Settings, database: Database) -> None:
        """In the settings' `data`."""
        self._settings, self._database = settings, database
        self._place = settings.data / "files"
        self._place.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, digest: str) -> Path:
        """Where a content is, if there is one."""
        return self._place / digest[:2] / digest

    def put(self, content: bytes) -> str:
        """Have a content; its digest. Whoever needs it later has to say so in the database, in time."""
        digest = hashlib.sha256(content).hexdigest()
        path = self.path(digest)
        if path.exists():
            os.utime(path)  # it is as new
            return digest
        path.parent.mkdir(exist_ok=True, mode=0o700)
        partial = path.with_name(f".{secrets.token_hex(8)}")
        try:
            with open(partial, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.rename(partial, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(partial)
            raise
        return digest

    def keep(self, tenant: str, content: bytes, seconds: float) -> str:
        """A tenant's file, for so long; its id. A `Problem` if the tenant has no room for it."""
        now = time.time()
        digest = self.put(content)
        with self._database.begin() as session:
            row = session.get(File, (tenant, digest))
            if row is not None:
                row.expires = max(row.expires, now + seconds)
                return digest
            self.make_room(session, tenant, len(content))
            session.add(File(tenant=tenant, digest=digest, size=len(content), created=now, expires=now + seconds))
        return digest

    def make_room(self, session: Session, tenant: str, size: int) -> None:
        """A `Problem` if a tenant may not keep so much more."""
        quota = self._settings.quota_of(tenant).storage
        if _used(session, tenant) + size + LEAST > quota:
            raise Problem(
                "quota", f"{tenant} may keep {quota} bytes, and there is no room for {size} more", field="body"
            )

    def find(self, tenant: str, digest: str) -> File:
        """What is known of a tenant's file; a `Problem` if it has none of that id."""
        with self._database.read() as session:
            row = session.get(File, (tenant, digest))
        if row is None or row.expires < time.time():
            raise Problem("not-found", f"there is no file {digest}, or no more")
        return row

    def read(self, tenant: str, digest: str) -> bytes:
        """A tenant's file; a `Problem` if it has none of that id."""
        self.find(tenant, digest)
        return self.path(digest).read_bytes()

    def forget(self, tenant: str, digest: str) -> None:
        """A tenant does not want a file any more."""
        self.find(tenant, digest)
        with self._database.begin() as session:
            session.execute(delete(File).where(File.tenant == tenant, File.digest == digest))

    def sweep(self, age: float = 3_600.0) -> int:
        """Remove files whose time is over, and contents that are nobody's and older than `age`; how many these were."""
        now, removed = time.time(), 0
        with self._database.begin() as session:
            session.execute(delete(File).where(File.expires < now))
        for path in self._place.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < now - age and not self._is_wanted(path.name):
                    path.unlink()
                    removed += 1
        return removed

    def _is_wanted(self, digest: str) -> bool:
        kept = exists().where(File.digest == digest)
        package = exists().where(Package.digest == digest, Package.removed.is_(None))
        judged = exists().where(Package.digest == digest, Package.id == Submission.package, Submission.state.in_(OPEN))
        with self._database.read() as session:
            return any(session.scalar(select(one)) for one in (kept, package, judged))


def _used(session: Session, tenant: str) -> int:
    files = session.scalar(select(func.sum(File.size + LEAST)).where(File.tenant == tenant)) or 0
    packages = (
        session.scalar(select(func.sum(Package.size)).where(Package.tenant == tenant, Package.removed.is_(None))) or 0
    )
    return int(files + packages)
