"""Counters of a control group: files that hold a number, alone or behind a key."""

from __future__ import annotations

import os
from enum import IntEnum
from typing import NamedTuple


class METERS(IntEnum):
    """The counters that are read before and after each run, in the order of `enum wire_meter_index`."""

    CPU = 0
    MEMORY = 1
    PEAK = 2
    KILLS = 3
    PROCESSES = 4


UNREAD = (1 << 64) - 1
"""The value of a counter that is not there or cannot be read."""


class Meter(NamedTuple):
    """One counter: its open file, or -1 if there is none, and what stands before the number on its line."""

    fd: int = -1
    key: bytes = b""
    reset: bool = False
    """Whether it is written to before each run."""

    def read(self) -> int:
        """The present value."""
        if self.fd < 0:
            return UNREAD
        text = b"\n" + os.pread(self.fd, 4096, 0)
        _, found, rest = text.partition(b"\n" + self.key + (b" " if self.key else b""))
        return int(rest.split(None, 1)[0]) if found else UNREAD
