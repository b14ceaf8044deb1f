"""Control groups: one group per slot, joined once, read and limited through descriptors that stay open.

cgroup v2, v1 and their absence are objects with one shape (`Cgroup`), made by a `Hierarchy`, so that nothing
else asks which of them there is. Kernel facts: cgroups(7), Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import select
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

from sandbox.errors import HostError, step
from sandbox.kernel.meters import METERS, UNREAD, Meter

PREFIX = "sandbox-"
"""Groups are named `sandbox-PID-N`, after the service that made them."""

SERVICE_PREFIX = f"{PREFIX}service-"
"""Of the group that a service itself moves into if it has to; not the janitor's to remove, who is in there as well."""

SLACK = 4 << 20
"""Bytes that an idle slot may keep charged, beside cached files, before it is told to give them up."""

CACHE = 256 << 20
"""Bytes of cached files that it may keep: what its programs are run from, and would have to read from disk again."""

BATCH = 1 << 20
"""Bytes that the kernel charges ahead, at most: a group may be full that much below its limit."""

PATIENCE = 0.25
"""Seconds to wait for an idle slot to become empty, at most."""


OWN_PROCESSES = 3
"""Of ours in a slot's group, threads counted: the warden, and init with the one that hears of denied calls."""


class Counts(NamedTuple):
    """What a run took; `None` is "could not be measured"."""

    cpu_time: float | None
    memory_peak: int | None
    processes_peak: int | None
    oom_kills: int


def sources_of(name: str) -> Mapping[str, str]:
    """Where the numbers of a run come from, if nothing is missing."""
    return MappingProxyType(
        {"cpu_time": name, "wall_time": "init", "memory_peak": name, "processes_peak": name, "scratch": "statfs"}
    )


class Cgroup(Protocol):
    """One slot's group."""

    name: str
    """The source of its numbers, as a Result names it,"""
    sources: Mapping[str, str]
    """and the sources of all the numbers of a run, if nothing is missing."""
    oom_fd: int
    """Tells when memory runs out; -1 if there is no such descriptor."""
    oom_events: int
    """The poll(2) events of `oom_fd` to wait for."""
    look_every: float | None
    """Seconds between two looks at the memory, where no descriptor tells; else `None`."""
    meters: tuple[Meter, ...]
    """What init is to read before and after each run."""

    def join(self, pid: int) -> None:
        """Move a process in; what it starts later is in as well."""

    def settle(self) -> None:
        """Read the counters of a slot in which nothing runs: programs get the whole of their limits beyond that."""

    def limit(self, memory: int | None, processes: int | None, cpus: float | None) -> None:
        """Set limits of the tree; only what differs from the last call is written."""

    def unthrottle(self) -> None:
        """Lift the limit `cpus`, until limits are set again."""

    def start(self, init: int) -> None:
        """A run begins in the box of this init, which a pidfd stands for."""

    def cpu_time(self) -> float:
        """CPU seconds, user and system, of the present run so far."""

    def out_of_memory(self) -> bool:
        """Whether the present run is out of memory; asked when `oom_fd` stirs or a look is due."""

    def finish(self, before: Sequence[int] | None, after: Sequence[int] | None) -> Counts:
        """What a run took, from init's readings of the meters; from readings of our own if init has died."""

    def usage(self) -> int | None:
        """Bytes that are charged now."""

    def members(self) -> tuple[int, ...]:
        """PIDs, as this process sees them, of all that is in the group now."""

    def trim(self) -> None:
        """Give up what earlier runs have left charged to an idle slot, if it is much; `HostError` if it stays."""

    def remove(self) -> None:
        """Remove the group, which must be empty or about to be."""


class Hierarchy(Protocol):
    """Where groups can be made."""

    version: str

    def make(self, name: str) -> Cgroup:
        """A new group; `HostError` if that cannot be."""

    def parents(self) -> tuple[Path, ...]:
        """The directories in which groups appear."""


