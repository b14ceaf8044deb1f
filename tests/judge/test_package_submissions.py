"""The jury's submissions: what is expected of them by directory, comment and submissions.yaml."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.judge.package import globs, read
from sandbox.judge.problem import Expectation, JurySubmission, Problem, ProblemError
from sandbox.judge.verdict import Verdict

AC, WA, TLE = (frozenset({verdict}) for verdict in (Verdict.AC, Verdict.WA, Verdict.TLE))
RTE = frozenset({Verdict.RTE, Verdict.MLE, Verdict.OLE})
LEGACY = {"problem.yaml": "name: Sums\n", "problem_statement/problem.tex": "", ".timelimit": "1"}
MODERN = {
    "problem.yaml": "problem_format_version: 2025-09\nname: Sums\nuuid: 1\nlimits: {time_limit: 1}\n",
    "statement/problem.en.tex": "",
}
AROUND = {
    "input_validators/check.py": "",
    **{f"data/secret/{group}/1.{end}": "" for group in ("small", "large") for end in ("in", "ans")},
}


def make(root: Path, files: Mapping[str, str]) -> Path:
    """A package called sums, of these files and some tests."""
    for name, text in {**AROUND, **files}.items():
        (root / "sums" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "sums" / name).write_text(text)
    return root / "sums"


def by_name(problem: Problem) -> dict[str, JurySubmission]:
    """The submissions."""
    return {submission.name: submission for submission in problem.submissions}


def complaints(root: Path, files: Mapping[str, str]) -> list[str]:
    """Everything that is said about such a package."""
    try:
        return [str(complaint) for complaint in read(make(root, files)).warnings]
    except ProblemError as error:
        return [str(complaint) for complaint in error.complaints]


def with_yaml(root: Path, text: str, *names: str) -> dict[str, JurySubmission]:
    """The submissions of a package with this submissions.yaml."""
    files = {**MODERN, "submissions/submissions.yaml": text, "submissions/accepted/good.py": ""}
    found = read(make(root, {**files, **{f"submissions/{name}": "" for name in names}}))
    assert not found.warnings
    return by_name(found)


@pytest.mark.parametrize(
    ("directory", "expectation"),
    [
        ("accepted", Expectation(permitted=AC, bound="lower")),
        ("rejected", Expectation(required=WA | TLE | RTE)),
        ("wrong_answer", Expectation(permitted=AC | WA, required=WA, bound="lower")),
        ("time_limit_exceeded", Expectation(permitted=AC | TLE, required=TLE, bound="upper")),
        ("run_time_error", Expectation(permitted=AC | RTE, required=RTE, bound="lower")),
        ("brute_force", Expectation(permitted=AC | RTE | TLE, required=RTE | TLE)),
    ],
)
def test_directories(tmp_path: Path, directory: str, expectation: Expectation) -> None:
    """Each directory has its own expectation, of a file as of a directory."""
    files = {"accepted/good.py": "", f"{directory}/one.py": "", f"{directory}/two/main.py": ""}
    found = read(make(tmp_path, {**MODERN, **{f"submissions/{name}": text for name, text in files.items()}}))
    assert not found.warnings
    for name in ("one.py", "two"):
        submission = by_name(found)[f"{directory}/{name}"]
        assert submission.expectations == (expectation,)
        assert submission.path.name == name


@pytest.mark.parametrize(
    ("directory", "expectation"),
    [
        ("accepted", Expectation(permitted=AC, bound="lower")),
        ("wrong_answer", Expectation(permitted=AC | WA, required=WA)),
        ("time_limit_exceeded", Expectation(permitted=AC | WA | TLE, required=TLE, bound="upper")),
        ("run_time_error", Expectation(required=RTE)),
        ("compiler_error", Expectation(overall=frozenset({Verdict.CE}))),
        ("output_limit", Expectation(required=frozenset({Verdict.OLE}))),
    ],
)
def test_legacy_directories(tmp_path: Path, directory: str, expectation: Expectation) -> None:
    """Legacy expects less of most of them, and DOMjudge has some more."""
    files = {"submissions/accepted/good.py": "", f"submissions/{directory}/one.py": ""}
    found = read(make(tmp_path, {**LEGACY, **files}))
    assert not found.warnings
    assert by_name(found)[f"{directory}/one.py"].expectations == (expectation,)


def test_partially_accepted(tmp_path: Path) -> None:
    """It is for problems that have scores."""
    files = {**LEGACY, "submissions/accepted/good.py": "", "submissions/partially_accepted/one.py": ""}
    assert complaints(tmp_path, files) == [
        "submissions/partially_accepted/one.py: warning: partially_accepted is for scoring problems [expectation]"
    ]
    found = read(make(tmp_path, {**files, "problem.yaml": "type: scoring"}))
    assert not found.warnings
    (expectation,) = by_name(found)["partially_accepted/one.py"].expectations
    assert expectation == Expectation(overall=AC, partial=True, bound="lower")


@pytest.mark.parametrize(
    ("comment", "overall"),
    [
        ("// @EXPECTED_RESULTS@: CORRECT", AC),
        ("# @expected_results@: wrong-answer, TIMELIMIT\r\n", WA | TLE),
        ("/* @EXPECTED_RESULTS@: RUN_TIME_ERROR,NO-OUTPUT */", RTE | WA),
        ("% @EXPECTED_RESULTS@: COMPILER-ERROR", frozenset({Verdict.CE})),
    ],
)
def test_comments(tmp_path: Path, comment: str, overall: frozenset[Verdict]) -> None:
    """What a submission says of itself counts where its directory says nothing."""
    files = {
        **LEGACY,
        "submissions/accepted/good.py": "",
        "submissions/mixed/one.c": f"int x;\n{comment}\n",
        "submissions/mixed/two/main.c": "",
        "submissions/mixed/two/other.c": comment,
    }
    found = read(make(tmp_path, files))
    assert not found.warnings
    for name in ("one.c", "two"):
        assert by_name(found)[f"mixed/{name}"].expectations == (Expectation(overall=overall),)


def test_comments_that_say_otherwise(tmp_path: Path) -> None:
    """The directory counts; what is unknown, or said nowhere, is told."""
    files = {
        **LEGACY,
        "submissions/accepted/good.py": "# @EXPECTED_RESULTS@: TIMELIMIT",
        "submissions/wrong_answer/one.py": "# @EXPECTED_RESULTS@: WRONG-ANSWER, CORRECT",
        "submissions/mixed/two.py": "# @EXPECTED_RESULTS@: PERFECT",
        "submissions/mixed/three.py": "/* @EXPECTED_SCORE@: 40.5*/",
    }
    found = read(make(tmp_path, files))
    assert by_name(found)["mixed/three.py"].expectations == (Expectation(score=(40.5, 40.5)),)
    assert by_name(found)["accepted/good.py"].expectations == (Expectation(permitted=AC, bound="lower"),)
    assert [str(warning) for warning in found.warnings] == [
        "submissions/accepted/good.py: warning: its comment expects TIMELIMIT, its directory accepted: the directory "
        "counts [expected-results]",
        "submissions/mixed/two.py: warning: PERFECT is not a result that DOMjudge has [expected-results]",
        "submissions/mixed/two.py: warning: nothing is said about what is expected of it [no-expectation]",
    ]


def test_comments_do_not_count_in_new_formats(tmp_path: Path) -> None:
    """They have submissions.yaml."""
    files = {"submissions/accepted/good.py": "", "submissions/mixed/one.py": "# @EXPECTED_RESULTS@: CORRECT"}
    assert complaints(tmp_path, {**MODERN, **files}) == [
        "submissions/mixed/one.py: warning: nothing is said about what is expected of it [no-expectation]"
    ]


def test_files_beside_the_directories(tmp_path: Path) -> None:
    """What is in no directory is not a submission."""
    files = {**MODERN, "submissions/accepted/good.py": "", "submissions/lost.py": "", "submissions/README.md": ""}
    assert complaints(tmp_path, files) == [
        "submissions/lost.py: warning: is in no directory that says what is expected of it: ignored [unused-file]"
    ]


def test_entries(tmp_path: Path) -> None:
    """An entry adds to what the directory expects, and says how a submission is built."""
    text = """\
