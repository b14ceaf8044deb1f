"""The tests' inputs: in memory as far as they fit, so that a thousand submissions read each file once."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

from sandbox.capture import Stdin
from sandbox.handover import Content
from sandbox.judge.problem import Test

ROOM = 256 << 20
"""Bytes of inputs that are kept."""
LARGE = 64 << 20
"""An input of more bytes is copied from its file as the submission reads."""


class Inputs:
    """Used by many threads at once."""

    def __init__(self, room: int = ROOM) -> None:
        """Keep up to `room` bytes."""
        self._room = room
        self._kept: OrderedDict[Path, Content] = OrderedDict()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def get(self, test: Test, given: bytes | None = None) -> Iterator[Stdin]:
        """What a submission reads on a test; or else `given`, the input of a later pass."""
        if given is not None:
            yield given
        elif test.input.stat().st_size > LARGE:
            yield test.input
        else:
            yield self._content(test.input)

    def _content(self, path: Path) -> Content:
        with self._lock:
            content = self._kept.get(path)
            if content is None:
                content = self._kept[path] = Content(path)
                self._room -= content.size
            self._kept.move_to_end(path)
            while self._room < 0 and len(self._kept) > 1:
                self._room += self._kept.popitem(last=False)[1].size  # who reads it just now still refers to it
            return content

    def close(self) -> None:
        """Give the memory back."""
        with self._lock:
            self._kept.clear()
