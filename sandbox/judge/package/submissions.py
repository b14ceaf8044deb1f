"""The jury's submissions, and what is expected of them by directory, by submissions.yaml and by DOMjudge's comments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from sandbox.judge.package import tree
from sandbox.judge.package.cases import Package
from sandbox.judge.package.tree import Directory
from sandbox.judge.problem import Expectation, JurySubmission
from sandbox.judge.tolerance import decimal
from sandbox.judge.verdict import Verdict

AC, WA, TLE = frozenset({Verdict.AC}), frozenset({Verdict.WA}), frozenset({Verdict.TLE})
RTE = frozenset({Verdict.RTE, Verdict.MLE, Verdict.OLE})
"""The formats know four verdicts; what they call a run-time error is any of these here."""

MODERN: Mapping[str, Expectation] = {
    "accepted": Expectation(permitted=AC, bound="lower"),
    "rejected": Expectation(required=RTE | TLE | WA),
    "wrong_answer": Expectation(permitted=AC | WA, required=WA, bound="lower"),
    "time_limit_exceeded": Expectation(permitted=AC | TLE, required=TLE, bound="upper"),
    "run_time_error": Expectation(permitted=AC | RTE, required=RTE, bound="lower"),
    "brute_force": Expectation(permitted=AC | RTE | TLE, required=RTE | TLE),
}
"""By directory, from 2023-07-draft on."""

LEGACY: Mapping[str, Expectation] = {
    "accepted": Expectation(permitted=AC, bound="lower"),
    "partially_accepted": Expectation(overall=AC, partial=True, bound="lower"),
    "wrong_answer": Expectation(permitted=AC | WA, required=WA),
    "time_limit_exceeded": Expectation(permitted=AC | WA | TLE, required=TLE, bound="upper"),
    "run_time_error": Expectation(required=RTE),
    # DOMjudge has these as well.
    "rejected": Expectation(required=RTE | TLE | WA),
    "compiler_error": Expectation(overall=frozenset({Verdict.CE})),
    "memory_limit_exceeded": Expectation(required=frozenset({Verdict.MLE})),
    "output_limit": Expectation(required=frozenset({Verdict.OLE})),
    "output_limit_exceeded": Expectation(required=frozenset({Verdict.OLE})),
    "no_output": Expectation(required=WA),
}

_COMMENT = re.compile(rb"@EXPECTED_(RESULTS|SCORE)@:([^\r\n]*)", re.IGNORECASE)
_RESULTS = {
    "ACCEPTED": AC,
    "CORRECT": AC,
    "WRONGANSWER": WA,
    "NOOUTPUT": WA,
    "TIMELIMIT": TLE,
    "TIMELIMITEXCEEDED": TLE,
    "RUNERROR": RTE,
    "RUNTIMEERROR": RTE,
    "COMPILERERROR": frozenset({Verdict.CE}),
    "MEMORYLIMIT": frozenset({Verdict.MLE}),
    "MEMORYLIMITEXCEEDED": frozenset({Verdict.MLE}),
    "OUTPUTLIMIT": frozenset({Verdict.OLE}),
    "OUTPUTLIMITEXCEEDED": frozenset({Verdict.OLE}),
    "CHECKMANUALLY": frozenset(Verdict),
}
_MAX_SOURCE = 256 << 10
_MAX_FILES = 100


def found(package: Package, defaults: Mapping[str, Expectation], comments: bool) -> list[JurySubmission]:
    """Every file and directory in the directories of `submissions`; `comments` says whether those count."""
    top = package.top.below("submissions")
    if top is None or not any(place.files or place.directories for place in top.directories.values()):
        package.findings.warning("submissions", "no-submissions", "the jury has no submissions")
        return []
    for name in sorted(top.files):
        if name != "submissions.yaml" and not name.upper().startswith("README"):
            message = "is in no directory that says what is expected of it: ignored"
            package.findings.warning(top.at(name), "unused-file", message)
    submissions = []
    for kind, place in sorted(top.directories.items()):
        paths = {name: Path(place.path, name) for name in place.files}  # of a link too the name says the language
        paths |= {name: Path(below.path) for name, below in place.directories.items()}
        for name, path in sorted(paths.items()):
            by_directory = defaults.get(kind)
            expectations = [] if by_directory is None else [by_directory]
            if comments:
                expectations += _by_comment(package, place, name, by_directory)
            submissions.append(JurySubmission(f"{kind}/{name}", path, tuple(expectations)))
    return submissions


def check(package: Package, submissions: list[JurySubmission], time_limit: float | None) -> None:
    """Warnings about what the format requires and about what nothing is expected of."""
    for submission in submissions:
        if not submission.expectations:
            name = f"submissions/{submission.name}"
            package.findings.warning(name, "no-expectation", "nothing is said about what is expected of it")
    if not any(submission.name.startswith("accepted/") for submission in submissions):
        package.findings.warning("submissions", "no-accepted", "there is no accepted submission of the jury's")
    bounds = {expectation.bound for submission in submissions for expectation in submission.expectations}
    if time_limit is None and "lower" not in bounds:
        message = "there is no time limit, and no submission of the jury's that one could follow from"
        package.findings.warning("problem.yaml", "time-limit", message)


def _by_comment(
    package: Package, place: Directory, name: str, by_directory: Expectation | None
) -> Iterator[Expectation]:
    """What a submission says of itself. Where its directory says it already, it can only agree."""
    shown = place.at(name)
    for kind, text in _comments(place, name):
        if kind == "SCORE":
            score = decimal(text.strip(" \t*/->;"))
            if score is not None:
                yield Expectation(score=(score, score))
            else:
                package.findings.warning(shown, "expected-results", f"{text.strip()[:60]!r} is not a score")
            continue
        verdicts: frozenset[Verdict] = frozenset()
        for word in re.findall(r"[A-Za-z][A-Za-z_-]*", text):
            known = _RESULTS.get(re.sub("[_-]", "", word.upper()))
            if known is None:
                package.findings.warning(shown, "expected-results", f"{word[:60]} is not a result that DOMjudge has")
            verdicts |= known or frozenset()
        if by_directory is None and verdicts:
            yield Expectation(overall=verdicts)
        elif by_directory and verdicts and not verdicts & _told(by_directory):
            message = f"its comment expects {text.strip()[:60]}, its directory {place.name.rpartition('/')[2]}"
            package.findings.warning(shown, "expected-results", f"{message}: the directory counts")


def _told(expectation: Expectation) -> frozenset[Verdict]:
    return expectation.required or expectation.overall or expectation.permitted or frozenset()


def _comments(place: Directory, name: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each kind of comment, the first in the files of a submission."""
    if name in place.files:
        paths = [place.files[name]]
    else:
        paths = [path for below in place.directories[name].walk() for _, path in sorted(below.files.items())]
    seen = set()
    for path in paths[:_MAX_FILES]:
        try:
            source = tree.contents(path, _MAX_SOURCE)
        except OSError:
            continue  # whoever builds it will say so
        for match in _COMMENT.finditer(source):
            kind = match[1].decode().upper()
            if kind not in seen:
                seen.add(kind)
                yield kind, match[2].decode("utf-8", "replace")
