"""The built-in checkers: what they accept, what they say of what they do not, and that memory is bounded."""

from __future__ import annotations

import codecs
import io
import itertools
import re
import time
import tracemalloc
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sandbox.judge.compare import CHECKERS, Comparison, parse_flags
from sandbox.judge.difference import Difference, Place, printable
from sandbox.judge.pieces import CHUNK, LONG
from sandbox.judge.tolerance import number

SPACES = b" \t\n\v\f\r"


def compare(checker: str, output: bytes, answer: bytes) -> Difference | None:
    """By a checker and its flags, as `default case_sensitive`."""
    name, *flags = checker.split()
    return parse_flags(name, flags).compare(output, answer)


ACCEPTED: list[tuple[str, bytes, bytes]] = [
    ("default", b"", b""),
    ("default", b" \n", b""),
    ("default", b"yes\n", b"YES"),
    ("default", b"\v1\f2\r\n3\t", b"1 2\n3\n"),
    ("default", b"\xc3\x84", b"\xc3\x84"),
    ("default case_sensitive", b"Yes  No", b"Yes\nNo\n"),
    ("default space_change_sensitive", b"a  B\r\n", b"A  b\r\n"),
    ("default space_change_sensitive float_tolerance 0.1", b"1.05\t2\n", b"1\t2\n"),
    ("default float_tolerance 0.5", b"1.4 x", b"1 X"),
    ("default float_absolute_tolerance 0.5", b"1.5", b"1"),
    ("default float_absolute_tolerance 0", b"1e0 -0 .5 5. +1", b"1 0 0.5 5 1"),
    ("default float_relative_tolerance 0.5", b"150", b"100"),
    ("default float_relative_tolerance 0", b"0.0", b"-0"),
    ("default float_relative_tolerance 1e-3 float_absolute_tolerance 1", b"1.9 1001", b"1 1000"),
    ("default float_tolerance 1e-6", b"INF nan", b"inf NaN"),
    ("default float_tolerance 1e-6", b"1E999", b"1e999"),
    ("default float_tolerance 1e-6", b"9" * 400, b"9" * 400),
    ("default float_tolerance 1e-6", b"1e-999", b"0"),
    ("default float_tolerance 1e-6", b"0" * 40 + b"1." + b"0" * 40, b"1"),
    ("default float_tolerance 1e-6", b"0X1P3", b"0x1p3"),
    ("exact", b"a\0\n", b"a\0\n"),
    ("tokens", b"a b", b"a\nb\n"),
    ("lines", b"a \t\r\nb\n\n \n", b"a\nb"),
    ("lines", b"\n \n", b""),
    ("lines", b" a\n\nb", b" a \n\t\nb\n"),
    ("floats", b"1.0000005 A", b"1 A"),
    ("floats float_absolute_tolerance 1", b"2", b"1"),
    ("unordered", b"b\na\na\n\n", b"a\nb \na"),
    ("unordered", b"\nb\na", b"a\n\nb"),
]

REJECTED: list[tuple[str, bytes, bytes]] = [
    ("default", b"1", b"2"),
    ("default", b"1 ", b"1 2"),
    ("default", b"1 2", b"1"),
    ("default", b"12", b"1 2"),
    ("default", b"1\x002", b"1 2"),
    ("default", b"1\x002", b"1\x003"),
    ("default", b"a\x00", b"a"),
    ("default", b"a\xa0b", b"a b"),
    ("default", b"a\x1cb", b"a b"),
    ("default", b"\xc3\xa4", b"\xc3\x84"),
    ("default", b"1.0", b"1"),
    ("default case_sensitive", b"yes", b"Yes"),
    ("default space_change_sensitive", b"a b", b"a\tb"),
    ("default space_change_sensitive", b"a\n", b"a"),
    ("default space_change_sensitive", b"a", b"a\n"),
    ("default space_change_sensitive", b" a", b"a"),
    ("default space_change_sensitive", b"a  b", b"a b"),
    ("default space_change_sensitive float_tolerance 0.1", b"1.05  2\n", b"1 2\n"),
    ("default float_tolerance 0.1", b"1.2", b"1"),
    ("default float_tolerance 1", b"one", b"1"),
    ("default float_tolerance 1", b"1", b"one"),
    ("default float_tolerance 1", b"nan", b"1"),
    ("default float_tolerance 1", b"inf", b"1"),
    ("default float_tolerance 1", b"1", b"inf"),
    ("default float_tolerance 1", b"1", b"nan"),
    ("default float_tolerance 1", b"+inf", b"inf"),
    ("default float_tolerance 1", b"1e999", b"1"),
    ("default float_tolerance 1", b"1", b"1e999"),
    ("default float_tolerance 1", b"2e999", b"1e999"),
    ("default float_tolerance 1", b"1_0", b"10"),
    ("default float_tolerance 1", b"0x1", b"1"),
    ("default float_tolerance 1", b"1e", b"1"),
    ("default float_tolerance 1", b"1.0f", b"1"),
    ("default float_tolerance 1", b".", b"0"),
    ("default float_tolerance 1", b"1\x00", b"1"),
    ("default float_tolerance 1", b"\xd9\xa1", b"1"),
    ("default float_tolerance 1", b"0" * LONG + b"1", b"1"),
    ("default float_relative_tolerance 1", b"1e-9", b"0"),
    ("exact", b"a", b"a\n"),
    ("exact", b"a\r\n", b"a\n"),
    ("tokens", b"A", b"a"),
    ("lines", b" a", b"a"),
    ("lines", b"a\n\nb", b"a\nb"),
    ("lines", b"a  b", b"a b"),
    ("lines", b"A", b"a"),
    ("floats", b"1.00001", b"1"),
    ("floats", b"1 a", b"1 A"),
    ("unordered", b"a\nb\nb", b"a\na\nb"),
    ("unordered", b"a\n\nb", b"a\nb"),
    ("unordered", b"a", b"a\na"),
    ("unordered", b"a b", b"b a"),
]