class _File:
    """A control file that stays open."""

    def __init__(self, path: Path, flags: int = os.O_RDONLY) -> None:
        try:
            self.fd = os.open(path, flags | os.O_CLOEXEC)
        except OSError as error:
            raise HostError(f"cgroup: {path}: {error.strerror}") from None
        self._path = path
        self._last: object = None

    def write(self, text: str) -> None:
        try:
            os.pwrite(self.fd, text.encode(), 0)
        except OSError as error:
            raise HostError(f"cgroup: {self._path.name}: {error.strerror}") from None

    def set(self, text: str) -> None:
        if text != self._last:
            self.write(text)
            self._last = text

    def close(self) -> None:
        os.close(self.fd)


class _Group:
    """What v1 and v2 share: directories, joining, removal and the processes' limit."""

    oom_fd = -1
    look_every: float | None = None
    _cpu_unit: float
    _cache_key: bytes
    _own_processes = OWN_PROCESSES

    def __init__(self, directories: dict[str, Path], memory: Path, pids: Path) -> None:
        self._directories: tuple[Path, ...] = ()
        self._files: list[_File] = []
        self._overhead = 0
        self._ceiling: int | None = None
        """The limit of memory in force, the slot's own included."""
        self._last: Sequence[int] = ()
        """The meters as they were read last: what the present run started with, to within microseconds."""
        try:
            for directory in dict.fromkeys(directories.values()):
                self._make(directory)
            self._pids_max = self._open(pids / "pids.max", os.O_WRONLY)
            self._pids_peak = Meter(self._open(pids / "pids.peak").fd) if (pids / "pids.peak").exists() else Meter()
            self._memory_stat = self._open(memory / "memory.stat")
            self._open_own(directories)
            self._absent = sum(meter.fd < 0 for meter in self.meters)
        except BaseException:
            self._give_back()
            raise

    def _make(self, directory: Path) -> None:
        try:
            directory.mkdir()
        except OSError as error:
            raise HostError(f"cgroup: cannot create {directory.name}: {error.strerror}") from None
        self._directories += (directory,)

    def _open_own(self, directories: dict[str, Path]) -> None:
        """Open the files of this version of control groups."""
        raise NotImplementedError

    def _open(self, path: Path, flags: int = os.O_RDONLY) -> _File:
        file = _File(path, flags)
        self._files.append(file)
        return file

    def join(self, pid: int) -> None:
        for directory in self._directories:
            try:
                (directory / "cgroup.procs").write_text(str(pid))
            except OSError as error:
                raise HostError(f"cgroup: cannot join {directory.name}: {error.strerror}") from None

    def _limit_processes(self, processes: int | None) -> None:
        self._pids_max.set("max" if processes is None else str(processes + self._own_processes))

    meters: tuple[Meter, ...] = ()

    def settle(self) -> None:
        self._last = self._read()
        if not self._overhead:
            self._overhead = self._last[METERS.MEMORY]

    def _read(self) -> tuple[int, ...]:
        return tuple(meter.read() for meter in self.meters)

    def usage(self) -> int | None:
        return self.meters[METERS.MEMORY].read()

    def members(self) -> tuple[int, ...]:
        return tuple(map(int, (self._directories[0] / "cgroup.procs").read_text().split()))

    def start(self, init: int) -> None:
        """Nothing to do: init reads the meters when it starts the program."""

    def cpu_time(self) -> float:
        return (self.meters[METERS.CPU].read() - self._last[METERS.CPU]) / self._cpu_unit

    def finish(self, before: Sequence[int] | None, after: Sequence[int] | None) -> Counts:
        cpu, memory, peak, kills, processes = self._last
        if before is not None:
            # Init reads what an idle slot moves; only runs move the rest. Should it fail to, what is known will do.
            cpu = cpu if before[METERS.CPU] == UNREAD else before[METERS.CPU]
            memory = memory if before[METERS.MEMORY] == UNREAD else before[METERS.MEMORY]
        self._last = self._read() if after is None or after.count(UNREAD) > self._absent else after
        cpu_after, memory_after, peak_after, kills_after, processes_after = self._last
        # Exact if this run moved the watermark, which nothing can lower, or if it never was above one.
        exact = processes_after > processes or processes_after <= self._own_processes + 1
        return Counts(
            (cpu_after - cpu) / self._cpu_unit,
            # What was charged when the run began, unless the kernel gave it up since, by the way or for the run's sake.
            None
            if memory > self._overhead + SLACK and self._was_full(peak_after)
            else self._memory_peak(min(memory, memory_after), peak, peak_after, kills_after > kills),
            processes_after - self._own_processes if exact and processes_after != UNREAD else None,
            kills_after - kills,
        )

    def _was_full(self, peak: int) -> bool:
        """Whether the limit was reached: then nobody knows how much of others' caches was given up on the way."""
        return self._ceiling is not None and peak >= self._ceiling - BATCH

    def _memory_peak(self, usage: int, before: int, after: int, killed: bool) -> int | None:
        """From what others are charged with, and the watermark when the run began and now."""
        # The kernel charges in batches of 64 pages for each CPU: what a small program takes may be charged already.
        return after - usage if after > usage else None

    def trim(self) -> None:
        deadline = time.monotonic() + PATIENCE
        allowed = self._overhead + SLACK
        while (charged := self.meters[METERS.MEMORY].read()) > allowed:
            cached = self._stat(self._cache_key) - self._stat(b"shmem")
            if cached <= CACHE and charged - cached <= allowed:
                break
            if time.monotonic() > deadline:
                raise HostError(f"cgroup: {charged} bytes of earlier runs stay charged")
            self._give_up_caches()
            # Sockets of dead processes that are in flight to one another hold memory until the kernel collects them,
            # which the closing of any socket makes it do some time later (unix_gc() in net/unix/garbage.c).
            for end in socket.socketpair():
                end.close()
            time.sleep(0.002)

    def _stat(self, key: bytes) -> int:
        return Meter(self._memory_stat.fd, key).read()

    def _give_up_caches(self) -> None:
        """Have the kernel reclaim what it can of what is charged."""
        raise NotImplementedError

    def remove(self) -> None:
        self._give_up_caches()  # a removed group lives on in the kernel while cached files are charged to it
        self._give_back()

    def _give_back(self) -> None:
        for file in self._files:
            file.close()
        self._files.clear()
        remove_groups(self._directories)


