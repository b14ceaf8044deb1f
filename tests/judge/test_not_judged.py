"""What cannot be judged is a row that says why: whatever is wrong with one submission is no concern of the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import HostError, LaunchError, RequestError
from sandbox.judge import submission as module
from sandbox.judge.calibrate import calibrate
from sandbox.judge.compiler import Compiler
from sandbox.judge.judge import Judge, attempted
from sandbox.judge.package import read
from sandbox.judge.problem import Problem, ProblemError
from sandbox.judge.submission import Submission
from sandbox.judge.verify import verify

SANDBOX = str(Path(sys.executable).with_name("sandbox"))
SUM = "print(sum(map(int, input().split())))\n"
YAML = "problem_format_version: 2025-09\nname: Sums\nuuid: 1\nlimits: {time_limit: 2}\n"
KLINGON = """name = "Klingon"
extensions = [".tlh"]
packages = ["klingon-dev"]
version = ["no-such-compiler", "--version"]
[run]
argv = ["no-such-compiler", "{main}"]
[selftest]
file = "main.tlh"
source = ""
"""

pytestmark = pytest.mark.cgroup


def _file(path: Path) -> None:
    path.write_text(SUM)


def _directory(path: Path) -> None:
    path.mkdir()
    (path / "main.py").write_text(SUM)


def _leads_out(path: Path) -> None:
    _directory(path)
    (path / "data.txt").symlink_to("/etc/passwd")


def _leads_nowhere(path: Path) -> None:
    _directory(path)
    (path / "data.txt").symlink_to("nothing")


def _leads_round(path: Path) -> None:
    _directory(path)
    (path / "again").symlink_to(".")


def _special(path: Path) -> None:
    _directory(path)
    os.mkfifo(path / "pipe")


def _many(path: Path) -> None:
    _directory(path)
    for one in range(40):
        (path / str(one)).mkdir()
        for other in range(30):
            (path / str(one) / f"{other}.txt").write_text("")


def _deep(path: Path) -> None:
    _directory(path)
    (path / "/".join("d" * 40)).mkdir(parents=True)


def _large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(module.MAX_SIZE + 1)


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "unknown.tlh": (_file, "unknown.tlh: Klingon is not installed: apt-get install klingon-dev"),
    "out": (_leads_out, "'data.txt': a link that leads out of "),
    "nowhere": (_leads_nowhere, "'data.txt': cannot read 'nothing': No such file or directory"),
    "round": (_leads_round, "more than 32 directories deep"),
    "special": (_special, "'pipe' is not a regular file"),
    "empty": (Path.mkdir, "'empty' is a directory without files"),
    "many": (_many, "'many' has more than 1000 files"),
    "deep": (_deep, "more than 32 directories deep"),
    "large.py": (_large, "'large.py' has more than 64 MiB"),
}
"""Submissions that cannot be judged: how each is made, and what is said of it."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package with one test, good and bad submissions beside it, and a language that nobody has."""
    files = {"problem.yaml": YAML, "data/secret/1.in": "3 4\n", "data/secret/1.ans": "7\n"}
    for name, text in files.items():
        (tmp_path / "sums" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "sums" / name).write_text(text)
    (tmp_path / "policies/languages").mkdir(parents=True)
    (tmp_path / "policies/languages/klingon.toml").write_text(KLINGON)
    monkeypatch.setenv("SANDBOX_POLICIES", str(tmp_path / "policies"))
    for name in ("first.py", "last.py"):
        _file(tmp_path / name)
    (tmp_path / "wrong.py").write_text("print(8)\n")
    yield tmp_path
    for path in tmp_path.rglob("large.py"):
        path.unlink()


def call(place: Path, cache: Path, *arguments: str) -> tuple[int, Any, str]:
    """Exit code, JSON and stderr of the command."""
    command = [SANDBOX, *arguments, "--json", "--cache", str(cache), "--html", "page.html"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, timeout=100)
    return done.returncode, json.loads(done.stdout), done.stderr


def test_judge(place: Path, programs: Path) -> None:
    """Every submission is in the JSON and on the page; 125, for nothing is said of those that were not judged."""
    for name, (make, _) in WRONG.items():
        make(place / name)
    names = ["first.py", *WRONG, "last.py"]
    code, found, stderr = call(place, programs, "judge", "sums", *names)
    assert code == 125
    assert [row["submission"] for row in found] == names
    for row in found:
        if row["submission"] in WRONG:
            assert (row["verdict"], row["root"]) == (None, None)
            assert WRONG[row["submission"]][1] in row["not_judged"] == row["reason"]
            assert f"{row['submission']}: not judged" in stderr
        else:
            assert (row["verdict"], row["not_judged"]) == ("AC", None)
    page = (place / "page.html").read_text()
    assert page.count("not judged</b>") == 2 * len(WRONG)
    assert "klingon-dev" in page


