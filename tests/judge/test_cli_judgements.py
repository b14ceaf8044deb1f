"""`sandbox judge` and `sandbox problem`: what they print, what they exit with, and that programs move no cursor."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from sandbox.cli import judge as command
from sandbox.cli.judgements import Live, show
from sandbox.cli.matrix import matrix
from sandbox.cli.selection import Selection
from sandbox.cli.terminal import bars, tell
from sandbox.judge.judgement import GroupResult, Judgement, TestResult
from sandbox.judge.package import opened
from sandbox.judge.problem import Complaint, Expectation, Group, JurySubmission, Problem, ProblemError, Test
from sandbox.judge.verdict import Verdict
from sandbox.judge.verify import Row, expected

AC, WA, TLE, MLE, OLE, RTE, CE, JE = Verdict
SANDBOX = str(Path(sys.executable).with_name("sandbox"))
HOSTILE = "<script> \x1b[31m\x1b]0;title\x07 \0 \u202eright [red]left[/red] \x9b2J\r" + "é" * 9_000


def case(name: str) -> Test:
    """A test without files."""
    return Test(name, Path("none"), Path("none"))


def problem(*tests: str, **options: Any) -> Problem:
    """One with these tests, in their groups."""
    groups: dict[str, list[Test | Group]] = {}
    for name in tests:
        groups.setdefault(name.rpartition("/")[0], []).append(case(name))
    made = [Group(name, tuple(children)) for name, children in groups.items()]
    return Problem("sums", "Sums", "2025-09", Path("sums"), Group("", tuple(made)), **options)


def judgement(tests: Sequence[TestResult], name: str = "a.py", **options: Any) -> Judgement:
    """Of tests, in their groups."""
    verdict = next((test.verdict for test in tests if test.verdict is not AC), AC)
    groups: dict[str, list[TestResult]] = {}
    for test in tests:
        groups.setdefault(test.name.rpartition("/")[0], []).append(test)
    made = [GroupResult(name, verdict, children=tuple(inside)) for name, inside in groups.items()]
    root = GroupResult("", verdict, children=tuple(made))
    given: dict[str, Any] = {"language": "python3", "time_limit": 1.0, "root": root}
    return Judgement("sums", name, verdict=verdict, **(given | options))


def printed(capsys: pytest.CaptureFixture[str], one: Judgement, **options: Any) -> str:
    """What is shown where there is no terminal."""
    show(one, **({"jury": True} | options))
    return capsys.readouterr().out


NAMES = ("sample/1", "secret/1", "secret/big", "secret/group1/a", "secret/group1/b", "secret/group2/a")


@pytest.mark.parametrize(
    ("groups", "tests", "count", "inside"),
    [
        ([], [], 6, ["", "sample"]),
        (["secret"], [], 5, ["secret"]),
        (["group?"], [], 3, ["secret/group1", "secret/group2"]),
        (["secret/group1"], ["sample/1"], 3, ["secret/group1", "sample/1"]),
        ([], ["big"], 1, ["secret/big"]),
        ([], ["group1/*"], 2, ["secret/group1/a", "secret/group1/b"]),
    ],
)
def test_selection(groups: list[str], tests: list[str], count: int, inside: list[str]) -> None:
    """Groups and tests are named by globs, in which `secret/` may be left out."""
    selection = Selection(problem(*NAMES), groups, tests)
    assert selection.count == count
    assert all(map(selection, inside))


@pytest.mark.parametrize(
    ("groups", "tests", "message"),
    [
        ([], ["1"], "'1' is a test in secret and in sample: say secret/1 or sample/1"),
        ([], ["nope"], "no test is called 'nope'; there is sample/1, secret/1"),
        (["big"], [], "'big' is a test, for --testcase, and no group"),
        ([], ["group1"], "'group1' is a group, for --group, and no test"),
    ],
)
def test_wrong_selection(groups: list[str], tests: list[str], message: str) -> None:
    """A name that means nothing, or two things, is a wrong command line that says what there is."""
    with pytest.raises(click.UsageError) as raised:
        Selection(problem(*NAMES), groups, tests)
    assert message in str(raised.value)


def test_a_judgement(capsys: pytest.CaptureFixture[str]) -> None:
    """Verdict, points, times, a bar for each test with groups apart, and the reason; each on a line of its own."""
    tests = [TestResult("secret/1/a", AC, cpu_time=0.1), TestResult("secret/2/a", WA, "differs", cpu_time=0.99)]
    one = judgement(tests, reason="secret/2/a: differs", score=7.5, max_score=10.0)
    assert printed(capsys, one).splitlines() == [
        "WA  a.py  7.5 of 10 points  python3  2 tests  0.990 of 1 s",
        "    ▁ █",
        "    secret/2/a: differs",
    ]


def test_every_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """Each is told, and with --verbose each test with its times, memory and reason."""
    tests = [TestResult(f"secret/{v}", v, f"because {v}", 0.1, 0.2, 3 << 20, score=1.0) for v in Verdict]
    out = printed(capsys, judgement(tests), verbose=True)
    for verdict in Verdict:
        line = f"    {verdict}  secret/{verdict}  1 points  0.100 s  (0.200 s on the clock)  3.0 MiB  because {verdict}"
        assert line in out.splitlines()


def test_groups_with_points(capsys: pytest.CaptureFixture[str]) -> None:
    """Of several groups with points each has a line."""
    groups = (GroupResult("secret/1", AC, 20, 20), GroupResult("secret/2", WA, 0, 80, "needs secret/1"))
    test = TestResult("secret/1/a", AC, cpu_time=0.1)
    root = GroupResult("", WA, 20, 100, children=(GroupResult("secret", WA, 20, 100, children=(*groups, test)),))
    out = printed(capsys, Judgement("p", "a.c", "c", WA, 20, 100, root=root)).splitlines()
    assert out[2:4] == ["    AC  secret/1  20 of 20 points", "    WA  secret/2  0 of 80 points: needs secret/1"]


def test_compiler_output(capsys: pytest.CaptureFixture[str]) -> None:
    """A compile error has the compiler's words, as many lines as there is room for."""
    out = printed(capsys, Judgement("p", "a.c", None, CE, compiler_output="word\n" * 1_000)).splitlines()
    assert out[0] == "CE  a.c"
    assert out[1:41] == ["    word"] * 40
    assert out[41:] == ["    … 960 lines more"]


