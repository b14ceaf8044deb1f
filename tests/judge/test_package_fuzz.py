"""Whatever stands in the files of a package: it is a problem, or an error that says where it is wrong."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sandbox.judge.package import draft_models, format_2025_09, legacy_models, metadata, read
from sandbox.judge.package.cases import TestConfig
from sandbox.judge.package.expectations import Entry
from sandbox.judge.problem import Problem, ProblemError

_WORDS = (
    "pass-fail scoring interactive multi-pass submit-answer all sum min max break continue custom default score true "
    "false no 1 0 -1 2.5 1e9 .inf unbounded AC WA TLE RTE OK lower upper secret/a secret/b sample secret/a/1 -inf name "
    "flags ignore_sample first_error ''' {a,b} {a * ** {{x}} x"
)
WORDS = _WORDS.split()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.floats(allow_nan=True) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=6,
)


def keys(model: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Maps with keys of this model, and of models in it."""
    names = sorted({*model.model_fields, *metadata.Limits.model_fields, *draft_models.Scoring.model_fields})
    inner = st.dictionaries(st.sampled_from(names), VALUES, max_size=3)
    return st.dictionaries(st.sampled_from(sorted(model.model_fields)), VALUES | inner, max_size=5)


def outcome(head: str, data: dict[str, Any], files: dict[str, dict[str, Any]]) -> Problem | ProblemError:
    """What comes of a package with these YAML files."""
    with tempfile.TemporaryDirectory() as top:
        place = Path(top)
        for name in ("sample/1", "secret/a/1", "secret/a/2", "secret/b/1"):
            for end in ("in", "ans"):
                (place / "data" / name).parent.mkdir(parents=True, exist_ok=True)
                (place / f"data/{name}.{end}").write_text("")
        (place / "submissions/accepted").mkdir(parents=True)
        (place / "submissions/accepted/a.py").write_text("")
        data = {key: value for key, value in data.items() if key != "problem_format_version"}
        (place / "problem.yaml").write_text(head + (yaml.safe_dump(data) if data else ""))
        for name, value in files.items():
            (place / name).write_text(yaml.safe_dump(value))
        try:
            return read(place)
        except ProblemError as error:
            return error


def check(found: Problem | ProblemError) -> None:
    """Every complaint says where, and which rule."""
    complaints = found.warnings if isinstance(found, Problem) else found.complaints
    for complaint in complaints:
        assert complaint.file
        assert complaint.message
        assert complaint.rule
        assert "Value error" not in complaint.message
    assert isinstance(found, Problem) or any(complaint.error for complaint in complaints)


@given(
    keys(metadata.Metadata),
    keys(format_2025_09.GroupConfig),
    keys(format_2025_09.GroupConfig),
    keys(TestConfig),
    st.dictionaries(st.sampled_from(["accepted", "accepted/*", "{a", "x"]), keys(Entry)),
    st.booleans(),
)
def test_2025_09(data: Any, secret: Any, group: Any, test: Any, jury: Any, scoring: bool) -> None:
    """Nothing but a problem or a ProblemError comes of it."""
    head = "problem_format_version: 2025-09\n"
    files = {
        "data/secret/test_group.yaml": secret,
        "data/secret/a/test_group.yaml": group,
        "data/secret/a/1.yaml": test,
        "submissions/submissions.yaml": jury,
    }
    check(outcome(head, data | ({"type": "scoring"} if scoring else {}), files))


@given(keys(metadata.Metadata), keys(draft_models.GroupConfig), keys(draft_models.GroupConfig), st.booleans())
def test_2023_07(data: Any, secret: Any, group: Any, scoring: bool) -> None:
    """Nothing but a problem or a ProblemError comes of it."""
    head = "problem_format_version: 2023-07-draft\n"
    files = {"data/secret/test_group.yaml": secret, "data/secret/a/test_group.yaml": group}
    check(outcome(head, data | ({"type": "scoring"} if scoring else {}), files))


@given(keys(legacy_models.Metadata), keys(legacy_models.GroupConfig), keys(legacy_models.GroupConfig), st.booleans())
def test_legacy(data: Any, root: Any, group: Any, scoring: bool) -> None:
    """Nothing but a problem or a ProblemError comes of it."""
    files = {"data/testdata.yaml": root, "data/secret/a/testdata.yaml": group}
    check(outcome("", data | ({"type": "scoring"} if scoring else {}), files))


@pytest.mark.parametrize("version", ["2025-09", "2023-07-draft", "legacy"])
@given(VALUES)
def test_any_value(version: str, value: Any) -> None:
    """A file that holds something else than a map is an error with its name."""
    check(outcome(f"problem_format_version: {version}\n", {}, {"data/secret/test_group.yaml": value}))
