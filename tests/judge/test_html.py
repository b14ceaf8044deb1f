"""The report: one page that needs nothing else, and in which whatever programs say is only text."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sandbox.judge.html import Remark, report
from sandbox.judge.judgement import GroupResult, Judgement, TestResult
from sandbox.judge.problem import Group, Problem
from sandbox.judge.verdict import Verdict

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</title></style></pre></svg>",
    "{{ 7 * 7 }}{% include '/etc/passwd' %}",
    "\x1b[31mred\x00\x07",
    "\u202egnitrevni\u2066",
    "javascript:alert(1)",
    "x" * 100_000,
)


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, html: str) -> None:
        """Read it."""
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """As of HTMLParser."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "line", "circle", "polyline"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """As of HTMLParser; everything is closed in its order."""
        if tag not in ("line", "circle", "polyline"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """As of HTMLParser."""
        self.text += data


def problem(title: str = "Sums", **kind: bool) -> Problem:
    """A problem without tests."""
    return Problem("sums", title, "2025-09", Path(), Group(""), **kind)  # type: ignore[arg-type]


def judgement(tests: Sequence[TestResult], name: str = "a.py", **known: object) -> Judgement:
    """A submission with these results."""
    root = GroupResult("", Verdict.WA, 3.0, 10.0, "", (GroupResult("secret", Verdict.WA, 3.0, 10.0, "", tuple(tests)),))
    return Judgement("sums", name, "c", Verdict.WA, 3.0, 10.0, time_limit=1.0, root=root, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("scoring", [True, False])
def test_hostile_text_is_text(text: str, scoring: bool) -> None:
    """Wherever a program, a package or a validator puts it, it makes no element, no attribute and no command."""
    test = TestResult(
        text, Verdict.WA, text, 0.1, 0.2, 1 << 20, judge_message=text + ".", team_message=text, output=text.encode(),
        error_output=text.encode(), transcript=text, hint=text, score=1.0,
    )  # fmt: skip
    made = judgement([test], text, compiler_output=text, reason=text)
    page = Page(report(problem(text, scoring=scoring), [made], remarks=[Remark("", (text,))]))
    plain = Page(
        report(
            problem("t", scoring=scoring), [judgement([TestResult("n", Verdict.WA)], "s")], remarks=[Remark("", ("x",))]
        )
    )
    assert set(page.tags) - set(plain.tags) <= {
        "p",
        "pre",
        "svg",
        "line",
        "text",
        "g",
        "title",
        "polyline",
        "circle",
        "path",
        "ul",
        "li",
    }
    assert not page.open
    assert not {"script", "img"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "srcdoc", "action")]
    assert all(value.startswith("#s") for name, value in page.attributes if name == "href")
    assert not {"\x1b", "\x00", "\u202e", "\u2066"} & set(page.text)
    assert ("{{ 7 * 7 }}" in page.text) == ("{{ 7" in text)
    assert len(page.text) < 100_000


def test_nothing_is_loaded() -> None:
    """No address of anything is in it, and its policy would not let it be followed."""
    html = report(problem(), [judgement([TestResult("secret/1", Verdict.AC, cpu_time=0.1)])])
    assert not [address for address in ("http:", "https:", "@import", "url(") if address in html]
    assert "default-src 'none'" in html


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_its_colour(verdict: Verdict) -> None:
    """In the matrix and in the table."""
    html = report(problem(), [judgement([TestResult("secret/1", verdict)])])
    assert f'class="{verdict}"' in html
    assert f".{verdict} {{" in html


def test_only_what_a_contestant_may_see() -> None:
    """Without `jury` no reason, message or output is there but of tests with full feedback."""
    hidden = TestResult("secret/1", Verdict.WA, "the-reason", judge_message="the-message", output=b"the-output")
    shown = TestResult("sample/1", Verdict.WA, "open-reason", output=b"open-output", full_feedback=True)
    html = report(problem(), [judgement([hidden, shown], reason="the-reason")], jury=False)
    assert "the-" not in html
    assert "open-reason" in html
    assert "open-output" in html


def test_tests_that_were_not_run() -> None:
    """A submission that stopped early has empty cells for the rest, and none at all is a page, too."""
    many = [TestResult(f"secret/{n}", Verdict.AC, cpu_time=0.1) for n in range(5)]
    html = report(problem(), [judgement(many), judgement(many[:2], "b.py")])
    assert html.count(": not run") == 3
    assert "Verdicts" in report(problem(), [])


def test_a_large_report_is_small() -> None:
    """100 tests of 20 submissions, half of them wrong with reasons, take less than a megabyte."""
    why = 'line 1, column 1 (token 1): token "7" where "11" is expected'
    tests = [
        TestResult(f"secret/{n:03}", Verdict.WA if n % 2 else Verdict.AC, why * (n % 2), 0.1, 0.2, output=b"1 2 3\n")
        for n in range(100)
    ]
    assert len(report(problem(), [judgement(tests, f"s{n}.py") for n in range(20)])) < 1_000_000
