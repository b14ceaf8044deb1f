"""Problems of our own, in every format, with right, wrong and hostile submissions in many languages: all are judged.

What is expected of each submission says its directory, `submissions.yaml`, or a comment in it; what the formats cannot
say is in `verdicts.toml`. A submission whose first line begins with `hostile:` says there what it tries, and why that
must fail.
"""

from __future__ import annotations

import functools
import os
import re
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from lacking import missing_tool

from sandbox.errors import RequestError
from sandbox.judge.cache import Cache
from sandbox.judge.calibrate import read as read_submission
from sandbox.judge.compiler import Compiler
from sandbox.judge.judge import Judge
from sandbox.judge.languages import Language, detect, load
from sandbox.judge.package import opened, read
from sandbox.judge.package.submissions import MODERN
from sandbox.judge.problem import JurySubmission, Problem
from sandbox.judge.submission import Submission
from sandbox.judge.verdict import Verdict
from sandbox.judge.verify import Report, Row, verify

AC, WA, TLE, MLE, OLE, RTE, CE, JE = Verdict

PLACE = Path(__file__).parents[1] / "problems"
NAMES = sorted(path.name for path in PLACE.iterdir() if path.is_dir())
TABLE: dict[str, dict[str, Any]] = tomllib.loads((PLACE / "verdicts.toml").read_text())
HOSTILE = re.compile(rb"\W*hostile: .{40,}")

OVERLAY = os.environ.get("SANDBOX_TEST_OVERLAY", "")

# Hostile submissions take what only a control group counts for a tree of processes. The first test of a problem waits
# until all of its submissions are judged.
pytestmark = [pytest.mark.cgroup, pytest.mark.timeout(600)]


@functools.cache
def problem(name: str) -> Problem:
    """A problem; if it is a folder, which has no such thing, with the submissions that lie in it."""
    found = read(PLACE / name)
    if found.format == "folder":
        paths = sorted((PLACE / name / "submissions").glob("*/*"))
        names = [f"{path.parent.name}/{path.name}" for path in paths]
        jury = [JurySubmission(n, p, (MODERN[p.parent.name],)) for n, p in zip(names, paths, strict=True)]
        found = replace(found, submissions=tuple(jury))
    return replace(found, checker=TABLE.get(name, {}).get("checker", found.checker))


ALL = [(name, jury.name) for name in NAMES for jury in problem(name).submissions]


def language(problem: Problem, jury: JurySubmission) -> Language | None:
    """Which language a submission is in; `None` if it is in none."""
    try:
        files = Submission.read(jury.path).files
        return load(jury.language) if jury.language else detect(jury.name, files, problem.languages)
    except RequestError:
        return None


def lacks(problem: Problem, jury: JurySubmission) -> str:
    """The language of a submission that this host does not have; empty if it can be judged."""
    found = None if problem.submit_answer else language(problem, jury)
    return "" if found is None or found.installed() else found.name


Reports = Callable[[str], Report]


