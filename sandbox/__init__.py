"""Run programs that nobody trusts, contained and measured. One run, front to back:

Request ──► policy.resolve ──► Plan ──► launcher ──► init: preexec ──► Monitor ──► Result
what is     what the operator  all      one socket   ordered steps,    one loop     Status,
asked       allows             decided  to each box  then execve                    usage, output
"""

from __future__ import annotations

import sys
from typing import Any

from sandbox.errors import HostError, LaunchError, PolicyError, RequestError, SandboxError
from sandbox.files import File
from sandbox.policy import Policy
from sandbox.request import Limits, Request
from sandbox.result import NotCollected, Result, Status

if sys.platform == "linux":
    from sandbox.box import Box, BoxPool
    from sandbox.capture import DEVNULL, PIPE, STDOUT
    from sandbox.handover import Content, PipeEnd
    from sandbox.local import run
else:

    def __getattr__(name: str) -> Any:
        if name in __all__:
            raise ImportError(f"sandbox.{name} needs Linux; a service elsewhere is used by sandbox.client", name=name)
        raise AttributeError(name)


__all__ = [
    "DEVNULL",
    "PIPE",
    "STDOUT",
    "Box",
    "BoxPool",
    "Content",
    "File",
    "HostError",
    "LaunchError",
    "Limits",
    "NotCollected",
    "PipeEnd",
    "Policy",
    "PolicyError",
    "Request",
    "RequestError",
    "Result",
    "SandboxError",
    "Status",
    "run",
]