accepted/*.{py,java}: {language: java, entrypoint: Main, authors: [A, {name: B}], model_solution: yes}
mine/slow.py:
  permitted: [AC, TLE]
  required: TLE
  message: too slow
  secret/small: {permitted: [AC]}
  secret/{large,huge}*/*:
    permitted: [TLE]
    use_for_time_limit: false
"""
    with pytest.raises(AssertionError):  # a pattern that matches no test
        with_yaml(tmp_path, text.replace("{large,huge}", "huge"), "mine/slow.py")
    found = with_yaml(tmp_path, text, "mine/slow.py")
    good = found["accepted/good.py"]
    assert (good.language, good.entry_point) == ("java", "Main")
    assert good.expectations == (Expectation(permitted=AC, bound="lower"),)
    assert found["mine/slow.py"].expectations == (
        Expectation(permitted=AC | TLE, required=TLE, message="too slow", bound="upper"),
        Expectation("secret/small", permitted=AC, bound="lower"),
        Expectation("secret/{large,huge}*/*", permitted=TLE),
    )


def test_a_directory_with_other_rules(tmp_path: Path) -> None:
    """Its name replaces the default, which stays where nothing is said; a pattern only adds."""
    text = "time_limit_exceeded: {permitted: [AC, WA, TLE]}\nwrong_answer/*: {permitted: [WA]}\n"
    found = with_yaml(tmp_path, text, "time_limit_exceeded/a.py", "wrong_answer/b.py")
    assert found["time_limit_exceeded/a.py"].expectations == (
        Expectation(permitted=AC | WA | TLE, required=TLE, bound="upper"),
    )
    assert found["wrong_answer/b.py"].expectations == (
        Expectation(permitted=AC | WA, required=WA, bound="lower"),
        Expectation(permitted=WA, bound="lower"),
    )


@pytest.mark.parametrize(
    ("rule", "expectation"),
    [
        ("{use_for_time_limit: lower}", Expectation(permitted=AC | WA | RTE, bound="lower")),
        ("{use_for_time_limit: upper}", Expectation(required=TLE, bound="upper")),
        ("{permitted: [AC, WA]}", Expectation(permitted=AC | WA, bound="lower")),
        ("{permitted: [AC, WA], use_for_time_limit: false}", Expectation(permitted=AC | WA)),
        ("{required: [TLE, RTE]}", Expectation(required=TLE | RTE)),
    ],
)
def test_bounds_of_the_time_limit(tmp_path: Path, rule: str, expectation: Expectation) -> None:
    """Who must be too slow bounds it from above, who must not be from below."""
    assert with_yaml(tmp_path, f"mine: {rule}", "mine/a.py")["mine/a.py"].expectations == (expectation,)


def test_scores(tmp_path: Path) -> None:
    """A number or a range is expected; only where there are scores."""
    text = "accepted: {score: 100, secret/small: {score: [1, 2.5]}}\n"
    files = {**MODERN, "submissions/accepted/good.py": "", "submissions/submissions.yaml": text}
    head = MODERN["problem.yaml"] + "type: scoring\n"
    grading = {f"data/secret/{name}/test_group.yaml": "max_score: 50\n" for name in ("small", "large")}
    found = read(make(tmp_path / "scoring", {**files, **grading, "problem.yaml": head}))
    assert by_name(found)["accepted/good.py"].expectations == (
        Expectation(permitted=AC, score=(100.0, 100.0), bound="lower"),
        Expectation("secret/small", score=(1.0, 2.5)),
    )
    assert complaints(tmp_path, files) == [
        "submissions/submissions.yaml:1: warning: a score is expected, but this is not a scoring problem [expectation]"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accepted: [AC]", "1: error: accepted must be a map [type]"),
        ("accepted: {permitted: [OK]}", "1: error: accepted.permitted must be a list of AC, WA, TLE, RTE [type]"),
        ("accepted: {score: [2, 1]}", "1: error: accepted.score must have the least before the most [type]"),
        (
            "accepted: {score: x}",
            "1: error: accepted.score must be a number, or a list of the least and the most [type]",
        ),
        (
            "accepted: {use_for_time_limit: middle}",
            "1: error: accepted.use_for_time_limit must be true, false, lower or upper [type]",
        ),
        ("accepted:\n  required: [WA]", "1: error: what is required is not permitted [expectation]"),
        (
            "accepted:\n  secret:\n    allowed: [WA]",
            "3: warning: the key accepted.secret.allowed is not known here, and ignored [unknown-key]",
        ),
        (
            "accepted: {secrets: [WA]}",
            "1: warning: the key accepted.secrets is not known here, and ignored [unknown-key]",
        ),
        ("'acc{a,b': {}", "1: error: 'acc{a,b' has a { that is not closed [pattern]"),
        ("good.py: {}", "1: warning: 'good.py' matches no submission [pattern]"),
        ("accepted: {secret/1: {}}", "1: warning: 'secret/1' matches no test or group [pattern]"),
        ("'**/good.py': {}", "1: warning: '**/good.py': only * and {a,b} are special in a pattern [pattern]"),
        ("[]", "1: error: must be a map of keys to values [type]"),
        ("a: {}\na: {}", "2: error: is not YAML that can be read: the key 'a' is there twice, first in line 1 [yaml]"),
        ("\n".join(f"a{n}: {{}}" for n in range(1001)), "1: error: more than 1000 patterns and keys [too-many]"),
    ],
)
def test_what_is_wrong_with_submissions_yaml(tmp_path: Path, text: str, message: str) -> None:
    """Each complaint has the line."""
    files = {**MODERN, "submissions/accepted/good.py": "", "submissions/submissions.yaml": text}
    assert f"submissions/submissions.yaml:{message}" in complaints(tmp_path, files)


@pytest.mark.parametrize(
    ("pattern", "name", "matching"),
    [
        ("accepted", "accepted/a.py", True),
        ("accepted/*", "accepted/a.py", True),
        ("accepted/*", "accepted/a/b.py", True),
        ("*", "accepted/a.py", True),
        ("*.py", "accepted/a.py", False),
        ("accepted/a", "accepted/a.py", False),
        ("accepted/{a,b}.{py,cpp}", "accepted/b.cpp", True),
        ("{accepted,mine/{a,b}}", "mine/b/x", True),
        ("{,x}a", "a", True),
        ("secret/*{1,3}", "secret/13", True),
        ("secret/*{1,3}", "secret/12", False),
        ("a*b*c", "axbxbc", True),
        ("a*b*c", "axcxb", False),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("accepted/", "accepted/a.py", True),
        ("{a, b }.py", "b.py", True),
        ("a}b", "a}b", True),
        ("a,b", "a,b", True),
        ("secret/g", "secret/g\nx", False),
    ],
)
def test_patterns(pattern: str, name: str, matching: bool) -> None:
    """A star stays within a name, braces are alternatives, and what is in a directory goes with it."""
    assert globs.matches(pattern, name) == matching


@pytest.mark.parametrize("pattern", ["{", "{a,{b}", "{a,b}" * 20, "{" * 100_000])
def test_patterns_that_are_none(pattern: str) -> None:
    """Braces must be closed, and few."""
    with pytest.raises(globs.PatternError):
        globs.compiled(pattern)


def test_patterns_take_no_time() -> None:
    """However many stars there are."""
    start = time.monotonic()
    assert not globs.matches("*a" * 100 + "b", "a" * 250 + "c")
    assert time.monotonic() - start < 1


@given(st.text("a{},*/", max_size=12), st.text("ab/", max_size=8))
def test_any_pattern(pattern: str, name: str) -> None:
    """A pattern matches or does not, or is an error of ours."""
    with contextlib.suppress(globs.PatternError):
        globs.matches(pattern, name)
