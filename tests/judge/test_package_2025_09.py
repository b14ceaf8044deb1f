"""Packages of the format 2025-09: what is read, and what is said of what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from packages import PAIR, by_name, complaints, groups, make, problem

from sandbox.cli.selection import Selection
from sandbox.files import File
from sandbox.judge.package import read
from sandbox.judge.problem import MIB, Group, Problem, ProblemLimits
from sandbox.judge.submission import Submission

HEAD = "problem_format_version: 2025-09\nname: Sums\nuuid: 0b4f\nlimits: {time_limit: 1}\n"
SCORING = HEAD + "type: scoring\n"


def child(found: Problem, name: str) -> Group:
    """The group of that name."""
    return by_name(found)[name]


def test_a_small_package(tmp_path: Path) -> None:
    """Names, files and defaults are those of the format."""
    found = problem(tmp_path, {"problem.yaml": HEAD, **PAIR})
    assert (found.name, found.title, found.format) == ("sums", "Sums", "2025-09")
    assert found.limits == ProblemLimits(time=1.0)
    (test,) = found.root.tests()
    assert test.name == "secret/1"
    assert (test.input.read_text(), test.answer.read_text()) == ("1\n", "2\n")
    assert not test.full_feedback
    assert not any((found.scoring, found.interactive, found.multi_pass, found.submit_answer))
    assert not found.allow_file_writing
    assert found.checker == "default"
    assert [path.name for path in found.input_validators] == ["check.py"]
    assert found.languages is None


def test_every_key_of_problem_yaml(tmp_path: Path) -> None:
    """All keys are known, in each of their forms; `null` is as good as not given."""
    head = """\
problem_format_version: 2025-09
type: [scoring, interactive, multi-pass]
name: {sv: Summor, en-GB: Sums, en: Sums!}
uuid: 0b4f
version: 1.10
credits:
  authors: A <a@x>
  contributors: [B, {name: C, email: c@x, orcid: 0-1, kattis: c}]
  testers: {name: D}
  translators: {sv: [E]}
  packagers: F
  acknowledgements: [G]
source: [X 2025, {name: Y, url: y}]
license: cc by-sa
rights_owner: A
embargo_until: 2025-09-30T12:00:00Z
limits:
  time_multipliers: {ac_to_time_limit: 3, time_limit_to_tle: 1.25}
  time_limit: .5
  time_resolution: 1e-1
  memory: 512
  output: 16
  code: 64
  compilation_time: 10
  compilation_memory: 256
  validation_time: 20
  validation_memory: 128
  validation_output: 4
  validation_passes: 7
