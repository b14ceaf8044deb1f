"""Problem packages, read and checked: the Problem Package Format in four versions, and plain folders of tests.

`read` takes a directory, `opened` a zip archive as well. Both tell everything that is wrong at once, by file, line and
rule. Nothing of a package is ever run here, and no link is followed out of it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sandbox.judge.package import format_2023_07, format_2025_09, format_folder, format_legacy, schema, tree
from sandbox.judge.package.archive import unpack
from sandbox.judge.package.cases import Package
from sandbox.judge.package.findings import Findings
from sandbox.judge.package.metadata import constants
from sandbox.judge.package.schema import Document
from sandbox.judge.package.timelimit import INI
from sandbox.judge.package.tree import Directory
from sandbox.judge.package.yaml import Node
from sandbox.judge.problem import Problem

__all__ = ["opened", "read"]

FILE = "problem.yaml"
ARCHIVES = (".zip", ".kpp")
_ALIASES = {"draft": format_2023_07.VERSION, "2023-07": format_2023_07.VERSION, "icpc": "legacy-icpc"}


def read(path: Path) -> Problem:
    """The problem in a directory; `ProblemError` with all complaints if it cannot be used, else see its warnings."""
    return _read(Path(path), Path(os.path.realpath(path)).name, Findings())


@contextlib.contextmanager
def opened(path: Path, name: str | None = None) -> Iterator[Problem]:
    """The problem in a directory or archive, whose files are there for as long as the context; errors as `read`.

    An archive can be given another `name` than that of its file.
    """
    path = Path(path)
    if path.is_dir():
        yield read(path)
        return
    findings = Findings()
    if not path.is_file():
        findings.error(".", "not-a-package", f"{path} is neither a directory nor a zip archive")
        raise findings.stop()
    directory = Path(tempfile.mkdtemp(prefix="problem-"))  # only for us: the mode is 0700
    try:
        place = unpack(path, directory, findings)
        if findings.failed:
            raise findings.stop()
        yield _read(place, name or (path.stem if path.suffix in ARCHIVES else path.name), findings)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _read(path: Path, name: str, findings: Findings) -> Problem:
    if not path.is_dir():
        findings.error(".", "not-a-package", f"{path} is not a directory")
        raise findings.stop()
    problem = None
    with contextlib.suppress(tree.Stop):
        problem = _problem(path, name, findings)
    if problem is None or findings.failed:
        raise findings.stop()
    return replace(problem, warnings=findings.complaints())


def _problem(path: Path, name: str, findings: Findings) -> Problem | None:
    document = _document(path, findings)
    version = _version(document) if document else None
    top = tree.listed(path, version == format_2025_09.VERSION, findings)
    if document is None and (findings.failed or not _is_package(top)):
        return None if findings.failed else format_folder.read(Package(name, top, findings))
    if document is None:
        findings.warning(FILE, "missing-file", f"there is no {FILE}: the package is read as legacy without one")
        document, version = Document(FILE, Node(1, {}), findings), "legacy"
    if version is None:
        return None
    if not name.isascii() or not name.isalnum() or name != name.lower():
        findings.warning(".", "package-name", f"{name!r} should have small letters and digits only")
    package = Package(name, top, findings, constants(document.data.get("constants")))
    if version == format_2025_09.VERSION:
        return format_2025_09.read(package, document)
    if version == format_2023_07.VERSION:
        return format_2023_07.read(package, document)
    return format_legacy.read(package, document, version)


def _document(path: Path, findings: Findings) -> Document | None:
    """problem.yaml, if it is there: before the rest, since names mean different things in different formats."""
    place = path / FILE
    if not os.path.lexists(place):
        return None
    real, root = os.path.realpath(place), os.path.realpath(path)
    if not os.path.isfile(real) or not real.startswith(root + "/"):
        findings.error(FILE, "not-a-file", "is not a file in the package")
        return None
    return schema.load(real, FILE, findings)


def _version(document: Document) -> str | None:
    """The format, if it is one of ours."""
    said = document.data.get("problem_format_version", "legacy")
    version = _ALIASES.get(said, said) if isinstance(said, str) else None
    known = (*format_legacy.VERSIONS, format_2023_07.VERSION, format_2025_09.VERSION)
    if version not in known:
        document.error("format", f"problem_format_version must be one of {', '.join(known)}", "problem_format_version")
        return None
    return str(version)


def _is_package(top: Directory) -> bool:
    """Whether a directory without problem.yaml is laid out as a package nevertheless."""
    return INI in top.files or top.below("data/secret") is not None or top.below("data/sample") is not None