@pytest.mark.parametrize(("checker", "output", "answer"), ACCEPTED)
def test_accepted(checker: str, output: bytes, answer: bytes) -> None:
    """What each checker and flag lets pass."""
    assert compare(checker, output, answer) is None


@pytest.mark.parametrize(("checker", "output", "answer"), REJECTED)
def test_rejected(checker: str, output: bytes, answer: bytes) -> None:
    """What each checker and flag does not let pass."""
    assert compare(checker, output, answer) is not None


WRONG_FLAGS = [
    ("default", ["strict"], "'strict': unknown flag"),
    ("default", ["float_tolerance=1"], "'float_tolerance=1': unknown flag"),
    ("default", ["float_tolerance"], "float_tolerance: needs a number"),
    ("default", ["float_tolerance", "case_sensitive"], "float_tolerance: 'case_sensitive' is not a number"),
    ("default", ["float_tolerance", "1_0"], "float_tolerance: '1_0' is not a number"),
    ("default", ["float_tolerance", " 1"], "float_tolerance: ' 1' is not a number"),
    ("default", ["float_tolerance", "\udc80"], "is not a number"),
    ("default", ["float_tolerance", "\u0661"], "is not a number"),
    ("default", ["float_tolerance", "1e999"], "float_tolerance: '1e999' is not finite"),
    ("default", ["float_absolute_tolerance", "-1"], "float_absolute_tolerance: '-1' is negative"),
    ("default", ["float_relative_tolerance", "nan"], "float_relative_tolerance: 'nan' is not finite"),
    ("default", ["float_relative_tolerance", "-Infinity"], "float_relative_tolerance: '-Infinity' is not finite"),
    ("default", ["float_tolerance", "1", "float_tolerance", "1"], "float_tolerance: given twice"),
    ("default", ["float_tolerance", "1", "float_absolute_tolerance", "1"], "cannot be given beside float_absolute"),
    ("floats", ["case_sensitive"], "'case_sensitive': unknown flag of the checker floats"),
    ("exact", ["float_tolerance", "1"], "'float_tolerance': unknown flag of the checker exact (there are: none)"),
    ("diff", [], "there is no checker 'diff'"),
]


@pytest.mark.parametrize(("checker", "args", "message"), WRONG_FLAGS)
def test_wrong_flags(checker: str, args: list[str], message: str) -> None:
    """Are refused in a sentence that names the flag."""
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_flags(checker, args)


def test_a_switch_may_be_repeated() -> None:
    """The problem and its test may both say it."""
    assert parse_flags("default", ["case_sensitive"] * 2) == Comparison("default")