def test_notes(capsys: pytest.CaptureFixture[str]) -> None:
    """Runs near the limit, hints, messages, the end of stderr, and what was said are told."""
    error = b"Traceback\n1\n2\n3\n4\nValueError: no\n"
    test = TestResult(
        "secret/1", RTE, "exit code 1", 0.98, attempts=(1.02, 0.98), hint="think", team_message="to you",
        error_output=error, transcript="> 5\n< lower",
    )  # fmt: skip
    out = printed(capsys, judgement([test], reason="secret/1: exit code 1"))
    assert "secret/1: near the limit, so it was run 2 times: 1.020, 0.980 s; the fastest counts" in out
    for words in (
        "secret/1: hint: think",
        "secret/1: to you",
        "        ValueError: no",
        "        > 5\n        < lower",
    ):
        assert words in out
    assert "Traceback" not in out


def test_many_notes(capsys: pytest.CaptureFixture[str]) -> None:
    """What is to be said of very many tests is cut."""
    tests = [TestResult(f"secret/{n}", TLE, "slow", 1.0, attempts=(1.0, 1.1)) for n in range(1_000)]
    assert len(printed(capsys, judgement(tests)).splitlines()) < 30
    out = printed(capsys, judgement(tests), jury=False).splitlines()
    assert len(out) < 50
    assert out[-1] == "    … 980 more"


def test_contestants_view(capsys: pytest.CaptureFixture[str]) -> None:
    """Contestants see verdicts, hints and messages, and reasons and stderr of those tests only that are open."""
    closed = TestResult(
        "secret/1", RTE, "REASON", 0.1, judge_message="JURY", error_output=b"ERR", hint="hint", team_message="team",
        transcript="TALK",
    )  # fmt: skip
    one = judgement([closed], reason="secret/1: REASON")
    out = printed(capsys, one, jury=False, verbose=True)
    assert not any(word in out for word in ("REASON", "JURY", "ERR", "TALK"))
    assert "secret/1: RTE\n" in out
    assert "hint: hint" in out
    assert "secret/1: team" in out
    out = printed(capsys, judgement([replace(closed, full_feedback=True)]), jury=False)
    assert "secret/1: RTE: REASON" in out
    assert "ERR" in out
    assert not any(word in out for word in ("JURY", "TALK"))


