"""Runs good and hostile programs for a long time, and shows that each ends as it should and leaves nothing.

Several threads share a pool; one more makes a fresh box every few runs. From time to time all of them pause, and what
the host has is counted. Exits with 1 if anything has grown, if a program ended otherwise than it should, or if a run
took a second more than its limit.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import itertools
import os
import random
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import census
import mixture
from mixture import Program

import sandbox
from sandbox.kernel import cgroup

POLICY = "shell"
BOXES = 4
"""Of the pool, and threads that use it: then none of them waits for a box, and each of their runs can be timed."""
FRESH_FOR = 5
"""Runs for which a fresh box is used."""
ROUNDS = 10
"""Into which the runs are divided; between two of them the host is looked at."""
LATE = 1.0
"""Seconds beyond its limit of wall time after which a run counts as hanging,"""
STUCK = 60.0
"""and after which nobody waits for its end."""
WARM_UP = 300
"""Runs before the host is looked at first, in which allocators and caches find their size."""
SHOWN = 10
"""Wrong verdicts that are shown in full."""

Run = Callable[..., sandbox.Result]


class Job(NamedTuple):
    """One run: a program, and the number that tells it from all others."""

    number: int
    program: Program
    from_stdin: bool
    """Whether a C program comes as the run's standard input, which leaves the box clean, and not as a file."""