TOLD: list[tuple[str, bytes, bytes, str]] = [
    ("tokens", b"1\n2 4\n", b"1\n2  3\n", 'line 2, column 3 (token 3): token "4" where "3" is expected'),
    ("tokens", b"1\n2\n", b"1 2 3", 'line 3, column 1 (token 3): nothing where "3" is expected (answer: line 1'),
    ("tokens", b"1 2", b"1\n", 'line 1, column 3 (token 2): "2" where nothing is expected'),
    ("floats", b"1.5", b"1.0", 'number "1.5" where "1.0" is expected, an error of 0.5, relatively 0.5'),
    ("floats", b"1.5", b"0", 'number "1.5" where "0" is expected, an error of 1.5 (answer'),
    ("default space_change_sensitive", b"1  2", b"1 2", 'column 3: " " where "2" is expected'),
    ("default space_change_sensitive", b"1", b"1\n", r'column 2: the end where "\n" is expected'),
    ("exact", b"abc\r\nd", b"abc\nd", r'column 4: byte "\r\n" where "\n" is expected (answer: line 1, column 4)'),
    ("lines", b"a\nxyz\n", b"a \nxzz", 'line 2, column 2: line "xyz" where "xzz" is expected'),
    ("unordered", b"a\nc\nb\n", b"b\na\n", 'line 2, column 1: "c" where nothing is expected'),
    ("unordered", b"a\n", b"b\na\nb\n", 'nothing where "b" is expected (answer: line 1, column 1)'),
    ("tokens", b'\xff\x1b[31m\xe2\x80\xae\\"', b"x", r'token "\xff\x1b[31m\xe2\x80\xae\\\""'),
]


@pytest.mark.parametrize(("checker", "output", "answer", "told"), TOLD)
def test_what_people_read(checker: str, output: bytes, answer: bytes, told: str) -> None:
    """One line: where, what, and what instead."""
    assert told in str(compare(checker, output, answer))


@given(st.binary() | st.text().map(str.encode))
def test_bytes_are_shown_safely(data: bytes) -> None:
    """Nothing that is shown moves a cursor or is invalid, and the bytes can be told from it."""
    shown = printable(data)
    assert shown.isprintable()
    assert codecs.escape_decode(shown[1:-1].encode())[0] == data


def test_excerpts_are_cut() -> None:
    """What is long shows 200 bytes, from where it differs if that is far from the start."""
    far = compare("tokens", b"x" * 300 + b"y" * 300, b"x" * 300 + b"z")
    near = compare("tokens", b"y" * 201, b"z" * 200)
    assert far is not None
    assert near is not None
    assert (far.found, far.expected) == (b"[cut] " + b"y" * 200 + b" [cut]", b"[cut] z")
    assert (near.found, near.expected) == (b"y" * 200 + b" [cut]", b"z" * 200)


# The same rules, whole in memory and as short as can be.

GRAMMAR = re.compile(rb"[+-]?([0-9]*\.[0-9]+|[0-9]+\.|[0-9]+)([eE][+-]?[0-9]+)?")
FLAGS = [
    " ".join(flags)
    for flags in itertools.product(
        ["default"], ["", "case_sensitive"], ["", "space_change_sensitive"], ["", "float_tolerance 0.25"]
    )
]
RULES = [*(" ".join(flags.split()) for flags in FLAGS), *CHECKERS[1:]]


def value(token: bytes) -> float | None:
    """Of what the grammar takes for a number, if a double can hold it."""
    if len(token) > LONG or not GRAMMAR.fullmatch(token):
        return None
    exact = float(token)
    return exact if abs(exact) != float("inf") else None


def same(checker: str, found: bytes, expected: bytes) -> bool:
    """Whether two tokens are accepted as the same."""
    tolerance = 0.25 if "float_tolerance" in checker else 1e-6 if checker == "floats" else None
    wanted = None if tolerance is None else value(expected)
    if tolerance is not None and wanted is not None:
        own = value(found)
        return own is not None and abs(own - wanted) <= tolerance * max(1, abs(wanted))
    if checker.startswith("default") and "case_sensitive" not in checker:
        return found.lower() == expected.lower()
    return found == expected


def lines(data: bytes) -> list[bytes]:
    """Without what does not count."""
    found = [line.rstrip() for line in data.split(b"\n")]
    while found and not found[-1]:
        found.pop()
    return found


def accepted(checker: str, output: bytes, answer: bytes) -> bool:
    """Whether the output is right."""
    if checker == "exact":
        return output == answer
    if checker == "lines":
        return lines(output) == lines(answer)
    if checker == "unordered":
        return Counter(lines(output)) == Counter(lines(answer))
    if "space_change_sensitive" in checker and re.findall(rb"\s+|\S", re.sub(rb"\S+", b"x", output)) != re.findall(
        rb"\s+|\S", re.sub(rb"\S+", b"x", answer)
    ):
        return False
    pairs = list(itertools.zip_longest(output.split(), answer.split()))
    return all(None not in pair and same(checker, *pair) for pair in pairs)


