"""Requests and limits: everything malformed is refused by the name of its field, everything else is kept as it is."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sandbox.errors import RequestError
from sandbox.request import Limits, Request, file_name

words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
raw = st.binary(max_size=20).filter(lambda text: b"\0" not in text)


@given(st.lists(words | raw | raw.map(os.fsdecode).map(Path), min_size=1, max_size=6))
def test_arguments(argv: list[str | bytes | Path]) -> None:
    """Text, bytes and paths arrive as the bytes that the file system would see."""
    expected = tuple(os.fsencode(item) for item in argv)
    if not expected[0]:
        with pytest.raises(RequestError, match="argv: must name a program"):
            Request.make(argv=argv)
    else:
        assert Request.make(argv=argv).argv == expected


@given(st.dictionaries(words.filter(lambda name: name and "=" not in name), words, max_size=5))
def test_environment(env: dict[str, str]) -> None:
    """Every variable arrives once, in its order."""
    assert Request.make(argv=["x"], env=env).env == tuple((k.encode(), v.encode()) for k, v in env.items())


parts = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=30)
plain = st.lists(parts.filter(lambda part: part not in (".", "..")), min_size=1, max_size=5).map("/".join)


@given(plain)
def test_plain_names(name: str) -> None:
    """A relative path without tricks is a name."""
    assert file_name(name) == name


@given(st.text(st.sampled_from("./a\0"), max_size=12))
def test_names_never_lead_out(name: str) -> None:
    """Whatever is accepted lies below the directory, and is written in its shortest form."""
    try:
        accepted = file_name(name)
    except ValueError:
        return
    joined = os.path.normpath(f"/box/{accepted}")
    assert joined == f"/box/{accepted}"
    assert "\0" not in accepted


def test_long_names() -> None:
    """A part has 255 bytes at most: bytes, not characters."""
    assert file_name("n" * 255)
    assert file_name("/".join(["n" * 255] * 15))
    for name in ("n" * 256, "ü" * 128, "/".join(["n" * 255] * 16)):
        with pytest.raises(ValueError, match="too long"):
            file_name(name)


def test_names_from_bytes() -> None:
    """Names that are not UTF-8 are names as well."""
    assert os.fsencode(file_name(b"\xff\xfe")) == b"\xff\xfe"


def test_contents() -> None:
    """Bytes of any kind are copied, paths are kept."""
    data = bytearray(b"data")
    request = Request.make(argv=["x"], files={"a": data, "b": memoryview(b"view"), "c": Path("/c")})
    data[:] = b"late"
    assert request.files == (("a", b"data"), ("b", b"view"), ("c", Path("/c")))


@given(st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(1 << 70), 1 << 70))
def test_seconds(value: float) -> None:
    """Seconds are positive and finite, and at most a month."""
    if 0 < value <= 86_400 * 30:
        assert Limits(cpu_time=value).cpu_time == value
    else:
        with pytest.raises(RequestError, match=r"^limits\.cpu_time: "):
            Request.make(argv=["x"], limits={"cpu_time": value})


@given(st.integers(-(1 << 70), 1 << 70))
def test_bytes(value: int) -> None:
    """Sizes are positive, and such as the kernel can count."""
    if 0 < value <= 1 << 50:
        assert Limits(output=value).output == value
    else:
        with pytest.raises(RequestError, match=r"^limits\.output: "):
            Request.make(argv=["x"], limits={"output": value})


@pytest.mark.parametrize("value", [1.5, math.nan, "x", [], b"1", object()])
def test_sizes_are_whole(value: object) -> None:
    """Half a byte, text that is no number, and things are no sizes."""
    with pytest.raises(RequestError, match=r"^limits\.memory: "):
        Request.make(argv=["x"], limits={"memory": value})


def test_nothing_is_taken_that_is_not_known() -> None:
    """A misspelt field is an error, and a request cannot be changed."""
    with pytest.raises(RequestError, match=r"^stdout: "):
        Request.make(argv=["x"], stdout=1)
    request = Request.make(argv=["x"])
    with pytest.raises(ValueError, match="frozen"):
        request.cwd = b"/"


class Impostor:
    """Says that it is a path."""

    def __fspath__(self) -> int:
        """What is no path."""
        return 7


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.text(st.characters(categories=["Cs"]), max_size=3)  # what no encoding can hold
    | st.binary(max_size=8)
    | st.sampled_from([bytearray(b"x"), Path("a"), Path("a\0b"), Impostor(), object(), b"\0", 10**400])
)
keys = st.none() | st.integers() | st.text(max_size=5) | st.binary(max_size=5) | st.tuples(words)
junk = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.lists(inner, max_size=2).map(iter)
        | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=6,
)
fields = st.sampled_from([*Request.model_fields]) | st.text(
    st.characters(exclude_characters="."), min_size=1, max_size=5
)


@example({"\ud800": None}, False)
@given(st.dictionaries(fields, junk, max_size=3), st.booleans())
def test_junk(given: dict[str, object], with_program: bool) -> None:
    """Whatever is given, it is a request or a RequestError that names one of the fields."""
    wanted = ({"argv": ["x"]} if with_program else {}) | given
    try:
        Request.make(**wanted)
    except RequestError as caught:
        error = caught
    else:
        return
    assert error.field.partition(".")[0] in {*wanted, "argv"}
    assert str(error) == f"{error.field}: {error.reason}"


@given(st.dictionaries(st.sampled_from([*Limits.model_fields]) | st.text(max_size=5), leaves, max_size=3))
def test_junk_for_limits(limits: dict[str, object]) -> None:
    """A limit that is accepted is positive and finite; of another the name is told."""
    try:
        accepted = Request.make(argv=["x"], limits=limits).limits
    except RequestError as caught:
        error = caught
    else:
        assert all(value is None or 0 < value < math.inf for _, value in accepted)
        return
    assert error.field.removeprefix("limits.") in limits


@pytest.mark.parametrize("files", [[None], [("a",)], ["ab"], {"a": Impostor()}, {"a": Path("a\0b")}])
def test_wrong_files(files: object) -> None:
    """What is no pair of a name and a content, or only looks like one."""
    with pytest.raises(RequestError, match=r"^files: "):
        Request.make(argv=["x"], files=files)