@pytest.fixture(scope="module")
def compiler() -> Iterator[Compiler]:
    """One for all problems, with a cache of its own, where boxes can reach it."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o711)
        with Compiler(Cache(Path(place)), overlay=OVERLAY) as compiler:
            yield compiler


@pytest.fixture(scope="module")
def reports(compiler: Compiler) -> Reports:
    """A function that verifies a problem, once, with all submissions that this host has the languages for."""

    @functools.cache
    def report(name: str) -> Report:
        whole = problem(name)
        able = tuple(jury for jury in whole.submissions if not lacks(whole, jury))
        return verify(replace(whole, submissions=able), compiler=compiler)

    return report


def row(report: Report, name: str) -> Row:
    """What was found out about a submission; skips the test if it was not judged."""
    for found in report.rows:
        if found.submission.name == name:
            return found
    absent = lacks(problem(report.problem.name), _jury(report.problem.name, name))
    return missing_tool(f"{absent}, in which {name} is written")


def _jury(name: str, submission: str) -> JurySubmission:
    return next(jury for jury in problem(name).submissions if jury.name == submission)


def outputs(row: Row) -> Iterator[str]:
    """What a submission printed, of each test, on both streams."""
    for test in row.judgement.tests:
        yield test.output.decode(errors="replace") + test.error_output.decode(errors="replace")


@pytest.mark.parametrize("name", NAMES)
def test_package(name: str) -> None:
    """Every package is read without an error and without a warning."""
    assert list(map(str, problem(name).warnings)) == []


@pytest.mark.parametrize("name", NAMES)
def test_data(reports: Reports, name: str) -> None:
    """Validators accept every input and every valid output, and reject what is there to be rejected."""
    assert list(map(str, reports(name).complaints)) == []
    assert reports(name).time_limit is not None


@pytest.mark.parametrize(("name", "submission"), ALL, ids=map("/".join, ALL))
def test_submission(reports: Reports, name: str, submission: str) -> None:
    """Every submission is judged as the package expects, and its language is found out."""
    found = row(reports(name), submission)
    assert found.mismatches == ()
    assert JE not in {test.verdict for test in found.judgement.tests}
    if found.judgement.root is not None and not problem(name).submit_answer:
        assert found.judgement.language == language(problem(name), found.submission).code


EXACT = [
    (name, submission, wanted)
    for name, table in TABLE.items()
    for submission, wanted in table.items()
    if submission != "checker"
]


@pytest.mark.parametrize(("name", "submission", "wanted"), EXACT, ids=[f"{name}/{one}" for name, one, _ in EXACT])
def test_exactly(reports: Reports, name: str, submission: str, wanted: str | float | list[str]) -> None:
    """What the formats cannot tell apart: which limit it was, compile errors, and scores."""
    judgement = row(reports(name), submission).judgement
    if isinstance(wanted, list):
        assert judgement.verdict.value in wanted
        assert set(wanted) <= {test.verdict.value for test in judgement.tests}
    elif isinstance(wanted, str):
        assert judgement.verdict.value == wanted, judgement.reason
    else:
        assert judgement.score == pytest.approx(wanted)


def hostile() -> dict[str, bytes]:
    """The first lines of all submissions that say that they are hostile, by name."""
    found = {}
    for name, submission in ALL:
        path = _jury(name, submission).path
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        lines = [file.read_bytes().partition(b"\n")[0] for file in files]
        found.update({f"{name}/{submission}": line for line in lines if HOSTILE.match(line)})
    return found


def test_how_many() -> None:
    """There are enough of everything: problems, formats, kinds, submissions, languages, verdicts, attacks."""
    problems = list(map(problem, NAMES))
    assert len(problems) >= 12
    assert {one.format for one in problems} == {"legacy", "legacy-icpc", "2023-07-draft", "2025-09", "folder"}
    for kind in ("scoring", "interactive", "multi_pass", "submit_answer", "static_validator", "include", "constants"):
        assert any(getattr(one, kind) for one in problems), kind
    assert len(ALL) >= 100
    languages = {found.code for name, one in ALL if (found := language(problem(name), _jury(name, one)))}
    assert len(languages) >= 12
    assert len(hostile()) >= 25


@pytest.mark.parametrize("name", sorted(f"{name}/{one}" for name, one in ALL if "hostile" in one or name == "vault"))
def test_hostile_says_what_it_tries(name: str) -> None:
    """Every submission that is there to attack says in its first line what it tries and why that must fail."""
    honest = name.startswith("vault/") and name.split("/")[1] in ("accepted", "wrong_answer")
    assert (name in hostile()) == (not honest)


@pytest.mark.parametrize("submission", [one for name, one in ALL if name == "vault"])
def test_nothing_is_found(reports: Reports, submission: str) -> None:
    """Nothing of answers, validators or other runs is where a submission runs: what searches finds nothing."""
    found = row(reports("vault"), submission)
    for text in outputs(found):
        assert "caught" not in text
        assert "found" not in text
        if submission.startswith("steals/"):
            assert "treasure" not in text
    if submission.startswith("steals/") and submission != "steals/answer_files.py":
        assert all("nothing" in text for text in outputs(found)), "it did not get to the end of its search"


def test_of_compilers_only_words_are_left(reports: Reports) -> None:
    """What a compiler is made to say is bounded, and holds nothing of the host's files."""
    for found in reports("sum").rows:
        if found.submission.name.startswith("compiler_error/"):
            assert len(found.judgement.compiler_output) < 80_000
            assert "root:" not in found.judgement.compiler_output


