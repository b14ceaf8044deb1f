"""Judging, end to end: real compilers, real boxes, verdicts with reasons."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import census
import pytest

from sandbox.files import File
from sandbox.judge.compiler import Compiler
from sandbox.judge.judge import Judge
from sandbox.judge.judgement import Judgement
from sandbox.judge.package import read
from sandbox.judge.problem import ProblemError
from sandbox.judge.slot import NearLimit
from sandbox.judge.submission import Submission
from sandbox.judge.verdict import Verdict

AC, WA, TLE, MLE, OLE, RTE, CE, JE = Verdict
SUM = "print(sum(map(int, input().split())))\n"


def write(directory: Path, files: dict[str, str]) -> Path:
    """A tree of text files."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return directory


def package(directory: Path, kind: str = "pass-fail", **files: str) -> Path:
    """A package of 2025-09 with two tests; in names of files, two underscores are a slash."""
    named = {name.replace("__", "/"): content for name, content in files.items()}
    problem = f"""problem_format_version: 2025-09
name: Test
uuid: 7e5a3d0c-7a3c-4b8e-9d3a-3a7b7b0a2f11
type: {kind}
limits: {{time_limit: 1.0, memory: 256, output: 1, validation_time: 5, validation_memory: 256}}
"""
    tests = {"data/secret/1.in": "3 4\n", "data/secret/1.ans": "7\n", "data/secret/2.in": "5 6\n"}
    return write(directory, {"problem.yaml": problem, **tests, "data/secret/2.ans": "11\n", **named})


def judge(compiler: Compiler, directory: Path, source: str, name: str = "a.py", **options: object) -> Judgement:
    """Judge one source."""
    with Judge(read(directory), compiler=compiler) as judge:
        return judge.judge(Submission(name, {name: File(source.encode())}), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "verdict", "reason"),
    [
        (SUM, AC, ""),
        ("print(7)", WA, r'secret/2: .*"7" where "11" is expected.*'),
        ("", WA, r"secret/1: .*"),
        ("while True: pass", TLE, r"secret/1: (CPU time 1\.\d+ s of 1\.000 s|wall time 3\.\d+ s).*measured by .*"),
        ("import time; time.sleep(60)", TLE, r"secret/1: wall time 3\.\d+ s of 3\.000 s.*CPU time 0\.\d+ s"),
        ("x = b'x' * (1 << 30)", MLE, r"secret/1: memory .* of 256\.0 MiB \(measured by .*\)"),
        ("while True: print('x' * 1000)", OLE, r"secret/1: more than 1048576 bytes on stdout"),
        ("import sys\nwhile True: sys.stderr.write('x' * 1000)", OLE, r"secret/1: more than 1048576 bytes on stderr"),
        ("raise SystemExit(3)", RTE, r"secret/1: exit code 3"),
        ("import os; os.abort()", RTE, r"secret/1: ended by SIGABRT"),
        ("import os; os.unshare(0x10000000)", RTE, r"secret/1: .*"),
        ("def", CE, r".*"),
        # What looks like a verdict is output.
        ("print('AC'); raise SystemExit(42)", RTE, r"secret/1: exit code 42"),
    ],
)
def test_verdicts(compiler: Compiler, tmp_path: Path, source: str, verdict: Verdict, reason: str) -> None:
    """Every verdict, with the reason in words: which limit, which value, measured by what."""
    judgement = judge(compiler, package(tmp_path), source)
    assert (judgement.verdict, judgement.language if judgement.root else None) == (
        verdict,
        None if verdict is CE else "python3",
    )
    assert re.fullmatch(reason, judgement.reason), judgement.reason


VALIDATOR = """
import sys
given, answer, feedback = sys.argv[1:4]
said = sys.stdin.read().split()
wanted = open(answer).read().split()
open(feedback + "judgemessage.txt", "w").write(f"{said} for {wanted}, flags {sys.argv[4:]}")
open(feedback + "teammessage.txt", "w").write("think")
sys.exit(42 if said == wanted else 43)
"""