def test_hostile_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Names, reasons, messages and what programs print reach a terminal as text, of bounded length."""
    raw = HOSTILE.encode()
    test = TestResult(
        f"secret/{HOSTILE}", RTE, HOSTILE, 0.1, judge_message=HOSTILE, team_message=HOSTILE, hint=HOSTILE,
        error_output=raw, transcript=HOSTILE, full_feedback=True, attempts=(0.1, 0.2),
    )  # fmt: skip
    group = GroupResult(f"secret/{HOSTILE}", RTE, 1.0, 2.0, HOSTILE, (test,))
    root = GroupResult("", RTE, 1.0, children=(group, group))
    one = Judgement(HOSTILE, HOSTILE, "c", RTE, reason=HOSTILE, root=root, time_limit=1.0)
    rejected = Judgement(HOSTILE, HOSTILE, None, CE, compiler_output=HOSTILE)
    out = printed(capsys, one, verbose=True) + printed(capsys, one, jury=False, verbose=True)
    out += printed(capsys, rejected)
    assert all(char.isprintable() or char == "\n" for char in out)
    assert "[red]left[/red]" in out
    assert max(map(len, out.splitlines())) < 1_000
    assert len(out) < 20_000


def test_live(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is a terminal a table tells how far each submission is, what it has come to, and its times."""
    import rich.console

    shown = rich.console.Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    monkeypatch.setattr(Live, "possible", staticmethod(lambda: True))
    monkeypatch.setattr(rich.console, "Console", lambda **_: shown)
    with Live(("a.py", HOSTILE), 9, 1.0) as live:
        for n in range(4):
            live.told("a.py")(TestResult(f"secret/{n}", WA if n == 2 else AC, cpu_time=n / 4))
        live.ended("a.py", of(WA))
    lines = [line.split() for line in re.sub(r"\x1b\[[?\d]*\w", "", shown.file.getvalue()).splitlines()]  # type: ignore[attr-defined]
    assert ["WA", "a.py", "4/9", "▁▃▅▇"] in lines
    assert any(line[:2] == ["…", "<script>"] and "0/9" in line for line in lines)


@pytest.mark.parametrize("width", [1, 5, 40, 72])
@pytest.mark.parametrize(("groups", "each"), [(1, 1), (1, 1_000), (7, 13), (60, 2), (500, 1)])
def test_bars_fit(width: int, groups: int, each: int) -> None:
    """However many tests and groups there are, their bars are a line of the terminal."""
    tests = [TestResult(f"secret/{g}/{t}", AC, cpu_time=0.1) for g in range(groups) for t in range(each)]
    line = bars(judgement(tests).root or GroupResult("", AC), 1.0, width)
    assert 0 < len(line) <= width


def test_complaints(capsys: pytest.CaptureFixture[str]) -> None:
    """A complaint is a line, with file, line and rule; what else a compiler says is indented below."""
    complaint = Complaint("data/1.in", 3, "crlf", "first \x1b[31m\nsecond\nthird")
    tell(Path("here"), complaint)
    told = capsys.readouterr().err.splitlines()
    assert told == [r"here/data/1.in:3: error: first \x1b[31m [crlf]", "    second", "    third"]


@pytest.mark.parametrize(
    ("expectations", "words"),
    [
        ([Expectation(permitted=frozenset({AC}))], "AC"),
        ([Expectation(permitted=frozenset({AC, WA}), required=frozenset({WA}))], "WA"),
        ([Expectation(required=frozenset({RTE, MLE, OLE, WA}))], "RTE/WA"),
        ([Expectation(overall=frozenset({AC}), partial=True)], "AC in part"),
        ([Expectation(score=(10, 20)), Expectation("secret/1", frozenset({AC}))], "10 to 20 points, AC in secret/1"),
        ([Expectation(permitted=frozenset(Verdict))], ""),
        ([], ""),
    ],
)
def test_expected(expectations: list[Expectation], words: str) -> None:
    """What is expected of a submission of the jury's is told in few words."""
    assert expected(JurySubmission("a", Path("a"), tuple(expectations))) == words