def test_the_others_have_their_exit_code(place: Path, programs: Path) -> None:
    """Without rows that were not judged, it is as ever."""
    assert call(place, programs, "judge", "sums", "first.py", "last.py")[0] == 0
    assert call(place, programs, "judge", "sums", "first.py", "wrong.py")[0] == 1


def test_a_problem_that_cannot_be_used(place: Path, programs: Path) -> None:
    """Then none is judged, and the JSON has them all nevertheless."""
    (place / "sums/data/secret/1.ans").unlink()
    code, found, stderr = call(place, programs, "judge", "sums", "first.py", "last.py")
    assert (code, [row["submission"] for row in found]) == (125, ["first.py", "last.py"])
    assert all("the problem cannot be used: data/secret/1.in" in row["not_judged"] for row in found)
    assert "[missing-answer]" in stderr


def test_text(place: Path, programs: Path) -> None:
    """On a terminal it is a line as others are, with the reason below; contestants are told, too."""
    _file(place / "unknown.tlh")
    for more in ([], ["--contestant"]):
        command = [SANDBOX, "judge", "sums", "unknown.tlh", "first.py", "--cache", str(programs), *more]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, timeout=100)
        lines = [line.strip() for line in done.stdout.splitlines()]
        assert lines[:2] == ["not judged  unknown.tlh", WRONG["unknown.tlh"][1]]
        assert lines[2].startswith("AC  first.py")


def test_check(place: Path, programs: Path) -> None:
    """So it is with the jury's: the package is not as it says, since nobody knows whether that row is; 1."""
    jury = place / "sums/submissions/accepted"
    jury.mkdir(parents=True)
    for name, (make, _) in WRONG.items():
        make(jury / name)
    (jury / "odd.py").symlink_to("/etc/hostname")
    _file(jury / "right.py")
    code, found, _ = call(place, programs, "problem", "check", "sums")
    assert (code, found["ok"]) == (1, False)
    rows = {row["name"].removeprefix("accepted/"): row for row in found["submissions"]}
    assert rows.keys() == {*WRONG, "odd.py", "right.py"}
    assert not rows["right.py"]["mismatches"]
    assert rows["odd.py"]["mismatches"] == ["not judged: 'odd.py': a link that leads out of 'sums'"]
    for name, (_, why) in WRONG.items():
        (told,) = rows[name]["mismatches"]
        assert told.startswith("not judged: ")
        assert why in told
        assert rows[name]["judgement"]["verdict"] is None
    assert "not judged</b>" in (place / "page.html").read_text()


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """A file that the kernel refuses to read, or to open, is the submission's fault, and not the sandbox's."""
    with pytest.raises(RequestError, match=r"read mem: Input/output error"):
        Submission.read("/proc/self/mem")
    if os.geteuid():
        (tmp_path / "a.py").write_text(SUM)
        (tmp_path / "a.py").chmod(0)
        with pytest.raises(RequestError, match="Permission denied"):
            Submission.read(tmp_path / "a.py")


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (RequestError("x", "it is odd"), "it is odd"),
        (LaunchError("execve prog", 8), "the sandbox failed: execve prog: Exec format error"),
        (HostError("the box died"), "the sandbox failed: the box died"),
    ],
)
def test_attempted(error: Exception, why: str) -> None:
    """A failure of the sandbox, too, is that of one row; what the problem itself is guilty of is not."""

    def fails(*_: Any) -> Any:
        raise error

    def fails_all(*_: Any) -> Any:
        raise ProblemError(())

    problem = Problem("sums", "Sums", "folder", Path(), root=None)  # type: ignore[arg-type]
    judgement = attempted(problem, "a.py", fails, fails)
    assert (judgement.verdict, judgement.reason, judgement.to_json()["not_judged"]) == (None, why, why)
    with pytest.raises(ProblemError):
        attempted(problem, "a.py", fails_all, fails_all)


LINKS = {
    "a file": ("main.py", "../../../attachments/shared.py"),
    "a directory": ("tables", "../../../attachments/tables"),
    "beside it": ("copy.py", "real.py"),
}


