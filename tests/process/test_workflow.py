"""Workflows: order, conditions, tries, artefacts and clean-up, from Python, from TOML and on the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sandbox
from sandbox import RequestError, Status
from sandbox.process import Process
from sandbox.workflow import Artefact, Event, State, Step, Workflow

Name = Callable[[str], str]
Make = Callable[..., Step]

SANDBOX = str(Path(sys.executable).with_name("sandbox"))


@pytest.fixture
def step(policy: Name) -> Make:
    """A function that makes a step of a shell script."""

    def make(name: str, script: str, **options: Any) -> Step:
        return Step(name, ["sh", "-c", script], **({"policy": policy("shell")} | options))

    return make


def states(events: list[Event]) -> list[tuple[str, State]]:
    """Which step came where, in turn."""
    return [(event.step, event.outcome.state) for event in events]


def test_dependencies_decide_the_order(step: Make) -> None:
    """However the steps were given; the report has them as they were given."""
    events: list[Event] = []
    last, middle, first = step("c", "true", after=["b"]), step("b", "true", after=["a"]), step("a", "true")
    report = Workflow([last, middle, first]).run(progress=events.append)
    assert report.ok
    assert list(report) == ["c", "b", "a"]
    assert states(events) == [(name, state) for name in "abc" for state in (State.RUNNING, State.DONE)]


@pytest.mark.parametrize("workers", [1, 3])
def test_what_is_independent_runs_at_once(step: Make, workers: int) -> None:
    """As many as there are workers."""
    events: list[Event] = []
    report = Workflow([step(name, "sleep 1") for name in "abc"]).run(workers=workers, progress=events.append)
    assert report.ok
    running, most = 0, 0
    for _, state in states(events):
        running += 1 if state is State.RUNNING else -1
        most = max(most, running)
    assert most == workers


def test_artefacts_are_handed_on(step: Make, policy: Name) -> None:
    """Any bytes, as files and as stdin; a program that one step has built another executes. They imply the order."""
    source = b"#include <stdio.h>\nint main(void) { int c; while ((c = getchar()) != EOF) putchar(c); return 0; }"
    report = Workflow(
        [
            Step(
                "run",
                ["./prog"],
                policy=policy("native"),
                files={"prog": Artefact("build", "prog")},
                stdin=Artefact("say", "data"),
            ),
            Step(
                "build",
                ["gcc", "-o", "prog", "prog.c"],
                policy=policy("compile"),
                files={"prog.c": source},
                collect=["prog"],
            ),
            step("say", r"printf 'a\000\377b' >data; echo printed", collect=["data"]),
            step("count", "cat printed; wc -c <data", files={"printed": Artefact("say"), "data": Artefact("run")}),
        ]
    ).run()
    assert report.ok, report
    assert report["run"].result.stdout == b"a\0\xffb"
    assert report["count"].result.stdout.split() == [b"printed", b"4"]


def test_an_artefact_is_one_file(step: Make) -> None:
    """A tree that a step collects is in its result; as an artefact it is refused before anything starts."""
    with pytest.raises(RequestError, match="'out/' is a tree"):
        Workflow([step("a", "mkdir out", collect=["out/"]), step("b", "ls", files={"x": Artefact("a", "out/")})])


def test_an_artefact_that_is_not_there(step: Make) -> None:
    """Fails the step that wants it, with the reason why there is none, and without a try."""
    report = Workflow(
        [
            step("link", "ln -s /etc/passwd out", collect=["out"]),
            step("read", "cat out", files={"out": Artefact("link", "out")}, retries=3),
        ]
    ).run()
    assert (report["read"].state, report["read"].tries) == (State.FAILED, 0)
    assert report["read"].reason == "files.out: step 'link' left no 'out': a link; links are not followed"


def test_conditions_in_python(step: Make) -> None:
    """A callable sees the results of the steps before, also of those that failed, and alone decides.

    Without one, a step runs also after one that may fail.
    """
    seen: list[set[str]] = []

    def broken(results: Any) -> bool:
        seen.append(set(results))
        return bool(results["try"].exit_code == 3)

    report = Workflow(
        [
            step("try", "exit 3", may_fail=True),
            step("anyway", "true", after=["try"]),
            step("mend", "true", after=["try", "anyway"], when=broken),
            step("praise", "true", after=["try"], when=lambda results: results["try"].ok),
        ]
    ).run()
    assert seen == [{"try", "anyway"}]
    assert [outcome.state for outcome in report.values()] == [State.FAILED, State.DONE, State.DONE, State.SKIPPED]
    assert report["praise"].reason == "its condition does not hold"
    assert report.ok


def test_a_condition_that_raises(step: Make) -> None:
    """Is a failure of its step, and of no other."""
    report = Workflow(
        [step("a", "true"), step("b", "true", when=lambda results: results["a"].ok), step("c", "true", after=["a"])]
    ).run()
    assert (report["b"].state, report["b"].reason) == (State.FAILED, "KeyError: 'a'")
    assert report["c"].state is State.DONE
    assert not report.ok


def test_a_condition_that_wants_to_leave(step: Make) -> None:
    """Ends its step, and nobody waits for it for ever."""
    report = Workflow([step("a", "true", when=lambda _: sys.exit(3)), step("b", "true", after=["a"])]).run()
    assert (report["a"].state, report["a"].reason) == (State.FAILED, "SystemExit: 3")
    assert report["b"].state is State.SKIPPED


@pytest.mark.parametrize(
    ("comparison", "holds"),
    [
        ("a-1.exit_code == 3", True),
        ("a-1.exit_code>=4", False),
        ("a-1.exit_code != 3", False),
        ("a-1.wall_time < 30.5", True),
        ("a-1.signal == 9", False),  # there is none
        ("a-1.signal != 9", False),
        ('a-1.status == "NONZERO_EXIT"', True),
        ('a-1.stdout == "hello"', True),
        ("a-1.stdout != 'hello'", False),
        ("a-1.ok == false", True),
    ],
)
def test_comparisons_in_toml(policy: Name, comparison: str, holds: bool) -> None:
    """Decide by an earlier step's result, which they make the step wait for."""
    text = f"""
        [steps.b]
        argv = ["true"]
        policy = "{policy("shell")}"
        when = ['a-1.exit_code == 3', {json.dumps(comparison)}]
        [steps.a-1]
        argv = ["sh", "-c", "printf hello; exit 3"]
        policy = "{policy("shell")}"
        may_fail = true
    """
    outcome = Workflow.from_toml(text).run()["b"]
    assert outcome.state is (State.DONE if holds else State.SKIPPED)
    assert (comparison in outcome.reason) is not holds


