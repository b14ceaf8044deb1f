"""Conversations that end in every way, with validators in five languages: one verdict each, however often it is tried.

What is expected follows from the format (2025-09, "Reporting a judgement", and "Interactive problems"): the exit code
of the validator is the verdict of a submission that ended well, and nothing that is done to a pipe changes it.

By default what takes long, and what is the same in every language, is tried with some, once with a transcript and once
without; `SANDBOX_REPEATS=20` tries everything, as often.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import lacking
import pytest

from sandbox.files import File
from sandbox.judge.compiler import Compiler
from sandbox.judge.judge import Judge
from sandbox.judge.languages import load
from sandbox.judge.package import read
from sandbox.judge.problem import ProblemError
from sandbox.judge.submission import Submission
from sandbox.judge.verdict import Verdict

AC, WA, TLE, MLE, OLE, RTE, CE, JE = Verdict
REPEATS = int(os.environ.get("SANDBOX_REPEATS", "0"))

pytestmark = pytest.mark.timeout(120 + 60 * REPEATS)

PROBLEM = """problem_format_version: 2025-09
name: Talk
uuid: 7e5a3d0c-7a3c-4b8e-9d3a-3a7b7b0a2f11
type: {kind}
limits: {{time_limit: 0.5, memory: 256, output: 1, validation_time: 10}}
"""

# Each says `go`, hears a number, waits as its input says, and says `yes` if it is 7. If its input begins with `first`,
# another pass follows.
VALIDATORS = {
    "c": {
        "v.c": r"""#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char pass[16], line[16], path[256];
    int wait;
    FILE *input = fopen(argv[1], "r");
    if (!input || fscanf(input, "%15s %d", pass, &wait) != 2) return 9;
    puts("go"); fflush(stdout);
    if (!fgets(line, sizeof line, stdin)) return 43;
    usleep(wait * 1000);
    if (strcmp(line, "7\n")) return 43;
    puts("yes"); fflush(stdout);
    if (!strcmp(pass, "first")) {
        snprintf(path, sizeof path, "%s%s", argv[3], "nextpass.in");
        fprintf(fopen(path, "w"), "last %d\n", wait);
    }
    return 42;
}
"""
    },
    "cpp": {
        "v.cpp": r"""#include <chrono>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
int main(int, char **argv)
{
    std::ifstream input(argv[1]);
    std::string pass, said;
    int wait;
    if (!(input >> pass >> wait)) return 9;
    std::cout << "go" << std::endl;
    if (!(std::cin >> said)) return 43;
    std::this_thread::sleep_for(std::chrono::milliseconds(wait));
    if (said != "7") return 43;
    std::cout << "yes" << std::endl;
    if (pass == "first") std::ofstream(argv[3] + std::string("nextpass.in")) << "last " << wait << "\n";
    return 42;
}
"""
    },
    "python": {
        "v.py": r"""import sys, time
number, wait = open(sys.argv[1]).read().split()
print("go", flush=True)
said = sys.stdin.readline()
time.sleep(int(wait) / 1000)
if said != "7\n":
    sys.exit(43)
print("yes", flush=True)
if number == "first":
    open(sys.argv[3] + "nextpass.in", "w").write(f"last {wait}\n")
sys.exit(42)
"""
    },
    "shell": {
        "run": r"""#!/bin/sh
read -r pass wait < "$1"
echo go
read -r said || exit 43
[ "$wait" = 0 ] || sleep 0.05
[ "$said" = 7 ] || exit 43
echo yes
[ "$pass" = last ] || echo "last $wait" > "$3nextpass.in"
exit 42
"""
    },
    "java": {
        "V.java": r"""import java.io.*;