def test_custom_validator(compiler: Compiler, tmp_path: Path) -> None:
    """The jury's program decides, by 42 and 43, and what it writes for jury and team is kept apart."""
    where = package(tmp_path)
    write(
        where,
        {"output_validator/v.py": VALIDATOR, "data/secret/test_group.yaml": "output_validator_args: [x, 'y z']\n"},
    )
    right, wrong = judge(compiler, where, SUM), judge(compiler, where, "print(7)")
    assert (right.verdict, wrong.verdict) == (AC, WA)
    assert wrong.tests[1].judge_message == "['7'] for ['11'], flags ['x', 'y z']"
    assert wrong.tests[1].team_message == "think"
    assert "judge_message" not in wrong.tests[1].to_json(jury=False)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("raise ValueError('own fault')", r"validator: exit code 1; its stderr: .*own fault"),
        ("", r"validator: exit code 0, which is neither 42 nor 43"),
        ("import os; os.kill(os.getpid(), 11)", r"validator: ended by SIGSEGV"),
        ("while True: pass", r"validator: (CPU time 5|wall time 11)\.\d+ s of .*"),
        ("x = b'x' * (1 << 30)", r"validator: memory .*"),
        ("import os, sys; os.mkfifo(sys.argv[3] + 'score.txt'); sys.exit(42)", r"validator: its feedback cannot .*"),
        ("import os, sys; os.symlink('/etc/passwd', sys.argv[3] + 'judgemessage.txt'); sys.exit(43)", r"validator: .*"),
    ],
)
def test_a_validator_that_fails(compiler: Compiler, tmp_path: Path, source: str, why: str) -> None:
    """A crash, a hang, or a broken protocol of the jury's is a judge error with evidence, never a wrong answer."""
    where = write(package(tmp_path), {"output_validator/v.py": source})
    judgement = judge(compiler, where, "print(1)")
    assert judgement.verdict is JE
    assert re.fullmatch(r"secret/1: " + why, judgement.reason, re.DOTALL), judgement.reason


def test_a_validator_that_does_not_compile(compiler: Compiler, tmp_path: Path) -> None:
    """The problem cannot be used, and the compiler's words say why."""
    where = write(package(tmp_path), {"output_validator/v.cpp": "int main() {"})
    with pytest.raises(ProblemError, match=r"output_validator/v\.cpp|output_validator: error: .*") as raised:
        judge(compiler, where, SUM)
    assert "[compile-error]" in str(raised.value)


GUESS = """
import sys
number = int(open(sys.argv[1]).read())
for turn in range(10):
    line = sys.stdin.readline()
    if not line:
        open(sys.argv[3] + "judgemessage.txt", "w").write("the submission has closed its output")
        sys.exit(43)
    try:
        guess = int(line)
    except ValueError:
        sys.exit(43)
    if guess == number:
        print("right", flush=True)
        sys.exit(42)
    try:
        print("more" if guess < number else "less", flush=True)
    except BrokenPipeError:
        sys.exit(43)
sys.exit(43)
"""
BISECT = """
low, high = 1, 100
while True:
    middle = (low + high) // 2
    print(middle, flush=True)
    said = input()
    if said == "right":
        break
    if said == "more":
        low = middle + 1
    else:
        high = middle - 1
"""


@pytest.fixture
def guessing(tmp_path: Path) -> Path:
    """An interactive problem: guess a number from 1 to 100 in ten turns."""
    tests = {"data/secret/1.in": "42\n", "data/secret/1.ans": "", "data/secret/2.in": "99\n", "data/secret/2.ans": ""}
    return write(package(tmp_path, "interactive"), {"output_validator/guess.py": GUESS, **tests})


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        (BISECT, AC),
        ("for n in range(50, 40, -1): print(n, flush=True); input()", RTE),  # EOFError, after being right
        ("while True: print(1, flush=True); input()", WA),
        ("print('x')", WA),
        ("", WA),
        ("import os; os.close(1); import time; time.sleep(0.5)", WA),
        ("import sys; sys.exit(1)", RTE),
        ("print(50, flush=True); input(); import os; os.abort()", RTE),
        ("while True: pass", TLE),
        ("input()", TLE),  # it waits for a word that nobody has said yet
        ("while True: print('x' * 1000)", WA),
        (BISECT + "import os; os.abort()", RTE),
    ],
)
def test_interactive(compiler: Compiler, guessing: Path, source: str, verdict: Verdict) -> None:
    """The validator's word counts, unless the submission has failed and it has only seen that."""
    judgement = judge(compiler, guessing, source)
    assert judgement.verdict is verdict, judgement.reason
    assert judgement.tests[0].validator_time is not None