def test_matrix() -> None:
    """Few tests have a column each; of many, the groups have; and what was not run has a dash."""
    from rich.console import Console

    few = problem("secret/1", "secret/2")
    jury = JurySubmission("wrong_answer/a.py", Path("a"), (Expectation(required=frozenset({WA})),))
    row = Row(jury, judgement([TestResult("secret/1", WA, cpu_time=0.5)]), ("no",))
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(matrix(few, [row], waiting=2))
    found = [line.split() for line in console.export_text().splitlines()]
    assert found == [
        ["submission", "expected", "got", "slowest", "1", "2"],
        ["wrong_answer/a.py", "WA", "WA", "0.500", "s", "WA", "–"],
        ["…", "2", "more"],
    ]
    lost = Row(jury, Judgement("sums", "a.py", None, None, reason="why"), ("not judged: why",))
    console.print(matrix(few, [lost]))
    assert [line.split() for line in console.export_text().splitlines()][-1] == [
        "wrong_answer/a.py", "WA", "not", "judged", "–", "–"
    ]  # fmt: skip
    many = problem(*(f"secret/g{n % 3}/{n}" for n in range(30)))
    assert [column.header.plain for column in matrix(many, []).columns][4:] == ["g0", "g1", "g2"]


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, programs: Path) -> Callable[..., Result]:
    """A function that runs `sandbox judge` with judgements, or an error, that are known beforehand."""

    def run(*made: Judgement | Exception, scoring: bool = False, args: Sequence[str] = ()) -> Result:
        answers = iter(made)

        class Judge:
            """In place of the real one."""

            def __init__(self, *_: Any, time_limit: float, **__: Any) -> None:
                self.time_limit = time_limit

            def __enter__(self) -> Judge:
                return self

            def __exit__(self, *_: object) -> None:
                pass

            def judge(self, *_: Any, **__: Any) -> Judgement:
                answer = next(answers)
                if isinstance(answer, Exception):
                    raise answer
                return answer

        folder = tmp_path / "folder"
        folder.mkdir(exist_ok=True)
        (folder / "1.in").write_text("1\n")
        (folder / "1.ans").write_text("1\n")
        monkeypatch.setattr(command, "harden", lambda: None)
        monkeypatch.setattr(command, "Judge", Judge)
        monkeypatch.setattr(command, "opened", lambda path: _changed(path, scoring))
        sources = [tmp_path / f"{n}.py" for n in range(len(made))]
        for source in sources:
            source.write_text("")
        arguments = [str(folder), *map(str, sources), "--cache", str(programs), *args]
        return CliRunner().invoke(command.judge, arguments)

    return run


@contextlib.contextmanager
def _changed(path: Path, scoring: bool) -> Iterator[Problem]:
    with opened(path) as read:
        yield replace(read, scoring=scoring)


def of(verdict: Verdict) -> Judgement:
    """A judgement with this verdict."""
    if verdict is CE:
        return Judgement("sums", "a.py", None, CE, reason="no", compiler_output="no")
    return judgement([TestResult("secret/1", verdict, "reason")])


@pytest.mark.parametrize(
    ("verdicts", "scoring", "code"),
    [
        ([AC, AC], False, 0),
        *(([AC, verdict], False, 1) for verdict in (WA, TLE, MLE, OLE, RTE, CE)),
        ([WA, JE, AC], False, 125),
        ([WA, AC], True, 0),
        ([AC, CE], True, 1),
        ([JE], True, 125),
    ],
)
def test_exit_codes(judged: Callable[..., Result], verdicts: list[Verdict], scoring: bool, code: int) -> None:
    """0 if all are accepted, or have a score where there are scores; 1 if not; 125 if the problem itself failed."""
    result = judged(*map(of, verdicts), scoring=scoring)
    assert result.exit_code == code, result.output
    assert ("the problem itself failed" in result.stderr) is (JE in verdicts)


def test_a_problem_that_cannot_be_used(judged: Callable[..., Result]) -> None:
    """Each complaint is a line on stderr, and the exit code 125."""
    complaints = (Complaint("a", 1, "x", "one"), Complaint("b", None, "y", "two\nthree", error=False))
    result = judged(ProblemError(complaints))
    assert result.exit_code == 125
    first, second, third = result.stderr.splitlines()[-3:]
    assert first.endswith("folder/a:1: error: one [x]")
    assert second.endswith("folder/b: warning: two [y]")
    assert third == "    three"
    assert result.stdout == ""


@pytest.mark.parametrize(
    "args",
    [
        ["--checker", "nope"],
        ["--checker", "floats", "--checker-args", "float_tolerance x"],
        ["--checker", "default", "--checker-args", "'"],
        ["--checker-args", "x"],
        ["--testlib"],
        ["--testcase", "nope"],
        ["--language", "klingon"],
        ["--jobs", "0"],
        ["--html", "no/such/directory/report.html"],
    ],
)
def test_usage(judged: Callable[..., Result], args: list[str]) -> None:
    """A wrong command line is 2, before anything is run."""
    result = judged(of(AC), args=args)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""


