"""Being told to stop: what runs is ended and given back first, whichever signal says so."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType

import click


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """SIGINT and SIGTERM raise `KeyboardInterrupt` within; then the command exits with 128 + the signal's number."""
    caught: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        caught.append(number)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        click.echo("sandbox: interrupted", err=True)
        sys.exit(128 + (caught[0] if caught else signal.SIGINT))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