@pytest.mark.parametrize(("name", "target"), LINKS.values(), ids=LINKS)
def test_links_within_the_package(place: Path, compiler: Compiler, name: str, target: str) -> None:
    """General Requirements: links to other files of the package are files as others are, in whatever programs."""
    sums = place / "sums"
    (sums / "attachments/tables").mkdir(parents=True)
    (sums / "attachments/shared.py").write_text(SUM)
    (sums / "attachments/tables/t.txt").write_text("")
    jury = sums / "submissions/accepted/linked"
    jury.mkdir(parents=True)
    if name != "main.py":
        (jury / "main.py").write_text(SUM)
    (jury / "real.py").write_text("")
    (jury / name).symlink_to(target)
    found = verify(read(sums), compiler=compiler)
    assert [row.mismatches for row in found.rows] == [()]


def test_links_in_what_is_not_a_package(place: Path) -> None:
    """A submission of the command line has its own directory to link in; a file may itself be a link."""
    _directory(place / "own")
    (place / "own/sub").mkdir()
    (place / "own/sub/copy.py").symlink_to("../main.py")
    assert set(Submission.read(place / "own").files) == {"main.py", "sub/copy.py"}
    (place / "link.py").symlink_to("first.py")
    assert Submission.read(place / "link.py").files["link.py"] == SUM.encode()
    (place / "own/out.py").symlink_to("../first.py")
    with pytest.raises(RequestError, match=r"'out.py': a link that leads out of 'own'"):
        Submission.read(place / "own")
    assert Submission.read(place / "own", within=place).files["out.py"] == SUM.encode()


def test_what_hides_in_a_directory(place: Path) -> None:
    """Names with a dot in front are as good as not there, so that an editor's leavings make nothing ambiguous."""
    _directory(place / "own")
    for name in (".DS_Store", "._main.py", "__MACOSX/main.py", ".git/config"):
        (place / "own" / name).parent.mkdir(exist_ok=True)
        (place / "own" / name).write_text("\0")
    assert set(Submission.read(place / "own").files) == {"main.py"}


def test_links_in_files_of_tests(place: Path, compiler: Compiler) -> None:
    """Input: what is in `.files` is put where the submission runs, links followed."""
    sums = place / "sums"
    (sums / "attachments").mkdir()
    (sums / "attachments/number.txt").write_text("7")
    (sums / "data/secret/1.files/sub").mkdir(parents=True)
    (sums / "data/secret/1.files/sub/number.txt").symlink_to("../../../../attachments/number.txt")
    (sums / "data/secret/1.files/other.txt").write_text("x")
    (place / "reads.py").write_text("open('other.txt')\nprint(open('sub/number.txt').read())\n")
    with Judge(read(sums), compiler=compiler) as judge:
        assert judge.judge(Submission.read(place / "reads.py")).verdict == "AC"


def test_programs_of_the_jury(place: Path, compiler: Compiler) -> None:
    """A validator in a language that is not installed, or with nothing in it, is the package's error, and named."""
    where = place / "sums/output_validator"
    where.mkdir()
    (where / "check.tlh").write_text("")
    with pytest.raises(ProblemError, match=r"check\.tlh: Klingon is not installed.*\[not-installed\]"):
        Judge(read(place / "sums"), compiler=compiler)
    (where / "check.tlh").unlink()
    (where / "check.py").symlink_to("../problem.yaml")
    with pytest.raises(ProblemError, match=r"(?s)output_validator/check\.py: error: .*\[compile-error\]"):
        Judge(read(place / "sums"), compiler=compiler)


@pytest.mark.parametrize("build", [True, False])
def test_scripts_without_their_mode(place: Path, compiler: Compiler, build: bool) -> None:
    """Programs: a `build` or `run` that lost its mode, as in archives of Windows, is started by its `#!` line."""
    where = place / "sums/output_validator"
    where.mkdir()
    run = "#!/bin/sh\nread a; [ $a = 7 ] && exit 42; exit 43\n"
    script = f"#!/bin/sh\ncat > run <<'END'\n{run}END\nchmod +x run\n" if build else run
    (where / ("build" if build else "run")).write_text(script)
    with Judge(read(place / "sums"), compiler=compiler) as judge:
        assert judge.judge(Submission.read(place / "first.py")).verdict == "AC"
        assert judge.judge(Submission.read(place / "wrong.py")).verdict == "WA"


