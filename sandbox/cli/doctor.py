"""`sandbox doctor`: what this host offers, what a policy requires of it, and what to do about the difference."""

from __future__ import annotations

import dataclasses
import json
import sys

import click

from sandbox.kernel.probe import Feature, probe
from sandbox.policy import load

_COLOURS = {"enforced": "green", "degraded": "yellow", "missing": "red"}


@click.command()
@click.option("--policy", "policy_name", default="base", show_default=True, help="The policy to be honoured.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def doctor(policy_name: str, as_json: bool) -> None:
    """Show what this host offers for containing programs.

    Exits with 1 if a protection is missing that the policy requires.
    """
    policy = load(policy_name)
    required = {name for name, wanted in policy.protections if wanted}
    features = probe(policy.limits)
    lacking = [feature.name for feature in features if feature.name in required and feature.state == "missing"]
    if as_json:
        click.echo(json.dumps([_object(feature, required) for feature in features], indent=2))
    else:
        _print_table(features, required)
        click.echo(_conclusion(policy_name, lacking))
    sys.exit(1 if lacking else 0)


def _object(feature: Feature, required: set[str]) -> dict[str, object]:
    return {**dataclasses.asdict(feature), "required": feature.name in required}


def _conclusion(policy_name: str, lacking: list[str]) -> str:
    if lacking:
        return f"Policy '{policy_name}' cannot be honoured here: {', '.join(lacking)} missing."
    return f"Policy '{policy_name}' can be honoured here."


def _print_table(features: tuple[Feature, ...], required: set[str]) -> None:
    # Imported here: the JSON, and everything else, does without.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("feature", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("found", ratio=1, overflow="fold")
    if any(feature.remedy for feature in features):
        table.add_column("what to do", ratio=1, overflow="fold")
    for feature in features:
        cells = [
            Text(feature.name + ("*" if feature.name in required else "")),
            Text(feature.state, style=_COLOURS[feature.state]),
            Text(feature.detail),
            Text(feature.remedy),
        ]
        table.add_row(*cells[: len(table.columns)])
    Console().print(table)
    click.echo("\n* required by the policy")