class Soak:
    """The runs of all threads, and what was wrong with them."""

    def __init__(self, policy: str, built: dict[str, Path], programs: Sequence[Program], seed: int) -> None:
        self._policy = policy
        self._built = {name: path.read_bytes() for name, path in built.items()}
        self._random = random.Random(seed)
        self._programs = programs
        self._numbers = itertools.count(10**6)
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._under_way: dict[int, tuple[Job, float]] = {}
        self.wrong: list[str] = []
        self.hung: list[str] = []
        self.done = 0

    def each(self) -> list[Job]:
        """One run of each program."""
        return [self._job(program) for program in self._programs]

    def draw(self, runs: int) -> list[Job]:
        """So many runs, of programs as their weights say; the same ones for the same seed."""
        weights = [program.weight for program in self._programs]
        return [self._job(program) for program in self._random.choices(self._programs, weights, k=runs)]

    def _job(self, program: Program) -> Job:
        return Job(next(self._numbers), program, self._random.random() < 0.5)

    def round(self, pool: sandbox.BoxPool, jobs: list[Job]) -> None:
        """Carry out all of these runs, in threads that end with them; exits if one of them is stuck."""
        self._waiting.extend(jobs)
        work = [self._in_pool] * pool.size + [self._in_fresh_boxes]
        threads = [threading.Thread(target=each, args=(pool,), daemon=True) for each in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(1.0)
                self._look_for_stuck()

    def _look_for_stuck(self) -> None:
        now = time.monotonic()
        for job, started in list(self._under_way.values()):
            if now > started + job.program.wall_time + STUCK:
                print(f"stuck: {job.number} {job.program.name}")
                faulthandler.dump_traceback()
                os._exit(1)  # the boxes end with us

    def _jobs(self) -> Iterator[Job]:
        with contextlib.suppress(IndexError):
            while True:
                yield self._waiting.popleft()

    def _in_pool(self, pool: sandbox.BoxPool) -> None:
        for job in self._jobs():
            self._carry_out(pool.run, job)

    def _in_fresh_boxes(self, _: sandbox.BoxPool) -> None:
        jobs = self._jobs()
        while some := list(itertools.islice(jobs, FRESH_FOR)):
            with sandbox.Box(self._policy) as box:
                for job in some:
                    self._carry_out(box.run, job)

    def _carry_out(self, run: Run, job: Job) -> None:
        """Run a program, and note what was wrong with it."""
        thread, started = threading.get_ident(), time.monotonic()
        token = b"%d" % job.number
        argv, options = self._command(job, token)
        self._under_way[thread] = (job, started)
        try:
            result = run(argv, **options)
            wrong, found = job.program.wrong(result, token), f"{result}, stderr {(result.stderr or b'')[-200:]!r}"
        except Exception as error:  # noqa: BLE001 whatever it is, it is wrong
            wrong, found = ["no error expected"], f"{type(error).__name__}: {error}"
        took = time.monotonic() - started
        del self._under_way[thread]
        with self._lock:
            self.done += 1
            if wrong:
                self.wrong.append(f"{job.number} {job.program.name}: {'; '.join(wrong)}: {found}")
            if took > job.program.wall_time + LATE:
                self.hung.append(f"{job.number} {job.program.name}: took {took:.2f} s")

    def _command(self, job: Job, token: bytes) -> tuple[list[str], dict[str, Any]]:
        name, *arguments = job.program.argv
        options = job.program.options(token)
        content = self._built.get(name)
        if content is None:
            return [name, *arguments], options
        if job.from_stdin:
            return ["/proc/self/fd/0", *arguments], options | {"stdin": content}
        return ["./program", *arguments], options | {"files": options["files"] | {"program": content}}


def look(pool: sandbox.BoxPool) -> census.Counts:
    """What the host has while nothing runs, with every box of the pool at hand, so that none is being replaced."""
    with contextlib.ExitStack() as held:
        return census.quiet(*(held.enter_context(pool.box()) for _ in range(pool.size)))


def report(samples: list[tuple[int, census.Counts]], closed: census.Counts) -> None:
    """The table of what the host had: warm, halfway, at the end, the drift between, and with the pool closed."""
    (first, warm), (half, middle), (last, end) = samples[0], samples[len(samples) // 2], samples[-1]
    heads = ("warm", f"after {half - first}", f"after {last - first}", "per 10,000", "pool closed")
    print("\n" + " " * 36 + "".join(f"{head:>14}" for head in heads))
    for kind, number in warm.items():
        drift = (end[kind] - number) * 10_000 / (last - first)
        print(f"{kind:36}{number:>14}{middle[kind]:>14}{end[kind]:>14}{drift:>+14.1f}{closed[kind]:>14}")


def main() -> int:
    """Print what was found; 1 if it is not as promised."""
    parser = argparse.ArgumentParser("soak", description=__doc__)
    parser.add_argument("runs", type=int, nargs="?", default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="which programs are drawn")
    parser.add_argument("--overlay", default=None, help="over the policy; default: +weak-no-cgroup if it must be")
    arguments = parser.parse_args()
    overlay = default_overlay() if arguments.overlay is None else arguments.overlay
    programs = [program for program in mixture.PROGRAMS if not (program.group and "no-cgroup" in overlay)]
    with tempfile.TemporaryDirectory() as directory:
        tempfile.tempdir = directory  # so that nobody else's temporary files are counted
        soak = Soak(POLICY + overlay, mixture.build(Path(directory)), programs, arguments.seed)
        return run(soak, POLICY + overlay, max(arguments.runs, ROUNDS))


def default_overlay() -> str:
    """What has to be laid over the policy on this host."""
    try:
        cgroup.find()
    except sandbox.HostError:
        return "+weak-no-cgroup"
    return ""


def run(soak: Soak, policy: str, runs: int) -> int:
    """Soak, and print what was found."""
    with sandbox.Box(policy) as box:  # after it there is what a service has for its life, such as a janitor
        box.run(("true",))
    outside = census.quiet()
    with sandbox.BoxPool(policy, BOXES) as pool:
        soak.round(pool, soak.each() + soak.draw(WARM_UP))
        samples = [(soak.done, look(pool))]
        busy = 0.0
        for number in range(ROUNDS):
            started = time.monotonic()
            soak.round(pool, soak.draw(runs * (number + 1) // ROUNDS - runs * number // ROUNDS))
            busy += time.monotonic() - started
            samples.append((soak.done, look(pool)))
    census.left(outside)  # what is on its way out has time to go
    closed = census.quiet()
    print(f"{runs} runs of {policy} in {busy:.0f} s: {runs / busy:.0f} a second")
    report(samples, closed)
    (_, warm), (half, middle), (last, end) = samples[0], samples[ROUNDS // 2], samples[-1]
    # Caches and allocators are still finding their size in the first half.
    leaks = census.grown(outside, closed) | census.grown(warm, end) | census.drifted(middle, end, last - half)
    for title, lines in (("wrong verdicts", soak.wrong), ("hanging runs", soak.hung)):
        print(f"\n{title}: {len(lines)}", *lines[:SHOWN], sep="\n  ")
    print("\nleft behind: " + (", ".join(f"{number} {kind}" for kind, number in leaks.items()) or "nothing"))
    return 1 if leaks or soak.wrong or soak.hung else 0


if __name__ == "__main__":
    sys.exit(main())