def place(data: bytes, offset: int) -> Place:
    """The line and column of a byte."""
    before = data[:offset]
    return Place(before.count(b"\n") + 1, offset - (before.rfind(b"\n") + 1) + 1)


TOKENS = [b"1", b"1.2", b"1.25", b"1.26", b"-.5e3", b"1e999", b"nan", b"inf", b"a", b"A", b"ab", b"1_0", b"\0", b"\xff"]
tokens = st.sampled_from(TOKENS) | st.binary(min_size=1, max_size=3)
spaces = st.sampled_from([b" ", b"\n", b"\r\n", b"\t", b"  ", b" \n\n", b"\v", b""])
texts = st.lists(tokens | spaces, max_size=12).map(b"".join)
words = st.lists(st.tuples(st.sampled_from(TOKENS[:7] + TOKENS[8:11]), spaces), max_size=10)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """An output and an answer that are alike more often than not."""
    chosen = draw(words)
    answer = b"".join(itertools.chain.from_iterable(chosen))
    for _ in range(draw(st.integers(0, 2))):
        if chosen:
            index = draw(st.integers(0, len(chosen) - 1))
            chosen[index] = draw(st.tuples(st.just(chosen[index][0]) | tokens, spaces))
    output = b"".join(itertools.chain.from_iterable(chosen))
    return draw(st.sampled_from([(output, answer), (output.swapcase(), answer), (draw(texts), draw(texts))]))


@pytest.mark.parametrize("checker", RULES)
@settings(max_examples=300, deadline=None)
@given(pair=pairs(), chunk=st.integers(1, 20))
def test_as_whole_in_memory(checker: str, pair: tuple[bytes, bytes], chunk: int) -> None:
    """A window of any size accepts what the rules accept, and says the same of what they do not."""
    name, *flags = checker.split()
    rules = parse_flags(name, flags)
    whole = rules.compare(*pair)
    assert (whole is None) == accepted(checker, *pair)
    assert rules.compare(*map(io.BytesIO, pair), chunk=chunk) == whole
    str(whole)


@pytest.mark.parametrize("checker", ["tokens", "floats", "default space_change_sensitive float_tolerance 0.25"])
@given(pair=pairs())
def test_where_tokens_differ(checker: str, pair: tuple[bytes, bytes]) -> None:
    """The place and the number are those of the first token that is wrong."""
    output, answer = pair
    if "space" in checker and output.translate(None, SPACES) == output:
        answer = answer.translate(None, SPACES)
    found = compare(checker, output, answer)
    if found is None or found.kind == "whitespace":
        return
    own, other = (list(re.finditer(rb"\S+", data)) for data in (output, answer))
    for count, (one, two) in enumerate(zip(own, other, strict=False), 1):
        if not same(checker, one[0], two[0]):
            assert (found.output, found.answer) == (place(output, one.start()), place(answer, two.start()))
            assert (found.token, found.found, found.expected) == (count, one[0], two[0])
            return
    assert found.kind == ("extra" if len(own) > len(other) else "missing")
    assert found.token == min(len(own), len(other)) + 1