import java.nio.file.*;
public class V {
    public static void main(String[] args) throws Exception {
        String[] given = Files.readString(Path.of(args[0])).trim().split(" ");
        System.out.println("go");
        String said = new BufferedReader(new InputStreamReader(System.in)).readLine();
        Thread.sleep(Integer.parseInt(given[1]));
        if (said == null || !said.equals("7")) System.exit(43);
        System.out.println("yes");
        if (given[0].equals("first")) Files.writeString(Path.of(args[2], "nextpass.in"), "last " + given[1] + "\n");
        System.exit(42);
    }
}
"""
    },
}

HEAD = r"""#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
static char heard[64];
static void hear(void) { if (!fgets(heard, sizeof heard, stdin)) *heard = 0; }
static void say(const char *line) { puts(line); fflush(stdout); }
static void flood(const char *line)
{
    static char lines[1 << 16];
    for (size_t at = 0; at < sizeof lines; at += 2) memcpy(lines + at, line, 2);
    while (write(1, lines, sizeof lines) > 0) ;
}
"""

# In C, what `main` does, and what that must be.
ENDINGS = {
    "leaves": ("return 0;", WA),
    "leaves with 1": ("return 1;", RTE),
    "leaves with 42": ("hear(); return 42;", RTE),
    "crashes": ("hear(); abort();", RTE),
    "closes stdin": ("hear(); close(0); say(\"7\"); usleep(20000); return 0;", AC),
    "closes stdin first": ("close(0); say(\"7\"); usleep(80000); return 0;", AC),
    "closes stdout": ("hear(); close(1); sleep(60);", WA),
    "closes stdout, leaves": ("hear(); close(1); return 0;", WA),
    "closes stdout, crashes": ("hear(); close(1); abort();", RTE),
    "closes both": ("hear(); close(0); close(1); sleep(60);", WA),
    "closes both, answered": ("say(\"7\"); close(0); close(1); usleep(20000); return 0;", AC),
    "a line too many": ("hear(); say(\"7\"); hear(); usleep(20000); say(\"bye\"); return 0;", AC),
    "a line too many at once": ("say(\"7\"); say(\"bye\"); return 0;", AC),
    "a thousand lines too many": ("say(\"7\"); for (int i = 0; i < 1000; i++) say(\"bye\"); return 0;", AC),
    "waits for the end": ("hear(); say(\"7\"); while (hear(), *heard); return 0;", AC),
    "answers and leaves": ("say(\"7\"); return 0;", AC),
    "answers and fails": ("say(\"7\"); return 1;", RTE),
    "answers and crashes": ("hear(); say(\"7\"); abort();", RTE),
    "answers, wants more": ("say(\"7\"); do hear(); while (*heard); return 1;", RTE),
    "answers and stays": ("say(\"7\"); pause();", TLE),
    "answers and loops": ("say(\"7\"); for (;;);", TLE),
    "wrong": ("hear(); say(\"8\"); hear(); return 0;", WA),
    "wrong and leaves": ("say(\"8\"); return 0;", WA),
    "wrong and fails": ("say(\"8\"); return 1;", WA),
    "wrong and crashes": ("hear(); say(\"8\"); abort();", WA),
    "wrong and stays": ("say(\"8\"); pause();", WA),
    "never reads": ("pause();", TLE),
    "floods": ("flood(\"8\\n\");", WA),
    "answers and floods": ("flood(\"7\\n\");", RTE),
}  # fmt: skip

CHILD = "if (!fork()) { setsid(); for (;;) pause(); }"

# What attacks the pipes, or by them the other side or the judge.
ATTACKS = {
    "does not wait": ("for (int fd = 0; fd < 2; fd++) fcntl(fd, F_SETFL, O_NONBLOCK); say(\"7\"); usleep(80000);", AC),
    "does not wait, floods": ("fcntl(1, F_SETFL, O_NONBLOCK); while (write(1, \"8\\n\", 2)) ;", WA),
    "small pipes": ("fcntl(0, F_SETPIPE_SZ, 4096); fcntl(1, F_SETPIPE_SZ, 4096); hear(); say(\"7\"); hear();", AC),
    "large pipes": ("fcntl(0, F_SETPIPE_SZ, 1 << 20); fcntl(1, F_SETPIPE_SZ, 1 << 20); say(\"7\");", AC),
    "packets": ("fcntl(1, F_SETFL, O_DIRECT); say(\"7\"); write(1, \"\", 0); hear();", AC),
    "asks for signals": ("for (int i = 2; i--; fcntl(i, F_SETFL, O_ASYNC)) fcntl(i, F_SETOWN, 1); say(\"7\");", AC),
    "shuts down": ("shutdown(0, SHUT_RDWR); shutdown(1, SHUT_RDWR); hear(); say(\"7\");", AC),
    "a child holds the pipes": (CHILD + " hear(); say(\"7\");", AC),
    "a child holds them, wrong": (CHILD + " say(\"8\");", WA),
    "a child holds them, silent": (CHILD, WA),
    "a child holds them, crash": (CHILD + " abort();", RTE),
    "a child answers": ("if (!fork()) { say(\"7\"); _exit(0); } usleep(60000); return 0;", AC),
    "writes to its stdin": ("write(open(\"/proc/self/fd/0\", O_WRONLY), \"yes\\n\", 4); hear(); say(\"7\");", AC),
    "keeps its stdin open": ("open(\"/proc/self/fd/0\", O_RDWR); say(\"7\"); while (hear(), *heard);", TLE),
    "reads its stdout": ("int r = open(\"/proc/self/fd/1\", O_RDONLY); say(\"7\"); usleep(30000); close(r);", AC),
    "drinks its stdout": ("say(\"8\"); close(0); open(\"/proc/self/fd/1\", O_RDONLY); hear(); usleep(9000);", WA),
    "stops": ("say(\"7\"); raise(SIGSTOP);", TLE),
    "stops before": ("raise(SIGSTOP);", TLE),
    "SIGPIPE of its own": ("raise(SIGPIPE);", RTE),
    "SIGPIPE, answered": ("say(\"7\"); raise(SIGPIPE);", RTE),
    "kills all": ("kill(-1, SIGKILL); say(\"7\");", AC),
    "a line without end": ("char *x = malloc(1 << 16); memset(x, '8', 1 << 16); for (;;) write(1, x, 1 << 16);", OLE),
    "a zero byte": ("write(1, \"\\0\\n\", 2);", WA),
    "a line in pieces": ("hear(); write(1, \"7\", 1); usleep(30000); write(1, \"\\n\", 1); hear();", AC),
    "no end of line": ("write(1, \"8\", 1);", WA),
    "looks for others": ("for (int fd = 3; fd < 99; fd++) write(fd, \"7\\n\", 2), read(fd, heard, 9); say(\"8\");", WA),
}  # fmt: skip

PYTHON = {
    "answers and leaves": ("print(7, flush=True)", AC),
    "answers, no flush": ("input(); print(7)", AC),
    "a line too many": ("input(); print(7, flush=True); input(); print('bye', flush=True)", AC),
    "wants": ("input(); print(7, flush=True); input(); input()", RTE),
    "wrong, then raises": ("input(); print(8, flush=True); raise ValueError", WA),
    "wrong, then wants more": ("input(); print(8, flush=True); input()", WA),
    "closes stdin": ("import os, time; os.close(0); print(7, flush=True); time.sleep(0.1)", AC),
}

# Where a validator reads no more of an endless line than it has room for, or byte by byte.
OTHERWISE = {
    ("c", "a line without end"): {WA},
    ("shell", "a line without end"): {OLE, TLE},
    ("c", "no end of line"): {WA},
}

Trials = Callable[[str, bool], Judge]


@pytest.fixture(scope="module")
def judges(compiler: Compiler, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    """A function that gives a judge for the validator in a language, with one pass or with two."""
    judges: list[Judge] = []

    @functools.cache
    def make(language: str, multi_pass: bool) -> Judge:
        if language == "java":
            lacking.needs(load("java"))
        directory = tmp_path_factory.mktemp("talk", numbered=True)
        kind, pass_ = ("[interactive, multi-pass]", "first") if multi_pass else ("interactive", "last")
        write(directory, VALIDATORS[language], "output_validator")
        tests = {f"{name}.in": f"{pass_} {wait}\n" for name, wait in (("at-once", 0), ("waits", 50))}
        write(directory, tests | {"at-once.ans": "", "waits.ans": ""}, "data/secret")
        problem = PROBLEM.format(kind=kind)
        if language == "java":  # which takes its time to start, while submissions wait for a word
            problem = problem.replace("time_limit: 0.5", "time_limit: 1.5")
        write(directory, {"problem.yaml": problem}, ".")
        judges.append(Judge(read(directory), compiler=compiler))
        return judges[-1]

    yield make
    for judge in judges:
        judge.close()


def write(directory: Path, files: dict[str, str], place: str) -> None:
    """Files, which may be run if they are scripts."""
    for name, content in files.items():
        path = directory / place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o755 if content.startswith("#!") else 0o644)


def verdicts(judge: Judge, name: str, source: str, times: int = REPEATS or 1) -> dict[str, set[Verdict]]:
    """All verdicts of each test, with a transcript and without."""
    found: dict[str, set[Verdict]] = {}
    submission = Submission(name, {name: File(source.encode())})
    for number in range(2 * times):
        judgement = judge.judge(submission, keep_going=True, transcript=number % 2 == 1)
        for test in judgement.tests:
            found.setdefault(test.name, set()).add(test.verdict)
    assert len(found) == 2, judgement.compiler_output
    return found


def in_c(does: str) -> str:
    """A program whose `main` does this."""
    return HEAD + f"int main(void) {{ {does} return 0; }}\n"


def rows(endings: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of a validator's language and an ending: by default, not all."""
    few = ("c", "python")
    return [
        (language, ending)
        for language in VALIDATORS
        for ending in endings
        if REPEATS or language in few or (ending in ENDINGS and ENDINGS[ending][1] is not TLE)
    ]


