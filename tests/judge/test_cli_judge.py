"""The commands judge, problem and languages: what they print, and what they exit with."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sandbox.judge import languages

COMMAND = str(Path(sys.executable).with_name("sandbox"))
SUM = "print(sum(map(int, input().split())))\n"

pytestmark = [pytest.mark.cgroup]  # the commands' own policies are not laid over


@pytest.fixture
def place(tmp_path: Path, programs: Path) -> Path:
    """A folder problem with submissions beside it."""
    (tmp_path / "sums").mkdir()
    for number, (left, right) in enumerate([(3, 4), (5, 6)], start=1):
        (tmp_path / "sums" / f"{number}.in").write_text(f"{left} {right}\n")
        (tmp_path / "sums" / f"{number}.ans").write_text(f"{left + right}\n")
    (tmp_path / "right.py").write_text(SUM)
    (tmp_path / "wrong.py").write_text("print(7)\n")
    (tmp_path / "right.c").write_text(
        '#include <stdio.h>\nint main(void) { int a, b; scanf("%d%d", &a, &b); printf("%d", a + b); }'
    )
    (tmp_path / "broken.c").write_text('#error "\x1b[31m[red]bad[/red]"\n')
    (tmp_path / "hostile.py").write_text(r'print("\x1b]0;owned\x07[bold]x[/bold]\u202e")')
    (tmp_path / "cache").symlink_to(programs)
    return tmp_path


def call(place: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command there, with further variables in its environment."""
    return subprocess.run(
        [COMMAND, *arguments], check=False, cwd=place, capture_output=True, text=True, timeout=100,
        env={**os.environ, **env},
    )  # fmt: skip


def judge(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`sandbox judge sums …` with a time limit and the tests' cache."""
    return call(place, "judge", "sums", *arguments, "--time-limit", "1", "--cache", "cache/")


def test_accepted(place: Path) -> None:
    """Submissions that are all right: a line each, with language, tests and times, and exit code 0."""
    done = judge(place, "right.py", "right.c")
    assert done.returncode == 0, done.stderr
    first, bars, second, _ = done.stdout.splitlines()
    assert first.startswith("AC  right.py  python3  2 tests  0.0")
    assert second.startswith("AC  right.c  c  2 tests  0.0")
    assert bars.strip() == "▁▁"


def test_rejected(place: Path) -> None:
    """One that is wrong says on which test and how, one that does not compile what the compiler says; exit code 1."""
    done = judge(place, "wrong.py", "broken.c")
    assert done.returncode == 1
    assert 'secret/2: line 1, column 1 (token 1): token "7" where "11" is expected' in done.stdout
    assert "CE  broken.c" in done.stdout
    assert "[red]bad[/red]" in done.stdout


@pytest.mark.parametrize("name", ["broken.c", "hostile.py"])
@pytest.mark.parametrize("how", [[], ["--json"]])
def test_nothing_commands_the_terminal(place: Path, name: str, how: list[str]) -> None:
    """What a submission or a compiler prints reaches the terminal without escapes."""
    done = judge(place, name, *how)
    assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout + done.stderr)


def test_json(place: Path) -> None:
    """Everything that is known, with stable names."""
    (found,) = json.loads(judge(place, "wrong.py", "--json").stdout)
    assert (found["verdict"], found["language"], found["time_limit"]) == ("WA", "python3", 1.0)
    secret = found["root"]["children"][-1]
    assert [child["verdict"] for child in secret["children"]] == ["AC", "WA"]
    assert {"seccomp", "cgroup"} <= set(found["enforced"])
    assert set(secret["children"][1]) >= {"name", "verdict", "reason", "cpu_time", "wall_time", "memory", "output"}


def test_what_a_contestant_may_see(place: Path) -> None:
    """With `--contestant` nothing of the answer is told, in text, JSON or the report."""
    done = judge(place, "wrong.py", "--contestant", "--html", "report.html")
    told = done.stdout + judge(place, "wrong.py", "--contestant", "--json").stdout + (place / "report.html").read_text()
    assert "secret/2" in told
    assert "expected" not in told


