"""What stands beside problem.yaml in packages for DOMjudge: `.timelimit` and `domjudge-problem.ini`."""

from __future__ import annotations

import configparser

from sandbox.judge.package import schema, tree
from sandbox.judge.package.cases import Package

INI = "domjudge-problem.ini"
_MAX_SECONDS = 86_400.0


def settings(package: Package) -> dict[str, str]:
    """The keys of domjudge-problem.ini, in small letters; empty if it is not there or not to be read."""
    path = package.top.files.get(INI)
    text = path and tree.text(path, INI, package.findings)
    if not text:
        return {}
    parser = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes=(";", "#"))
    try:
        parser.read_string(f"[DEFAULT]\n{text}")
    except configparser.Error as error:
        wrong = getattr(error, "errors", None)  # of a ParsingError: (line, text)
        line = wrong[0][0] - 1 if wrong else None
        package.findings.warning(INI, "ini", "is not a file of keys and values, and ignored", line)
        return {}
    found = {key: value for section in ("DEFAULT", *parser.sections()) for key, value in parser[section].items()}
    return {key: value.strip().strip("\"'") for key, value in found.items()}


def chosen(package: Package, said: float | None) -> float | None:
    """The time limit in seconds: as problem.yaml has `said`, else of domjudge-problem.ini, else of `.timelimit`."""
    given: list[tuple[str, float]] = [] if said is None else [("problem.yaml", said)]
    values = [(INI, settings(package).get("timelimit"))]
    if path := package.top.files.get(tree.TIME_LIMIT):
        values.append((tree.TIME_LIMIT, tree.text(path, tree.TIME_LIMIT, package.findings)))
    for file, text in values:
        if text is None:
            continue
        try:
            seconds = schema.as_number(text.strip())
        except ValueError as error:
            package.findings.error(file, "time-limit", f"the time limit must be a number of seconds: {error}")
            continue
        if not 0 < seconds <= _MAX_SECONDS:
            package.findings.error(file, "time-limit", "the time limit must be more than 0 s, and a day at most")
            continue
        given.append((file, seconds))
    for file, seconds in given[1:]:
        if seconds != given[0][1]:
            message = f"has a time limit of {seconds:g} s, but {given[0][0]} has {given[0][1]:g} s, which counts"
            package.findings.warning(file, "time-limit", message)
    return given[0][1] if given else None
