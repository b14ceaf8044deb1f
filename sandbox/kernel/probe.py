"""Finds out what this host offers by trying it: the same calls, in the same order, as a box makes.

What is tried leaves nothing behind. Namespaces, seccomp and Landlock are tried by `trials`, in a process of its own;
the control group that is tried is made where slots' groups are, and removed.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sandbox.errors import HostError
from sandbox.kernel import cgroup, ids, trials
from sandbox.request import Limits

State = Literal["enforced", "degraded", "missing"]

NEEDED_KERNEL = (5, 12)
"""mount_setattr, without which a directory with mounts below it cannot be made read-only as a whole."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing that boxes need of the host; those that a policy can require bear the protection's name."""

    name: str
    state: State
    detail: str
    """What was found."""
    remedy: str = ""
    """What to do about it; nothing if it is enforced."""


def probe(wanted: Limits | None = None) -> tuple[Feature, ...]:
    """Every feature with its state; `wanted` are limits that the hard rlimits of this process must leave room for."""
    probes: tuple[Callable[[], Iterator[Feature]], ...] = (
        _tried_features,
        _cgroup_features,
        _kernel,
        lambda: _rlimits(wanted or Limits()),
        _core_pattern,
    )
    return tuple(feature for part in probes for feature in part())


# --- namespaces, seccomp, Landlock ---

_SYSCTLS = (
    # (file below /proc/sys, the value that forbids, the command that allows)
    ("user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000"),
    ("kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl kernel.apparmor_restrict_unprivileged_userns=0"),
)
_IN_CONTAINER = "inside a container: let its seccomp profile and capabilities allow it (Docker: --privileged)"
_REMEDIES = {
    "seccomp": "a kernel with CONFIG_SECCOMP_FILTER, at least Linux 5.0",
    "landlock": "Linux 5.13 or newer, with landlock in the kernel's list of security modules (lsm=…)",
    "mount_namespace": "Linux 5.12 or newer; " + _IN_CONTAINER,
    "proc_mount": "Linux 5.8 or newer; inside a container: a /proc that nothing is mounted over "
    "(Docker: --security-opt systempaths=unconfined)",
    "unprivileged_uid": "a service that may map host ids: root with CAP_SETUID and CAP_SETGID",
}


def _tried_features() -> Iterator[Feature]:
    outcomes = _try_all()
    for name, outcome in outcomes.items():
        yield _judge(name, outcome)


def _try_all() -> dict[str, dict[str, Any]]:
    """What `trials` reports, by name of the feature."""
    if os.geteuid() == 0:
        # The last pair of ids: slots take the first ones.
        base, owner = ids.BASE + 2 * (ids.SLOTS - 1), 0
        id_map = f"0 {base} 1,{ids.PROGRAM} {base + 1} 1"
    else:
        owner = ids.PROGRAM
        id_map = f"{ids.PROGRAM} {os.geteuid()} 1"
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", trials.__file__, id_map, str(owner)],
            capture_output=True,
            timeout=30,
            check=True,
            env={},
        )
    except subprocess.TimeoutExpired:
        raise HostError("probe: the trials of this host's features did not end") from None
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise HostError(f"probe: the trials of this host's features failed: {last}") from None
    outcomes: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return outcomes


def _judge(name: str, outcome: Mapping[str, Any]) -> Feature:
    """A trial's outcome as a feature."""
    if "found" not in outcome:
        number = int(outcome["errno"])
        reason = f": {os.strerror(number)}" if number else " does not work"
        return Feature(name, "missing", f"{outcome['step']}{reason}", _remedy(name, str(outcome["step"]), number))
    if name != "unprivileged_uid":
        return Feature(name, "enforced", str(outcome["found"]))
    if os.geteuid() == 0:
        return Feature(name, "enforced", "host ids for every slot")
    return Feature(
        name,
        "degraded",
        f"all boxes run as this user (uid {os.geteuid()}), and share its limits",
        "run the service as root, so that every slot gets host ids of its own",
    )


def _remedy(name: str, step: str, number: int) -> str:
    """What to do when a step has failed: first what the host forbids by a setting, then what the feature needs."""
    if step == "libseccomp.so.2":
        return "apt-get install libseccomp2"
    if step == "max_user_namespaces":
        return (
            "a writable /proc/sys; inside a container: Docker --security-opt systempaths=unconfined "
            "and a writable /proc/sys (--privileged)"
        )
    if name in ("seccomp", "landlock"):
        return _REMEDIES[name]
    for file, forbidden, command in _SYSCTLS:
        path = Path("/proc/sys", file)
        if path.exists() and path.read_text().strip() == forbidden:
            return command
    if number in (errno.ENOSYS, errno.EINVAL) and name not in _REMEDIES:
        return f"a kernel with the {name.replace('_', ' ')} compiled in"
    return _REMEDIES.get(name, _IN_CONTAINER)


# --- control groups ---

_GROUP_REMEDY = (
    "root, or a group of its own for the service: systemd-run --user --scope -p Delegate=yes …; "
    "or choose a policy with +weak-no-cgroup"
)


