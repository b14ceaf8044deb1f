"""The command `sandbox`: finds the subcommand and turns the library's errors into one line and an exit code."""

from __future__ import annotations

import importlib
import os
import sys

import click

from sandbox.cli import EXIT_SANDBOX, EXIT_USAGE
from sandbox.cli.terminal import harmless
from sandbox.errors import PolicyError, RequestError, SandboxError

COMMANDS = {
    "doctor": "Show what this host offers for containing programs.",
    "judge": "Judge submissions to a problem.",
    "key": "Make, list and revoke keys of the service.",
    "languages": "Show and test the languages of submissions.",
    "policy": "Show, check and learn policies.",
    "problem": "Show and check a problem package.",
    "run": "Run a program that you do not trust.",
    "serve": "Run and judge programs for others, over HTTP.",
    "workflow": "Run programs that depend on each other.",
}
"""Each command with its summary; it is the function of that name in the module of that name."""

LOCAL = set(COMMANDS)
"""Commands that need boxes on this machine, and so Linux."""


class _Commands(click.Group):
    """A group that imports a command when it is called, and none to list them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        if ctx.params.get("server"):
            return _elsewhere(ctx, cmd_name)
        if cmd_name in LOCAL and sys.platform != "linux":
            click.echo(f"sandbox: '{cmd_name}' needs Linux; this is {sys.platform}", err=True)
            ctx.exit(EXIT_USAGE)
        command: click.Command = getattr(importlib.import_module(f"sandbox.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


def _elsewhere(ctx: click.Context, name: str) -> click.Command:
    if name not in ("judge", "run"):
        click.echo(f"sandbox: --server is for run and judge, not for {name}", err=True)
        ctx.exit(EXIT_USAGE)
    command: click.Command = getattr(importlib.import_module("sandbox.cli.elsewhere"), name)
    return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sandbox-runner", message="%(version)s")
@click.option("--server", metavar="URL", help="Run and judge at this service, not here.")
def cli(server: str | None) -> None:
    """Run programs that you do not trust: contained, measured, warm.

    With --server, the API key is in the environment, as SANDBOX_KEY.
    """


def main() -> None:
    """The console script."""
    _open_standard_streams()
    try:
        cli(prog_name="sandbox")
    except (PolicyError, RequestError) as error:
        _give_up(error, EXIT_USAGE)
    except (SandboxError, OSError) as error:
        _give_up(error, EXIT_SANDBOX)


def _open_standard_streams() -> None:
    """Where a stream is closed, the next file that is opened would be taken for it: the program's, or our own."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free


def _give_up(error: Exception, code: int) -> None:
    click.echo(f"sandbox: {harmless(str(error))}", err=True)
    sys.exit(code)
