"""Packages of the formats legacy and legacy-icpc, and what DOMjudge adds to them."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from pathlib import Path

import pytest
from packages import PAIR, by_name, complaints, groups, make, problem

from sandbox.judge.package import read
from sandbox.judge.problem import MIB, ProblemLimits


@pytest.mark.parametrize("head", ["", "name: Sums\n", "problem_format_version: legacy-icpc\n"])
def test_a_small_package(tmp_path: Path, head: str) -> None:
    """An empty problem.yaml will do: everything has a default."""
    found = problem(tmp_path, {"problem.yaml": head, **PAIR})
    assert found.format == ("legacy-icpc" if "icpc" in head else "legacy")
    assert found.limits == ProblemLimits(ac_to_time_limit=5.0, time_limit_to_tle=2.0)
    assert [test.name for test in found.root.tests()] == ["secret/1"]
    assert (found.root.grading.errors, found.root.grading.scores) == ("worst", "pass-fail")
    assert found.root.grading.stop_early
    assert found.allow_file_writing is None


def test_every_key_of_problem_yaml(tmp_path: Path) -> None:
    """All keys are known; sizes may have fractions."""
    head = """\
problem_format_version: legacy
type: scoring
name: Sums
uuid: 0b4f
author: A and B
source: X
source_url: y
license: cc by
rights_owner: A
limits:
  time_multiplier: 3
  time_safety_margin: 1.5
  memory: 512.5
  output: 16
  code: 64
  compilation_time: 10
  compilation_memory: 256
  validation_time: 20
  validation_memory: 128
  validation_output: 4
validation: custom interactive score
validator_flags: --eps 1e-6 'two words'
grading:
  objective: min
  show_test_data_groups: yes
keywords: sum easy
"""
    found = problem(
        tmp_path, {"problem.yaml": head, "output_validators/v/v.py": "", "output_validators/w.py": "", **PAIR}
    )
    assert (found.title, found.scoring, found.interactive, found.minimise) == ("Sums", True, True, True)
    assert found.checker_args == ("--eps", "1e-6", "two words")
    assert [path.name for path in found.output_validators] == ["v", "w.py"]
    assert found.limits == ProblemLimits(
        ac_to_time_limit=3.0,
        time_limit_to_tle=1.5,
        memory=512 * MIB + MIB // 2,
        output=16 * MIB,
        code=64 << 10,
        compilation_time=10.0,
        compilation_memory=256 * MIB,
        validation_time=20.0,
        validation_memory=128 * MIB,
        validation_output=4 * MIB,
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("type: sorting", "1: error: type must be pass-fail or scoring [type]"),
        (
            "validation: mine",
            "1: error: validation must be default, or custom and any of score, interactive and multi-pass [type]",
        ),
        (
            "validation: custom loud",
            "1: error: validation must be default, or custom and any of score, interactive and multi-pass [type]",
        ),
        ("validation: custom", "1: error: validation is custom, but there is no output validator [missing-validator]"),
        ("validation: custom score", "1: error: validation: score is for scoring problems [validation]"),
        ("validator_flags: [x]", "1: error: validator_flags must be text [type]"),
        (
            'validator_flags: "\'"',
            "1: error: validator_flags cannot be split into arguments: No closing quotation [type]",
        ),
        ("grading: {objective: more}", "1: error: grading.objective must be 'min' or 'max' [type]"),
        ("limits: {memory: 1G}", "1: error: limits.memory must be a number, not '1G' [type]"),
        ("author: [A]", "1: error: author must be text [type]"),
        ("keywords: {a: b}", "1: error: keywords must be words, separated by spaces [type]"),
        (
            "problem_format_version: 2024-01",
            "1: error: problem_format_version must be one of legacy, legacy-icpc, 2023-07-draft, 2025-09 [format]",
        ),
        (
            "limits: {time_limit: 2}",
            "1: warning: limits.time_limit is of a later format, and read as there [foreign-key]",
        ),
        ("grading: {objective: min}", "1: warning: grading is for scoring problems [grading]"),
        ("source_url: x", "1: warning: source_url needs a source [source]"),
        ("license: cc by", "1: warning: license 'cc by' needs a rights_owner [license]"),
        ("libraries: x", "1: warning: the key libraries is not known here, and ignored [unknown-key]"),
    ],
)
def test_what_is_wrong_with_problem_yaml(tmp_path: Path, line: str, message: str) -> None:
    """A wrong value is an error, what is merely odd is a warning; both have the line."""
    assert f"problem.yaml:{message}" in complaints(tmp_path, {"problem.yaml": line, **PAIR})


@pytest.mark.parametrize(
    ("files", "title"),
    [
        ({"problem_statement/problem.en.tex": "\\problemname{Add It}"}, "Add It"),
        ({"problem_statement/problem.en.tex": "%% plainproblemname: Add x\n\\problemname{Add $x$}"}, "Add x"),
        ({"problem_statement/problem.sv.tex": "\\problemname{Summor}"}, "Summor"),
        ({"problem.yaml": "name: {sv: Summor, en: Sums}"}, "Sums"),
        ({"problem.yaml": "name: no"}, "no"),
        ({"problem.yaml": "name: 1e3"}, "1e3"),
        ({"domjudge-problem.ini": "name = 'From DOMjudge'\n"}, "From DOMjudge"),
        ({}, "sums"),
    ],
)
def test_titles(tmp_path: Path, files: Mapping[str, str], title: str) -> None:
    """From problem.yaml, else from DOMjudge's file, else from a statement, else the short name."""
    assert problem(tmp_path, {"problem.yaml": "", **PAIR, **files}).title == title