def test_transcript(compiler: Compiler, guessing: Path) -> None:
    """On demand, who said what is kept, and only then; for the jury only."""
    said = judge(compiler, guessing, BISECT, transcript=True)
    assert said.verdict is AC
    assert said.tests[0].transcript.splitlines()[:4] == ["> 50", "< less", "> 25", "< more"]
    assert judge(compiler, guessing, BISECT).tests[0].transcript == ""
    assert "transcript" not in said.tests[0].to_json(jury=False)


TWICE = """
import os, sys
feedback = sys.argv[3]
state = feedback + "state"
said = sys.stdin.read().split()
if not os.path.exists(state):
    open(state, "w").write("first")
    open(feedback + "nextpass.in", "w").write(f"{said[0]} 100")
    sys.exit(42)
sys.exit(42 if said == [str(int(open(sys.argv[2]).read()) + 100)] else 43)
"""


def test_multi_pass(compiler: Compiler, tmp_path: Path) -> None:
    """A submission is run again with the input that the validator made, and the validator remembers."""
    where = write(package(tmp_path, "multi-pass"), {"output_validator/v.py": TWICE})
    assert judge(compiler, where, SUM).verdict is AC
    assert judge(compiler, where, "print(7)").verdict is WA
    write(where, {"output_validator/v.py": TWICE.replace("if not os.path.exists(state)", "if True")})
    judgement = judge(compiler, where, SUM)
    assert judgement.verdict is JE
    assert "more than the 2 passes" in judgement.reason


def test_what_a_submission_cannot_see(compiler: Compiler, tmp_path: Path) -> None:
    """No file of the answers, of the validator or of another test is anywhere in a submission's box."""
    where = write(package(tmp_path), {"output_validator/secret_validator.py": VALIDATOR})
    source = """
import os, sys
for top, below, names in os.walk("/"):
    if top == "/":
        below.remove("usr")
    for name in names:
        path = os.path.join(top, name)
        if name.endswith((".ans", ".in")) or "secret_validator" in name or "judgemessage" in name:
            if not top.startswith("/usr"):
                print(path, file=sys.stderr)
print(open("/program/main.py").read() and 0)
try:
    open("/program/main.py", "w")
except OSError as error:
    print(error, file=sys.stderr)
"""
    judgement = judge(compiler, where, source)
    assert judgement.verdict is WA
    assert judgement.tests[0].error_output == b"[Errno 30] Read-only file system: '/program/main.py'\n"


def test_nothing_is_left_for_the_next_test(compiler: Compiler, tmp_path: Path) -> None:
    """Files, processes and shared memory of one test are gone in the next one, in the same warm box."""
    source = """
import os, sys, time
left = [path for path in ("/box/left", "/tmp/left", "/dev/shm/left") if os.path.exists(path)]
for path in ("/box/left", "/tmp/left", "/dev/shm/left"):
    open(path, "w").write(sys.stdin.readline() if path == "/box/left" else "x")
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(60)
    os._exit(0)
print(left)
"""
    where = write(package(tmp_path), {"data/secret/1.ans": "[]", "data/secret/2.ans": "[]"})
    with Judge(read(where), compiler=compiler, jobs=1) as alone:
        assert alone.judge(Submission("a.py", {"a.py": File(source.encode())})).verdict is AC


def test_a_run_near_the_limit_is_repeated(compiler: Compiler, tmp_path: Path) -> None:
    """A run that ends close to the limit is run again, the fastest counts, and the times of all are told."""
    source = "import time\nwhile time.process_time() < 0.6: pass\n" + SUM
    # From 0.4 s on: wide enough that what else the machine has to do moves no run over either edge.
    with Judge(read(package(tmp_path)), compiler=compiler, time_limit=2.0, near=NearLimit(0.8)) as checked:
        judgement, far = (checked.judge(Submission("a.py", {"a.py": File(text.encode())})) for text in (source, SUM))
    assert judgement.verdict is AC
    assert len(judgement.tests[0].attempts) >= 2
    assert judgement.tests[0].cpu_time == min(judgement.tests[0].attempts)
    assert not far.tests[0].attempts


def test_only_some_tests(compiler: Compiler, tmp_path: Path) -> None:
    """With `only`, nothing else is run or counts."""
    judgement = judge(compiler, package(tmp_path), "print(7)", only=["secret/1"])
    assert judgement.verdict is AC
    assert [test.name for test in judgement.tests] == ["secret/1"]


