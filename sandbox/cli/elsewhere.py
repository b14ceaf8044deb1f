"""`sandbox --server URL run` and `judge`: the same from the shell, at a service elsewhere."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from subprocess import PIPE
from typing import Any

import click

from sandbox.cli import EXIT_SANDBOX
from sandbox.cli.program import conclude, explained, given, options
from sandbox.cli.terminal import harmless
from sandbox.client import Client
from sandbox.errors import RequestError


def _service() -> Client:
    """The service that the command line names; the key is in the environment, where `ps` does not show it."""
    return Client(click.get_current_context().find_root().params["server"], os.environ.get("SANDBOX_KEY", ""))


@click.command(context_settings={"allow_interspersed_args": False})
@options
@click.argument("argv", nargs=-1, required=True, metavar="PROGRAM [ARGS]...")
def run(
    policy: str,
    files: dict[str, str],
    collect: tuple[str, ...],
    env: dict[str, str],
    cwd: str,
    as_json: bool,
    verbose: bool,
    argv: tuple[str, ...],
    **limits: Any,
) -> None:
    """Run PROGRAM in a box of the service's. Its streams are passed through, and so is its exit code, as without
    `--server`.
    """
    with _service() as service, explained():
        process = service.start(
            argv, policy=policy, stdin=0, env=env, cwd=cwd, collect=collect,
            stdout=PIPE if as_json else 1, stderr=PIPE if as_json else 2, **given(files, limits),
        )  # fmt: skip
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: process.signal(number, group=True))
        result = process.wait()
    conclude(result, as_json=as_json, verbose=verbose)


@click.command()
@click.argument("problem")
@click.argument("submissions", nargs=-1, required=True, type=click.Path(exists=True, readable=False, path_type=Path))
@click.option("--language", metavar="CODE", help="Of all submissions, instead of what their names say.")
@click.option("--json", "as_json", is_flag=True, help="Print the submissions, with their reports, as JSON.")
def judge(problem: str, submissions: tuple[Path, ...], language: str | None, as_json: bool) -> None:
    """Submit SUBMISSIONS, files or directories, to the service's PROBLEM, and wait for their verdicts. If PROBLEM is a
    directory or an archive, it is put there first.

    \b
    Exit codes: 0 if every submission is accepted; 1 if one is not; 125 for a verdict JE, or if one was not judged.
    """
    with _service() as service:
        place = Path(problem)
        if place.exists():
            problem = place.resolve().stem.lower()
            service.put_problem(problem, place)
        given = [(path, _submit(service, path, problem=problem, language=language)) for path in submissions]
        rows = []
        for path, taken in given:
            if taken["id"] is not None:
                for _ in service.events(taken["id"]):
                    pass
            row = taken if taken["id"] is None else service.submission(taken["id"])
            rows.append(row)
            if not as_json:
                _tell(path, row)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    verdicts = {row["verdict"] for row in rows}
    sys.exit(EXIT_SANDBOX if {"JE", None} & verdicts else 0 if verdicts == {"AC"} else 1)


def _submit(service: Client, path: Path, **options: Any) -> dict[str, Any]:
    """The submission; if the service does not take it, or it cannot be read, what there is to say of it."""
    try:
        return service.submit(path, **options)
    except RequestError as error:
        if error.field == "problem":
            raise
        unknown = dict.fromkeys(("id", "verdict", "language", "score"))
        return {**unknown, "state": "not judged", "not_judged": error.reason, "report": {"reason": error.reason}}


def _tell(path: Path, row: dict[str, Any]) -> None:
    score = "" if row["score"] is None else f"  {row['score']:g} points"
    click.echo(f"{row['verdict'] or row['state']}  {path}  {row['language'] or ''}{score}  {row['id'] or ''}".rstrip())
    reason = (row["report"] or {}).get("reason")
    if reason:
        click.echo(f"    {harmless(reason, 400)}")