@pytest.mark.parametrize(
    ("files", "seconds", "said"),
    [
        ({".timelimit": "2.5\n"}, 2.5, []),
        ({"domjudge-problem.ini": "timelimit='3'\nspecial_run = x\n"}, 3.0, []),
        ({".timelimit": "2", "domjudge-problem.ini": "timelimit=2"}, 2.0, []),
        (
            {".timelimit": "2", "domjudge-problem.ini": "timelimit=3"},
            3.0,
            [
                ".timelimit: warning: has a time limit of 2 s, but domjudge-problem.ini has 3 s, which counts "
                "[time-limit]"
            ],
        ),
        (
            {"domjudge-problem.ini": "[\n"},
            None,
            ["domjudge-problem.ini:1: warning: is not a file of keys and values, and ignored [ini]"],
        ),
    ],
)
def test_time_limits_of_domjudge(tmp_path: Path, files: Mapping[str, str], seconds: float, said: list[str]) -> None:
    """They are taken where problem.yaml says nothing; one that differs is told."""
    found = read(make(tmp_path, {"problem.yaml": "", **PAIR, **files}))
    assert found.limits.time == seconds
    assert [str(warning) for warning in found.warnings] == said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("soon", "the time limit must be a number of seconds: 'soon' is not a number"),
        ("", "the time limit must be a number of seconds: '' is not a number"),
        ("0", "the time limit must be more than 0 s, and a day at most"),
        ("86401", "the time limit must be more than 0 s, and a day at most"),
        ("1_0", "the time limit must be a number of seconds: '1_0' is not a number"),
        ("\u0663", "the time limit must be a number of seconds: '\u0663' is not a number"),
        ("inf", "the time limit must be a number of seconds: 'inf' is not a number"),
        ("nan", "the time limit must be a number of seconds: 'nan' is not a number"),
    ],
)
def test_wrong_time_limit(tmp_path: Path, text: str, message: str) -> None:
    """What is in `.timelimit` must be a number that can be one."""
    found = complaints(tmp_path, {"problem.yaml": "", **PAIR, ".timelimit": text})
    assert found == [f".timelimit: error: {message} [time-limit]"]