def test_results_are_told_in_order(compiler: Compiler, tmp_path: Path) -> None:
    """However many run at a time, results are told in the order of judging, up to the one that ends it."""
    tests = {
        f"data/secret/{n:02}.{e}": f"{n} 0\n" if e == "in" else f"{n}\n" for n in range(10, 40) for e in ("in", "ans")
    }
    where = write(package(tmp_path), {**tests, "data/secret/25.ans": "wrong\n"})
    told: list[str] = []
    judgement = judge(compiler, where, SUM, on_result=lambda result: told.append(result.name))
    assert told == [test.name for test in judgement.tests]
    assert (judgement.verdict, told[-1]) == (WA, "secret/25")
    assert judgement.root is not None
    assert judgement.root.left_out == 14


def test_too_much_code(compiler: Compiler, tmp_path: Path) -> None:
    """A source above the problem's limit of code is a compile error that says so."""
    judgement = judge(compiler, package(tmp_path), SUM + "#" * (200 << 10))
    assert judgement.verdict is CE
    assert "are allowed" in judgement.reason


def test_large_output_goes_by_a_file(compiler: Compiler, tmp_path: Path) -> None:
    """100 MB of output against 100 MB of answer are compared without having either in memory."""
    where = package(tmp_path)
    line = "x" * 999 + "\n"
    with (where / "data/secret/1.ans").open("w") as answer:
        for _ in range(100_000):
            answer.write(line)
    text = (where / "problem.yaml").read_text().replace("output: 1,", "output: 128,")
    (where / "problem.yaml").write_text(text)
    source = "import sys\nline = 'x' * 999 + '\\n'\nfor _ in range(100_000): sys.stdout.write(line)\n"
    judgement = judge(compiler, where, source, only=["secret/1"])
    assert judgement.verdict is AC, judgement.reason
    judgement = judge(compiler, where, source + "print('y')", only=["secret/1"])
    assert judgement.verdict is WA


def test_nothing_is_kept(
    compiler: Compiler, guessing: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """When a judge is closed, no descriptor, thread or file of it is left, however its submissions ended."""
    (programs / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(programs / "temporary"))
    for source in (BISECT, "print(1)"):  # compile, and make whatever is made once
        judge(compiler, guessing, source)
    before = census.quiet()
    for source in (BISECT, "print(1)", "while True: print('x' * 1000)", "import os; os.abort()"):
        judge(compiler, guessing, source, transcript=source is BISECT)
    assert not census.left(before)
    assert not list((programs / "temporary").iterdir())


def test_submitted_answers(compiler: Compiler, tmp_path: Path) -> None:
    """Where answers are handed in, each test's is checked, and a missing one is wrong."""
    where = package(tmp_path, "submit-answer")
    with Judge(read(where), compiler=compiler) as checked:
        both = {"1.out": File(b"7"), "2.out": File(b"11")}
        assert checked.judge(Submission("answers", both)).verdict is AC
        judgement = checked.judge(Submission("answers", {"1.out": File(b"7")}))
    assert (judgement.verdict, judgement.reason) == (WA, "secret/2: there is no answer")


ROOTLESS = """
import sys
from pathlib import Path
from sandbox.files import File
from sandbox.judge.cache import Cache
from sandbox.judge.compiler import Compiler
from sandbox.judge.judge import Judge
from sandbox.judge.package import read
from sandbox.judge.submission import Submission

here = Path(sys.argv[1])
with Compiler(Cache(here / "cache"), overlay="weak-no-cgroup") as compiler:
    with Judge(read(here / "sums"), compiler=compiler, time_limit=2.0) as judge:
        for name, source in (("a.py", "print(sum(map(int, input().split())))"), ("b.py", "print(7)")):
            print(judge.judge(Submission(name, {name: File(source.encode())})).verdict)
"""


def test_without_any_rights(rootless) -> None:
    """An ordinary user judges in boxes, with the policies that this host can honour for them."""
    with tempfile.TemporaryDirectory() as place:
        write(Path(place), {"sums/1.in": "3 4\n", "sums/1.ans": "7\n", "sums/2.in": "5 6\n", "sums/2.ans": "11\n"})
        Path(place).chmod(0o777)
        assert rootless(ROOTLESS, place).stdout.split() == ["AC", "WA"]
