"""Whether times are honest: CPU time against a known burn, limits of time, and what neighbours change.

`--check` exits with 1 if something misses what is wanted. The figures of an idle host need an idle host.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import sandbox

SOURCE = Path(__file__).resolve().parents[1] / "tests/programs/burn.c"
CPUS = sorted(os.sched_getaffinity(0))
LIMIT = 1.0
WORK = 1500
"""Million steps of the work whose CPU time is compared: about half a second."""
SLEEPERS = 10
"""Boxes that run into a limit of wall time side by side, each at an instant of its own."""

Lateness = Callable[[sandbox.Box], float]
"""Runs a program into a limit of `LIMIT`; how many seconds late it was ended."""


class Table:
    """The rows that are printed, and those that missed what is wanted."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def row(self, name: str, text: str, measured: float, wanted: float, unit: str) -> None:
        """One row; `text` says more than the figure that is judged."""
        met = measured <= wanted
        if not met:
            self.missed.append(name)
        verdict = "" if met else "  missed"
        print(f"{name:<50} {text:<44} {measured:8.2f} {unit:<2}  wanted {wanted:g} {unit}{verdict}", flush=True)


class Programs:
    """Runs `burn` in boxes; it comes as standard input, which leaves a box clean."""

    def __init__(self, burn: bytes, policy: str) -> None:
        self._burn = burn
        self.policy = policy

    def burn(self, box: sandbox.Box, *arguments: object, **limits: float) -> sandbox.Result:
        """One run of it."""
        argv = ("/proc/self/fd/0", *map(str, arguments))
        return box.run(argv, stdin=self._burn, limits={"cpu_time": 60, "wall_time": 120, **limits})

    def cpu_lateness(self, box: sandbox.Box) -> float:
        """Of a loop, in CPU time beyond its limit."""
        result = self.burn(box, "loop", cpu_time=LIMIT)
        assert result.status is sandbox.Status.CPU_TIME_LIMIT, result
        assert result.cpu_time is not None
        return result.cpu_time - LIMIT

    def wall_lateness(self, box: sandbox.Box) -> float:
        """Of a sleeper, by our own clock, from before the run until its Result is there."""
        time.sleep(random.random() * 0.2)  # so that not all end at once
        started = time.monotonic()
        result = box.run(("sleep", "30"), limits={"wall_time": LIMIT})
        assert result.status is sandbox.Status.WALL_TIME_LIMIT, result
        return time.monotonic() - started - LIMIT

    @contextlib.contextmanager
    def neighbours(self, count: int) -> Iterator[None]:
        """So many other boxes, in which something spins for as long as the block lasts."""
        ended = threading.Event()

        def spin() -> None:
            with sandbox.Box(self.policy) as box:
                while not ended.is_set():
                    self.burn(box, "for", 0.2)

        threads = [threading.Thread(target=spin) for _ in range(count)]
        for thread in threads:
            thread.start()
        try:
            time.sleep(0.3 if count else 0)
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join()


def meter(table: Table, programs: Programs, busy: bool) -> None:
    """CPU time as measured, against what the program's own clock says."""
    name = f"CPU time, {'busy' if busy else 'idle'} host: error beyond 1 %"
    with programs.neighbours(len(CPUS) if busy else 0), sandbox.Box(programs.policy) as box:
        for threads, seconds in ((1, 0.01), (1, 1.0), (4, 0.25), (16, 0.05)):
            errors, beyond = [], []
            for _ in range(5):
                result = programs.burn(box, "known", seconds, threads)
                burnt = float(result.stdout or 0)
                assert result.cpu_time is not None
                errors.append((result.cpu_time - burnt) * 1000)
                beyond.append(abs(errors[-1]) - burnt * 10)
            text = f"{threads:2} x {seconds:.2f} s: off by {min(errors):+.2f} to {max(errors):+.2f} ms"
            table.row(name, text, max(0.0, *beyond), 2.0, "ms")


def collect(policy: str, boxes: int, samples: int, lateness: Lateness) -> list[float]:
    """So many samples from so many boxes side by side, in milliseconds, sorted."""
    late: list[float] = []

    def work() -> None:
        with sandbox.Box(policy) as box:
            lateness(box)  # the first run of a box may replace it
            while len(late) < samples:
                late.append(lateness(box) * 1000)

    threads = [threading.Thread(target=work) for _ in range(boxes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(late)


def enforcement(table: Table, programs: Programs, samples: int, busy: bool) -> None:
    """How late a limit ends a run. Loops share no CPU if the host is to be idle; sleepers need none."""
    state = "busy" if busy else "idle"
    for what, boxes, lateness in (
        ("CPU", len(CPUS) if busy else max(1, len(CPUS) - 1), programs.cpu_lateness),
        ("wall", SLEEPERS, programs.wall_lateness),
    ):
        with programs.neighbours(len(CPUS) if busy else 0):
            late = collect(programs.policy, boxes, samples, lateness)
        p50, p99 = statistics.median(late), late[math.ceil(len(late) * 0.99) - 1]
        text = f"p50 {p50:.2f}  p99 {p99:.2f}  worst {late[-1]:.2f} ms of {len(late)}"
        table.row(f"a {what} limit of 1.000 s, {state} host: late at p99", text, p99, 20.0, "ms")


def pin(box: sandbox.Box, cpu: int) -> None:
    """Keep what the box runs on one CPU: programs cannot choose, but the next init inherits it from the warden."""
    os.sched_setaffinity(box.warden.pid, {cpu})
    box.renew()
    where = box.run(("grep", "Cpus_allowed_list", "/proc/self/status")).stdout
    assert where == b"Cpus_allowed_list:\t%d\n" % cpu, where


def neighbours(table: Table, programs: Programs, rounds: int) -> None:
    """The CPU time that the same work takes, alone, and beside a neighbour on another core."""
    name = "CPU time of work beside a neighbour on another core"
    if len(CPUS) < 2:
        print(f"{name:<50} needs two CPUs")
        return
    with sandbox.Box(programs.policy) as one, sandbox.Box(programs.policy) as other:
        pin(one, CPUS[0])
        pin(other, CPUS[1])
        alone, beside = [], []
        for _ in range(rounds):
            alone.append(programs.burn(one, "work", WORK).cpu_time or 0)
            spinning = threading.Thread(target=programs.burn, args=(other, "for", 30), kwargs={"cpu_time": 20})
            spinning.start()
            time.sleep(0.05)
            beside.append(programs.burn(one, "work", WORK).cpu_time or 0)
            other.signal(9)
            spinning.join()
    change = (statistics.median(beside) / statistics.median(alone) - 1) * 100
    text = f"{statistics.median(alone):.4f} s alone, {statistics.median(beside):.4f} s beside"
    table.row(name, text, abs(change), 5.0, "%")


def main() -> int:
    """Print the table; with --check, 1 if something was missed."""
    parser = argparse.ArgumentParser("timing", description=__doc__)
    parser.add_argument("--samples", type=int, default=200, help="of each limit; each takes about a second of one CPU")
    parser.add_argument("--policy", default="native")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    table = Table()
    with tempfile.TemporaryDirectory() as directory:
        burn = Path(directory) / "burn"
        subprocess.run(["gcc", "-O1", "-pthread", "-o", burn, SOURCE], check=True)
        programs = Programs(burn.read_bytes(), arguments.policy)
    for busy in (False, True):
        meter(table, programs, busy)
    for busy in (False, True):
        enforcement(table, programs, arguments.samples, busy)
    neighbours(table, programs, max(3, arguments.samples // 20))
    print("\nmissed: " + (", ".join(table.missed) or "nothing"))
    return 1 if arguments.check and table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