@pytest.mark.parametrize(("language", "ending"), rows([*ENDINGS, *ATTACKS]))
def test_one_verdict(judges: Trials, language: str, ending: str) -> None:
    """A submission in C has the one verdict, whether the validator answers at once or waits, looked at or not."""
    does, verdict = (ENDINGS | ATTACKS)[ending]
    wanted = OTHERWISE.get((language, ending), {verdict})
    found = verdicts(judges(language, False), "a.c", in_c(does))
    assert all(seen and seen <= wanted for seen in found.values()), found


@pytest.mark.parametrize("ending", PYTHON)
@pytest.mark.parametrize("language", VALIDATORS)
def test_one_verdict_in_python(judges: Trials, language: str, ending: str) -> None:
    """As above, for submissions that meet the end of a conversation as Python does."""
    source, verdict = PYTHON[ending]
    assert verdicts(judges(language, False), "a.py", source) == {"secret/at-once": {verdict}, "secret/waits": {verdict}}


SECOND = [
    "leaves", "leaves with 1", "closes stdin", "closes stdout", "a line too many", "answers and leaves", "never reads",
    "answers and fails", "wrong and leaves", "wrong and fails", "floods", "answers and floods",
    "a child holds the pipes", "does not wait",
]  # fmt: skip


@pytest.mark.parametrize(("language", "ending"), rows(SECOND))
def test_one_verdict_in_two_passes(judges: Trials, language: str, ending: str) -> None:
    """Interactive multi-pass: each pass has the one verdict, by the input of that pass (2025-09, "Multi-pass")."""
    does, verdict = (ENDINGS | ATTACKS)[ending]
    found = verdicts(judges(language, True), "a.c", in_c(does))
    assert found == {"secret/at-once": {verdict}, "secret/waits": {verdict}}


