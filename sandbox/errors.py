"""What can go wrong with the sandbox itself, as opposed to with a program in it.

A program that crashes, loops or is killed is a `sandbox.Result` with a `Status`; an exception from here
means that no such result could be had.
"""

from __future__ import annotations

import contextlib
import errno as _errno
import os
from collections.abc import Iterator

SHORTAGES = frozenset({_errno.EMFILE, _errno.ENFILE, _errno.ENOMEM, _errno.ENOBUFS})
"""What the host can run out of: never the fault of a request, nor of a file that a program left."""


class SandboxError(Exception):
    """Base of everything that this library raises on purpose."""


class RequestError(SandboxError, ValueError):
    """The caller asked for something malformed or not allowed; `field` names the part of the request."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class PolicyError(SandboxError, ValueError):
    """A policy is unknown or wrong; `source` is the file, `key` the dotted key within it."""

    def __init__(self, source: str, key: str, reason: str) -> None:
        super().__init__(": ".join(part for part in (source, key, reason) if part))
        self.source = source
        self.key = key
        self.reason = reason


class LaunchError(SandboxError, OSError):
    """A step of setting up a box or of starting a program failed, as `mount /usr: Permission denied`.

    `step` is the step's name with its object, `errno` the kernel's error number.
    """

    def __init__(self, step: str, errno: int) -> None:
        super().__init__(errno, os.strerror(errno))
        self.step = step

    def __str__(self) -> str:
        return f"{self.step}: {os.strerror(self.errno or 0)}"

    @property
    def code(self) -> str:
        """The symbolic name of the error, such as `ENOENT`."""
        return _errno.errorcode.get(self.errno or 0, str(self.errno))


class HostError(SandboxError, RuntimeError):
    """The host cannot do what the policy requires, or a box died underneath its run."""


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """A step of the service's own: what the kernel refuses in it is a `LaunchError` of that name."""
    try:
        yield
    except SandboxError:
        raise
    except OSError as error:
        raise LaunchError(name, error.errno or 0) from None
