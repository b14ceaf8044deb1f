"""What is kept, as tables. Times are seconds since the epoch, sizes bytes, ids ULIDs, in the order of their making."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """All tables."""

    type_annotation_map = {dict[str, Any]: JSON, list[str]: JSON, float: Float(53), int: BigInteger}  # noqa: RUF012


class Key(Base):
    """An API key; the secret itself is known only to who holds it."""

    __tablename__ = "keys"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    """SHA-256 of the secret, which is 256 random bits: nothing slower is needed."""
    scopes: Mapped[list[str]]
    created: Mapped[float]
    revoked: Mapped[float | None]


class File(Base):
    """A tenant's reference to a content of the store; its id is the content's SHA-256."""

    __tablename__ = "files"

    tenant: Mapped[str] = mapped_column(String(64), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
    size: Mapped[int]
    created: Mapped[float]
    expires: Mapped[float] = mapped_column(index=True)


class Package(Base):
    """One version of a problem package."""

    __tablename__ = "packages"
    __table_args__ = (UniqueConstraint("tenant", "problem", "version"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(64))
    problem: Mapped[str] = mapped_column(String(100))
    version: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64), index=True)
    """Of the archive, which is a content of the store."""
    size: Mapped[int]
    created: Mapped[float]
    summary: Mapped[dict[str, Any]]
    """What lists say of it: title, format, limits, tests, warnings."""
    removed: Mapped[float | None]


QUEUED, RUNNING, DONE, CANCELLED = "queued", "running", "done", "cancelled"
"""The states of a submission."""
OPEN = (QUEUED, RUNNING)


class Submission(Base):
    """A submission, from when it was accepted on."""

    __tablename__ = "submissions"
    __table_args__ = (
        UniqueConstraint("tenant", "idempotency"),
        Index("ix_submissions_list", "tenant", "id"),
        Index("ix_submissions_work", "state", "next_try"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(26))
    """Of the API key that it came with."""
    problem: Mapped[str | None] = mapped_column(String(100), index=True)
    """`None` if its tests came along."""
    package: Mapped[str | None] = mapped_column(ForeignKey("packages.id"))
    tests: Mapped[dict[str, Any] | None]
    """Those that came along, with their limits."""
    language: Mapped[str | None] = mapped_column(String(32))
    sources: Mapped[dict[str, Any]]
    """Text, or `{"base64": …}`, by file names."""
    user: Mapped[str] = mapped_column(String(200), default="")
    """Whose it is, as the tenant calls them."""
    priority: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    owner: Mapped[str | None] = mapped_column(String(26), index=True)
    """The service that judges it."""
    attempts: Mapped[int]
    next_try: Mapped[float]
    """Not before."""
    deadline: Mapped[float | None]
    """When nobody wants it any more."""
    failures: Mapped[list[str]]
    """What the sandbox said each time that it failed."""
    created: Mapped[float]
    started: Mapped[float | None]
    finished: Mapped[float | None]
    verdict: Mapped[str | None] = mapped_column(String(8), index=True)
    score: Mapped[float | None]
    report: Mapped[dict[str, Any] | None]
    idempotency: Mapped[str | None] = mapped_column(String(200))
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    """Of the request that came with the idempotency key."""
    rejudge_of: Mapped[str | None] = mapped_column(String(26))
    webhook: Mapped[str | None] = mapped_column(String(2000))


class Delivery(Base):
    """A webhook's message that has not arrived yet, or never did."""

    __tablename__ = "deliveries"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    submission: Mapped[str] = mapped_column(ForeignKey("submissions.id"), index=True)
    url: Mapped[str] = mapped_column(String(2000))
    attempts: Mapped[int]
    next_try: Mapped[float | None] = mapped_column(index=True)
    """`None` when it has arrived, or was given up."""
    outcome: Mapped[str] = mapped_column(String(500), default="")


class Usage(Base):
    """What a tenant has used in an hour."""

    __tablename__ = "usage"

    tenant: Mapped[str] = mapped_column(String(64), primary_key=True)
    hour: Mapped[int] = mapped_column(primary_key=True)
    """Since the epoch."""
    cpu_seconds: Mapped[float]
    runs: Mapped[int]


class Service(Base):
    """A service that works with this database, while it is alive."""

    __tablename__ = "services"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    seen: Mapped[float]


class Audit(Base):
    """Who did what to keys, problems, files and submissions of others."""

    __tablename__ = "audit"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    at: Mapped[float]
    tenant: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(26))
    action: Mapped[str] = mapped_column(String(64))
    target: Mapped[str] = mapped_column(String(200))
    detail: Mapped[dict[str, Any]]
