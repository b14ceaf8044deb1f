"""One launch, fully decided: ints, bytes and tuples. Made before any process exists, then only carried out."""

from __future__ import annotations

import contextlib
import math
import os
import posixpath
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.errors import RequestError
from sandbox.launch import wire
from sandbox.policy import Policy
from sandbox.request import Limits, Request

WORK = b"/box"
"""The working directory of every box."""


PLANS_KEPT = 256
"""Plans that are remembered: a grader runs the same few commands again and again."""
LARGEST_KEPT = 8_192
"""Bytes of strings in a plan that is remembered: requests can be of any size, and the service's memory is not."""


_INSTEAD = {
    "timeout": "say limits={'wall_time': seconds}, or use sandbox.subprocess",
    "text": "what is printed is bytes: result.stdout.decode(); or use sandbox.subprocess",
    "encoding": "what is printed is bytes: result.stdout.decode(); or use sandbox.subprocess",
    "shell": "there is no shell but the box's own: ['sh', '-c', script]; or use sandbox.subprocess",
    "input": "say stdin=; or use sandbox.subprocess",
    "check": "see result.ok; or use sandbox.subprocess",
    "capture_output": "it is captured if nothing else is said; see stdout= and stderr=",
}
"""What there is instead of options that people know from `subprocess`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done for one request under one policy."""

    head: bytes
    """The packet that has init start the program,"""
    tail: bytes
    """and its strings."""
    limits: Limits
    files: tuple[tuple[str, bytes | Path], ...]
    collect: tuple[str, ...]


class Planner:
    """Decides requests under one policy; the same request again is not decided again.

    `own_processes` of ours run under the programs' host uid, and count against their RLIMIT_NPROC.
    """

    def __init__(self, policy: Policy, own_processes: int) -> None:
        self._policy = policy
        self._own_processes = own_processes
        self._known: dict[Hashable, Plan] = {}

    def plan(
        self, argv: Any, env: Any = None, cwd: Any = "", files: Any = None, collect: Any = (), limits: Any = None,
        umask: Any = 0o022, start_new_session: Any = False, **unknown: Any,
    ) -> Plan:  # fmt: skip
        """Validate and decide; raises `RequestError`."""
        for name in unknown:
            raise RequestError(name, _INSTEAD.get(name, "there is no such option"))
        argv, collect = _tuple(argv), _tuple(collect)
        # What is no dict goes into a list, which is no key: it must not be taken for a dict that it equals as a tuple.
        variables = tuple(env.items()) if isinstance(env, dict) else env and [env]
        wanted = (dict, *limits.items()) if isinstance(limits, dict) else limits
        key = (argv, variables, cwd, collect, wanted, umask, start_new_session is True)
        try:
            plan = None if files else self._known.get(key)
        except TypeError:  # something in it cannot be a key
            plan = None
        if plan is None:
            request = Request.make(
                argv=argv, env=env or {}, cwd=cwd, files=files or {}, collect=collect, limits=limits or Limits(),
                umask=umask, start_new_session=start_new_session,
            )  # fmt: skip
            if self._policy.workspace and (request.files or request.collect):
                name = "files" if request.files else "collect"
                raise RequestError(name, f"policy {self._policy.name} lends a directory of the host: files are there")
            plan = _decide(request, self._policy, self._own_processes)
            self._remember(key, plan)
        return plan

    def _remember(self, key: Hashable, plan: Plan) -> None:
        if plan.files or len(plan.tail) + sum(map(len, plan.collect)) > LARGEST_KEPT:
            return
        if len(self._known) >= PLANS_KEPT:
            self._known.clear()
        with contextlib.suppress(TypeError):
            self._known[key] = plan


def _tuple(value: Any) -> Any:
    """A list or iterator as a tuple; what should not have been given (one string, say) as it is."""
    return value if isinstance(value, (str, bytes, tuple)) or not isinstance(value, Iterable) else tuple(value)


def _decide(request: Request, policy: Policy, own_processes: int) -> Plan:
    limits = policy.resolve(request.limits)
    env = {os.fsencode(name): os.fsencode(value) for name, value in policy.env.items()} | dict(request.env)
    head, tail = wire.run(
        umask=request.umask,
        candidates=_candidates(request.argv[0], env),
        argv=request.argv,
        env=[name + b"=" + value for name, value in env.items()],
        cwd=posixpath.join(os.fsencode(policy.directory) or WORK, request.cwd),
        rlimits=[wire.UNLIMITED if limit is None else limit for limit in _rlimits(limits, own_processes)],
        new_session=request.start_new_session,
    )
    return Plan(head, tail, limits, request.files, request.collect)


def _candidates(program: bytes, env: dict[bytes, bytes]) -> tuple[bytes, ...]:
    """As execvp(3): a name with a slash is a path, another is looked for in the program's own PATH."""
    if b"/" in program:
        return (program,)
    return tuple(posixpath.join(place or b".", program) for place in env.get(b"PATH", b"").split(b":"))


def _rlimits(limits: Limits, own_processes: int) -> tuple[int | None, ...]:
    """In the order of `enum wire_rlimit`."""
    # More than the limit: the monitor ends the run exactly; this is what ends it without a monitor. The kernel counts
    # it in ticks, which can be a few per cent more than what the control group counts.
    cpu = None if limits.cpu_time is None else math.ceil(limits.cpu_time * 1.1) + 1
    processes = None if limits.processes is None else limits.processes + own_processes
    return (cpu, limits.file_size, limits.open_files, limits.stack, limits.address_space, processes)