# The other side of the table: a validator that talks, counts or fails on its own.
TALKS = """#include <stdio.h>
#include <string.h>
int main(void)
{
    char line[100] = "";
    for (int i = 0; i < 2000; i++) { printf("number %d %090d\\n", i, 0); fflush(stdout); }
    return fgets(line, sizeof line, stdin) && !strcmp(line, "7\\n") ? 42 : 43;
}
"""
TALKS_PY = """import sys
for i in range(2000):
    print("number", i, "." * 90, flush=True)
sys.exit(42 if sys.stdin.readline() == "7\\n" else 43)
"""
FOR_EVER = """#include <stdio.h>
int main(void)
{
    int said;
    for (;;) { puts("?"); fflush(stdout); if (scanf("%d", &said) == 1 && said == 7) return 42; }
}
"""
FOR_EVER_PY = """import sys
while sys.stdin.readline() != "7\\n":
    print("?", flush=True)
sys.exit(42)
"""
GUESSES_PY = """import sys
for turn in range(200):
    line = sys.stdin.readline()
    if not line:
        sys.exit(43)
    if int(line) == 7:
        print("=", flush=True)
        sys.exit(42)
    print("<" if int(line) < 7 else ">", "." * 2000, flush=True)
sys.exit(43)
"""
COUNTS_PY = """import sys
said = sys.stdin.read()
sys.exit(42 if said == "7\\n" else 43)
"""
CLOSES = """#include <stdio.h>
#include <unistd.h>
int main(void)
{
    int said = 0;
    if (scanf("%d", &said) != 1) return 43;
    close(0); close(1); usleep(50000);
    return said == 7 ? 42 : 43;
}
"""
BREAKS = "int main(void) { return 1; }\n"
HANGS = "#include <unistd.h>\nint main(void) { for (;;) pause(); }\n"
READS_ALL = 'while (hear(), strncmp(heard, "number 1999", 11)) if (!*heard) return 3; say("7");'