def test_json_keys(judged: Callable[..., Result]) -> None:
    """The JSON is a list of judgements with keys that stay; contestants' lacks those that are the jury's."""
    tests = [TestResult("secret/1", WA, "why", output=b"\xff\x1b", hint="hint", attempts=(0.1, 0.2))]
    result = judged(judgement(tests), args=["--json"])
    (one,) = json.loads(result.stdout)
    assert set(one) == {
        "problem", "submission", "language", "verdict", "not_judged", "score", "max_score", "reason", "compiler_output",
        "compile_time", "time_limit", "memory_limit", "root", "enforced",
    }  # fmt: skip
    assert set(one["root"]) == {"name", "verdict", "score", "max_score", "reason", "left_out", "children"}
    for_all = {"name", "verdict", "cpu_time", "wall_time", "memory", "score", "team_message", "attempts", "hint"}
    for_jury = {"reason", "output", "error_output", "validator_time", "judge_message", "transcript"}
    assert set(one["root"]["children"][0]["children"][0]) == for_all | for_jury
    (one,) = json.loads(judged(judgement(tests), args=["--json", "--contestant"]).stdout)
    assert set(one["root"]["children"][0]["children"][0]) == for_all
    assert result.stderr.splitlines()[-1] == "a.py: WA"


PROBLEM = """problem_format_version: 2025-09
name: Sums
uuid: 7e5a3d0c-7a3c-4b8e-9d3a-3a7b7b0a2f11
limits: {memory: 256, output: 1}
"""
RIGHT = "print(sum(map(int, input().split())))\n"
C = '#include <stdio.h>\nint main(void) { int a, b; scanf("%d %d", &a, &b); printf("%d\\n", a + b); }\n'


