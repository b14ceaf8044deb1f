"""The report: one page that needs nothing else, tells all that may be told, and obeys nobody whose words it shows."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sandbox.judge.difference import Difference, Place
from sandbox.judge.html import Remark, report
from sandbox.judge.html.columns import Column, cell, columns, spans
from sandbox.judge.html.details import ROWS, details, sides
from sandbox.judge.html.plot import plot
from sandbox.judge.html.texts import AROUND, Room, clean
from sandbox.judge.judgement import GroupResult, Judgement, TestResult
from sandbox.judge.problem import Complaint, Group, Problem, ProblemLimits, Test
from sandbox.judge.verdict import Verdict

AC, WA, TLE, MLE, OLE, RTE, CE, JE = Verdict
VOID = {"meta", "link", "br", "img", "input", "hr"}

HOSTILE = (
    "<script>alert(1)</script>",
    "</style></script><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "' autofocus onfocus='alert(1)",
    "{{ 7 * 7 }} {% raw %}",
    "\x1b[31mred\x1b]0;title\x07",
    "nul \0 del \x7f c1 \x9b31m",
    "\u202egnp.exe\u2066 \u200b\ufeff",
    "https://example.invalid/?x=<a href='javascript:alert(1)'>",
    "[red]markup[/red]",
    "é" * 9_000,
    "line\r\nline\rover",
    "\ud800 alone",
)


class Page(HTMLParser):
    """What a page consists of; fails on tags that are not closed in turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> in the wrong place"

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.texts.append(data)

    def has(self, tag: str, **attributes: str) -> bool:
        return any(
            name == tag and all(found.get(key.rstrip("_")) == value for key, value in attributes.items())
            for name, found in self.tags
        )

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def problem(**options: object) -> Problem:
    """One without files."""
    return Problem("sums", "Sums", "2025-09", Path("sums"), Group(""), ProblemLimits(time=1.0), **options)  # type: ignore[arg-type]


def judgement(tests: Sequence[TestResult], name: str = "a.py", **options: object) -> Judgement:
    """Of tests, all in one group."""
    failed = [test.verdict for test in tests if test.verdict is not AC]
    verdict = (failed or [AC])[0]
    secret = GroupResult("secret", verdict, children=tuple(tests))
    root = GroupResult("", verdict, children=(secret,))
    given = {"language": "python3", "time_limit": 1.0, "memory_limit": 64 << 20, "enforced": ("seccomp",), "root": root}
    return Judgement("sums", name, verdict=verdict, **(given | options))  # type: ignore[arg-type]


DIFFERENCE = Difference("token", Place(1, 1), Place(1, 1), b"1237", b"1231", 1)


def test_all_that_was_found_out() -> None:
    """Every verdict, its reason, times, memory, output, messages and transcript are on the page."""
    tests = [TestResult(f"secret/{verdict}", verdict, f"because {verdict}", 0.25, 0.5, 3 << 20) for verdict in Verdict]
    more = TestResult(
        "secret/more", WA, "differs", 0.99, 1.1, 1 << 20, (1.02, 1.01, 0.99), judge_message="for the jury",
        team_message="for the team", output=b"what it printed", error_output=b"what it complained", hint="think again",
        transcript="> 5\n< lower", difference=DIFFERENCE,
    )  # fmt: skip
    page = Page(report(problem(), [judgement([*tests, more], reason="secret/WA: because WA")]))
    for words in (
        *(f"because {verdict}" for verdict in Verdict if verdict is not AC), "0.250 s", "0.500 s", "3.0 MiB",
        "time limit 1 s", "memory limit 64.0 MiB", "In force for every run: seccomp.", "for the jury", "for the team",
        "what it printed", "what it complained", "Hint: think again", "> 5 < lower",
        "it was run 3 times: 1.020, 1.010, 0.990 s", "Expected 123 1 Found 123 7",
    ):  # fmt: skip
        assert words in page.text


def test_compile_error() -> None:
    """What the compiler said is there, and neither a plot nor a table of tests."""
    rejected = Judgement("sums", "a.c", None, CE, reason="a.c:1: error", compiler_output="a.c:1: error\nmore")
    page = Page(report(problem(), [rejected]))
    assert "a.c:1: error more" in page.text
    assert not page.has("circle")
    assert not page.has("table", class_="tests")


def test_scores() -> None:
    """A scoring problem has points of groups, tests and submissions."""
    tests = (TestResult("secret/1/a", AC, score=7.5), TestResult("secret/1/b", WA, score=0.0))
    group = GroupResult("secret/1", WA, 7.5, 20, "needs secret/0, which was not passed", tests, 3)
    root = GroupResult("", WA, 7.5, 100, children=(group,))
    page = Page(report(problem(scoring=True), [Judgement("sums", "a.py", "c", WA, 7.5, 100, root=root)]))
    assert "7.5 of 100 points" in page.text
    assert "secret/1 WA 7.5 20 needs secret/0, which was not passed; 3 left out" in page.text


