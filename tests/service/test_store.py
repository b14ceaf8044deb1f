"""The database: its tables, its transactions, and what it may lose sight of."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from serving import Server, StartServer, finished
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from sandbox.errors import SandboxError
from sandbox.service.store.database import Database
from sandbox.service.store.tables import Base

TESTS = [{"input": "", "answer": "1\n"}]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """One of each kind, up to date."""
    url = request.getfixturevalue("postgresql") if request.param == "postgresql" else f"sqlite:///{tmp_path}/database"
    made = Database(url)
    made.migrate()
    yield made
    made.close()


def test_the_tables_are_what_the_migrations_make(database: Database) -> None:
    """Nothing is missing in either, and a second migration does nothing."""
    database.migrate()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == "0002"


def test_who_reads_waits_for_nobody(tmp_path: Path) -> None:
    """While somebody writes, others read what was there before; who reads cannot write."""
    database = Database(f"sqlite:///{tmp_path}/database")
    database.migrate()
    with database.begin() as writer:
        writer.execute(text("INSERT INTO services (id, host, seen) VALUES ('a', 'b', 1)"))
        started = time.monotonic()
        with database.read() as reader:
            assert reader.execute(text("SELECT count(*) FROM services")).scalar() == 0
        assert time.monotonic() - started < 5
    with database.read() as reader:
        assert reader.execute(text("SELECT count(*) FROM services")).scalar() == 1
        with pytest.raises(OperationalError, match="readonly"):
            reader.execute(text("DELETE FROM services"))
    database.close()


@pytest.mark.parametrize(
    ("url", "why"),
    [("postgresql://sandbox:secret@/x?host=/nowhere", "/nowhere"), ("sqlite:////proc/none/database", "proc")],
)
def test_a_database_that_is_not_there(url: str, why: str) -> None:
    """It is one line that names it, without its password."""
    with pytest.raises(SandboxError, match=why) as error:
        Database(url).migrate()
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)


def _edit(server: Server, statement: str, *values: object) -> None:
    with sqlite3.connect(server.data / "sandbox.db", timeout=30) as connection:
        connection.execute(statement, values)


def test_a_report_that_could_not_be_written(start_server: StartServer) -> None:
    """Had the database no ear for it, the submission is judged again, by the same service."""
    server = start_server()
    with server.client() as client:
        body = {"language": "python3", "sources": {"a.py": "print(1)"}, "tests": TESTS}
        submission = client.post("/v1/submissions", params={"wait": 30}, json=body).json()["id"]
        _edit(
            server,
            "UPDATE submissions SET state = 'running', verdict = NULL, report = NULL,"
            " owner = (SELECT id FROM services) WHERE id = ?",
            submission,
        )
        found = finished(client, submission)
        assert (found["state"], found["verdict"], found["attempts"]) == ("done", "AC", 2)
