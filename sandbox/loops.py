"""What other threads do to event loops."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any


def call_in(loop: asyncio.AbstractEventLoop, what: Callable[..., object], *arguments: Any) -> None:
    """Have something called in a loop, unless that has closed; from any thread."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(what, *arguments)


def run_in(loop: asyncio.AbstractEventLoop, what: Callable[..., object], *arguments: Any) -> None:
    """As `call_in`, but at once if this is the loop's own thread."""
    try:
        here = asyncio.get_running_loop() is loop
    except RuntimeError:
        here = False
    if here:
        what(*arguments)
    else:
        call_in(loop, what, *arguments)