def _cgroup_features() -> Iterator[Feature]:
    """Makes a group where slots' groups are made, looks at what is in it, and removes it."""
    # The name of a slot's group, so that what a killed probe leaves is swept away like everything else.
    name = f"{cgroup.PREFIX}{os.getpid()}-probe"
    try:
        hierarchy = cgroup.find()
        group = hierarchy.make(name)
    except HostError as error:
        reason = str(error).removeprefix("cgroup: ")
        yield Feature("cgroup", "missing", reason, _GROUP_REMEDY)
        yield Feature("memory_peak", "degraded", "by looking at the processes, which misses short peaks", "see cgroup")
        yield Feature("processes_peak", "missing", "not measured", "see cgroup")
        yield Feature("cgroup_kill", "degraded", "init kills alone", "see cgroup")
        yield _swap([])
        return
    try:
        directories = [parent / name for parent in hierarchy.parents()]
        yield _accounting(hierarchy.version, directories)
        yield _memory_peak(hierarchy.version, directories)
        yield _processes_peak(directories)
        yield _presence("cgroup_kill", "cgroup.kill", directories, "init kills alone", "cgroup v2 and Linux 5.14")
        yield _swap(directories)
    finally:
        group.remove()


def _processes_peak(directories: list[Path]) -> Feature:
    if not _find_file("pids.peak", directories):
        return Feature("processes_peak", "missing", "not measured", "Linux 6.1 or newer")
    return Feature("processes_peak", "degraded", "exact for runs that raise it", "none: no kernel resets pids.peak")


def _accounting(version: str, directories: list[Path]) -> Feature:
    label = "cgroup v1" if version == "cgroup1" else "cgroup v2"
    wanted = {"memory": "memory.stat", "pids": "pids.max", "cpu usage": "cpuacct.usage"}
    if version != "cgroup1":
        wanted["cpu usage"] = "cpu.stat"
    found = [what for what, file in wanted.items() if _find_file(file, directories)]
    if len(found) < len(wanted):
        lacking = ", ".join(what for what in wanted if what not in found)
        return Feature("cgroup", "missing", f"{label} without {lacking}", _GROUP_REMEDY)
    return Feature("cgroup", "enforced", f"{label}: {', '.join(found)}")


def _find_file(name: str, directories: list[Path]) -> Path | None:
    return next((directory / name for directory in directories if (directory / name).exists()), None)


def _memory_peak(version: str, directories: list[Path]) -> Feature:
    if version == "cgroup1":
        return Feature("memory_peak", "enforced", "max_usage_in_bytes")
    file = _find_file("memory.peak", directories)
    if file is None:
        return Feature(
            "memory_peak", "degraded", "by looking at the processes, which misses short peaks", "Linux 5.19 or newer"
        )
    try:
        with file.open("r+b", buffering=0) as peak:
            peak.write(b"reset")
    except OSError:
        return Feature("memory_peak", "degraded", "memory.peak, which cannot be reset", "Linux 6.12 or newer")
    return Feature("memory_peak", "enforced", "memory.peak")


def _swap(directories: list[Path]) -> Feature:
    """Memory that is swapped out is not counted as memory: it must be limited too, or not be there."""
    areas = Path("/proc/swaps").read_text().splitlines()[1:]
    if not areas:
        return Feature("swap", "enforced", "no swap")
    if _find_file("memory.memsw.limit_in_bytes", directories) or _find_file("memory.swap.max", directories):
        return Feature("swap", "enforced", "on, and limited with the memory")
    return Feature("swap", "degraded", "on, and not limited", "swapoff -a, or boot with swapaccount=1")


def _presence(name: str, file: str, directories: list[Path], otherwise: str, remedy: str) -> Feature:
    if _find_file(file, directories):
        return Feature(name, "enforced", file)
    return Feature(name, "degraded", f"no {file}: {otherwise}", remedy)


# --- settings of the host ---


def _kernel() -> Iterator[Feature]:
    release = platform.release()
    numbers = tuple(int(number) for number in re.findall(r"\d+", release)[:2])
    if numbers >= NEEDED_KERNEL:
        yield Feature("kernel", "enforced", release)
    else:
        yield Feature("kernel", "missing", release, "Linux {}.{} or newer".format(*NEEDED_KERNEL))


_RLIMITS = {
    "cpu_time": resource.RLIMIT_CPU,
    "file_size": resource.RLIMIT_FSIZE,
    "open_files": resource.RLIMIT_NOFILE,
    "processes": resource.RLIMIT_NPROC,
    "stack": resource.RLIMIT_STACK,
    "address_space": resource.RLIMIT_AS,
}


def _rlimits(wanted: Limits) -> Iterator[Feature]:
    """A limit above this process's hard limit could not be given to a program."""
    low = []
    for name, number in _RLIMITS.items():
        value, hard = getattr(wanted, name), resource.getrlimit(number)[1]
        if value is not None and hard != resource.RLIM_INFINITY and hard < value:
            low.append(f"{name} is {hard}, {value} is wanted")
    if low:
        remedy = "raise the hard limits of the service (ulimit -H, LimitNOFILE= and the like)"
        yield Feature("rlimits", "degraded", "; ".join(low), remedy)
    else:
        yield Feature("rlimits", "enforced", "hard limits suffice")


def _core_pattern() -> Iterator[Feature]:
    """A crash of a program must not start anything on the host."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    if pattern.startswith("|"):
        detail = f"crashes start {pattern[1:].split(' ')[0]} as root"
        yield Feature("core_pattern", "degraded", detail, "sysctl kernel.core_pattern=core")
    else:
        yield Feature("core_pattern", "enforced", "crashes start nothing")
