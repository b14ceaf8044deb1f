"""Shows that runs leave nothing behind: what the host has before and after some thousands of them.

Most of the programs do nothing; every tenth leaves files, a daemon in a session of its own, or runs into a limit.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from pathlib import Path

import sandbox

WARM_UP = 200
"""Runs before the first count, in which allocators and caches find their size."""

PROGRAMS: tuple[tuple[str, str, dict[str, float], sandbox.Status], ...] = (
    ("leave files", "mkdir -p a/b && echo x > a/b/c && echo y > /tmp/d && echo z > /dev/shm/e", {}, sandbox.Status.OK),
    ("leave a daemon", "setsid sleep 1000 & exit 0", {}, sandbox.Status.OK),
    ("flood", "yes", {"output": 100_000}, sandbox.Status.OUTPUT_LIMIT),
    ("fail", "exit 3", {}, sandbox.Status.NONZERO_EXIT),
    ("sleep", "sleep 1000", {"wall_time": 0.02}, sandbox.Status.WALL_TIME_LIMIT),
    ("fill memory", "tail /dev/zero", {"memory": 16 << 20}, sandbox.Status.MEMORY_LIMIT),
)


HOST_WIDE = "memory cgroups of the host, dying too"
"""Shown, but not judged: others make and remove groups as well."""


def census() -> dict[str, int]:
    """What the host has, by kind."""
    gc.collect()
    processes = [path for path in Path("/proc").iterdir() if path.name.isdigit() and _is_ours(path)]
    return {
        "processes": len(processes),
        "zombies": sum(_state(path) == "Z" for path in processes),
        "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "cgroups": sum(1 for _ in Path("/sys/fs/cgroup").rglob(f"sandbox-{os.getpid()}-*/")),
        HOST_WIDE: _kernel_cgroups(),
        "namespaces": len({link for path in processes for link in _namespaces(path)}),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "temporary files": sum(1 for place in ("/tmp", "/dev/shm", "/run", "/var/tmp") for _ in Path(place).iterdir()),
        "SysV objects": sum(
            len(Path(f"/proc/sysvipc/{kind}").read_text().splitlines()) - 1 for kind in ("shm", "sem", "msg")
        ),
        "memory of this process, KiB": int(Path("/proc/self/statm").read_text().split()[1]) * 4,
    }


def _kernel_cgroups() -> int:
    """Memory groups that the kernel still has, those that were removed but are held by what they were charged with."""
    for line in Path("/proc/cgroups").read_text().splitlines():
        name, _, count, _ = line.split("\t")
        if name == "memory":
            return int(count)
    return 0


def _is_ours(path: Path) -> bool:
    """Whether a process descends from this one, or is a sandbox's that has lost its service."""
    try:
        name, state = "", _state(path)
        while path.name not in ("0", "1", str(os.getpid())):
            name = (path / "comm").read_text()
            path = path.with_name((path / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return False
    orphan = path.name in ("0", "1") and name.startswith("sandbox-") and state != "Z"  # those are not ours to reap
    return orphan or path.name == str(os.getpid())


def _state(path: Path) -> str:
    try:
        return (path / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def _namespaces(path: Path) -> list[str]:
    try:
        return [os.readlink(link) for link in (path / "ns").iterdir()]
    except OSError:
        return []


def work(pool: sandbox.BoxPool, runs: int) -> int:
    """Run programs; how many of them ended otherwise than they should."""
    wrong = 0
    for number in range(runs):
        if number % 10:
            wrong += pool.run(("/usr/bin/true",)).status is not sandbox.Status.OK
            continue
        _, script, limits, expected = PROGRAMS[number // 10 % len(PROGRAMS)]
        wrong += pool.run(("/bin/sh", "-c", script), limits=limits).status is not expected
    return wrong


def main() -> None:
    """Print the counts; exits with 1 if anything was left, or any program ended otherwise than it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=int, nargs="?", default=10_000)
    runs = parser.parse_args().runs
    policy = "shell" if os.geteuid() == 0 else "shell+weak-no-cgroup"
    outside = census()
    with sandbox.BoxPool(policy, 1) as pool:
        wrong = work(pool, WARM_UP)
        before = census()
        started = time.monotonic()
        wrong += work(pool, runs)
        elapsed = time.monotonic() - started
        after = census()
    closed = census()
    print(f"{runs} runs in {elapsed:.1f} s, {wrong} of them ended otherwise than they should\n")
    print(f"{'':36}{'no pool yet':>12}{'warm':>12}{f'after {runs}':>14}{'pool closed':>13}")
    for kind in before:
        print(f"{kind:36}{outside[kind]:>12}{before[kind]:>12}{after[kind]:>14}{closed[kind]:>13}")
    *counts, memory = before
    # Of the service's own: the janitor of its cgroups and the descriptor of /dev/null, made once for its life.
    counts.remove(HOST_WIDE)
    leaked = [kind for kind in counts if after[kind] > before[kind] or closed[kind] > outside[kind] + 1]
    if after[memory] > before[memory] + 1024:
        leaked.append(memory)
    print("\nleft behind: " + (", ".join(leaked) or "nothing"))
    sys.exit(1 if leaked or wrong else 0)


if __name__ == "__main__":
    main()