def test_calibration_without_one(place: Path, compiler: Compiler) -> None:
    """A time limit that follows from fewer submissions than it should says which are missing."""
    (place / "sums/problem.yaml").write_text(YAML.replace("limits: {time_limit: 2}", ""))
    jury = place / "sums/submissions/accepted"
    jury.mkdir(parents=True)
    _file(jury / "right.py")
    _file(jury / "other.tlh")
    found = calibrate(read(place / "sums"), compiler=compiler)
    assert found is not None
    assert (found.submission, found.without) == ("accepted/right.py", ("accepted/other.tlh",))


def _steps(*verdicts: str) -> str:
    """A program that gets these verdicts on the tests 1, 2, …"""
    does = {"AC": "print(n)", "WA": "print(-1)", "RTE": "raise SystemExit(1)", "TLE": "while True: pass"}
    return "n = int(input())\n" + "".join(f"if n == {n}: {does[one]}\n" for n, one in enumerate(verdicts, 1))


LAZY = {
    "accepted/a.py": (("AC", "AC", "AC", "AC"), 4, True),
    "accepted/b.py": (("AC", "WA", "AC", "AC"), 2, False),
    "wrong_answer/a.py": (("AC", "WA", "AC", "WA"), 2, True),
    "wrong_answer/b.py": (("AC", "RTE", "WA", "AC"), 2, False),
    "rejected/a.py": (("RTE", "WA", "AC", "AC"), 1, True),
    "mixed/both.py": (("WA", "AC", "RTE", "AC"), 3, True),  # both are permitted, and RTE is required
    "mixed/never.py": (("WA", "AC", "AC", "AC"), 4, False),
    "mixed/some.py": (("WA", "AC", "AC", "RTE"), 4, True),  # something is said of a single test
}
"""Verdicts by test of a submission, how many tests are run with `--lazy`, and whether it ends as expected."""
EXPECTED = """mixed/{both,never}.py: {permitted: [AC, WA, RTE], required: [RTE]}
mixed/some.py: {permitted: [AC, WA, RTE], secret/4: {permitted: [RTE]}}
"""


def test_lazy(place: Path, programs: Path) -> None:
    """A submission ends with the first test that decides whether it is as expected; without `--lazy` all are run."""
    sums = place / "sums"
    for n in range(1, 5):
        for end in ("in", "ans"):
            (sums / f"data/secret/{n}.{end}").write_text(f"{n}\n")
    for name, (verdicts, _, _) in LAZY.items():
        (sums / "submissions" / name).parent.mkdir(parents=True, exist_ok=True)
        (sums / "submissions" / name).write_text(_steps(*verdicts))
    (sums / "submissions/submissions.yaml").write_text(EXPECTED)
    found = {}
    for how in ((), ("--lazy",)):
        code, report, _ = call(place, programs, "problem", "check", "sums", *how)
        assert code == 1
        found[how] = {row["name"]: row for row in report["submissions"]}
    for name, (_, count, well) in LAZY.items():
        whole, lazy = found[()][name], found[("--lazy",)][name]
        assert [bool(row["mismatches"]) for row in (whole, lazy)] == [not well] * 2, name
        assert whole["judgement"]["verdict"] == lazy["judgement"]["verdict"]
        assert len(whole["judgement"]["root"]["children"][0]["children"]) == 4
        assert len(lazy["judgement"]["root"]["children"][0]["children"]) == count, name


def test_names_that_several_have(place: Path, programs: Path) -> None:
    """Submissions of the same name are told apart by their paths; a link to nothing is a row like any other."""
    for student, source in (("anna", SUM), ("bob", "print(8)\n")):
        (place / student).mkdir()
        (place / student / "main.py").write_text(source)
    (place / "dangling.py").symlink_to("nothing")
    code, found, _ = call(place, programs, "judge", "sums", "anna/main.py", "bob/main.py", "dangling.py")
    assert code == 125
    assert [(row["submission"], row["verdict"]) for row in found] == [
        ("anna/main.py", "AC"), ("bob/main.py", "WA"), ("dangling.py", None),
    ]  # fmt: skip
    assert "cannot read" in found[2]["not_judged"]


def test_a_submission_that_is_not_there(place: Path) -> None:
    """A path of nothing is a mistake of the command line, which says so."""
    done = subprocess.run(
        [SANDBOX, "judge", "sums", "nowhere.py"], cwd=place, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "'nowhere.py' does not exist" in done.stderr