class V1Group(_Group):
    """A slot's groups in the v1 hierarchies of memory, pids and cpuacct, and cpu if a rate is asked for."""

    name = "cgroup1"
    sources = sources_of(name)
    _cpu_unit = 1e9
    _cache_key = b"cache"
    oom_events = select.POLLIN

    def __init__(self, directories: dict[str, Path]) -> None:
        # The cpu hierarchy makes every switch of processes dearer, so it is joined only for a rate limit.
        self._cpu_directory, self._pids_directory = directories["cpu"], directories["pids"]
        used = {name: path for name, path in directories.items() if name != "cpu" or path in _others(directories)}
        super().__init__(used, directories["memory"], directories["pids"])

    def _open_own(self, directories: dict[str, Path]) -> None:
        memory, cpuacct = directories["memory"], directories["cpuacct"]
        self._limit_file = self._open(memory / "memory.limit_in_bytes", os.O_WRONLY)
        swap = memory / "memory.memsw.limit_in_bytes"
        self._swap_file = self._open(swap, os.O_WRONLY) if swap.exists() else None
        self._force_empty = self._open(memory / "memory.force_empty", os.O_WRONLY)
        self._oom = self._open(memory / "memory.oom_control")
        self.meters = (
            Meter(self._open(cpuacct / "cpuacct.usage").fd),
            Meter(self._open(memory / "memory.usage_in_bytes").fd),
            Meter(self._open(memory / "memory.max_usage_in_bytes", os.O_RDWR).fd, reset=True),
            Meter(self._oom.fd, b"oom_kill"),
            self._pids_peak,
        )
        with step("make an eventfd"):
            self.oom_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        with contextlib.closing(_File(memory / "cgroup.event_control", os.O_WRONLY)) as control:
            control.write(f"{self.oom_fd} {self._oom.fd}")

    def limit(self, memory: int | None, processes: int | None, cpus: float | None) -> None:
        wanted = None if memory is None else memory + self._overhead
        if wanted != self._ceiling:
            self._write_limit(wanted)
            self._ceiling = wanted
        self._limit_processes(processes)
        if cpus is not None or self._quota != -1:
            self._set_quota(-1 if cpus is None else int(cpus * 100_000))

    def _write_limit(self, wanted: int | None) -> None:
        text = "-1" if wanted is None else str(wanted)
        # The limit with swap may never be below the one without: raise that one first, lower it last.
        raising = wanted is None or (self._ceiling is not None and wanted > self._ceiling)
        files = [file for file in (self._swap_file, self._limit_file) if file]
        for file in files if raising else reversed(files):
            file.write(text)

    _quota = -1

    def _set_quota(self, quota: int) -> None:
        if quota == self._quota:
            return
        try:
            if self._cpu_directory not in self._directories:
                self._join_cpu()
            (self._cpu_directory / "cpu.cfs_quota_us").write_text(str(quota))
        except OSError as error:
            raise HostError(f"cgroup: cpu.cfs_quota_us: {error.strerror}") from None
        self._quota = quota

    def unthrottle(self) -> None:
        if self._quota != -1:
            self._set_quota(-1)

    def _join_cpu(self) -> None:
        self._cpu_directory.mkdir()
        self._directories += (self._cpu_directory,)
        for pid in (self._pids_directory / "cgroup.procs").read_text().split():
            (self._cpu_directory / "cgroup.procs").write_text(pid)

    def out_of_memory(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.oom_fd)
        # The kernel tells before it looks for a victim; an event that an earlier run has left means nothing.
        return (
            Meter(self._oom.fd, b"under_oom").read() == 1 or self.meters[METERS.KILLS].read() > self._last[METERS.KILLS]
        )

    def _give_up_caches(self) -> None:
        with contextlib.suppress(HostError):  # EBUSY: not all could be reclaimed, and that is all right
            self._force_empty.write("0")

    def _give_back(self) -> None:
        if self.oom_fd >= 0:
            os.close(self.oom_fd)
            self.oom_fd = -1
        super()._give_back()