def test_tried_again_until_it_succeeds(step: Make) -> None:
    """With pauses that double; what succeeds is not tried again."""
    told: list[tuple[float, State]] = []
    ripe = time.time_ns() + 500_000_000
    flow = Workflow([step("late", f"test $(date +%s%N) -ge {ripe}", retries=9, backoff=0.2)])
    report = flow.run(progress=lambda event: told.append((time.monotonic(), event.outcome.state)))
    assert report.ok
    assert 1 < report["late"].tries < 5
    assert [state for _, state in told] == [State.RUNNING, State.RETRYING] * (report["late"].tries - 1) + [
        State.RUNNING,
        State.DONE,
    ]
    pauses = [told[at + 1][0] - moment for at, (moment, state) in enumerate(told) if state is State.RETRYING]
    assert all(0.2 * 2**n - 0.05 <= pause for n, pause in enumerate(pauses))


def test_what_is_tried_again(step: Make, policy: Name) -> None:
    """Programs that fail and programs that do not start, but not what was asked for wrongly."""
    report = Workflow(
        [
            step("fails", "exit 1", retries=2, backoff=0),
            Step("starts-not", ["no-such-program"], policy=policy("shell"), retries=1, backoff=0),
            step("lacks", "true", files={"x": Path("/no/such/file")}, retries=4, backoff=0),
        ]
    ).run()
    assert [outcome.tries for outcome in report.values()] == [3, 2, 1]
    assert {outcome.state for outcome in report.values()} == {State.FAILED}
    assert report["fails"].result.status is Status.NONZERO_EXIT
    assert report["starts-not"].reason == "execve no-such-program: No such file or directory"
    assert "cannot read '/no/such/file'" in report["lacks"].reason


