"""The jury's programs that bring scripts of the shell, to be built and started by (2025-09, Other programs)."""

from __future__ import annotations

import functools

from sandbox.files import File
from sandbox.judge.languages import Language
from sandbox.judge.products import PROGRAM

SCRIPTS = ("build", "run")
"""A jury's program in a directory with one of these is built by the one and started by the other."""


def as_script(content: File) -> File:
    """A script of the jury's, so that it can be started: an archive may have lost that it is executable, and one of the
    shell need not begin with `#!` (POSIX).
    """
    if content[:4] == b"\x7fELF":
        return content
    return File(content if content.startswith(b"#!") else b"#!/bin/sh\n" + content, True)


@functools.cache
def script(built: bool) -> Language:
    """The language of a jury's program that brings a script `run`, or one that makes it."""
    values: dict[str, object] = {
        "code": "script", "name": "scripts", "extensions": (".sh",), "version": ("sh",), "main": ("run",),
        "run": {"argv": (f"{PROGRAM}/run",), "policy": "shell", "env": {"PATH": f"{PROGRAM}:/usr/bin:/bin"}},
        "selftest": {"file": "run", "source": ""},
    }  # fmt: skip
    if built:
        values["compile"] = {"argv": ("./build",)}
    return Language.model_validate(values)