def _others(directories: dict[str, Path]) -> set[Path]:
    """The directories of the controllers that every slot needs: cpu and cpuacct are often one hierarchy."""
    return {path for name, path in directories.items() if name != "cpu"}


class V2Group(_Group):
    """A slot's group in the unified hierarchy."""

    name = "cgroup2"
    sources = sources_of(name)
    _cpu_unit = 1e6
    _cache_key = b"file"
    oom_events = select.POLLPRI

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        super().__init__({"": directory}, directory, directory)

    def _open_own(self, directories: dict[str, Path]) -> None:
        directory = self._directory
        self._max = self._open(directory / "memory.max", os.O_WRONLY)
        swap = directory / "memory.swap.max"
        if swap.exists():
            self._open(swap, os.O_WRONLY).write("0")
        self._limit: int | None = None
        self._events = self._open(directory / "memory.events")
        peak = self._open_peak()
        self._peak_resets = peak.reset
        self.meters = (
            Meter(self._open(directory / "cpu.stat").fd, b"usage_usec"),
            Meter(self._open(directory / "memory.current").fd),
            peak,
            Meter(self._events.fd, b"oom_kill"),
            self._pids_peak,
        )
        self._cpu_max: _File | None = None
        reclaim = directory / "memory.reclaim"
        self._reclaim = self._open(reclaim, os.O_WRONLY) if reclaim.exists() else None
        self.oom_fd = self._events.fd

    def _open_peak(self) -> Meter:
        """The peak (Linux 5.19); since 6.12 a write resets it for the descriptor that is written to."""
        path = self._directory / "memory.peak"
        if not path.exists():
            return Meter()
        # Older kernels' file has no mode for writing, which says more than an attempt: root may open it all the same.
        resets = bool(path.stat().st_mode & 0o200)
        return Meter(self._open(path, os.O_RDWR if resets else os.O_RDONLY).fd, reset=resets)

    def limit(self, memory: int | None, processes: int | None, cpus: float | None) -> None:
        self._limit = memory
        self._ceiling = None if memory is None else memory + self._overhead
        self._max.set("max" if self._ceiling is None else str(self._ceiling))
        self._limit_processes(processes)
        if cpus is not None and self._cpu_max is None:
            self._cpu_max = self._open_rate()
        if self._cpu_max is not None:
            self._cpu_max.set("max" if cpus is None else f"{int(cpus * 100_000)} 100000")

    def unthrottle(self) -> None:
        if self._cpu_max is not None:
            self._cpu_max.set("max")

    def _open_rate(self) -> _File:
        """As with v1, the cpu controller is on only for a rate limit: it makes switches of processes dearer."""
        path = self._directory / "cpu.max"
        if not path.exists():
            try:
                (self._directory.parent / "cgroup.subtree_control").write_text("+cpu")
            except OSError as error:
                raise HostError(f"cgroup: no cpu controller for the limit 'cpus': {error.strerror}") from None
        return self._open(path, os.O_WRONLY)

    def _memory_peak(self, usage: int, before: int, after: int, killed: bool) -> int | None:
        if self._peak_resets or before < after != UNREAD:
            return super()._memory_peak(usage, before, after, killed)
        # An older kernel's watermark, if it has not moved, stands from an earlier run, at least as large as this one.
        if killed and self._limit is not None and after >= self._limit:
            return self._limit  # this one has been there as well
        return None

    def out_of_memory(self) -> bool:
        # Events tell of reclaim, too, which is no reason to end a run.
        return self.meters[METERS.KILLS].read() > self._last[METERS.KILLS]

    def _give_up_caches(self) -> None:
        if self._reclaim:
            with contextlib.suppress(HostError):  # EAGAIN: not all could be reclaimed, and that is all right
                self._reclaim.write(str(self.meters[METERS.MEMORY].read()))