def test_a_failure_skips_what_depends_on_it(step: Make) -> None:
    """All the way down; what does not depend on it runs, and clean-up does, with what the failed one has left."""
    report = Workflow(
        [
            step("clean", "cat log", cleanup=True, after=["tidy"], files={"log": Artefact("fails", "log")}),
            step("tidy", "exit 1", cleanup=True, may_fail=True),
            step("fails", "echo why >log; exit 1", collect=["log"]),
            step("next", "true", after=["fails"]),
            step("last", "true", after=["next"]),
            step("other", "true"),
        ]
    ).run()
    assert report["clean"].result.stdout == b"why\n"
    assert {name: outcome.state for name, outcome in report.items() if outcome.state is not State.DONE} == {
        "tidy": State.FAILED, "fails": State.FAILED, "next": State.SKIPPED, "last": State.SKIPPED,
    }  # fmt: skip
    assert (report["last"].reason, report["last"].tries) == ("after next, which did not run", 0)
    assert not report.ok
    found = json.loads(json.dumps(report.to_json()))
    assert (found["ok"], found["steps"]["fails"]["result"]["files"]) == (False, {"log": "why\n"})


def test_a_time_out_ends_a_try(step: Make) -> None:
    """Each try has its own."""
    started = time.monotonic()
    report = Workflow([step("slow", "sleep 60", timeout=0.2, retries=1, backoff=0)]).run()
    assert time.monotonic() - started < 20
    assert report["slow"].tries == 2
    assert report["slow"].result.status is Status.WALL_TIME_LIMIT


def test_a_runner_of_ones_own(step: Make) -> None:
    """Is asked to start each program, with the options of `sandbox.run`; policies are its affair."""
    calls: list[dict[str, Any]] = []

    class Elsewhere:
        def run(self, argv: Any, **options: Any) -> sandbox.Result:
            raise NotImplementedError

        def start(self, argv: Any, **options: Any) -> Process:
            calls.append(options)
            return Process(argv, **options)

    report = Workflow([step("a", "cat", stdin="text", env={"A": "b"}, timeout=5.0)], Elsewhere()).run()
    assert report["a"].result.stdout == b"text"
    assert calls[0]["limits"] == {"wall_time": 5.0}


@pytest.mark.parametrize("how", ["signal", "progress"])
def test_an_interrupt_kills_and_cleans_up(step: Make, how: str) -> None:
    """And then it reaches the caller. What has not begun does not begin; what waits to be tried again is not."""
    events: list[Event] = []

    def progress(event: Event) -> None:
        events.append(event)
        if how == "progress" and event.outcome.state is State.RETRYING:
            raise KeyboardInterrupt

    timer = threading.Timer(0.6 if how == "signal" else 90, os.kill, (os.getpid(), signal.SIGINT))
    flow = Workflow(
        [
            step("long", "sleep 60"),
            step("again", "exit 1", retries=3, backoff=60),
            step("next", "true", after=["long"]),
            step("clean", "true", cleanup=True),
        ]
    )
    started = time.monotonic()
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            flow.run(workers=4, progress=progress)
    finally:
        timer.cancel()
    assert time.monotonic() - started < 20
    ended = dict(states(events))
    assert ("again", State.RUNNING) not in states(events)[states(events).index(("again", State.RETRYING)) :]
    assert ended == {
        "long": State.INTERRUPTED, "again": State.INTERRUPTED, "next": State.INTERRUPTED, "clean": State.DONE,
    }  # fmt: skip


