"""`sandbox languages`: which languages there are, which of them this machine has, and whether they work."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import click

from sandbox.cli.terminal import harmless, harmless_lines
from sandbox.harden import harden
from sandbox.judge.cache import Cache
from sandbox.judge.compiler import Compiler
from sandbox.judge.languages import Language, codes, load
from sandbox.judge.selftest import COLUMNS, Outcome, selftest, version


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@click.pass_context
def languages(context: click.Context, as_json: bool) -> None:
    """Show the languages of submissions, with the version that is installed."""
    if context.invoked_subcommand is not None:
        return
    harden()
    known = [load(code) for code in codes()]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        versions = list(threads.map(version, known))
    pairs = list(zip(known, versions, strict=True))
    if as_json:
        found = [
            {"code": one.code, "name": one.name, "extensions": list(one.extensions), "version": told,
             "packages": list(one.packages)} for one, told in pairs
        ]  # fmt: skip
        click.echo(json.dumps(found, indent=2))
    else:
        _table(pairs)


def _table(pairs: list[tuple[Language, str | None]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("code", "name", "files", "installed"):
        table.add_column(heading)
    for one, told in pairs:
        get = "not for Debian" if one.absent else f"apt-get install {' '.join(one.packages)}"
        missing = Text(f"not installed: {get}", "yellow")
        files = " ".join(one.extensions) if one.detect else "(by code only)"
        table.add_row(one.code, one.name, files, missing if told is None else Text(harmless(told, 60)))
    Console(highlight=False, width=None if sys.stdout.isatty() else 140).print(table)


@languages.command()
@click.argument("which", nargs=-1, metavar="[CODE]...")
@click.option("--cache", type=click.Path(path_type=Path), metavar="DIR", help="Where compiled programs are kept.")
@click.option("--overlay", default="", metavar="NAME", help="Laid over every policy, such as weak-no-cgroup.")
@click.option("--quick", is_flag=True, help="Only add two numbers: the others take seconds and 2 GiB of memory.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcomes as JSON.")
def test(which: tuple[str, ...], cache: Path | None, overlay: str, quick: bool, as_json: bool) -> None:
    """Compile and run each language's own small programs; of all that are installed, if none is named.

    They add two numbers; hold nine tenths of a memory limit, which has to be accepted, and a fifth more than it, which
    has to be MLE; and recurse a million deep.

    \b
    Exit codes: 0 if all of them work; 1 if one does not, or is named and not installed;
        2 there is no such language.
    """
    harden()
    chosen = [load(code) for code in which or codes()]
    columns = COLUMNS[:1] if quick else COLUMNS
    outcomes = []
    if not as_json:
        click.echo("  ".join(("code        ", *(f"{column:<9}" for column in columns))).rstrip())
    with Compiler(Cache(cache), overlay=overlay) as compiler:
        for language in chosen:
            if not language.installed() and not which:
                click.echo(f"{language.code}: not installed", err=True)
                continue
            outcomes.append(selftest(language, compiler, columns))
            if not as_json:
                _show(outcomes[-1], columns)
    if as_json:
        click.echo(json.dumps([_as_json(outcome) for outcome in outcomes], indent=2))
    sys.exit(0 if all(outcome.ok for outcome in outcomes) else 1)


def _as_json(outcome: Outcome) -> dict[str, object]:
    return {
        "code": outcome.language.code, "ok": outcome.ok, "problem": outcome.problem,
        "trials": [asdict(trial) for trial in outcome.trials],
    }  # fmt: skip


def _show(outcome: Outcome, columns: tuple[str, ...]) -> None:
    """A line of the table, and below it what is wrong."""
    own = outcome.language.selftest
    words = []
    for column in columns:
        trials = outcome.column(column)
        works = f"{own.depth:,}" if column == "recursion" else "works"
        failed = any(trial.problem for trial in trials)
        words.append(f"{('FAILS' if failed else works) if trials else 'not told':<9}")
    why = own.shallow if "recursion" in columns else ""
    click.echo("  ".join((f"{outcome.language.code:<12}", *words, why)).rstrip())
    for trial in outcome.trials:
        if trial.problem:
            for line in harmless_lines(f"{trial.name}: {trial.problem}", 20):
                click.echo(f"    {line}")