def test_groups_to_any_depth(tmp_path: Path) -> None:
    """Tests and groups are mixed, in the order of their names; a group has what it does not say from above, by key."""
    files = {
        "problem.yaml": "type: scoring\n",
        "data/testdata.yaml": "on_reject: continue\ngrader_flags: ignore_sample\n",
        "data/sample/1.in": "",
        "data/sample/1.ans": "",
        **groups("b", "b/c/d"),
        "data/secret/a.in": "",
        "data/secret/a.ans": "",
        "data/secret/c.in": "",
        "data/secret/c.ans": "",
        "data/secret/b/testdata.yaml": "accept_score: 10\nrange: 0 30\ngrader_flags: min accept_if_any_accepted\n"
        "output_validator_flags: -b 'x y'\ninput_validator_flags: --n 5\n",
        "data/secret/b/c/testdata.yaml": "on_reject: break\ninput_validator_flags: {name: check.py, flags: --n 6}\n",
    }
    found = problem(tmp_path, files)
    assert [child.name for child in by_name(found)["secret"].children] == ["secret/a", "secret/b", "secret/c"]
    assert [test.name for test in found.root.tests()] == [
        "sample/1",
        "secret/a",
        "secret/b/1",
        "secret/b/c/d/1",
        "secret/c",
    ]
    grading = {name: group.grading for name, group in by_name(found).items()}
    assert grading[""].ignore_sample
    assert not grading["secret"].ignore_sample
    assert (grading["secret"].scores, grading["secret"].accept_score, grading["secret"].stop_early) == (
        "sum",
        1.0,
        False,
    )
    b, d = grading["secret/b"], grading["secret/b/c/d"]
    assert (b.errors, b.scores, b.accept_score, b.score_range) == ("any_accepted", "min", 10.0, (0.0, 30.0))
    assert not b.stop_early
    assert (d.errors, d.scores, d.accept_score, d.stop_early) == ("any_accepted", "min", 10.0, True)
    tests = {test.name: test for test in found.root.tests()}
    assert tests["secret/b/c/d/1"].checker_args == ("-b", "x y")
    assert tests["secret/b/1"].input_validator_args == {"*": ("--n", "5")}
    assert tests["secret/b/c/d/1"].input_validator_args == {"check.py": ("--n", "6")}
    assert tests["secret/a"].checker_args == ()
    assert tests["sample/1"].full_feedback


@pytest.mark.parametrize(
    ("flags", "errors", "scores"),
    [
        ("", "worst", "sum"),
        ("first_error", "first", "sum"),
        ("first_error worst_error max", "worst", "max"),
        ("always_accept avg", "always_accept", "avg"),
        ("min accept_if_any_accepted first_error", "any_accepted", "min"),
    ],
)
def test_grader_flags(tmp_path: Path, flags: str, errors: str, scores: str) -> None:
    """Of modes that exclude each other, the last one counts."""
    files = {
        "problem.yaml": "type: scoring",
        **PAIR,
        "data/testdata.yaml": f"grader_flags: '{flags}'\nrange: -inf +inf",
    }
    grading = problem(tmp_path, files).root.grading
    assert (grading.errors, grading.scores, grading.score_range) == (errors, scores, (-inf, inf))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("on_reject: stop", "error: on_reject must be 'break' or 'continue' [type]"),
        (
            "grader_flags: best",
            "error: grader_flags has 'best', which is none of worst_error, first_error, always_accept, "
            "sum, avg, min, max, ignore_sample, accept_if_any_accepted [type]",
        ),
        ("grader_flags: ignore_sample", "error: ignore_sample is for data/testdata.yaml [grader-flags]"),
        ("grading: custom", "error: custom graders are not supported [unsupported]"),
        ("range: 1", "error: range must be two numbers, such as 0 100 or -inf +inf [type]"),
        ("range: 2 1", "error: range must have the least before the most [type]"),
        ("output_validator_flags: {name: v}", "error: there is no output validator 'v' [unknown-validator]"),
        ("output_validator_flags: [v]", "error: output_validator_flags must be a map [type]"),
        ("max_score: 1", "warning: the key max_score is not known here, and ignored [unknown-key]"),
    ],
)
def test_what_is_wrong_with_testdata_yaml(tmp_path: Path, text: str, message: str) -> None:
    """Each complaint has file and line."""
    files = {"problem.yaml": "type: scoring", **PAIR, "data/secret/testdata.yaml": text}
    assert f"data/secret/testdata.yaml:1: {message}" in complaints(tmp_path, files)


def test_several_validators_by_group(tmp_path: Path) -> None:
    """All validators have the same arguments here; to choose among them is refused, not ignored."""
    files = {
        "problem.yaml": "validation: custom",
        "output_validators/v.py": "",
        "output_validators/w.py": "",
        **PAIR,
        "data/secret/testdata.yaml": "output_validator_flags: {name: v, flags: x}",
    }
    assert complaints(tmp_path, files) == [
        "data/secret/testdata.yaml:1: error: to choose among several output validators by group is not supported "
        "[unsupported]"
    ]