class V1:
    """The v1 hierarchies, below the groups that this process is in."""

    version = "cgroup1"

    def __init__(self, parents: dict[str, Path]) -> None:
        self._parents = parents

    def make(self, name: str) -> V1Group:
        return V1Group({controller: parent / name for controller, parent in self._parents.items()})

    def parents(self) -> tuple[Path, ...]:
        return tuple(dict.fromkeys(self._parents.values()))


class V2:
    """The unified hierarchy, below a group whose controllers are handed down."""

    version = "cgroup2"

    def __init__(self, parent: Path) -> None:
        self._parent = parent

    def make(self, name: str) -> V2Group:
        return V2Group(self._parent / name)

    def parents(self) -> tuple[Path, ...]:
        return (self._parent,)


class Nothing:
    """A host, or a policy, without control groups."""

    version = "none"

    def make(self, name: str) -> Cgroup:
        from sandbox.kernel.proc import ProcessTree  # psutil is imported only where it is needed

        return ProcessTree()

    def parents(self) -> tuple[Path, ...]:
        return ()


def find() -> Hierarchy:
    """The hierarchy that this process can make groups in; `HostError` says why there is none."""
    mounts = dict(_mounts())
    own = {name: mounts[name].find(path) for name, path in _own_groups() if name in mounts}
    if "memory" in own:
        return _find_v1(own)
    if "" not in own:
        raise HostError("cgroup: no cgroup file system is mounted")
    return V2(_find_v2(mounts[""].point, own[""]))


def _find_v1(own: dict[str, Path]) -> V1:
    parents: dict[str, Path] = {}
    for controller in ("memory", "pids", "cpuacct", "cpu"):
        if controller not in own:
            raise HostError(f"cgroup: the v1 controller {controller} is not mounted")
        parents[controller] = own[controller]
        if not os.access(parents[controller], os.W_OK):
            raise HostError(f"cgroup: no right to create groups below {parents[controller]}; see `sandbox doctor`")
    return V1(parents)


_NEEDED = {"memory", "pids"}


def _find_v2(top: Path, own: Path) -> Path:
    """The own group, if it can hand down controllers (this process, alone there, moves into a leaf); else one above
    it that hands them down already; else, which only root can, the top of the hierarchy.
    """
    if own.name.startswith(SERVICE_PREFIX):
        own = own.parent  # a service made this leaf: itself, before a fork, or the one that started this process
    chosen = os.environ.get("SANDBOX_CGROUP")
    if chosen:
        own = top = Path(chosen)
    try:
        _hand_down(own)
        return own
    except OSError as error:
        reason = f"in {own} ({error.strerror})"
    above = [parent for parent in own.parents if parent.is_relative_to(top)]
    for parent in above:
        with contextlib.suppress(OSError):
            if parent == top or _handed_down(parent) >= _NEEDED:
                _hand_down(parent)
                return parent
    where = ", nor in any above it" if above else ""
    raise HostError(f"cgroup: no group with the memory and pids controllers can be made {reason}{where}")