def test_expectations() -> None:
    """A report on a package says what was expected, what is not so, and what is wrong with the package."""
    remarks = [Remark("WA", ("it is AC, not WA",), ("only just too slow",))]
    complaint = Complaint("data/secret/1.in", 3, "crlf", "ends in CRLF", error=False)
    text = report(
        problem(), [judgement([TestResult("secret/1", AC)])], remarks=remarks, complaints=[complaint],
        notes=["time limit: 2 s, twice 1 s"],
    )  # fmt: skip
    for words in ("WA – not so", "it is AC, not WA", "only just too slow", "time limit: 2 s, twice 1 s"):
        assert words in Page(text).text
    assert "warning data/secret/1.in:3 ends in CRLF [crlf]" in Page(text).text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text(text: str) -> None:
    """Whatever programs, packages and file names say is text, of bounded length, without what cannot be seen."""
    raw = text.encode(errors="surrogatepass")
    test = TestResult(
        f"secret/{text}", WA, text, 0.1, judge_message=text, team_message=text, output=raw, error_output=raw, hint=text,
        transcript=text, difference=Difference("line", None, None, raw[:200], b"7"), full_feedback=True,
    )  # fmt: skip
    package = Problem(text, text, text, Path("x"), Group(""))
    remarks = [Remark(text, (text,), (text,))]
    page = report(
        package, [judgement([test], text, reason=text, compiler_output=text)], remarks=remarks,
        complaints=[Complaint(text, 1, text, text)], notes=[text],
    )  # fmt: skip
    plain = Page(report(problem(), [judgement([TestResult("secret/1", WA, "r", 0.1)])]))
    parsed = Page(page)
    shown = {"dl", "dt", "dd", "mark", "pre", "li", "ul", "div", "code", "p"}
    assert {tag for tag, _ in parsed.tags} - {tag for tag, _ in plain.tags} <= shown
    for tag, attributes in parsed.tags:
        assert not any(name.startswith("on") or name in ("src", "style", "srcset", "autofocus") for name in attributes)
        assert attributes.get("href", "#").startswith("#"), tag
    assert all(char.isprintable() or char in "\n\t" for char in page)
    assert "\\u202e" in page or "\u202e" not in text
    assert len(page) < 200_000
    page.encode()


def test_one_page() -> None:
    """It asks for nothing: no address, no script, and a policy that allows nothing but its own style sheet."""
    page = report(problem(), [judgement([TestResult("secret/1", WA, "differs", 0.1)])])
    assert not re.search(r"https?:|//|url\(|@import|<script|<link|<iframe|<img|javascript:", page)
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL)[1]  # type: ignore[index]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert Page(page).has("meta", **{"http-equiv": "Content-Security-Policy", "content": policy})


def test_what_a_contestant_may_see() -> None:
    """Reasons, output and the jury's words are not on the page, but for tests that are open; messages and hints are."""
    secret = {
        "cpu_time": 0.1, "judge_message": "JURY", "transcript": "TALK", "output": b"OUT", "error_output": b"ERR",
        "team_message": "team", "hint": "hint", "difference": DIFFERENCE,
    }  # fmt: skip
    closed = TestResult("secret/1", WA, "REASON", **secret)  # type: ignore[arg-type]
    shut = Page(report(problem(), [judgement([closed], reason="secret/1: REASON")], jury=False))
    titles = " ".join(value or "" for _, attributes in shut.tags for value in attributes.values())
    for words in ("JURY", "TALK", "OUT", "ERR", "REASON", "1231", "1237"):
        assert words not in shut.text + titles
    assert "team" in shut.text
    assert "Hint: hint" in shut.text
    open_ = TestResult("secret/1", WA, "REASON", full_feedback=True, **secret)  # type: ignore[arg-type]
    text = Page(report(problem(), [judgement([open_])], jury=False)).text
    assert all(words in text for words in ("REASON", "OUT", "ERR", "Expected 123 1"))
    assert not any(words in text for words in ("JURY", "TALK"))


def hundred(number: int, verdict: Verdict, groups: int = 5, each: int = 20) -> Judgement:
    """A submission with much to say on all of its tests."""
    said = b"<&>\x1b[31m'\"" * 500
    tests = [
        TestResult(
            f"secret/group{group}/{test:02}-large-random", verdict if (group + test + number) % 2 else AC,
            "line 1, column 1 (token 1): token '7' where '11' is expected (answer: line 1, column 1)",
            0.01 * test + 0.1, output=said, error_output=said, judge_message="x" * 4_000, difference=DIFFERENCE,
        )
        for group in range(groups)
        for test in range(each)
    ]  # fmt: skip
    return judgement(tests, f"submission-{number}.py", compiler_output="warning: <unused>\n" * 2_000)


def test_size() -> None:
    """A hundred tests of twenty submissions, with much to say, are less than a megabyte."""
    verdicts = [AC, WA, TLE, RTE, MLE] * 4
    page = report(problem(), [hundred(number, verdict) for number, verdict in enumerate(verdicts)])
    Page(page)
    assert len(page.encode()) < 1_000_000


