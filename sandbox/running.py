"""Programs under way, wherever they run: what the façades need of this machine, or of a service elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Protocol

from sandbox.result import Result, Usage

Argv = Iterable[str | bytes | os.PathLike[str]]


class Running(Protocol):
    """A program under way, wherever it runs: what `Process` is for one of this machine."""

    def running(self) -> bool:
        """Whether it has not ended yet."""

    def usage(self) -> Usage:
        """What it has used so far."""

    def wait(self, timeout: float | None = None) -> Result:
        """Its Result; `TimeoutError` after that many seconds."""

    def signal(self, number: int, *, group: bool = False) -> None:
        """Send a signal to it, or to its whole process group."""

    def kill(self) -> None:
        """End it, and everything that it has started."""


class Runner(Protocol):
    """Where programs run: on this machine (`LOCAL`), or wherever another one has them run; with the same calls, the
    same Results and the same errors.
    """

    def run(self, argv: Argv, **options: Any) -> Result:
        """As `sandbox.run`."""

    def start(self, argv: Argv, **options: Any) -> Running:
        """As `Process`."""


class _Local:
    """This machine as a `Runner`."""

    @staticmethod
    def run(argv: Argv, **options: Any) -> Result:
        """As `sandbox.run`."""
        import sandbox  # here, because boxes need Linux, and other runners do not

        return sandbox.run(argv, **options)

    @staticmethod
    def start(argv: Argv, **options: Any) -> Running:
        """As `Process`."""
        from sandbox.process import Process

        return Process(argv, **options)


LOCAL: Runner = _Local()