def test_a_language_that_is_not_allowed(compiler: Compiler) -> None:
    """A source in a language that the problem does not allow is a compile error, which names those that it does."""
    with Judge(problem("greet"), compiler=compiler) as judge:
        judgement = judge.judge(Submission("a.sh", {"a.sh": b"cat\n"}))  # type: ignore[dict-item]
    assert judgement.verdict is CE
    assert "Bash is not allowed here; c, cpp, python3, java are" in judgement.reason


def test_a_source_that_is_too_long(compiler: Compiler) -> None:
    """A source above the problem's limit is a compile error, which says how long it is."""
    with Judge(problem("greet"), compiler=compiler) as judge:
        judgement = judge.judge(Submission("a.py", {"a.py": b"#" * 4097}))  # type: ignore[dict-item]
    assert (judgement.verdict, judgement.reason) == (CE, "the source has 4097 bytes, and 4096 are allowed")


def test_a_conversation(compiler: Compiler) -> None:
    """What was said in an interactive problem is kept if it is asked for, and told apart by who said it."""
    with Judge(problem("guess"), compiler=compiler) as judge:
        source = Submission.read(PLACE / "guess" / "submissions" / "accepted" / "halves.py")
        judgement = judge.judge(source, only=["sample/1"], transcript=True)
    assert judgement.verdict is AC
    lines = judgement.tests[0].transcript.splitlines()
    assert lines[:4] == ["> 500", "< more", "> 750", "< less"]
    assert lines[-1] == "< yes"


@pytest.mark.parametrize("name", NAMES)
def test_archive(tmp_path: Path, name: str) -> None:
    """A package in a zip archive is the same problem as in its directory, but for where its files are."""
    with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
        for path in sorted(PLACE.joinpath(name).rglob("*")):
            archive.write(path, path.relative_to(PLACE))
    plain = read(PLACE / name)
    with opened(tmp_path / f"{name}.zip") as packed:
        assert replace(packed, directory=plain.directory) == moved(plain, plain.directory, packed.directory)


def moved(found: Any, source: Path, target: Path) -> Any:
    """The same data with all paths below one directory put below another; of a problem, its own directory stays."""
    if isinstance(found, Path):
        return target / found.relative_to(source)
    if isinstance(found, tuple):
        return tuple(moved(part, source, target) for part in found)
    if isinstance(found, dict):
        return {key: moved(value, source, target) for key, value in found.items()}
    if is_dataclass(found) and not isinstance(found, type):
        parts = {part.name: moved(getattr(found, part.name), source, target) for part in fields(found)}
        return replace(found, **parts | ({"directory": source} if isinstance(found, Problem) else {}))
    return found


def test_from_an_archive(tmp_path: Path, compiler: Compiler) -> None:
    """What is included, and the files of tests, come from an archive as from a directory."""
    with zipfile.ZipFile(tmp_path / "greet.zip", "w") as archive:
        for path in sorted(PLACE.joinpath("greet").rglob("*")):
            archive.write(path, path.relative_to(PLACE))
    with opened(tmp_path / "greet.zip") as packed:
        jury = next(jury for jury in packed.submissions if jury.name == "accepted/python")
        with Judge(packed, compiler=compiler) as judge:
            assert judge.judge(read_submission(packed, jury)).verdict is AC


def test_what_contestants_may_see(compiler: Compiler) -> None:
    """A test with full feedback shows its difference and its hint; any other shows neither, but to the jury."""
    where = PLACE / "average" / "submissions" / "wrong_answer" / "not_a_number.py"
    with Judge(problem("average"), compiler=compiler) as judge:
        judgement = judge.judge(Submission.read(where), keep_going=True)
    seen = {test.name: test.to_json(jury=False) for test in judgement.tests}
    assert '"nan"' in seen["secret/relative/3-both"]["reason"]
    assert seen["secret/relative/3-both"]["hint"] == "Look at the heights again."
    assert "reason" not in seen["secret/exact/1-whole"]
