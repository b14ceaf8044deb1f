"""`sandbox run`: one program in a box, with the terminal's streams passed through."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

import click
import prctl

import sandbox
from sandbox.cli.program import conclude, explained, given, options
from sandbox.harden import harden
from sandbox.policy import place


@click.command(context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False})
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
    """Run PROGRAM in a box. Its streams are passed through, and so is its exit code.

    \b
    Exit codes: the program's own; 128 + N if signal N ended it;
      119 no output  120 CPU time    121 wall time   122 memory   123 output
      124 denied call;
      125 the sandbox itself failed, with one line on stderr that says how;
        2 the command line is wrong.
    """
    chosen, cwd = place(policy, cwd)
    harden(*((prctl.CAP_SYS_ADMIN,) if chosen.workspace else ()))  # which mounts that map owners take
    with sandbox.Box(chosen) as box, explained():
        _forward_interrupts(box)
        result = box.run(
            argv,
            stdin=0,
            env=env,
            cwd=cwd,
            collect=collect,
            **given(files, limits),
            stdout=sandbox.PIPE if as_json else 1,
            stderr=sandbox.PIPE if as_json else 2,
        )
    conclude(result, as_json=as_json, verbose=verbose)


def _forward_interrupts(box: sandbox.Box) -> None:
    """Ctrl-C and SIGTERM go to the program, whose end then ends us; a second one ends the box at once."""

    def forward(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.default_int_handler)
        box.signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, forward)