@pytest.mark.parametrize(
    ("validator", "does", "verdict"),
    [
        # It has more to say than a pipe holds, and the submission does not listen.
        (TALKS, "return 0;", WA),
        (TALKS, "return 1;", RTE),
        (TALKS, "say(\"7\");", WA),
        (TALKS, "close(0); say(\"7\"); usleep(50000);", WA),
        (TALKS, "say(\"8\"); return 1;", WA),
        (TALKS, "pause();", TLE),
        (TALKS, "flood(\"8\\n\");", WA),
        (TALKS, READS_ALL, AC),
        (TALKS, "fcntl(0, F_SETFL, O_NONBLOCK); say(\"7\");", WA),
        (TALKS_PY, "return 0;", WA),
        (TALKS_PY, "say(\"7\");", WA),
        (TALKS_PY, "close(0); say(\"7\"); usleep(50000);", WA),
        (TALKS_PY, READS_ALL, AC),
        # It does not see that the submission has left, and talks on until its pipe breaks.
        (FOR_EVER, "return 0;", WA),
        (FOR_EVER, "return 1;", RTE),
        (FOR_EVER, "close(0); say(\"7\"); usleep(20000);", AC),
        (FOR_EVER_PY, "return 0;", WA),
        (FOR_EVER_PY, "close(0); close(1); sleep(60);", TLE),
        # It answers at length each time, and the submission does not read that.
        (GUESSES_PY, "for (int i = 0; i < 20000; i++) puts(\"8\");", WA),
        (GUESSES_PY, "for (int i = 0; i < 190; i++) say(\"8\"); usleep(200000);", WA),
        (GUESSES_PY, "for (int i = 0; i < 10; i++) say(\"8\"); say(\"7\");", AC),
        (GUESSES_PY, "say(\"8\"); return 3;", RTE),
        # It wants the end of input.
        (COUNTS_PY, "say(\"7\");", AC),
        (COUNTS_PY, "say(\"7\"); close(1); usleep(300000);", AC),
        (COUNTS_PY, "say(\"8\"); return 1;", RTE),
        (COUNTS_PY, "flood(\"7\\n\");", OLE),
        (COUNTS_PY, "say(\"7\"); pause();", TLE),
        # It closes its ends, and goes on: the submission is not told.
        (CLOSES, "say(\"7\"); usleep(20000); for (int i = 0; i < 9000; i++) puts(\"and on\"); fflush(stdout);", AC),
        (CLOSES, "say(\"7\"); while (hear(), *heard);", AC),
        (CLOSES, "say(\"8\"); while (hear(), *heard); return 1;", WA),
        # It fails on its own: never the contestant's fault.
        (BREAKS, "return 0;", JE),
        (BREAKS, "return 1;", JE),
        (BREAKS, "flood(\"7\\n\");", JE),
        (BREAKS, "pause();", JE),
    ],
)  # fmt: skip
def test_validators(compiler: Compiler, tmp_path: Path, validator: str, does: str, verdict: Verdict) -> None:
    """Validators that talk, that leave things unread, or that fail: each decides about a submission in one way."""
    write(tmp_path, {"v.py" if "import sys" in validator else "v.c": validator}, "output_validator")
    write(tmp_path, {"1.in": "", "1.ans": "", "2.in": "", "2.ans": ""}, "data/secret")
    write(tmp_path, {"problem.yaml": PROBLEM.format(kind="interactive")}, ".")
    with Judge(read(tmp_path), compiler=compiler) as judge:
        assert set.union(*verdicts(judge, "a.c", in_c(does)).values()) == {verdict}


