"""Giving up what is under way."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from sandbox.control import Control


class Stopped(Exception):
    """Somebody did not want it any more."""


class Stop:
    """Called by whoever does not want something any more, at any time, in any thread; what does it asks."""

    def __init__(self, *calls: Callable[[], object]) -> None:
        """Nobody has called yet; `calls` are called whenever that is."""
        self.wanted = False
        self._calls = list(calls)
        self._lock = threading.Lock()

    def __call__(self) -> None:
        """Have everything that is under way end, and all that would begin."""
        with self._lock:
            self.wanted = True
            calls = tuple(self._calls)
        for call in calls:
            call()

    def check(self) -> None:
        """Raises `Stopped` if somebody has called."""
        if self.wanted:
            raise Stopped

    @contextlib.contextmanager
    def calling(self, call: Callable[[], object]) -> Iterator[None]:
        """Have it called when this is, while the context lasts; at once if this has been."""
        with self._lock:
            self._calls.append(call)
            wanted = self.wanted
        if wanted:
            call()
        try:
            yield
        finally:
            with self._lock:
                self._calls.remove(call)

    @contextlib.contextmanager
    def control(self) -> Iterator[Control]:
        """The control of a run that ends when this is called."""
        with Control() as control, self.calling(control.kill):
            yield control