def test_very_many_tests() -> None:
    """Ten thousand tests share columns, and have rows as far as there is room: those first that were not accepted."""
    tests = [
        TestResult(f"secret/{n:05}", WA if n % 1_000 == 999 else AC, "no", 0.001 * (n % 50)) for n in range(10_000)
    ]
    page = report(problem(), [judgement(tests)])
    parsed = Page(page)
    assert len(page.encode()) < 1_500_000
    assert "7000 more tests are not listed; all that were not accepted are" in parsed.text
    assert all(f"secret/{n:05}" in parsed.text for n in range(999, 10_000, 1_000))
    assert "10000 tests" in parsed.text


def test_keyboard() -> None:
    """Whatever scrolls can be reached by keyboard and has a name; links lead to what there is."""
    page = Page(report(problem(), [hundred(0, WA), hundred(1, TLE)]))
    for tag, attributes in page.tags:
        if attributes.get("class") == "scroll":
            assert (attributes["tabindex"], attributes["role"]) == ("0", "region")
            assert attributes["aria-label"]
        assert tag != "pre" or attributes["tabindex"] == "0"
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    links = {(attributes["href"] or "")[1:] for tag, attributes in page.tags if tag == "a"}
    assert links == {"s1", "s2"} <= ids


def test_columns() -> None:
    """Columns are in the problem's order, with the static validator's test first; a submission may lack some."""
    tests = tuple(Test(f"secret/{name}", Path("x"), Path("x")) for name in ("2", "10", "1"))
    package = Problem("p", "P", "2025-09", Path("p"), Group("", (Group("secret", tests),)))
    one = judgement([TestResult("secret/1", AC, cpu_time=0.1)])
    other = judgement([TestResult(f"secret/{name}", AC) for name in ("static_validation", "2", "10")])
    found = columns(package, [one, other])
    assert [column.tests[0] for column in found] == ["secret/static_validation", "secret/2", "secret/10", "secret/1"]
    assert [column.first for column in found] == [True, False, False, False]
    assert spans(found) == [("secret", 4)]
    assert cell(found[0], {test.name: test for test in one.tests}).verdict == ""


def test_shared_columns() -> None:
    """Of tests that share a column the first that failed and the slowest count; groups share none."""
    tests = [TestResult(f"secret/{n // 10}/{n}", WA if n == 3 else AC, cpu_time=n / 100) for n in range(20)]
    found = columns(problem(), [judgement(tests)], most=6)
    assert [len(column.tests) for column in found] == [5, 5, 5, 5]
    assert [column.first for column in found] == [True, False, True, False]
    first = cell(found[0], {test.name: test for test in tests})
    assert (first.verdict, first.time, first.failed) == ("WA", 0.04, 1)
    assert found[0].name == "secret/0/0 to 4"


def test_plot() -> None:
    """Slower is higher, the limit is where it belongs, and what was not accepted is a cross."""
    tests = [TestResult("secret/1", AC, cpu_time=0.01), TestResult("secret/2", TLE, cpu_time=1.1)]
    one = judgement(tests)
    shown = [Column("secret", (test.name,), n == 0) for n, test in enumerate(tests)]
    by_name = {test.name: test for test in tests}
    drawn = plot(shown, [one], [[cell(column, by_name) for column in shown]])
    fast, slow = drawn.lines[0].marks
    assert fast.y > drawn.limits[0][0] > slow.y > drawn.top
    assert (fast.cross, slow.cross) == (False, True)
    assert slow.title == "secret/2: TLE, 1.100 s"
    assert [label for _, label in drawn.ticks] == ["0.01 s", "0.1 s", "1 s"]
    assert plot(shown, [one], [[]]) is None


def test_sides() -> None:
    """Two sides are parted where they begin to differ; whitespace can be seen where it is what differs."""
    found = sides(DIFFERENCE)
    assert (found.expected.same, found.expected.rest, found.found.rest) == ("123", "1", "7")
    spaces = sides(Difference("whitespace", None, None, b" ", b"  "))
    assert (spaces.expected.same, spaces.expected.rest) == ("␣", "␣")
    assert sides(Difference("missing", None, None, b"", b"\x1b")).expected.rest == "\\x1b"


def test_rows() -> None:
    """Where rows have to be left out, every test that was not accepted comes before those that were."""
    tests = [TestResult(f"secret/{n}", WA if n % 2 else AC) for n in range(ROWS)]
    shown = details(judgement(tests), 1, 10, jury=True)
    assert len(shown.rows) == ROWS // 10
    assert shown.without == ROWS - ROWS // 10
    assert {row.test.verdict for row in shown.rows} == {WA}


def test_texts() -> None:
    """Texts are cut, and left out where they have no room; the next, if shorter, may have it."""
    assert clean("abc", 2) == "ab\n… (cut)"
    assert clean("\x00" * 10, 5).startswith("\\x00\\")
    room = Room(2 * AROUND + 20)
    assert [room.take(text) for text in ("x" * 15, "<<<", "ok")] == ["x" * 15, None, "ok"]
    assert room.lacked