EXTRA = """#include <iostream>
#include <string>
int main()
{
    std::string said;
    std::cin >> said;
    std::cout << 7 << std::endl;
    std::cin >> said;
    std::cout << "bye" << std::endl;
}
"""


@pytest.mark.parametrize("language", ["cpp", "python"])
def test_legacy(compiler: Compiler, tmp_path: Path, language: str) -> None:
    """What is said too much, and what is not read, counts for as little in the legacy format ("Output validators")."""
    write(tmp_path, VALIDATORS[language], "output_validators/v")
    write(tmp_path, {"1.in": "last 0\n", "1.ans": "", "2.in": "last 50\n", "2.ans": ""}, "data/secret")
    write(tmp_path, {"problem.yaml": "name: Talk\nvalidation: custom interactive\n", ".timelimit": "2\n"}, ".")
    with Judge(read(tmp_path), compiler=compiler) as judge:
        for name, source in (("a.cpp", EXTRA), ("a.py", PYTHON["answers and leaves"][0]), ("b.py", PYTHON["wants"][0])):
            verdict = RTE if name == "b.py" else AC
            assert set.union(*verdicts(judge, name, source).values()) == {verdict}, name


TESTLIB = """#include <stdio.h>
#include <string.h>
int main(int argc, char **argv)
{
    char line[16];
    FILE *input = fopen(argv[1], "r"), *output = fopen(argv[2], "w"), *answer = fopen(argv[3], "r");
    if (!input || !output || !answer || fgetc(answer) != 'a') return 3;
    puts("go"); fflush(stdout);
    return fgets(line, sizeof line, stdin) && !strcmp(line, "7\\n") ? 0 : 1;
}
"""


@pytest.mark.parametrize(
    ("does", "verdict"),
    [
        ('hear(); say("7"); while (hear(), *heard); usleep(30000);', AC),
        ('say("7");', AC),
        ('say("8");', WA),
        ("return 1;", RTE),
        ('hear(); say("7"); sleep(60);', TLE),
    ],
)
def test_testlib(compiler: Compiler, tmp_path: Path, does: str, verdict: Verdict) -> None:
    """An interactor that is made with testlib is obeyed by its own exit codes: its yes ends no submission."""
    write(tmp_path, {"v.c": TESTLIB}, "output_validator")
    write(tmp_path, {"1.in": "", "1.ans": "a\n", "2.in": "", "2.ans": "a\n"}, "data/secret")
    write(tmp_path, {"problem.yaml": PROBLEM.format(kind="interactive")}, ".")
    with Judge(replace(read(tmp_path), checker="testlib"), compiler=compiler) as judge:
        assert set.union(*verdicts(judge, "a.c", in_c(does)).values()) == {verdict}


PASSES_PY = """import os, sys
given, answer, feedback = sys.argv[1:4]
number = open(given).read().split()[0]
log = feedback + "judgemessage.txt"
before = open(log).read() if os.path.exists(log) else ""
open(log, "w").write(before + number)
if os.path.exists(feedback + "nextpass.in") or open(answer).read() != "answer":
    sys.exit(1)
said = sys.stdin.readline().strip()
if said == "no":
    sys.exit(43)
if said == "no, again":
    open(feedback + "nextpass.in", "w").write("9")
    sys.exit(43)
if said != "enough":
    open(feedback + "nextpass.in", "w").write(str(int(number) + 1) + " " + said)
sys.exit(42)
"""