def test_scores_without_scoring(tmp_path: Path) -> None:
    """They are no use to a problem that is pass or fail."""
    files = {"problem.yaml": "", **PAIR, "data/testdata.yaml": "accept_score: 1\nrange: 0 1\n"}
    assert complaints(tmp_path, files) == [
        "data/testdata.yaml:1: warning: accept_score is for scoring problems [scoring]",
        "data/testdata.yaml:2: warning: range is for scoring problems [scoring]",
    ]


def test_what_icpc_does_not_have(tmp_path: Path) -> None:
    """It is read as in legacy, with a warning."""
    head = "problem_format_version: legacy-icpc\ntype: pass-fail\n"
    files = {"problem.yaml": head, **PAIR, "data/testdata.yaml": "on_reject: continue\n"}
    assert complaints(tmp_path, files) == [
        "problem.yaml:2: warning: type is not in legacy-icpc, and read as in legacy [not-icpc]",
        "data/testdata.yaml:1: warning: testdata.yaml is not in legacy-icpc, and read as in legacy [not-icpc]",
    ]


def test_hints_descriptions_and_arguments(tmp_path: Path) -> None:
    """Files beside a test say something about it."""
    files = {
        **PAIR,
        "data/secret/1.hint": "Think.\n",
        "data/secret/1.desc": "Small.\r\n",
        "data/secret/1.args": "-a 'b c'",
    }
    (test,) = problem(tmp_path, {"problem.yaml": "", **files}).root.tests()
    assert (test.hint, test.description, test.args) == ("Think.", "Small.", ("-a", "b c"))


def test_validators_in_one_directory(tmp_path: Path) -> None:
    """C++ with its headers is one program, and so is whatever has a build script; otherwise each file is one."""
    together = {"output_validators/validate.cc": "", "output_validators/validate.h": ""}
    found = problem(tmp_path, {"problem.yaml": "validation: custom", **PAIR, **together})
    assert [path.name for path in found.output_validators] == ["output_validators"]
    found = problem(tmp_path / "other", {"problem.yaml": "", **PAIR, "input_validators/build": ""})
    assert [path.name for path in found.input_validators] == ["input_validators"]


def test_old_spellings(tmp_path: Path) -> None:
    """What was called otherwise once is still read."""
    files = {
        "problem.yaml": "type: scoring\ngrading: {on_reject: grade, accept_score: 5, reject_score: 1, range: 0 5}\n",
        "input_format_validators/old.py": "",
        **PAIR,
    }
    found = read(make(tmp_path, files))
    assert [path.name for path in found.input_validators] == ["check.py", "old.py"]
    grading = by_name(found)["secret"].grading
    assert (grading.stop_early, grading.accept_score, grading.reject_score) == (False, 5.0, 1.0)
    assert grading.score_range == (0.0, 5.0)
    assert {warning.rule for warning in found.warnings} == {"deprecated"}


def test_validators_that_are_not_asked_for(tmp_path: Path) -> None:
    """With `validation: default` they are not run, and that is told."""
    found = read(make(tmp_path, {"problem.yaml": "", "output_validators/v.py": "", **PAIR}))
    assert found.output_validators == ()
    assert [str(warning) for warning in found.warnings] == [
        "output_validators: warning: validation is default: the output validators are not run [unused-file]"
    ]


def test_without_problem_yaml(tmp_path: Path) -> None:
    """What is laid out as a package is one, as DOMjudge has it."""
    found = read(make(tmp_path, {"domjudge-problem.ini": "timelimit = 4\nname = Sums\n", **PAIR}))
    assert (found.format, found.title, found.limits.time) == ("legacy", "Sums", 4.0)
    assert [str(warning) for warning in found.warnings] == [
        "problem.yaml: warning: there is no problem.yaml: the package is read as legacy without one [missing-file]"
    ]


def test_empty_groups(tmp_path: Path) -> None:
    """A group without tests is a warning, a problem without tests an error."""
    files = {"problem.yaml": "", **PAIR, "data/secret/a/.gitkeep": "", "data/sample/.gitkeep": ""}
    assert complaints(tmp_path, files) == ["data/secret/a: warning: is a group without tests [no-tests]"]
    files = {"problem.yaml": "", "data/secret/.gitkeep": ""}
    assert complaints(tmp_path / "other", files) == ["data/secret: error: has no tests [no-tests]"]
