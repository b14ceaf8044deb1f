"""Programs under way, wherever they run: what the façades need of this machine, or of a service elsewhere."""

from __future__ import annotations

import os
import threading
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


class Ending:
    """The end of a program, which one thread brings about and many wait for."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._result: Result | None = None
        self._failure: BaseException | None = None

    def running(self) -> bool:
        """Whether it has not ended yet."""
        return not self._ended.is_set()

    def wait(self, timeout: float | None = None) -> Result:
        """Its Result, when nothing of it is left. `TimeoutError` after `timeout` seconds; the program goes on then.

        Raises what `sandbox.run` raises if the sandbox, not the program, has failed.
        """
        if not self._ended.wait(timeout):
            raise TimeoutError(f"the program is still running after {timeout} seconds")
        if self._failure is not None:
            raise self._failure
        assert self._result is not None
        return self._result


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
