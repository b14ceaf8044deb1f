"""Signals that come while a box is replaced."""

from __future__ import annotations

import contextlib
import signal
import threading

from sandbox import Box, HostError
from sandbox.launch.wire import Scope


def test_a_signal_between_two_boxes(policy) -> None:
    """Whoever signals a box while it is replaced, from another thread, signals its program or nobody."""
    over = threading.Event()
    failures: list[BaseException] = []

    def storm() -> None:
        while not over.is_set():
            try:
                with contextlib.suppress(HostError):
                    box.signal(signal.SIGKILL, Scope.EVERYTHING)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is wrong
                failures.append(error)

    with Box(policy("native")) as box:
        thread = threading.Thread(target=storm)
        thread.start()
        try:
            for _ in range(200):
                result = box.run(["true"], files={"x": b""})  # dirty: a fresh box for the next one
                assert result.signal in (None, signal.SIGKILL)
        finally:
            over.set()
            thread.join()
    assert not failures