def test_progress_that_fails(step: Make) -> None:
    """Ends the workflow like an interrupt, and is not called again."""
    calls: list[Event] = []

    def progress(event: Event) -> None:
        calls.append(event)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Workflow([step("long", "sleep 60"), step("clean", "true", cleanup=True)]).run(progress=progress)
    assert states(calls) == [("long", State.RUNNING)]


@pytest.mark.parametrize(
    ("steps", "where"),
    [
        ([{"name": "a"}, {"name": "a"}], "steps.a: there are two"),
        (
            [{"name": "a", "after": ["b"]}, {"name": "b", "after": ["c"]}, {"name": "c", "after": ["a"]}],
            " a after b",
        ),
        ([{"name": "a", "after": ["a"]}], "steps.a.after: goes in a circle: a after a"),
        ([{"name": "a", "after": ["b"]}], "steps.a.after: there is no step 'b'"),
        ([{"name": "a", "stdin": Artefact("b")}], "steps.a.stdin: there is no step 'b'"),
        ([{"name": "a"}, {"name": "b", "files": {"x": Artefact("a", "y")}}], "steps.b.files.x: step 'a' does not coll"),
        ([{"name": "a", "cleanup": True}, {"name": "b", "after": ["a"]}], "steps.b.after: 'a' cleans up"),
        ([{"name": "a", "argv": "true"}], "steps.a.argv: must be a list"),
        ([{"name": "a", "policy": "no-such"}], "steps.a.policy: "),
        ([{"name": "a", "limits": {"memory": -1}}], "steps.a.limits.memory: "),
        ([{"name": "a", "limits": {"memory": 1 << 49}}], "steps.a.limits"),
        ([{"name": "a", "retries": -1}], "steps.a.retries: "),
        ([{"name": "a", "backoff": float("nan")}], "steps.a.backoff: "),
        ([{"name": "a", "timeout": 0}], "steps.a.timeout: "),
        ([{"name": "a\x1b"}], "name: "),
    ],
)
def test_mistakes_in_steps(steps: list[dict[str, Any]], where: str) -> None:
    """Are found before anything runs, and name the step and the key."""
    with pytest.raises(RequestError) as caught:
        Workflow(Step(**({"argv": ["true"]} | step)) for step in steps)
    assert where in str(caught.value)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("x", "TOML: "),
        ("step = 1", "step: there is no such key"),
        ("steps = 1", "steps: must be a table"),
        ("", "steps: must be a table"),
        ("[steps]\na = 1", "steps.a: must be a table"),
        ("[steps.a]", "steps.a.argv: is missing"),
        ("[steps.a]\nargv = ['true']\nretry = 1", "steps.a.retry: there is no such key"),
        ("[steps.a]\nargv = ['true']\nname = 'b'", "steps.a.name: there is no such key"),
        ("[steps.a]\nargv = ['true']\nafter = 'b'", "steps.a.after: "),
        ("[steps.a]\nargv = ['true']\nafter = ['b']", "steps.a.after: there is no step 'b'"),
        ("[steps.a]\nargv = ['true']\ncleanup = 'no'", "steps.a.cleanup: "),
        ("[steps.a]\nargv = ['true']\nlimits = {memory = '1Q'}", "steps.a.limits.memory: '1Q' is not a size"),
        ("[steps.a]\nargv = ['true']\nlimits = {disk = 1}", "steps.a.limits.disk: "),
        ("[steps.a]\nargv = ['true']\nfiles = {x = 'y'}", "steps.a.files.x: must be a table"),
        ("[steps.a]\nargv = ['true']\nfiles = {x = {file = 'y'}}", "steps.a.files.x: must be {path"),
        ("[steps.a]\nargv = ['true']\nfiles = {x = {path = 'no-such'}}", "steps.a.files.x: there is no file '/"),
        ("[steps.a]\nargv = ['true']\nfiles = {'/x' = {text = ''}}", "steps.a.files: '/x' is absolute"),
        ("[steps.a]\nargv = ['true']\nstdin = {step = 'b'}", "steps.a.stdin: there is no step 'b'"),
        ("[steps.a]\nargv = ['true']\nwhen = []", "steps.a.when: must be a comparison"),
        ("[steps.a]\nargv = ['true']\nwhen = 'b.exit_code == 0'", "steps.a.when: there is no step 'b'"),
        ("[steps.a]\nargv = ['true']\nwhen = 'exit(1)'", "steps.a.when: 'exit(1)' is not a comparison"),
        ("[steps.a]\nargv = ['true']\nwhen = 'b.exit_code == f()'", "steps.a.when: 'f()' is not a number"),
        ("[steps.a]\nargv = ['true']\nwhen = 'b.exit_code == [0]'", "steps.a.when: exit_code cannot be compared"),
        ("[steps.a]\nargv = ['true']\nwhen = 'b.exit_code == true'", "steps.a.when: exit_code cannot be compared"),
        ("[steps.a]\nargv = ['true']\nwhen = 'b.status > \"OK\"'", "steps.a.when: status can only be compared with =="),
        ("[steps.a]\nargv = ['true']\nwhen = 'b.status == \"FINE\"'", "steps.a.when: 'FINE' is not a valid Status"),
        (f"steps = {'[' * 5000}", "TOML: is nested too deeply"),
        (f"steps = {'9' * 5000}", "TOML: "),
        (f"[steps.a]\nargv = ['true']\nwhen = 'b.exit_code == {'[' * 5000}'", "steps.a.when: '[[[["),
        ('[steps.a]\nargv = ["true"]\nfiles = {x = {path = "\\u0000"}}', "steps.a.files.x: there is no file "),
        (f"[steps.a]\nargv = ['true']\nstdin = {{path = '{'x' * 5000}'}}", "steps.a.stdin: there is no file "),
        ("[steps.a]\nargv = ['true']\nwhen = 'b.__class__ == 1'", "steps.a.when: a result has no '__class__'"),
    ],
)
def test_mistakes_in_a_file(tmp_path: Path, text: str, where: str) -> None:
    """Name the file, the step and the key."""
    file = tmp_path / "flow.toml"
    file.write_text(text)
    with pytest.raises(RequestError) as caught:
        Workflow.from_toml(file)
    assert str(caught.value).startswith(f"{file}: {where}")
    with pytest.raises(RequestError) as caught:
        Workflow.from_toml(text)
    assert str(caught.value).startswith(where)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Says which and why."""
    with pytest.raises(RequestError, match=r"no-such\.toml: cannot be read: No such file"):
        Workflow.from_toml(tmp_path / "no-such.toml")
    (tmp_path / "binary").write_bytes(b"\xff")
    with pytest.raises(RequestError, match="binary: cannot be read: "):
        Workflow.from_toml(tmp_path / "binary")


FLOW = """
[steps.build]
argv = ["gcc", "-o", "prog", "prog.c"]
policy = "{compile}"
files = {{"prog.c" = {{path = "src/prog.c"}}}}
collect = ["prog"]