def _handed_down(parent: Path) -> set[str]:
    return set((parent / "cgroup.subtree_control").read_text().split())


def _hand_down(parent: Path) -> None:
    available = set((parent / "cgroup.controllers").read_text().split())
    if not available >= _NEEDED:
        raise OSError(errno.ENOTSUP, "the memory and pids controllers are not delegated to it")
    # Wardens come from a group below this one, so its cgroup.procs must be writable too (cgroups(7), "Delegation").
    if not os.access(parent, os.W_OK) or not os.access(parent / "cgroup.procs", os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    if _handed_down(parent) >= _NEEDED:
        return
    control = parent / "cgroup.subtree_control"
    text = " ".join(f"+{controller}" for controller in sorted(_NEEDED))
    try:
        control.write_text(text)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        _move_into_leaf(parent)
        control.write_text(text)


def _move_into_leaf(parent: Path) -> None:
    """A group with processes of its own cannot hand down controllers; this service moves, if it is alone there."""
    if (parent / "cgroup.procs").read_text().split() != [str(os.getpid())]:
        raise OSError(errno.EBUSY, "other processes are in it; give the service a group of its own")
    leaf = parent / f"{SERVICE_PREFIX}{os.getpid()}"
    leaf.mkdir(exist_ok=True)
    (leaf / "cgroup.procs").write_text(str(os.getpid()))


@dataclass(frozen=True, slots=True)
class _Mount:
    """Where a hierarchy, or the part of it below `root`, is mounted."""

    root: str
    point: Path

    def find(self, group: str) -> Path:
        """The directory of a group; in a container the mount may begin at the container's group, not at the top."""
        below = os.path.relpath(group, self.root)
        # "/..": the process was moved out of the part of the hierarchy that its cgroup namespace shows.
        return self.point if below.startswith("..") or group.startswith("/..") else self.point / below


def _mounts() -> Iterator[tuple[str, _Mount]]:
    """Controllers and where they are mounted; the unified hierarchy is the controller ''."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        kind, _, options = rest.split(" ", 2)
        root, point = (field.encode().decode("unicode_escape") for field in fields.split(" ")[3:5])
        if kind == "cgroup2":
            yield "", _Mount(root, Path(point))
        elif kind == "cgroup":
            for option in options.split(" ")[-1].split(","):
                yield option, _Mount(root, Path(point))


def _own_groups() -> Iterator[tuple[str, str]]:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            yield controller, path


_unremoved: set[Path] = set()
"""Groups that were still in use when they were to be removed; the next removal tries them again."""


def remove_groups(directories: Iterable[Path], patience: float = 2.0) -> None:
    """Remove groups whose last processes may still be on their way out; `HostError` for those that stay."""
    deadline = time.monotonic() + patience
    failures = {directory: _remove(directory, deadline) for directory in directories}
    _unremoved.difference_update([directory for directory in tuple(_unremoved) if not _remove(directory, 0)])
    left = {directory: error for directory, error in failures.items() if error}
    _unremoved.update(left)
    for directory, error in left.items():
        raise HostError(f"cgroup: cannot remove {directory.name}: {os.strerror(error)}")


def _remove(directory: Path, deadline: float) -> int:
    """Remove a group by the deadline; 0, or the errno for which it is there still."""
    while True:
        try:
            directory.rmdir()
        except FileNotFoundError:
            return 0
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                return error.errno or errno.EIO
        else:
            return 0
        time.sleep(0.002)


def sweep(hierarchy: Hierarchy) -> None:
    """Remove groups that dead services have left behind."""
    for parent in hierarchy.parents():
        for directory in parent.glob(f"{PREFIX}*"):
            owner = re.fullmatch(rf"{PREFIX}(?:service-)?(\d+)(?:-.*)?", directory.name)
            if owner and not Path("/proc", owner[1]).exists():
                with contextlib.suppress(OSError):
                    directory.rmdir()
