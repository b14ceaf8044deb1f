"""What one service process shares among its slots: the place of its control groups, and who cleans up after it."""

from __future__ import annotations

import itertools
import os
import threading

from sandbox.errors import step
from sandbox.kernel import cgroup
from sandbox.launch.launcher import start_janitor


class _Groups:
    """Finds the hierarchy at the first use, clears what dead services left there, and numbers the groups."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._hierarchy: cgroup.Hierarchy | None = None

    def make(self) -> cgroup.Cgroup:
        with self._lock:
            if self._hierarchy is None:
                with step("find control groups"):
                    hierarchy = cgroup.find()
                    cgroup.sweep(hierarchy)
                start_janitor(hierarchy.parents(), f"{cgroup.PREFIX}{os.getpid()}-")
                self._hierarchy = hierarchy
        return self._hierarchy.make(f"{cgroup.PREFIX}{os.getpid()}-{next(self._numbers)}")


_groups = _Groups()


def make_group(wanted: bool) -> cgroup.Cgroup:
    """A group for a new slot, or what stands in for one where the policy does without; `HostError` if there is none."""
    return _groups.make() if wanted else cgroup.Nothing().make("")


def _forget() -> None:
    global _groups
    _groups = _Groups()


os.register_at_fork(after_in_child=_forget)
