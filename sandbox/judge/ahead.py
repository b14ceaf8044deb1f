"""Tests run ahead of whoever asks for their results, several at a time, in the order of judging."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Protocol

from sandbox.judge.judgement import TestResult
from sandbox.judge.problem import Test
from sandbox.judge.stop import Stop


class Slot(Protocol):
    """A place where one test runs at a time."""

    def run(self, test: Test, stop: Stop) -> TestResult:
        """Run a test to its end, which comes soon if `stop` is called."""

    def close(self) -> None:
        """Give everything back."""


class Ahead:
    """Takes the tests one by one, in their order, to whichever slot is free.

    At most one test for each slot is run in vain when the rest turns out not to be needed: it is ended then.
    """

    def __init__(self, tests: Sequence[Test], open_slot: Callable[[], Slot], slots: int) -> None:
        """Begin at once, with up to `slots` threads, each of which opens a slot of its own."""
        self._results: dict[str, Future[TestResult]] = {test.name: Future() for test in tests}
        self._waiting = deque(tests)
        self._open_slot = open_slot
        self._running: dict[str, Stop] = {}
        self._lock = threading.Lock()
        self._stopped = False
        count = min(slots, len(tests))
        self._threads = [threading.Thread(target=self._work, name=f"judge-{n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def result(self, test: Test) -> TestResult:
        """A test's result, waited for; raises what running it raised."""
        return self._results[test.name].result()

    def leave_out(self, tests: Iterable[Test]) -> None:
        """Nobody will ask for these: they are not begun, and ended if they run."""
        for test in tests:
            self._results[test.name].cancel()
            with self._lock:
                stop = self._running.get(test.name)
            if stop is not None:
                stop()

    def stop(self) -> None:
        """Begin nothing more, and end what runs."""
        self._stopped = True
        self._waiting.clear()
        for future in self._results.values():
            future.cancel()
        with self._lock:
            stops = tuple(self._running.values())
        for stop in stops:
            stop()

    def _work(self) -> None:
        slot = None
        while (test := self._next()) is not None:
            future = self._results[test.name]
            try:
                slot = slot or self._open_slot()
                result = self._run(slot, test)
            except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
                future.set_exception(error)
            else:
                future.set_result(result)
        if slot is not None:
            slot.close()

    def _next(self) -> Test | None:
        while True:
            try:
                test = self._waiting.popleft()
            except IndexError:
                return None
            if self._results[test.name].set_running_or_notify_cancel():
                return test

    def _run(self, slot: Slot, test: Test) -> TestResult:
        stop = Stop()
        with self._lock:
            self._running[test.name] = stop
        if self._stopped:
            stop()
        try:
            return slot.run(test, stop)
        finally:
            with self._lock:
                del self._running[test.name]

    def close(self) -> None:
        """End what still runs, and wait until every slot is given back."""
        self.stop()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Ahead:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
