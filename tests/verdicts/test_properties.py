"""Whatever is asked for arrives in a real box as it was asked for, and whatever is left there comes out as bytes or not
at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import Box, LaunchError, NotCollected, Status
from sandbox.launch import wire

Program = Callable[[str], Path]

in_a_box = settings(
    max_examples=50,
    deadline=None,
    database=None,  # these run as another user as well, who has nowhere to keep one
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # the box is the session's, and as new for every run
)

raw = st.binary(max_size=40).filter(lambda text: b"\0" not in text)
variables = st.dictionaries(raw.filter(lambda name: name and b"=" not in name), raw, max_size=5)
short = st.binary(min_size=1, max_size=12).map(lambda part: part.replace(b"\0", b"_").replace(b"/", b"_"))
parts = short.filter(lambda part: part not in (b".", b"..")) | st.integers(250, 255).map(lambda size: b"n" * size)
file_names = st.lists(parts, min_size=1, max_size=4).map(b"/".join).map(os.fsdecode)


@in_a_box
@given(st.lists(raw, max_size=6))
def test_arguments_arrive(box: Box, argv: list[bytes]) -> None:
    """As they are, byte by byte: what Python encodes is what init decodes."""
    result = box.run(["/usr/bin/printf", "%s\\0", *argv])
    assert result.stdout == b"".join(word + b"\0" for word in argv or [b""])


@in_a_box
@given(variables)
def test_variables_arrive(box: Box, env: dict[bytes, bytes]) -> None:
    """Over the policy's own, in their order."""
    own = {os.fsencode(name): os.fsencode(value) for name, value in box.policy.env.items()}
    result = box.run(["/usr/bin/env", "-0"], env=env)  # type: ignore[arg-type]  # bytes are names as well
    assert result.stdout == b"".join(name + b"=" + value + b"\0" for name, value in (own | env).items())


@in_a_box
@given(st.dictionaries(file_names, st.binary(max_size=200), max_size=4), file_names)
def test_files_go_in_and_come_out(box: Box, files: dict[str, bytes], directory: str) -> None:
    """Under any name that the file system takes, in directories that are made for them; one of them to start in."""
    files = {f"{number}/{directory}/{name}": content for number, (name, content) in enumerate(files.items())}
    result = box.run(["/bin/pwd", "-P"], files={"x": b"", **files}, collect=[*files])
    assert (result.stdout, result.files) == (b"/box\n", files)
    if files:
        where = next(iter(files)).rpartition("/")[0]
        assert box.run(["/bin/pwd", "-P"], files=files, cwd=where).stdout == os.fsencode(f"/box/{where}\n")


@in_a_box
@given(raw)
def test_a_failure_names_what_was_asked_for(box: Box, name: bytes) -> None:
    """As far as there is room in a report, and as text, whatever it is: what init encodes is what Python decodes."""
    program = b"/missing/" + name * 8
    with pytest.raises(LaunchError) as caught:
        box.run([program])
    room = wire.FAILED.size - wire.HEADER.size - 8 - 1
    assert caught.value.step == (b"execve " + program)[:room].decode(errors="replace")


names = st.sampled_from(["a", "b", "a/a", "a/b", "b/a"])
others = names | st.sampled_from(["/etc", "/etc/passwd", "..", "/proc/self/exe", "b/../a", "/dev/null"])
steps = st.tuples(st.sampled_from("ffdlhpsr0"), names, others)


@settings(in_a_box, max_examples=200)
@given(
    st.lists(steps, min_size=1, max_size=12),
    st.sets(names | st.sampled_from(["a/passwd", "b/passwd", "a/b/c"]), min_size=1),
)
def test_whatever_is_left(box: Box, program: Program, steps: list[tuple[str, str, str]], collect: set[str]) -> None:
    """Links, pipes, holes, directories, files of two names or without rights, wherever: collecting ends, with what the
    program itself wrote or with a reason."""
    argv = [word for step in steps for word in step]
    result = box.run(["./grow", *argv], files={"grow": program("grow")}, collect=sorted(collect))
    assert result.status is Status.OK
    assert set(result.files) == collect
    written = {b"", b"content", bytes(1 << 20), b"content".ljust(1 << 20, b"\0")}
    for content in result.files.values():
        assert content in written if isinstance(content, bytes) else isinstance(content, NotCollected)