@pytest.mark.parametrize("checker", RULES)
@pytest.mark.parametrize("filler", [b"x", b" ", b"\n", b"0", b"x\n", b"\r\n"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_long_pieces(checker: str, filler: bytes, data: st.DataObject) -> None:
    """What does not fit a window is compared by the same rules, and told of in the same words."""
    size = st.sampled_from([LONG - 1, LONG, LONG + 1, 2 * LONG + 3])
    ends = st.sampled_from([b"", b"y", b" ", b"\n", b" y", b"\ny", b"Y\n", b"y" * 300, b"\n\n \nz"])
    output, answer = (data.draw(ends) + filler * data.draw(size) + data.draw(ends) for _ in range(2))
    name, *flags = checker.split()
    rules = parse_flags(name, flags)
    whole = rules.compare(output, answer)
    assert (whole is None) == accepted(checker, output, answer)
    for chunk in (1000, LONG + 1, 3 * LONG):
        assert rules.compare(output, answer, chunk=chunk) == whole


@given(st.from_regex(GRAMMAR, fullmatch=True) | texts | st.text("0123456789+-.eE_infa").map(str.encode))
@example(b"1_0")
@example(b"1\0")
def test_numbers(token: bytes) -> None:
    """What is a number by the format's grammar is one, and nothing else, but for what no double can hold."""
    token = b"".join(token.split())
    assert number(token) == value(token)


@given(st.floats(-100, 100), st.floats(-100, 100), st.sampled_from([0.0, 0.1, 1e-6, 0.5]))
def test_errors_of_numbers(found: float, expected: float, tolerance: float) -> None:
    """Are those of exact arithmetic, as far as doubles go."""
    difference = compare(f"default float_tolerance {tolerance}", repr(found).encode(), repr(expected).encode())
    error = abs(Fraction(found) - Fraction(expected))
    bound = Fraction(tolerance) * max(1, abs(Fraction(expected)))
    if abs(error - bound) > Fraction(1, 10**12):
        assert (difference is None) == (error <= bound)
    if difference is not None:
        assert difference.absolute_error == pytest.approx(float(error))
        relative = difference.absolute_error / abs(expected) if expected else None
        assert difference.relative_error == (relative and pytest.approx(relative))


class Pipe(io.RawIOBase):
    """A stream that cannot seek, and gives a byte or two at a time."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, size: int = -1) -> bytes:
        """Less than was asked for."""
        data, self.data = self.data[: min(size, 2)], self.data[min(size, 2) :]
        return data


@pytest.mark.parametrize("checker", CHECKERS)
def test_streams_that_cannot_seek(checker: str) -> None:
    """Are compared all the same; only the place is not told."""
    rules = parse_flags(checker, [])
    found = rules.compare(Pipe(b"1 2\n3"), Pipe(b"1 2\n4"))  # type: ignore[arg-type]
    assert found is not None
    assert (found.output, found.answer, found.token) == (None, None, None)
    assert str(found)
    assert rules.compare(Pipe(b"1 2\n3"), Pipe(b"1 2\n3")) is None  # type: ignore[arg-type]


def test_streams_are_read_from_where_they_stand() -> None:
    """And places count from there."""
    output, answer = io.BytesIO(b"skipped\n1\nx"), io.BytesIO(b"1\ny")
    output.seek(8)
    found = parse_flags("tokens", []).compare(output, answer)
    assert found is not None
    assert found.output == found.answer == Place(2, 1)


class Endless(io.RawIOBase):
    """A large file that nobody holds: a pattern, repeated, and an end."""

    def __init__(self, pattern: bytes, length: int, end: bytes) -> None:
        self.block = pattern * (2 * CHUNK // len(pattern) + 1)
        self.pattern, self.length, self.end, self.position = len(pattern), length, end, 0

    def seekable(self) -> bool:
        """It can."""
        return True

    def tell(self) -> int:
        """In bytes."""
        return self.position

    def seek(self, offset: int, whence: int = 0) -> int:
        """From the start."""
        assert whence == 0
        self.position = offset
        return offset

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        start = self.position % self.pattern
        if self.position < self.length:
            data = self.block[start : start + min(size, self.length - self.position)]
        else:
            data = self.end[self.position - self.length :][:size]
        self.position += len(data)
        return data


SIZE = 32 << 20

LARGE = [
    (b"x", b"x", b"", b"y"),
    (b"x", b"X", b"", b""),
    (b" ", b" ", b"a", b"b"),
    (b" ", b"\n", b"a", b"b"),
    (b"\0", b"\0", b"", b"\0"),
    (b"some words\n", b"some words\n", b"", b"x"),
    (b"quite a few more words on each line\r\n", b"quite a few more words on each line \n", b"", b"x"),
]


@pytest.mark.slow
@pytest.mark.parametrize("checker", [*CHECKERS, "default float_tolerance 1", "default space_change_sensitive"])
@pytest.mark.parametrize(("ours", "theirs", "our_end", "their_end"), LARGE)
def test_memory_is_bounded(checker: str, ours: bytes, theirs: bytes, our_end: bytes, their_end: bytes) -> None:
    """Neither of two large files is ever in memory, whether they are one token, one run of spaces, or many lines."""
    size = SIZE // 4 if checker == "unordered" else SIZE  # which takes line by line, and needs a fraction of it
    output, answer = Endless(ours, size, our_end), Endless(theirs, size, their_end)
    name, *flags = checker.split()
    rules = parse_flags(name, flags)
    tracemalloc.start()
    try:
        rules.compare(output, answer)  # type: ignore[arg-type]
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("output", "answer"), [(b"123 456\n", b"123 456\n"), (b"123 456\r\n", b"123 456\n")])
def test_small_outputs_cost_microseconds(output: bytes, answer: bytes) -> None:
    """Most outputs are small: ten bytes take a few dozen microseconds at the worst."""
    rules = parse_flags("default", [])
    times = []
    for _ in range(200):
        start = time.perf_counter()
        rules.compare(output, answer)
        times.append(time.perf_counter() - start)
    assert min(times) < 100e-6