@pytest.mark.parametrize("kind", ["multi-pass", "[interactive, multi-pass]"])
@pytest.mark.parametrize(
    ("says", "verdict", "inputs"),
    [
        ("echo enough", AC, "1"),
        ("echo no", WA, "1"),
        ("read -r x; case $x in 3*) echo enough;; *) echo more;; esac", AC, "123"),
        ("read -r x; case $x in 2*) echo no;; *) echo more;; esac", WA, "12"),
        ("read -r x; case $x in 2*) exit 1;; *) echo more;; esac", RTE, None),
        ("read -r x; case $x in '2 more') echo enough;; *) echo more;; esac", AC, "12"),
        # Judge errors: another pass without accepting, and more passes than are allowed.
        ("echo no, again", JE, None),
        ("echo more", JE, None),
    ],
)
def test_passes(compiler: Compiler, tmp_path: Path, kind: str, says: str, verdict: Verdict, inputs: str | None) -> None:
    """Multi-pass (2025-09, "Multi-pass validation"): the validator sees the input of its pass, what it left stays, but
    for `nextpass.in`, and the answer is always the test's.
    """
    validator = PASSES_PY
    if "interactive" in kind:
        validator = validator.replace("said = ", "print(open(given).read().strip(), flush=True)\nsaid = ")
    write(tmp_path, {"v.py": validator}, "output_validator")
    write(tmp_path, {"1.in": "1", "1.ans": "answer"}, "data/secret")
    limits = "limits: {time_limit: 1, validation_time: 5, validation_passes: 3}\n"
    write(tmp_path, {"problem.yaml": PROBLEM.format(kind=kind).partition("limits")[0] + limits}, ".")
    with Judge(read(tmp_path), compiler=compiler) as judge:
        submission = Submission("a.sh", {"a.sh": File(says.encode() + b"\n")})
        judgement = judge.judge(submission, transcript=True)
    assert judgement.verdict is verdict, judgement.reason
    if inputs is not None:
        assert judgement.tests[0].judge_message == inputs
        passes = judgement.tests[0].transcript.split("\n---\n")
        assert len(passes) == (len(inputs) if "interactive" in kind else 1)


@pytest.mark.parametrize("several", [False, True])
def test_one_validator(compiler: Compiler, tmp_path: Path, several: bool) -> None:
    """Without a validator, or with two of them, an interactive problem cannot be used, and the error says why."""
    for name in ("v", "w"):
        write(tmp_path, VALIDATORS["python"], f"output_validators/{name}")
    write(tmp_path, {"1.in": "last 0\n", "1.ans": ""}, "data/secret")
    write(tmp_path, {"problem.yaml": "name: Talk\nvalidation: custom interactive\n", ".timelimit": "2\n"}, ".")
    problem = read(tmp_path) if several else replace(read(tmp_path), output_validators=(), checker="tokens")
    with pytest.raises(ProblemError, match=f"one output validator, and there are {2 * several}"):
        Judge(problem, compiler=compiler)


def test_a_validator_that_hangs(compiler: Compiler, tmp_path: Path) -> None:
    """One that never ends is the jury's fault, and is ended by its limit on the clock, of which it has more."""
    write(tmp_path, {"v.c": HANGS}, "output_validator")
    write(tmp_path, {"1.in": "", "1.ans": "", "2.in": "", "2.ans": ""}, "data/secret")
    write(
        tmp_path,
        {"problem.yaml": PROBLEM.format(kind="interactive").replace("validation_time: 10", "validation_time: 1")},
        ".",
    )
    with Judge(read(tmp_path), compiler=compiler) as judge:
        assert set.union(*verdicts(judge, "a.c", in_c("return 0;"), 1).values()) == {JE}
        assert set.union(*verdicts(judge, "a.c", in_c('flood("7\\n");'), 1).values()) == {TLE}
