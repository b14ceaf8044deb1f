"""`sandbox key`: who may use the HTTP service."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sandbox.cli.serve import config_options
from sandbox.cli.terminal import harmless

if TYPE_CHECKING:
    from sandbox.service.access import Keys


@click.group()
def key() -> None:
    """Make, list and revoke API keys."""


def _keys(config: Path | None, flags: dict[str, Any]) -> Keys:
    from sandbox.service.access import Keys
    from sandbox.service.settings import Settings
    from sandbox.service.store.database import Database

    settings = Settings.load(config, **flags)
    database = Database(settings.database_url)
    database.migrate()
    return Keys(database)


@key.command()
@config_options
@click.argument("tenant")
@click.option(
    "--scope",
    "-s",
    "scopes",
    multiple=True,
    default=("run", "submit"),
    show_default=True,
    help="What it is for: run, submit, manage, admin.",
)
@click.option("--name", default="", metavar="TEXT", help="What lists call it.")
def make(tenant: str, scopes: tuple[str, ...], name: str, config: Path | None, **flags: Any) -> None:
    """Make a key for TENANT, and print it."""
    _, token = _keys(config, flags).make(tenant, scopes, name)
    click.echo(token)


@key.command("list")
@config_options
def list_keys(config: Path | None, **flags: Any) -> None:
    """List all keys, without their secrets."""
    for row in _keys(config, flags).list():
        state = "revoked" if row.revoked else "valid"
        made = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.created))
        click.echo(f"{row.id}  {state:7}  {made}  {row.tenant}  {' '.join(row.scopes)}  {harmless(row.name)}")


@key.command()
@config_options
@click.argument("key_id", metavar="ID")
def revoke(key_id: str, config: Path | None, **flags: Any) -> None:
    """Have a key not be valid any more."""
    if not _keys(config, flags).revoke(key_id):
        raise click.ClickException(f"there is no valid key {key_id}")
    click.echo(f"{key_id} is not valid any more; running services refuse it within 2 seconds")
