"""Packages of the format 2023-07-draft: what groups are worth, and what the draft called otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from pathlib import Path

import pytest
from packages import PAIR, by_name, complaints, groups, make, problem

from sandbox.judge.package import read

HEAD = "problem_format_version: 2023-07-draft\nname: Sums\nuuid: 0b4f\nlimits: {time_limit: 1}\n"
SCORING = HEAD + "type: [scoring]\n"


def test_groups_to_any_depth(tmp_path: Path) -> None:
    """Tests and groups are mixed; what tests are given comes from the nearest group that says it, the root included."""
    files = {
        "problem.yaml": HEAD,
        "data/test_group.yaml": "output_validator_args: [case_sensitive]\n",
        "data/sample/1.in": "",
        "data/sample/1.ans": "",
        **PAIR,
        **groups("a", "a/b"),
        "data/secret/a/test_group.yaml": "hint: Think.\ninput_validator_args: {check: [a]}\n",
        "data/secret/a/b/1.yaml": "output_validator_args: []\nargs: [x]\n",
    }
    found = problem(tmp_path, files)
    assert (found.format, found.title) == ("2023-07-draft", "Sums")
    tests = {test.name: test for test in found.root.tests()}
    assert list(tests) == ["sample/1", "secret/1", "secret/a/1", "secret/a/b/1"]
    assert tests["sample/1"].full_feedback
    assert not tests["secret/1"].full_feedback
    assert tests["sample/1"].checker_args == tests["secret/a/1"].checker_args == ("case_sensitive",)
    b = tests["secret/a/b/1"]
    assert (b.checker_args, b.args, b.hint, b.input_validator_args) == ((), ("x",), "Think.", {"check": ("a",)})
    assert by_name(found)["secret/a"].grading.scores == "pass-fail"


def test_what_is_left_is_shared(tmp_path: Path) -> None:
    """What groups do not say is what the others leave, in equal parts for each test and group."""
    files = {
        "problem.yaml": SCORING,
        **PAIR,
        **groups("a", "b", "c"),
        "data/secret/a/test_group.yaml": "scoring: {score: 40}\n",
        "data/secret/b/test_group.yaml": "scoring: {aggregation: sum, require_pass: [secret/a, secret/1]}\n"
        "static_validation: {score: 5, args: \"-x 'y z'\"}\n",
        "data/secret/c/test_group.yaml": "scoring: {aggregation: min}\nstatic_validation: true\n",
        "static_validator/v.py": "",
    }
    grading = {name: group.grading for name, group in by_name(problem(tmp_path, files)).items()}
    assert (grading["secret"].scores, grading["secret"].max_score, grading["secret"].accept_score) == (
        "sum",
        100.0,
        20.0,
    )
    assert (grading["secret/a"].scores, grading["secret/a"].max_score) == ("pass-fail", 40.0)
    b, c = grading["secret/b"], grading["secret/c"]
    assert (b.max_score, b.static_validation, b.accept_score) == (20.0, 5.0, 15.0)
    assert (b.static_validator_args, b.require_pass) == (("-x", "y z"), ("secret/a", "secret/1"))
    assert (c.max_score, c.static_validation, c.accept_score, c.stop_early) == (20.0, 20.0, 20.0, True)
    assert grading[""].ignore_sample


def test_unbounded_scores(tmp_path: Path) -> None:
    """What is in an unbounded group is unbounded, unless it says otherwise."""
    files = {
        "problem.yaml": SCORING,
        **groups("a", "b"),
        "data/secret/test_group.yaml": "scoring: {score: unbounded}\n",
        "data/secret/a/test_group.yaml": "scoring: {aggregation: min}\nstatic_validation: true\n",
        "data/secret/b/test_group.yaml": "scoring: {score: 10}\n",
        "static_validator/v.py": "",
    }
    grading = {name: group.grading for name, group in by_name(problem(tmp_path, files)).items()}
    assert (grading["secret"].max_score, grading["secret/a"].max_score, grading["secret/b"].max_score) == (
        None,
        None,
        10.0,
    )
    assert grading["secret/a"].static_validation == inf


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"a": "scoring: {score: 101}"},
            "data/secret: error: the parts of secret are worth 101 together, more than its own 100 [scoring]",
        ),
        (
            {"a": "scoring: {score: unbounded, aggregation: sum}"},
            "data/secret/a/test_group.yaml:1: error: secret/a cannot be unbounded, as secret is not [scoring]",
        ),
        (
            {"": "scoring: {score: unbounded}", "a": "scoring: {aggregation: pass-fail}"},
            "data/secret/a/test_group.yaml:1: error: secret/a is pass-fail and so needs a score that is bounded "
            "[scoring]",
        ),
        (
            {"": "scoring: {aggregation: pass-fail}", "a": "scoring: {aggregation: sum}"},
            "data/secret/a/test_group.yaml:1: error: secret/a must be pass-fail, as secret is [scoring]",
        ),
        (
            {"a": "scoring: {require_pass: secret/b}", "b": "scoring: {require_pass: secret/a}"},
            "data/secret/a/test_group.yaml:1: error: require_pass: secret/a requires secret/b, which in turn requires "
            "secret/a: the groups form a cycle [require-pass]",
        ),
        (
            {"a": "scoring: {score: many}"},
            "data/secret/a/test_group.yaml:1: error: scoring.score must be a whole number, not negative, or unbounded "
            "[type]",
        ),
        (
            {"a": "static_validation: 3"},
            "data/secret/a/test_group.yaml:1: error: static_validation must be true, false, or a map with args "
            "and score "
            "[type]",
        ),
        (
            {"a": "static_validation: {score: 3}"},
            "data/secret/a/test_group.yaml:1: error: static_validation.score is for scoring [scoring]",
        ),
        (
            {"a": "static_validation: true"},
            "static_validator: error: secret/a has a static validation test, but there is no static validator "
            "[missing-validator]",
        ),
    ],
)
def test_wrong_scores(tmp_path: Path, files: Mapping[str, str], message: str) -> None:
    """Scores that cannot add up, and what is of the wrong type, are errors."""
    made = {f"data/secret/{name}/test_group.yaml".replace("//", "/"): text for name, text in files.items()}
    around = groups(*(name for name in files if name))
    assert message in complaints(tmp_path, {"problem.yaml": SCORING, **around, **made})


def test_scores_without_scoring(tmp_path: Path) -> None:
    """A problem that is pass or fail has no scores."""
    files = {"problem.yaml": HEAD, **PAIR, "data/secret/test_group.yaml": "scoring: {score: 3}\n"}
    assert complaints(tmp_path, files) == [
        "data/secret/test_group.yaml:1: error: scoring is for scoring problems [scoring]"
    ]


def test_earlier_stages_of_the_draft(tmp_path: Path) -> None:
    """Their names and files are read, with a warning where there is a newer one."""
    files = {
        "problem.yaml": HEAD + "type: interactive\n",
        **PAIR,
        "data/secret/testdata.yaml": "output_validator_flags: -e '1 2'\ninput_validator_flags: {check: -n 5}\n",
        "data/secret/1.args": "a b\n",
        "data/secret/1.hint": "Think.",
        "output_validators/v/v.py": "",
    }
    found = read(make(tmp_path, files))
    (test,) = found.root.tests()
    assert (test.checker_args, test.input_validator_args) == (("-e", "1 2"), {"check": ("-n", "5")})
    assert (test.args, test.hint) == (("a", "b"), "Think.")
    assert [path.name for path in found.output_validators] == ["v"]
    assert {warning.rule for warning in found.warnings} == {"deprecated"}
    assert [str(warning) for warning in found.warnings] == [
        "data/secret/testdata.yaml: warning: in this format it is called test_group.yaml [deprecated]",
        "data/secret/testdata.yaml:2: warning: input_validator_flags is called input_validator_args now, and is a list "
        "[deprecated]",
        "data/secret/testdata.yaml:1: warning: output_validator_flags is called output_validator_args now, and "
        "is a list "
        "[deprecated]",
        "output_validators: warning: in this format it is called output_validator [deprecated]",
    ]


def test_empty_groups(tmp_path: Path) -> None:
    """A group without tests is a warning, no tests at all an error."""
    files = {"problem.yaml": HEAD, **PAIR, "data/secret/a/.gitkeep": ""}
    assert complaints(tmp_path, files) == ["data/secret/a: warning: is a group without tests [no-tests]"]
    files = {"problem.yaml": HEAD, "data/secret/.gitkeep": ""}
    assert complaints(tmp_path / "other", files) == ["data/secret: error: has no tests [no-tests]"]


def test_what_older_formats_have_in_problem_yaml(tmp_path: Path) -> None:
    """Several types in one text, `validation` and `validator_flags` are read, with a warning."""
    head = HEAD.replace("name: Sums\n", "name: Sums\ntype: scoring multi-pass\n")
    files = {
        "problem.yaml": head + "validation: custom interactive\nvalidator_flags: -e 1\n",
        **PAIR,
        "output_validator/v.py": "",
    }
    found = read(make(tmp_path, files))
    assert (found.scoring, found.multi_pass, found.interactive) == (True, True, True)
    assert found.checker_args == ("-e", "1")
    assert [str(warning) for warning in found.warnings] == [
        "problem.yaml:3: warning: several types are a list now [deprecated]",
        "problem.yaml:6: warning: validation is a matter of type and of output_validator now [deprecated]",
        "problem.yaml:7: warning: validator_flags are called output_validator_args now, and stand in test_group.yaml "
        "[deprecated]",
    ]