keywords: [sum, 2, no]
languages: [cpp, python3]
allow_file_writing: true
constants: {max_n: 1000, eps: 1e-6, word: no}
"""
    found = problem(
        tmp_path,
        {
            "problem.yaml": head,
            "data/secret/test_group.yaml": "max_score: 100\n",
            "statement/problem.sv.md": "",
            "statement/problem.en-GB.pdf": "",
            "output_validator/validate.py": "",
            **PAIR,
        },
    )
    assert found.title == "Sums!"
    assert found.scoring
    assert found.interactive
    assert found.multi_pass
    assert found.allow_file_writing
    assert found.languages == ("cpp", "python3")
    assert found.constants == {"max_n": "1000", "eps": "1e-6", "word": "no"}
    assert found.limits == ProblemLimits(
        time=0.5,
        ac_to_time_limit=3.0,
        time_limit_to_tle=1.25,
        time_resolution=0.1,
        memory=512 * MIB,
        output=16 * MIB,
        code=64 << 10,
        compilation_time=10.0,
        compilation_memory=256 * MIB,
        validation_time=20.0,
        validation_memory=128 * MIB,
        validation_output=4 * MIB,
        validation_passes=7,
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("type: sorting", "type.0 must be 'pass-fail', 'scoring', 'multi-pass', 'interactive' or 'submit-answer'"),
        ("type: [scoring, pass-fail]", "type cannot be both pass-fail and scoring"),
        ("type: [submit-answer, interactive]", "type cannot be both submit-answer and interactive"),
        ("type: []", "type must not be empty"),
        ("type: [scoring, scoring]", "type must not name a type twice"),
        (
            "type: {scoring: true}",
            "type.0 must be 'pass-fail', 'scoring', 'multi-pass', 'interactive' or 'submit-answer'",
        ),
        ("limits: 2", "limits must be a map"),
        ("limits: {memory: 1.5}", "limits.memory must be a whole number, not '1.5'"),
        ("limits: {memory: '512'}", "limits.memory must be a whole number, which the quotes make text"),
        ("limits: {memory: 0}", "limits.memory must be more than 0"),
        ("limits: {memory: 99999999999999999999}", "limits.memory must be at most 1073741824"),
        ("limits: {time_limit: soon}", "limits.time_limit must be a number, not 'soon'"),
        ("limits: {time_limit: .inf}", "limits.time_limit must be a number, not '.inf'"),
        ("limits: {time_limit: 1e999}", "limits.time_limit '1e999' is too large"),
        ("limits: {time_limit: -1}", "limits.time_limit must be more than 0"),
        (
            "limits: {time_multipliers: {ac_to_time_limit: 0.5}}",
            "limits.time_multipliers.ac_to_time_limit must be at least 1",
        ),
        ("keywords: sum", "keywords must be a list"),
        ("keywords: [[sum]]", "keywords.0 must be text"),
        ("allow_file_writing: 1", "allow_file_writing must be true or false, not '1'"),
        ("constants: [1]", "constants must be a map"),
        ("constants: {2n: 1}", "constants '2n' is not a name of letters, digits and _"),
        ("constants: {n: [1]}", "constants 'n' must be a number or text, or a map of these"),
        ("constants: {n: {value: [1]}}", "constants 'n' must be a number or text, or a map of these"),
        ("constants: {n: {tex: x}}", "constants 'n' has no value, but tex"),
        ("constants: {n: {}}", "constants 'n' has no value, but nothing"),
        ("constants: {n: {value: 1, 2x: x}}", "constants '2x' is not a name of letters, digits and _"),
        ("embargo_until: \u0662025-09-30", "embargo_until must be a date as 2025-09-30 or 2025-09-30T12:00:00Z"),
        ("embargo_until: tomorrow", "embargo_until must be a date as 2025-09-30 or 2025-09-30T12:00:00Z"),
        ("credits: {authors: [{email: x}]}", "credits.authors.0.name is missing"),
        ("languages: []", "languages must not be empty"),
        ("source: {url: x}", "source.0.name is missing"),
        ("version: [1]", "version must be text"),
    ],
)
def test_wrong_types(tmp_path: Path, line: str, message: str) -> None:
    """A value of the wrong type is an error that says where, and what is expected."""
    head = "problem_format_version: 2025-09\nname: Sums\nuuid: 0b4f\n"
    rule = "missing-key" if message.endswith("missing") else "type"
    assert f"problem.yaml:4: error: {message} [{rule}]" in complaints(tmp_path, {"problem.yaml": head + line, **PAIR})


def test_unknown_keys_are_warnings(tmp_path: Path) -> None:
    """With the line, however deep, and with the key that is meant if there is one like it; the rest is read."""
    head = HEAD.replace("limits: {time_limit: 1}", "limits:\n  time_limit: 3\n  memry: 2\nlicence: cc0\ncolour: red")
    place = make(tmp_path, {"problem.yaml": head, **PAIR})
    found = read(place)
    assert [str(warning) for warning in found.warnings] == [
        "problem.yaml:6: warning: the key limits.memry is not known here, and ignored (is it memory?) [unknown-key]",
        "problem.yaml:7: warning: the key licence is not known here, and ignored (is it license?) [unknown-key]",
        "problem.yaml:8: warning: the key colour is not known here, and ignored [unknown-key]",
    ]
    assert found.limits.time == 3.0


def test_all_complaints_at_once(tmp_path: Path) -> None:
    """What is wrong in one file does not hide what is wrong in others, nor in the tests."""
    files = {
        "problem.yaml": HEAD + "keywords: 3\ncolour: red\n",
        "data/secret/1.in": "",
        "data/secret/2.ans": "",
        "data/secret/test_group.yaml": "args: one\n",
    }
    assert complaints(tmp_path, files) == [
        "problem.yaml:5: error: keywords must be a list [type]",
        "data/secret/test_group.yaml:1: error: args must be a list [type]",
        "data/secret/2.ans: error: there is no 2.in to this answer [missing-input]",
        "data/secret/1.in: error: there is no 1.ans with the answer to this input [missing-answer]",
        "problem.yaml:6: warning: the key colour is not known here, and ignored [unknown-key]",
    ]


def test_what_is_required_but_not_for_judging(tmp_path: Path) -> None:
    """What only people need is a warning if it is missing."""
    place = tmp_path / "Sums-1"
    (place / "data/secret").mkdir(parents=True)
    (place / "problem.yaml").write_text("problem_format_version: 2025-09\nlicense: mine\n")
    for end in ("in", "ans"):
        (place / f"data/secret/1.{end}").write_text("")
    found = read(place)
    assert found.title == "Sums-1"
    assert [str(warning) for warning in found.warnings] == [
        ".: warning: 'Sums-1' should have small letters and digits only [package-name]",
        "problem.yaml:1: warning: name is missing [missing-key]",
        "problem.yaml:1: warning: uuid is missing [missing-key]",
        "problem.yaml:2: warning: license 'mine' is none of unknown, public domain, cc0, cc by, cc by-sa, educational, "
        "permission [license]",
        "statement: warning: there is no problem.<language>.tex, .md or .pdf [missing-statement]",
        "input_validators: warning: there is no input validator [no-input-validator]",
        "submissions: warning: the jury has no submissions [no-submissions]",
        "submissions: warning: there is no accepted submission of the jury's [no-accepted]",
        "problem.yaml: warning: there is no time limit, and no submission of the jury's that one could follow from "
        "[time-limit]",
    ]


def test_what_tests_say_and_inherit(tmp_path: Path) -> None:
    """A test has what its own file says, else what its group says, else what `secret` says, else the default."""
    files = {
        "problem.yaml": HEAD,
        "data/sample/1.in": "",
        "data/sample/1.ans": "",
        "data/secret/test_group.yaml": "args: [-v, 'two words']\noutput_validator_args: [case_sensitive]\n",
        **groups("a", "b"),
        "data/secret/b/test_group.yaml": "output_validator_args: []\nfull_feedback: true\nhint: Think.\n",
        "data/secret/b/1.yaml": "args: []\ninput_validator_args: {check: [--small]}\ndescription: none\n",
        "data/secret/b/1.files/table.txt": "",
        "data/secret/a/test_group.yaml": "input_validator_args: [--large]\ninput_visualizer_args: [x]\n",
    }
    sample, a, b = problem(tmp_path, files).root.tests()
    assert (sample.name, sample.full_feedback, sample.args) == ("sample/1", True, ())
    assert (a.args, a.checker_args, a.full_feedback) == (("-v", "two words"), ("case_sensitive",), False)
    assert a.input_validator_args == {"*": ("--large",)}
    assert (b.args, b.checker_args, b.full_feedback, b.hint, b.description) == ((), (), True, "Think.", "none")
    assert b.input_validator_args == {"check": ("--small",)}
    assert b.files is not None
    assert [path.name for path in b.files.iterdir()] == ["table.txt"]


def test_directories_in_groups_are_no_groups(tmp_path: Path) -> None:
    """Their tests belong to the group, in the order of their names."""
    files = {"problem.yaml": HEAD, **groups("a/z", "a/b", "a"), "data/secret/a/test_group.yaml": ""}
    files["data/secret/a/b/test_group.yaml"] = "max_score: 1\n"
    found = read(make(tmp_path, files))
    assert [test.name for test in child(found, "secret/a").children] == ["secret/a/1", "secret/a/b/1", "secret/a/z/1"]
    assert [str(warning) for warning in found.warnings] == [
        "data/secret/a/b/test_group.yaml: warning: is not read: only directories in data/secret are groups "
        "[unused-file]"
    ]


def test_order_is_that_of_names(tmp_path: Path) -> None:
    """Of base names, so that what follows an extension does not count; numbers do not count as such."""
    names = ("1", "10", "2", "1-big")
    files = {f"data/secret/{name}.{end}": "" for name in names for end in ("in", "ans")}
    found = problem(tmp_path, {"problem.yaml": HEAD, **files})
    assert [test.name for test in found.root.tests()] == ["secret/1", "secret/1-big", "secret/10", "secret/2"]


def test_scores(tmp_path: Path) -> None:
    """`secret` sums up to 100; groups are pass or fail, or sum, or take the least; a test is worth its share."""
    files = {
        "problem.yaml": SCORING,
        "data/sample/1.in": "",
        "data/sample/1.ans": "",
        **groups("a", "b", "c"),
        "data/secret/c/2.in": "",
        "data/secret/c/2.ans": "",
        "data/secret/a/test_group.yaml": "max_score: 20\nrequire_pass: sample\n",
        "data/secret/b/test_group.yaml": "max_score: 30\nscore_aggregation: min\nrequire_pass: [secret/a, sample]\n",
        "data/secret/c/test_group.yaml": "max_score: 50\nscore_aggregation: sum\nstatic_validation_score: 10\n"
        "static_validator_args: [x]\n",
        "static_validator/check.py": "",
    }
    found = problem(tmp_path, files)
    root = found.root.grading
    assert (root.ignore_sample, root.stop_early, root.max_score, root.scores) == (True, False, 100.0, "sum")
    secret, a, b, c = (child(found, f"secret{name}").grading for name in ("", "/a", "/b", "/c"))
    assert (secret.scores, secret.max_score, secret.errors) == ("sum", 100.0, "always_accept")
    assert not secret.stop_early
    assert (a.scores, a.max_score, a.errors, a.require_pass) == ("pass-fail", 20.0, "first", ("sample",))
    assert (b.scores, b.accept_score, b.stop_early) == ("min", 30.0, True)
    assert b.require_pass == ("secret/a", "sample")
    assert (c.scores, c.accept_score, c.static_validation, c.static_validator_args) == ("sum", 20.0, 10.0, ("x",))
    assert all(grading.strict_scores for grading in (a, b, c))
    assert not child(found, "sample").grading.strict_scores
    assert found.static_validator is not None
    assert found.static_validator.name == "check.py"


def test_a_problem_that_is_worth_all_or_nothing(tmp_path: Path) -> None:
    """If `secret` is pass or fail, so are its groups, whose scores would not count."""
    files = {
        "problem.yaml": SCORING,
        **groups("a"),
        "data/secret/test_group.yaml": "score_aggregation: pass-fail\nmax_score: 7\n",
        "data/secret/a/test_group.yaml": "",
    }
    found = problem(tmp_path, files)
    assert (child(found, "secret").grading.scores, child(found, "secret").grading.max_score) == ("pass-fail", 7.0)
    assert child(found, "secret/a").grading.max_score is None


def test_unbounded_scores(tmp_path: Path) -> None:
    """Where nothing bounds the score, every test brings its own."""
    files = {
        "problem.yaml": SCORING,
        **groups("a"),
        "data/secret/test_group.yaml": "max_score: unbounded\n",
        "data/secret/a/test_group.yaml": "score_aggregation: sum\n",
    }
    grading = child(problem(tmp_path, files), "secret/a").grading
    assert (grading.max_score, grading.accept_score) == (None, None)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"a": "{}"},
            "data/secret/a/test_group.yaml:1: error: secret/a is pass-fail and so needs a max_score that is bounded "
            "[scoring]",
        ),
        (
            {"a": "score_aggregation: sum"},
            "data/secret/a/test_group.yaml:1: error: secret/a needs a max_score: secret is worth 100 at most [scoring]",
        ),
        (
            {"a": "max_score: 101"},
            "data/secret: error: the groups are worth 101 together, more than the 100 of secret [scoring]",
        ),
        (
            {"a": "max_score: -1"},
            "data/secret/a/test_group.yaml:1: error: max_score must be a whole number, not negative, or unbounded "
            "[type]",
        ),
        (
            {"": "score_aggregation: pass-fail", "a": "max_score: 3\nscore_aggregation: sum"},
            "data/secret/a/test_group.yaml:2: error: must be pass-fail in secret/a, as it is in secret [scoring]",
        ),
        (
            {"a": "max_score: 3\nrequire_pass: secret/b"},
            "data/secret/a/test_group.yaml:2: error: require_pass: there is no group 'secret/b' [require-pass]",
        ),
        (
            {"a": "max_score: 3\nrequire_pass: secret/a"},
            "data/secret/a/test_group.yaml:2: error: require_pass: secret/a requires secret/a, which in turn requires "
            "secret/a: the groups form a cycle [require-pass]",
        ),
        (
            {"a": "max_score: 3\nrequire_pass: secret/b", "b": "max_score: 3\nrequire_pass: secret/a"},
            "data/secret/a/test_group.yaml:2: error: require_pass: secret/a requires secret/b, which in turn requires "
            "secret/a: the groups form a cycle [require-pass]",
        ),
        (
            {"a": "max_score: 3\nrequire_pass: secret/b", "b": "max_score: 3"},
            "data/secret/a/test_group.yaml:2: error: require_pass: secret/b does not come before secret/a "
            "[require-pass]",
        ),
        (
            {"a": "max_score: 3\nscore_aggregation: min", "b": "max_score: 3\nrequire_pass: secret/a"},
            "data/secret/b/test_group.yaml:2: error: require_pass: secret/a is not pass-fail, which a required group "
            "must be [require-pass]",
        ),
        (
            {"": "require_pass: secret/a", "a": "max_score: 3"},
            "data/secret/test_group.yaml:1: error: require_pass: secret can only require sample [require-pass]",
        ),
        (
            {"a": "max_score: 3\nstatic_validation_score: 2"},
            "data/secret/a/test_group.yaml:2: error: must be pass-fail where score_aggregation is pass-fail [scoring]",
        ),
        (
            {"a": "max_score: 3\nstatic_validator_args: [x]"},
            "data/secret/a/test_group.yaml:2: error: static_validator_args need a static_validation_score [scoring]",
        ),
        (
            {"a": "max_score: 3\nstatic_validation_score: pass-fail"},
            "static_validator: error: secret/a has a static validation test, but there is no static validator "
            "[missing-validator]",
        ),
    ],
)
def test_wrong_scores(tmp_path: Path, files: Mapping[str, str], message: str) -> None:
    """Scores that cannot add up, and groups that require what cannot be required, are errors."""
    made = {f"data/secret/{name}/test_group.yaml".replace("//", "/"): text for name, text in files.items() if text}
    around = groups(*(name for name in files if name))
    assert message in complaints(tmp_path, {"problem.yaml": SCORING, **around, **made})


@pytest.mark.parametrize("key", ["max_score: 3", "score_aggregation: sum", "require_pass: sample"])
def test_scores_without_scoring(tmp_path: Path, key: str) -> None:
    """A problem that is pass or fail has no scores, and sample never has."""
    name = key.partition(":")[0]
    files = {"problem.yaml": HEAD, **PAIR, "data/secret/test_group.yaml": key, "data/sample/test_group.yaml": key}
    assert complaints(tmp_path, files) == [
        f"data/sample/test_group.yaml:1: error: {name} is not for sample [scoring]",
        f"data/secret/test_group.yaml:1: error: {name} is for scoring problems [scoring]",
    ]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {**PAIR, **groups("a"), "data/secret/a/test_group.yaml": ""},
            "data/secret: error: has tests, such as 1.in, beside groups, such as a [groups]",
        ),
        (
            {"data/secret/a/readme.md": "", "data/secret/a/test_group.yaml": ""},
            "data/secret/a: error: is a group without tests [no-tests]",
        ),
        ({"data/secret/a/readme.md": ""}, "data/secret: error: has neither tests nor groups [no-tests]"),
        (
            {**groups("a", "b"), "data/secret/a/test_group.yaml": ""},
            "data/secret/b: warning: has no test_group.yaml, by which a group is known, but lies beside groups: it is "
            "read as one [groups]",
        ),
        (
            {"data/secret/test_group.in": "", "data/secret/test_group.ans": ""},
            "data/secret/test_group.in: error: a test cannot be called test_group [name]",
        ),
        ({"data/secret/.gitkeep": ""}, "data/secret: error: has neither tests nor groups [no-tests]"),
        ({"data/sample/1.in": ""}, "data/secret: error: there is no such directory with tests [missing-data]"),
        ({}, "data/secret: error: there is no such directory with tests [missing-data]"),
        (
            {**PAIR, "data/sample/a/1.in": "", "data/sample/a/test_group.yaml": ""},
            "data/sample/a: error: sample has no groups [groups]",
        ),
        (
            {**groups("a"), "data/secret/a/1/2.in": "", "data/secret/a/1/2.ans": ""},
            "data/secret/a/1: error: is both a test (1.in) and a directory [duplicate]",
        ),
        (
            {"data/secret/a/test_group.in": "", "data/secret/a/test_group.ans": ""},
            "data/secret/a/test_group.in: error: a test cannot be called test_group [name]",
        ),
        (
            {**PAIR, "data/2.in": ""},
            "data/2.in: error: is neither in data/sample nor in data/secret, where tests are [misplaced-test]",
        ),
        (
            {**PAIR, "data/secret/1.yaml": "args: []\nargs: []"},
            "data/secret/1.yaml:2: error: is not YAML that can be read: the key 'args' is there twice, first in line 1 "
            "[yaml]",
        ),
        ({**PAIR, "data/secret/1.yaml": "[a]"}, "data/secret/1.yaml:1: error: must be a map of keys to values [type]"),
        ({**PAIR, "data/secret/1.yaml": "args: [x, {}]"}, "data/secret/1.yaml:1: error: args.1 must be text [type]"),
        (
            {**PAIR, "data/secret/1.yaml": "max_score: 1"},
            "data/secret/1.yaml:1: warning: the key max_score is not known here, and ignored [unknown-key]",
        ),
        (
            {**PAIR, "data/secret/2.yaml": "hint: x"},
            "data/secret/2.yaml: warning: there is no test 2: it is ignored [unused-file]",
        ),
        (
            {**PAIR, "data/secret/2.files/x": ""},
            "data/secret/2.files: warning: belongs to no test: it is ignored [unused-file]",
        ),
        (
            {**PAIR, "data/secret/1.md5": "", "data/secret/2.md5": ""},
            "data/secret/1.md5: warning: 1.md5 and 1 more like it are of no use to a test: ignored [unused-file]",
        ),
        (
            {**PAIR, "data/secret/ans": ""},
            "data/secret/ans: warning: ans is of no use to a test: ignored [unused-file]",
        ),
        (
            {**PAIR, "data/extra/1.in": ""},
            "data/extra: warning: is not read: this format has no such test data [unused-file]",
        ),
        (
            {**PAIR, "data/secret/testdata.yaml": "{}"},
            "data/secret/testdata.yaml: warning: in this format it is called test_group.yaml [deprecated]",
        ),
        (
            {**PAIR, "data/secret/1.yaml": "input_validator_args: {chk: []}"},
            "input_validators: warning: there are "
            "arguments for 'chk', which is not among the input validators [unknown-validator]",
        ),
    ],
)
def test_test_data_that_is_wrong(tmp_path: Path, files: Mapping[str, str], message: str) -> None:
    """Each thing that can be wrong with test data has a message of its own."""
    assert message in complaints(tmp_path, {"problem.yaml": HEAD, **files})


def test_files_for_statements_are_no_tests(tmp_path: Path) -> None:
    """Interactions, pictures, and what is shown or downloaded instead are not complained about."""
    shown = ("1.interaction", "2.interaction", "1.png", "1.in.statement", "1.ans.download")
    problem(tmp_path, {"problem.yaml": HEAD, **PAIR, **{f"data/sample/{name}": "" for name in shown}})


def test_constants_in_test_group_yaml(tmp_path: Path) -> None:
    """They are put in before it is read; names that are not constants stay."""
    files = {
        "problem.yaml": HEAD + "constants: {eps: 1e-6}\n",
        "data/secret/test_group.yaml": "output_validator_args: [float_tolerance, '{{eps}}', '{{other}}']\n",
        **PAIR,
    }
    (test,) = problem(tmp_path, files).root.tests()
    assert test.checker_args == ("float_tolerance", "1e-6", "{{other}}")


def test_invalid_and_valid_data(tmp_path: Path) -> None:
    """What validators must reject or accept is read beside the tests."""
    files = {
        "problem.yaml": HEAD,
        **PAIR,
        "data/sample/1.in": "",
        "data/sample/1.ans": "",
        "data/sample/1.out": "",
        "data/invalid_input/zero.in": "0",
        "data/invalid_input/test_group.yaml": "input_validator_args: [-x]\n",
        "data/invalid_output/a/1.in": "",
        "data/invalid_output/a/1.ans": "",
        "data/invalid_output/a/1.out": "bad",
        "data/valid_output/1.in": "",
        "data/valid_output/1.ans": "",
        "data/valid_output/1.out": "good",
    }
    found = problem(tmp_path, files)
    (invalid,) = found.invalid_inputs
    assert (invalid.name, invalid.answer) == ("invalid_input/zero", invalid.input)
    assert invalid.input_validator_args == {"*": ("-x",)}
    assert [(test.name, output.name, good) for test, output, good in found.outputs] == [
        ("sample/1", "1.out", True),
        ("invalid_output/a/1", "1.out", False),
        ("valid_output/1", "1.out", True),
    ]
    (make(tmp_path, files) / "data/valid_output/1.out").unlink()
    files.pop("data/valid_output/1.out")
    assert complaints(tmp_path, files) == [
        "data/valid_output/1.out: error: there is no 1.out with the output to validate [missing-output]"
    ]


def test_programs(tmp_path: Path) -> None:
    """A validator is a file or a directory; grammars are not run, and texts are no programs."""
    files = {
        "problem.yaml": HEAD + "type: interactive\n",
        **PAIR,
        "input_validators/README.md": "",
        "input_validators/deep/a.cpp": "",
        "input_validators/deep/a.h": "",
        "input_validators/g.ctd": "",
        "input_validators/v.viva": "",
        "output_validator/a.cpp": "",
        "output_validator/validate.h": "",
        "include/default/x.h": "",
        "include/cpp/main.cpp": "",
        "include/java/.gitkeep": "",
        "include/klingon/x": "",
    }
    found = read(make(tmp_path, files))
    assert [path.name for path in found.input_validators] == ["check.py", "deep"]
    assert [path.name for path in found.output_validators] == ["output_validator"]
    assert {code: path.name for code, path in found.include.items()} == {
        "default": "default",
        "cpp": "cpp",
        "klingon": "klingon",
    }
    assert [str(warning) for warning in found.warnings] == [
        "input_validators/g.ctd: warning: Checktestdata is not supported: this validator is not run [unsupported]",
        "input_validators/v.viva: warning: VIVA is not supported: this validator is not run [unsupported]",
        "include/java: warning: there is nothing in it to include [empty]",
        "include/klingon: warning: klingon is not the code of a language in the format [language]",
    ]


@pytest.mark.parametrize("kind", ["interactive", "multi-pass"])
def test_types_that_need_a_validator(tmp_path: Path, kind: str) -> None:
    """Without one there is nobody to talk to."""
    files = {"problem.yaml": HEAD + f"type: {kind}\n", **PAIR}
    assert complaints(tmp_path, files) == [
        f"problem.yaml:5: error: {kind} problems need an output_validator [missing-validator]"
    ]


def test_names_outside_of_the_format_are_ignored(tmp_path: Path) -> None:
    """As if they were not there, but with a warning; hidden files without, unless they look like tests."""
    files: dict[str, Any] = {"data/secret/a b.in": "", "data/secret/-x.in": "", "data/secret/.x.in": "", ".git/x": ""}
    found = sorted(complaints(tmp_path, {"problem.yaml": HEAD, **PAIR, **files}))
    assert found.pop(1) == (
        "data/secret/.x.in: warning: is hidden by the dot that its name begins with: it is ignored [name]"
    )
    assert found == [
        f"data/secret/{name}.in: warning: has a name outside of a-z A-Z 0-9 _ . -, or begins with a dash: it is "
        f"ignored "
        "[name]"
        for name in ("-x", "a b")
    ]


def test_directories_of_secret_that_are_no_groups(tmp_path: Path) -> None:
    """Test Data Groups: what has no test_group.yaml only keeps tests apart, beside others, in samples too."""
    files = {"problem.yaml": HEAD, **PAIR, **groups("b", "a/deep"), "data/secret/test_group.yaml": "args: [x]\n"}
    for end in ("in", "ans"):
        files[f"data/sample/easy/1.{end}"] = ""
    found = problem(tmp_path, files)
    assert list(by_name(found)) == ["", "sample", "secret"]
    assert [test.name for test in found.root.tests()] == [
        "sample/easy/1", "secret/1", "secret/a/deep/1", "secret/b/1"
    ]  # fmt: skip
    assert [test.args for test in child(found, "secret").tests()] == [("x",)] * 3
    assert [test.full_feedback for test in child(found, "sample").tests()] == [True]


def test_scores_of_directories_that_are_no_groups(tmp_path: Path) -> None:
    """Their tests share what secret is worth."""
    files = {"problem.yaml": SCORING, **PAIR, **groups("a", "b", "c"), "data/secret/test_group.yaml": "max_score: 40\n"}
    assert child(problem(tmp_path, files), "secret").grading.accept_score == 10.0


def test_directories_can_be_named(tmp_path: Path) -> None:
    """On the command line and in submissions.yaml, by their own name, whether they are groups or not."""
    expected = "accepted: {secret/a: {permitted: [AC]}, secret/a/deep: {permitted: [AC]}}\n"
    files = {"problem.yaml": HEAD, **groups("b", "a/deep", "a"), "submissions/submissions.yaml": expected}
    found = problem(tmp_path, files)
    for glob, names in (("a", ["secret/a/1", "secret/a/deep/1"]), ("secret/a/d*", ["secret/a/deep/1"])):
        selection = Selection(found, [glob], [])
        assert [test.name for test in found.root.tests() if selection(test.name)] == names
        assert selection.count == len(names)


def test_constants_with_variants(tmp_path: Path) -> None:
    """Constants: a map has the value and further forms, each under its name; what is not defined stays as it is."""
    head = HEAD + 'constants:\n  n: {value: 5, tex: "5^{1}"}\n  word: no\n'
    files = {
        "problem.yaml": head,
        **PAIR,
        "data/secret/test_group.yaml": "args: ['{{n}}', '{{n.value}}', '{{n.tex}}', '{{n.md}}', '{{word.tex}}']\n",
    }
    found = problem(tmp_path, files)
    assert found.constants == {"n": "5", "n.value": "5", "n.tex": "5^{1}", "word": "no"}
    (test,) = child(found, "secret").tests()
    assert test.args == ("5", "5", "5^{1}", "{{n.md}}", "{{word.tex}}")
    source = Submission("a", {"a.py": File(b"{{n.tex}} {{ n }} {{n.}} {{n.value}}{{word}}")})
    assert source.with_constants(found.constants).files["a.py"] == b"5^{1} {{ n }} {{n.}} 5no"


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ("time_limit: 0.3, time_resolution: 0.1", ""),
        ("time_limit: 3", ""),
        ("time_limit: 2.50, time_resolution: .5", ""),
        ("time_limit: 1e1, time_resolution: 2.5", ""),
        ("time_resolution: 0.3", ""),
        ("time_limit: 0.3, time_resolution: 0.2", "error: time_limit 0.3 is no multiple of time_resolution, 0.2"),
        ("time_limit: 1, time_resolution: 2", "error: time_limit 1 is no multiple of time_resolution, 2"),
        ("time_limit: 1.5, time_resolution: 1", "error: time_limit 1.5 is no multiple of time_resolution, 1"),
        ("time_limit: 1.5", "warning: time_limit 1.5 is no multiple of time_resolution, 1"),
    ],
)
def test_resolution(tmp_path: Path, limits: str, told: str) -> None:
    """Problem Timing: a time limit is a multiple of the resolution, as both are written, not as doubles hold them."""
    head = HEAD.replace("limits: {time_limit: 1}", f"limits: {{{limits}}}")
    wanted = [f"problem.yaml:4: {told} [time-limit]"] if told else []
    assert complaints(tmp_path, {"problem.yaml": head, **PAIR}) == wanted


def test_a_validator_without_a_program(tmp_path: Path) -> None:
    """A directory for a validator in which there is none is an error: the default one would judge in its place."""
    files = {"problem.yaml": HEAD, **PAIR, "output_validator/my validator.py": ""}
    assert any(line.startswith("output_validator: error: there is no program") for line in complaints(tmp_path, files))
