"""The database: SQLite in a file, or PostgreSQL; opened, and brought up to date."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.orm import Session

from sandbox.errors import HostError, RequestError, step

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id(now: Callable[[], float] = time.time) -> str:
    """A ULID: 48 bits of milliseconds and 80 random ones, so that ids sort in the order of their making."""
    number = int(now() * 1000) << 80 | int.from_bytes(os.urandom(10))
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


class Database:
    """Connections to one database. `begin` and `read` are for any thread."""

    def __init__(self, url: str) -> None:
        """Open it; `HostError` if that cannot be. `migrate` has to be called before it is used."""
        try:
            self.url = make_url(url)
        except ArgumentError as error:
            raise RequestError("database", str(error)) from None
        self.embedded = self.url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {"pool_pre_ping": not self.embedded}
        if self.embedded:
            if self.url.database and self.url.database != ":memory:":
                with step(f"make the directory of {self.url.database}"):
                    Path(self.url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            options["connect_args"] = {"timeout": 30}
        try:
            self.engine: Engine = create_engine(
                _with_driver(str(self.url.render_as_string(hide_password=False))), **options
            )
        except (ArgumentError, ImportError, OSError) as error:
            raise HostError(f"the database {self.url!r}: {error}") from None
        self._reading = self.engine.execution_options(reads=True, postgresql_readonly=True)
        if self.embedded:
            event.listen(self.engine, "connect", _prepare)
            event.listen(self.engine, "begin", _begin)

    def migrate(self) -> None:
        """Bring the tables up to date; `HostError` if the database cannot be reached."""
        config = Config()
        config.set_main_option("script_location", str(resources.files("sandbox.service.store") / "migrations"))
        with self._reached() as connection:
            if not self.embedded:
                connection.execute(text("SELECT pg_advisory_xact_lock(7366)"))  # one service at a time
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def _reached(self) -> Iterator[Connection]:
        try:
            connection = self.engine.connect()
        except OperationalError as error:
            why = str(error.orig).strip().partition("\n")[0]
            raise HostError(f"the database {self.url!r}: {why}") from None
        with connection, connection.begin():
            yield connection

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """A transaction: all of it happens when this is left, or, if an exception leaves it, nothing."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that changes nothing: it sees all of one moment, and waits for nobody who writes."""
        with Session(self._reading, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _with_driver(url: str) -> str:
    """PostgreSQL is spoken to by psycopg."""
    scheme, colon, rest = url.partition(":")
    return f"postgresql+psycopg:{rest}" if colon and scheme in ("postgres", "postgresql") else url


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # transactions begin as `_begin` says
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # what was promised survives the host's end, not only the service's
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin(connection: Any) -> None:
    # At once for writing: a transaction that reads first and is refused when it writes could only begin again.
    reads = connection.get_execution_options().get("reads")
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reads else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
