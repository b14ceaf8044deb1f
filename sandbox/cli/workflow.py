"""`sandbox workflow`: run the steps of a TOML file, and watch them."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sandbox.cli.interrupts import interruptible
from sandbox.cli.terminal import harmless
from sandbox.harden import harden
from sandbox.workflow import Event, Outcome, Report, State, Workflow

if TYPE_CHECKING:
    from rich.table import Table

TAIL = 20
"""Lines of a failed step's stderr that are shown."""
WIDEST = 4_000
"""Characters of these lines that are shown, all together."""


@click.group()
def workflow() -> None:
    """Run programs that depend on each other."""


@workflow.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Steps at one time (default: one for each CPU).")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome of each step, with its whole result, as JSON.")
def run(file: Path, workers: int | None, as_json: bool) -> None:
    """Run the steps of FILE, a TOML file with a table [steps.NAME] for each.

    \b
    Exit codes: 0 if every step is well; 1 if one has failed;
      128 + N if signal N interrupted it (clean-up steps have run then);
        2 the file or the command line is wrong.
    """
    harden()
    flow = Workflow.from_toml(file)
    live = _live(tuple(flow.steps)) if sys.stderr.isatty() else contextlib.nullcontext(_line)
    with interruptible(), live as progress:
        report = flow.run(workers=workers, progress=progress)
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2))
    _explain(report)
    sys.exit(0 if report.ok else 1)


def _line(event: Event) -> None:
    """One event on a line, where there is no terminal."""
    step, outcome = event
    tries = f" (try {outcome.tries})" if outcome.tries > 1 else ""
    reason = f": {harmless(outcome.reason)}" if outcome.reason else ""
    click.echo(f"{step}: {outcome.state.value}{tries}{reason}", err=True)


@contextlib.contextmanager
def _live(steps: tuple[str, ...]) -> Iterator[Callable[[Event], None]]:
    """A table on the terminal that follows the events which it is given."""
    from rich.console import Console
    from rich.live import Live

    seen: dict[str, Outcome] = {}
    spans: dict[str, tuple[float, float | None]] = {}

    def follow(event: Event) -> None:
        now = time.monotonic()
        begun = spans.get(event.step, (now, None))[0]
        spans[event.step] = (begun, now if event.outcome.state.ended else None)
        seen[event.step] = event.outcome

    def show() -> Table:
        return _table(steps, dict(seen), dict(spans))

    with Live(get_renderable=show, console=Console(stderr=True), refresh_per_second=8):
        yield follow


_STYLES = {State.DONE: "green", State.FAILED: "red", State.INTERRUPTED: "red", State.RUNNING: "cyan"}


def _table(steps: tuple[str, ...], seen: dict[str, Outcome], spans: dict[str, tuple[float, float | None]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None)
    for heading in ("step", "state", "time", "tries", "reason"):
        table.add_column(heading, justify="right" if heading in ("time", "tries") else "left")
    for step in steps:
        if step not in seen:
            table.add_row(Text(step), Text("waiting", "dim"))
            continue
        outcome, (begun, ended) = seen[step], spans[step]
        seconds = f"{(ended or time.monotonic()) - begun:.1f} s" if outcome.tries else ""
        state = Text(outcome.state.value, _STYLES.get(outcome.state, "yellow"))
        table.add_row(Text(step), state, Text(seconds), Text(str(outcome.tries or "")), Text(harmless(outcome.reason)))
    return table


def _explain(report: Report) -> None:
    """Each step that has failed, with the end of what it wrote to stderr."""
    for name, outcome in report.items():
        if outcome.state is not State.FAILED:
            continue
        click.echo(f"sandbox: step {name} has failed: {harmless(outcome.reason)}", err=True)
        written = outcome.result.stderr if outcome.result is not None else None
        lines = (written or b"")[-WIDEST:].decode(errors="backslashreplace").splitlines()
        for line in lines[-TAIL:]:
            click.echo(f"    {harmless(line)}", err=True)
