"""The jury's programs and the files for submissions: validators, and what is included.

A program that is a link within the package keeps its own name, which says its language.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from pathlib import Path, PurePath

from sandbox.judge.package import tree
from sandbox.judge.package.cases import Package
from sandbox.judge.package.tree import Directory

_TABLE = """
ada algol68 apl bash c cgmp cobol cpp cppgmp crystal csharp d dart elixir erlang forth fortran fsharp gerbil go
haskell java javaalgs4 javascript julia kotlin lisp lua modula2 nim objectivec ocaml octave odin pascal perl php
prolog python2 python3 python3numpy racket ruby rust scala simula smalltalk snobol swift typescript visualbasic zig
"""
LANGUAGES = frozenset(_TABLE.split())
"""The formats' codes of languages."""

_HEADERS = frozenset({".h", ".hh", ".hpp", ".hxx"})
_C = frozenset({".c", ".cc", ".cpp", ".cxx", ".c++", ".C"})
_TEXTS = frozenset({".md", ".txt", ".tex", ".pdf"})
_GRAMMARS = {".ctd": "Checktestdata", ".viva": "VIVA"}


def _is_text(name: str) -> bool:
    return name.upper().startswith(("README", "LICENSE")) or PurePath(name).suffix in _TEXTS


def several(package: Package, *names: str) -> tuple[Path, ...]:
    """The programs in the directory that has one of these names: its files and directories."""
    return tuple(path for name in names if (found := package.top.below(name)) for path in _programs(package, found))


def _programs(package: Package, directory: Directory) -> list[Path]:
    if _is_one_program(directory):
        return [_whole(package, directory)]
    found = {name: _whole(package, below) for name, below in directory.directories.items()}
    for name in sorted(directory.files):
        suffix = PurePath(name).suffix
        if suffix in _GRAMMARS:
            message = f"{_GRAMMARS[suffix]} is not supported: this validator is not run"
            package.findings.warning(directory.at(name), "unsupported", message)
        elif suffix in _HEADERS:
            package.findings.warning(directory.at(name), "unused-file", "is no program by itself: it is ignored")
        elif not _is_text(name):
            found[name] = Path(directory.path, name)
    return [path for _, path in sorted(found.items())]


def _is_one_program(directory: Directory) -> bool:
    """Whether the files of this directory belong together, which the formats would have one level below."""
    if {"build", "run"} & directory.files.keys():
        return True
    suffixes = {PurePath(name).suffix for name in directory.files if not _is_text(name)}
    return bool(suffixes & _HEADERS) and bool(suffixes & _C) and suffixes <= _HEADERS | _C


def single(package: Package, name: str) -> Path | None:
    """The program that this directory is, or its only file or directory; `None` if there is none."""
    directory = package.top.below(name)
    if directory is None:
        return None
    files = [file for file in directory.files if not _is_text(file)]
    if len(files) + len(directory.directories) == 0:
        package.findings.error(
            name, "empty", "there is no program in it whose name the format allows: give one, or remove it"
        )
        return None
    if len(files) == 1 and not directory.directories and files[0] not in ("build", "run"):
        return Path(directory.path, files[0])
    if not files and len(directory.directories) == 1:
        return _whole(package, next(iter(directory.directories.values())))
    return _whole(package, directory)


def _whole(package: Package, directory: Directory) -> Path:
    """A directory that is one program; warnings about scripts in it that nobody has made executable."""
    for name in sorted({"build", "run"} & directory.files.keys()):
        first = tree.first_line(directory.files[name])
        script = first.startswith(b"#!")
        if script and first.endswith(b"\r"):
            message = "has lines that end as on Windows, and no interpreter has such a name: it cannot be started"
            package.findings.warning(directory.at(name), "line-ends", message, 1)
        if not _is_executable(directory.files[name]):
            how = "as its #! line says" if script else "by the shell"
            package.findings.warning(
                directory.at(name), "not-executable", f"is not executable (chmod +x): it is started nevertheless, {how}"
            )
    return Path(directory.path)


def _is_executable(path: str) -> bool:
    with contextlib.suppress(OSError):
        return bool(os.stat(path).st_mode & 0o111)
    return True  # whoever reads it will say what is wrong


def include(package: Package, languages: Collection[str] | None) -> dict[str, Path]:
    """By language code: what goes over each submission; `languages` are those that are allowed."""
    directory = package.top.below("include")
    if directory is None:
        return {}
    for name in sorted(directory.files):
        package.findings.warning(directory.at(name), "unused-file", "is not in the directory of a language: ignored")
    found = {}
    for code, below in sorted(directory.directories.items()):
        if not below.files and not below.directories:
            package.findings.warning(below.name, "empty", "there is nothing in it to include")
            continue
        if code != "default" and code not in LANGUAGES:
            package.findings.warning(below.name, "language", f"{code} is not the code of a language in the format")
        elif code != "default" and languages is not None and code not in languages:
            package.findings.warning(below.name, "language", f"{code} is not among the languages of the problem")
        found[code] = Path(below.path)
    return found