[steps.test]
argv = ["./prog"]
policy = "{native}"
when = ["build.exit_code == 0", "build.wall_time < 60"]
files = {{prog = {{step = "build", name = "prog"}}}}
stdin = {{text = "7"}}
limits = {{wall_time = 5, memory = "64M"}}
retries = 1
backoff = 0.1

[steps.clean]
argv = ["sh", "-c", "cat"]
policy = "{shell}"
stdin = {{step = "test"}}
cleanup = true
"""


@pytest.fixture
def flow(tmp_path: Path, policy: Name) -> Callable[[str], Path]:
    """A function that writes the workflow above, for a program with this source, and gives its file."""

    def write(body: str) -> Path:
        (tmp_path / "src").mkdir()
        (tmp_path / "src" / "prog.c").write_text(f"#include <stdio.h>\nint main(void) {{ {body} }}")
        file = tmp_path / "flow.toml"
        file.write_text(FLOW.format(**{name: policy(name) for name in ("compile", "native", "shell")}))
        return file

    return write


def command(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """`sandbox workflow run`, with every warning an error."""
    return subprocess.run(
        [sys.executable, "-W", "error", SANDBOX, "workflow", "run", *map(str, arguments)],
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL, **options,
    )  # fmt: skip


def test_the_command(flow: Callable[[str], Path]) -> None:
    """Tells what happens line by line, and finds files beside the workflow, wherever it is called."""
    done = command(flow("putchar(getchar()); return 0;"), "--workers", 2, cwd="/")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [
        f"{name}: {how}" for name in ("build", "test", "clean") for how in ("running", "done")
    ]


def test_the_command_tells_what_failed(flow: Callable[[str], Path]) -> None:
    """With the end of its stderr, in which nothing is left that a terminal would obey; JSON goes to stdout."""
    done = command(flow(r'fputs("first\nred \033[31m \302\233 \377\n", stderr); puts("x"); return 3;'), "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert (found["ok"], found["steps"]["test"]["tries"], found["steps"]["test"]["state"]) == (False, 2, "failed")
    assert found["steps"]["clean"]["result"]["stdout"] == "x\n"
    assert "sandbox: step test has failed: NONZERO_EXIT" in done.stderr
    assert done.stderr.endswith("    first\n    red \\x1b[31m \\x9b \\xff\n")


@pytest.mark.parametrize(
    "text", ["[steps.a]\nargv = []", "[steps.a]\nargv = ['true']\nlimit = 1", "[", '"\\u001b[31m\\n" = 1']
)
def test_the_command_and_mistakes(tmp_path: Path, text: str) -> None:
    """One line that no terminal obeys, and the exit code 2."""
    (tmp_path / "flow.toml").write_text(text)
    done = command(tmp_path / "flow.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"sandbox: {tmp_path}/flow.toml: ")
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_is_interrupted(flow: Callable[[str], Path], number: signal.Signals) -> None:
    """As by Ctrl-C, which goes to all processes of the terminal: programs end, clean-up runs, the exit code tells."""
    process = subprocess.Popen(
        [SANDBOX, "workflow", "run", str(flow("for (;;) ;"))],
        stderr=subprocess.PIPE, text=True, start_new_session=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    lines = []
    with process:
        for line in process.stderr:
            lines.append(line.strip())
            if lines[-1] == "test: running":
                time.sleep(0.2)
                os.killpg(process.pid, number)
    assert process.returncode == 128 + number
    assert lines[-2].startswith("clean: ")
    assert lines[-1] == "sandbox: interrupted"


def test_the_live_view(flow: Callable[[str], Path]) -> None:
    """On a terminal there is a table."""
    leader, follower = os.openpty()
    file = flow("extern int usleep(unsigned); usleep(1500000); return 1;")
    arguments = [SANDBOX, "workflow", "run", str(file)]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(arguments, stdin=follower, stderr=follower, env=environment, close_fds=True) as process:
        os.close(follower)
        shown = b""
        while True:
            try:
                shown += (more := os.read(leader, 65536))
            except OSError:  # nobody has the other end
                break
            if not more:
                break
    os.close(leader)
    assert process.returncode == 1
    for word in (b"waiting", b"running", b"failed", b"NONZERO_EXIT", b"sandbox: step test has failed"):
        assert word in shown


def test_who_does_not_use_it_does_not_pay() -> None:
    """The command line imports it, and what it needs, only for workflows; and the table only for a terminal."""
    source = (
        "import sys, sandbox.cli.run; print(*sys.modules); import sandbox.cli.workflow; 'rich' in sys.modules and 1/0"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert not {"rich", "tenacity", "sandbox.workflow"} & set(done.stdout.split())
