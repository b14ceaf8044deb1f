"""`sandbox policy`: look at policies, try whether they hold, and learn what a program needs."""

from __future__ import annotations

import sys

import click

from sandbox.errors import PolicyError
from sandbox.policy import load, names


@click.group()
def policy() -> None:
    """Show, check and learn policies."""


@policy.command("list")
def list_policies() -> None:
    """List the policies, each with what it is for."""
    rows = []
    for name in names():
        try:
            rows.append((name, load(name).description))
        except PolicyError:
            if not name.startswith("weak-"):  # a weak one may be an overlay, incomplete by itself
                raise
            rows.append((name, load(f"base+{name}").description))
    width = max(len(name) for name, _ in rows)
    for name, description in rows:
        click.echo(f"{name:<{width}}  {description}")


@policy.command()
@click.argument("name")
def show(name: str) -> None:
    """Print a policy as it is in force, with all that it extends, as TOML."""
    import tomli_w

    chosen = load(name)
    table = chosen.model_dump(mode="json", exclude_none=True, exclude={"mounts", "symlinks", "name"})
    table["mounts"] = {
        mount.target: mount.model_dump(exclude={"target"}, exclude_defaults=True) for mount in chosen.mounts
    }
    table["symlinks"] = dict(chosen.symlinks)
    click.echo(f"# {chosen.name}\n{tomli_w.dumps(table, multiline_strings=True)}", nl=False)


@policy.command()
@click.argument("chosen", nargs=-1, metavar="[NAME]...")
@click.option("--overlay", default="", metavar="+NAME", help="Lay this over each, for hosts that need it.")
def check(chosen: tuple[str, ...], overlay: str) -> None:
    """Validate policies (all, if none is named) and carry out their proofs: a program that must work under each,
    and a hostile twin that must not.
    """
    from sandbox import proof
    from sandbox.template import make_template

    failed = False
    for name in chosen or [name for name in names() if not name.startswith("weak-")]:
        checked = load(name + overlay)
        make_template(checked)
        if not chosen and (lacking := proof.missing_programs(checked)):
            click.echo(f"skipped {checked.name}: not installed: {', '.join(lacking)}")
            continue
        findings = list(proof.check(checked, overlay))
        if absent := proof.missing_sources(checked):
            click.echo(f"FAILED  {checked.name}: not on this host: {', '.join(absent)}")
            failed = True
        elif not findings:
            click.echo(f"ok      {checked.name}: valid; it brings no proof")
        for finding in findings:
            click.echo(f"{'ok    ' if finding.held else 'FAILED'}  {finding.policy} {finding.name}: {finding.detail}")
            failed = failed or not finding.held
    sys.exit(1 if failed else 0)


@policy.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "--policy",
    "-p",
    "name",
    default="native",
    show_default=True,
    help="The policy to start from, +weak-no-cgroup where there are no cgroups.",
)
@click.argument("argv", nargs=-1, required=True, metavar="PROGRAM [ARGS]...")
def learn(name: str, argv: tuple[str, ...]) -> None:
    """Run a program THAT YOU TRUST with every system call watched, and propose a policy for it.

    It sees the host's files, read-only. The proposal goes to stdout as TOML; read it before you use it.
    """
    import tomli_w

    from sandbox import learn as learning

    start = load(name)
    result, observed = learning.watch(start, argv, stdin=0, stdout=2, stderr=2)
    click.echo(f"sandbox: {result}; {sum(observed.calls.values())} calls of {len(observed.calls)} kinds", err=True)
    proposal = learning.propose(start, observed)
    click.echo(f"# Learned from: {' '.join(argv)}")
    if set(proposal) <= {"description", "extends"}:
        click.echo(f"# Nothing beyond policy {start.name} was needed.")
    click.echo(tomli_w.dumps(proposal), nl=False)
