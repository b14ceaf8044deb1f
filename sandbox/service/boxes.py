"""Warm boxes of several policies, for whoever comes next."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from sandbox.box import Box
from sandbox.policy import Policy


@dataclass(slots=True)
class _Idle:
    box: Box
    owner: str
    """Whose programs it has run."""


class Boxes:
    """At most `most` idle boxes, the ones that were used last; for many threads.

    A box that has run somebody else's programs is a fresh one first, unless its policy says otherwise.
    """

    def __init__(self, most: int) -> None:
        """None yet: they are made when they are asked for."""
        self.most = most
        self.made = 0
        self.renewed = 0
        """Boxes that were replaced because their next user was somebody else."""
        self._idle: list[_Idle] = []
        """The one that was used last at the end."""
        self._lock = threading.Lock()
        self._closed = False

    def __len__(self) -> int:
        return len(self._idle)

    def take(self, policy: Policy, owner: str, *, another: bool = False) -> Box:
        """A box under a policy for programs of an owner, perhaps beside all that it has. Raises what `Box` raises."""
        box = None if another else self.own(policy, owner)
        if box is not None:
            return box
        with self._lock:
            idle = self._find([idle for idle in self._idle if idle.owner != owner], policy)
        if idle is None:
            self.made += 1
            return Box(policy)
        self.renewed += 1
        idle.box.hand_on()
        return idle.box

    def own(self, policy: Policy, owner: str) -> Box | None:
        """The box under a policy that has run this owner's programs last, if one does: for who cannot wait."""
        with self._lock:
            idle = self._find([idle for idle in reversed(self._idle) if idle.owner == owner], policy)
        return idle.box if idle is not None else None

    def _find(self, among: list[_Idle], policy: Policy) -> _Idle | None:
        able = (idle for idle in among if idle.box.policy is policy or idle.box.policy == policy)
        found = next(able, None)
        if found is not None:
            self._idle.remove(found)
        return found

    def give(self, box: Box, owner: str) -> None:
        """Keep a box for the next, or end one that was not used for longest."""
        with self._lock:
            if not self._closed and not box.closed:
                self._idle.append(_Idle(box, owner))
                if len(self._idle) <= self.most:
                    return
                box = self._idle.pop(0).box
        box.close()

    def drop(self) -> None:
        """End all that are idle, as after a change of their policies."""
        with self._lock:
            idle, self._idle = self._idle, []
        for one in idle:
            one.box.close()

    def close(self) -> None:
        """End all that are idle, and every box that comes back."""
        with self._lock:
            self._closed = True
        self.drop()