def test_only_some_tests(place: Path) -> None:
    """A group or a test by its name, with or without `secret/`; one that there is not is an error of usage."""
    assert judge(place, "wrong.py", "--testcase", "1").returncode == 0
    assert judge(place, "wrong.py", "--testcase", "secret/1").returncode == 0
    assert judge(place, "wrong.py", "--group", "secret").returncode == 1
    done = judge(place, "wrong.py", "--testcase", "9")
    assert (done.returncode, "'9'" in done.stderr) == (2, True)


def test_keep_going(place: Path) -> None:
    """Without it the first failure is the last run; with it all are run, and the verdict is the same."""
    (place / "sums" / "1.ans").write_text("8\n")
    short, long = (json.loads(judge(place, "right.py", "--json", *more).stdout)[0] for more in ([], ["--keep-going"]))
    assert [len(found["root"]["children"][-1]["children"]) for found in (short, long)] == [1, 2]
    assert short["verdict"] == long["verdict"] == "WA"


def test_checkers(place: Path) -> None:
    """A built-in checker with arguments, a program by 42 and 43, and one by testlib's codes."""
    (place / "near.py").write_text("print(sum(map(int, input().split())) + 0.001)\n")
    assert judge(place, "near.py").returncode == 1
    assert judge(place, "near.py", "--checker", "floats", "--checker-args", "float_tolerance 0.01").returncode == 0
    (place / "v.py").write_text("import sys\nsys.exit(42 if sys.stdin.read().strip() else 43)\n")
    assert judge(place, "near.py", "--checker", "v.py").returncode == 0
    (place / "t.py").write_text("import sys\nsys.exit(open(sys.argv[2]).read() == open(sys.argv[3]).read() and 1)\n")
    assert judge(place, "near.py", "--checker", "t.py", "--testlib").returncode == 0
    assert judge(place, "right.py", "--checker", "t.py", "--testlib").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["judge", "nowhere", "right.py"], 2, "nowhere"),
        (["judge", "sums", "nothing.py"], 2, "nothing.py"),
        (["judge", "sums"], 2, "SUBMISSIONS"),
        (["judge", "sums", "right.py", "--language", "klingon"], 2, "klingon"),
        (["judge", "sums", "right.py", "--checker", "sharp"], 2, "sharp"),
        (["judge", "sums", "right.py", "--testlib"], 2, "--checker"),
        (["judge", "right.py", "right.py"], 125, "right.py"),
        (["judge", "sums", "right.py", "--checker", "broken.c"], 125, "compile-error"),
        (["languages", "test", "klingon"], 2, "klingon"),
        (["problem", "check", "right.py"], 125, "right.py"),
    ],
)
def test_mistakes(place: Path, arguments: list[str], code: int, told: str) -> None:
    """A mistake of the caller's, or in the problem, is told in short lines, without a traceback."""
    more = ["--cache", "cache/"] if arguments[0] != "problem" else []
    done = call(place, *arguments, *more)
    assert done.returncode == code, done.stderr
    assert told in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def package(place: Path) -> Path:
    """A package without a time limit, with submissions of the jury's."""
    root = place / "pack"
    for directory in ("data/secret", "submissions/accepted", "submissions/wrong_answer"):
        (root / directory).mkdir(parents=True)
    (root / "problem.yaml").write_text(
        "problem_format_version: 2025-09\nname: Sums\nuuid: 7e5a3d0c-7a3c-4b8e-9d3a-3a7b7b0a2f11\n"
        "limits: {memory: 256, time_resolution: 0.5}\n"
    )
    for file in (place / "sums").iterdir():
        (root / "data/secret" / file.name).write_bytes(file.read_bytes())
    (root / "submissions/accepted/right.py").write_text(SUM)
    (root / "submissions/wrong_answer/wrong.py").write_text("print(7)\n")
    return root