@pytest.fixture
def run(tmp_path: Path, programs: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A function that runs the command where there is a folder `sums` of two tests, and submissions."""
    files = {
        "sums/1.in": "3 4\n", "sums/1.ans": "7\n", "sums/2.in": "5 6\n", "sums/2.ans": "11\n",
        "right.py": RIGHT, "right.c": C, "wrong.py": "print(7)\n", "broken.c": "nope\n",
        "slow.py": "while True: pass\n",
        "all/problem.yaml": PROBLEM, "all/data/secret/1.in": "3 4\n", "all/data/secret/1.ans": "7\n",
        "all/submissions/accepted/right.py": RIGHT, "all/submissions/wrong_answer/wrong.py": "print(8)\n",
    }  # fmt: skip
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        cache = () if "show" in args else ("--cache", str(programs))
        return subprocess.run(
            [SANDBOX, *args, *cache], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100
        )  # fmt: skip

    return run


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.cgroup
def test_judging(run: Run, tmp_path: Path) -> None:
    """A folder of tests, submissions in two languages: verdicts on stdout, a report, and 1 as one is wrong."""
    done = run("judge", "sums", "right.py", "right.c", "wrong.py", "broken.c", "--time-limit", "2", "--html", "r.html")
    assert (done.returncode, done.stderr) == (1, "")
    assert [line.split()[:2] for line in done.stdout.splitlines() if not line.startswith(" ")] == [
        ["AC", "right.py"], ["AC", "right.c"], ["WA", "wrong.py"], ["CE", "broken.c"],
    ]  # fmt: skip
    assert 'secret/2: line 1, column 1 (token 1): token "7" where "11" is expected' in done.stdout
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<code><mark>11</mark></code>" in page
    assert "<code><mark>7</mark></code>" in page


@pytest.mark.cgroup
def test_a_part_of_the_tests(run: Run) -> None:
    """Only what is named is run; the default time limit is used, and said to be."""
    done = run("judge", "sums", "wrong.py", "--testcase", "1")
    assert done.returncode == 0
    assert "1 test  " in done.stdout
    assert "time limit 10 s: the default" in done.stderr


@pytest.mark.cgroup
def test_a_checker_of_ones_own(run: Run, tmp_path: Path) -> None:
    """A folder can be judged by another comparison, or by a validator, which is told its arguments."""
    assert (
        run("judge", "sums", "right.py", "--checker", "floats", "--checker-args", "float_tolerance 1").returncode == 0
    )
    source = "import sys\nprint(sys.argv[4:], file=sys.stderr)\nsys.exit(42 if sys.argv[4:] == ['a b', 'c'] else 43)\n"
    (tmp_path / "check.py").write_text(source)
    assert run("judge", "sums", "wrong.py", "--checker", "check.py", "--checker-args", "'a b' c").returncode == 0
    assert run("judge", "sums", "right.py", "--checker", "check.py").returncode == 1
    (tmp_path / "check.py").write_text("import sys\nsys.exit(0 if open(sys.argv[2]).read() else 1)\n")
    assert run("judge", "sums", "wrong.py", "--checker", "check.py", "--testlib").returncode == 0
    (tmp_path / "check.py").write_text("raise SystemExit(5)\n")
    assert run("judge", "sums", "right.py", "--checker", "check.py").returncode == 125
    (tmp_path / "check.c").write_text("nope")
    done = run("judge", "sums", "right.py", "--checker", "check.c")
    assert done.returncode == 125
    assert "[compile-error]" in done.stderr


@pytest.mark.cgroup
def test_calibration(run: Run) -> None:
    """A package without a time limit has one from the jury's submissions, which the jury is told, and nobody else."""
    done = run("judge", "all", "right.py")
    assert done.returncode == 0
    assert re.search(r"sandbox: time limit 1 s: \S+ takes 0\.0", done.stderr)  # whichever was the slower
    assert "the limit is 2 times that, rounded up" in done.stderr
    assert run("judge", "all", "right.py", "--contestant").stderr == ""


@pytest.mark.cgroup
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(run: Run, tmp_path: Path, programs: Path, number: signal.Signals) -> None:
    """A signal ends what runs, leaves nothing of an archive behind, and is the exit code."""
    with zipfile.ZipFile(tmp_path / "sums.zip", "w") as archive:
        for name in ("1.in", "1.ans"):
            archive.write(tmp_path / "sums" / name, name)
    (tmp_path / "temporary").mkdir()
    process = subprocess.Popen(
        [SANDBOX, "judge", "sums.zip", "slow.py", "--time-limit", "60", "--cache", str(programs)],
        cwd=tmp_path, env={**os.environ, "TMPDIR": str(tmp_path / "temporary")}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not list((tmp_path / "temporary").iterdir()):
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(0.5)  # wherever it is then
    process.send_signal(number)
    assert process.wait(20) == 128 + number
    assert process.stderr.read().splitlines() == ["sandbox: interrupted"]
    process.stderr.close()
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.cgroup
def test_problem_check(run: Run, tmp_path: Path) -> None:
    """All is well if the jury's submissions end as expected; if one does not, that is said, and the exit code is 1."""
    done = run("problem", "check", "all", "--html", "r.html")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[0].split()[:4] == ["submission", "expected", "got", "slowest"]
    assert done.stdout.splitlines()[-1] == "everything is as the package says"
    assert "accepted/right.py: AC" in done.stderr
    assert "accepted/right.py" in (tmp_path / "r.html").read_text(encoding="utf-8")
    (tmp_path / "all/submissions/wrong_answer/wrong.py").write_text(RIGHT)
    done = run("problem", "check", "all", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"]) == (1, False)
    assert set(found) == {"problem", "ok", "time_limit", "complaints", "submissions"}
    wrong = next(row for row in found["submissions"] if row["mismatches"])
    assert set(wrong) == {"name", "expected", "mismatches", "warnings", "judgement"}
    assert (wrong["name"], wrong["expected"], wrong["mismatches"]) == ("wrong_answer/wrong.py", "WA", ["no test is WA"])


def test_problem_check_of_what_is_none(run: Run, tmp_path: Path) -> None:
    """A package that cannot be read is told line by line, as JSON too; nothing has to run for that."""
    (tmp_path / "all/data/secret/1.ans").unlink()
    (tmp_path / "all/problem.yaml").write_text(PROBLEM + "nope: 1\n")
    done = run("problem", "check", "all", "--no-run", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"]) == (125, False)
    assert {complaint["rule"] for complaint in found["complaints"]} >= {"missing-answer"}
    assert len(done.stderr.splitlines()) == len(found["complaints"])
    assert all(line.startswith("all/") for line in done.stderr.splitlines())
    assert run("problem", "show", "all").returncode == 125


def test_problem_show(run: Run) -> None:
    """What a package is: kind, limits, groups, submissions."""
    done = run("problem", "show", "all")
    assert done.returncode == 0
    for words in (
        "2025-09",
        "pass-fail",
        "256 MiB",
        "from the jury's submissions",
        "accepted/right.py",
        "secret: 1 test",
    ):
        assert words in done.stdout