def test_a_package_is_checked(place: Path) -> None:
    """All that is as the package says is exit code 0, with a row for each submission; what is not is exit code 1."""
    root = package(place)
    done = call(place, "problem", "check", "pack", "--cache", "cache/", "--html", "report.html")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "time limit: 0.5 s, 2 times 0.0" in done.stdout
    assert "accepted/right.py" in done.stdout
    (root / "submissions/accepted/bad.py").write_text("print(7)\n")
    done = call(place, "problem", "check", "pack", "--cache", "cache/", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert not found["ok"]
    assert [one["name"] for one in found["submissions"] if one["mismatches"]] == ["accepted/bad.py"]


def test_a_package_is_shown(place: Path) -> None:
    """Its kind, limits and groups, and its submissions."""
    package(place)
    done = call(place, "problem", "show", "pack")
    assert "title        Sums" in done.stdout
    assert "secret: 2 tests" in done.stdout
    assert call(place, "problem", "check", "pack", "--no-run").returncode == 0


def test_a_broken_package_says_where(place: Path) -> None:
    """Every complaint has file, line and rule."""
    root = package(place)
    (root / "problem.yaml").write_text("problem_format_version: 2025-09\nname: Sums\nlimits:\n  memory: much\n")
    (root / "data/secret/1.ans").unlink()
    done = call(place, "problem", "check", "pack")
    assert done.returncode == 125
    assert "pack/problem.yaml:4: error:" in done.stderr
    assert "data/secret/1.in" in done.stderr or "data/secret/1.ans" in done.stderr


def test_an_archive(place: Path) -> None:
    """A zip of a package is a package, and its limit follows from the jury's submissions."""
    root = package(place)
    with zipfile.ZipFile(place / "pack.zip", "w") as archive:
        for path in root.rglob("*"):
            archive.write(path, path.relative_to(root.parent))
    done = call(place, "judge", "pack.zip", "right.py", "--cache", "cache/")
    assert done.returncode == 0, done.stderr
    assert re.search(r"time limit 0.5 s: \w+/\w+.py takes 0.0", done.stderr)


def test_languages(place: Path) -> None:
    """Each with the version that is installed, or with what to install; the self-test tells of each in a table."""
    found = {one["code"]: one for one in json.loads(call(place, "languages", "--json").stdout)}
    assert "gcc" in found["c"]["version"]
    assert len(found) >= 25
    done = call(place, "languages", "test", "c", "lua", "--cache", "cache/")
    assert done.returncode == 0, done.stdout
    table = [line.split(maxsplit=4) for line in done.stdout.splitlines()]
    assert table[0] == ["code", "sum", "memory", "recursion"]
    assert table[1] == ["c", "works", "works", "1,000,000"]
    assert table[2][:4] == ["lua", "works", "works", "300,000"]
    assert "LUAI_MAXSTACK" in table[2][4]


def test_languages_that_fail(place: Path) -> None:
    """A language whose program does not do what it should fails, with what went wrong, in the table and as JSON."""
    own = place / "own" / "languages"
    own.mkdir(parents=True)
    python = Path(languages.places()[-1], "python3.toml").read_text()
    (own / "broken.toml").write_text(python.replace("print(sum(", "print(-sum("))
    test = ("languages", "test", "broken", "--quick", "--cache", "cache/")
    done = call(place, *test, SANDBOX_POLICIES=str(own.parent))
    assert done.returncode == 1
    assert done.stdout.splitlines()[1].split() == ["broken", "FAILS"]
    assert "-7" in done.stdout
    done = call(place, *test, "--json", SANDBOX_POLICIES=str(own.parent))
    (found,) = json.loads(done.stdout)
    assert (found["code"], found["ok"], [trial["column"] for trial in found["trials"]]) == ("broken", False, ["sum"])
