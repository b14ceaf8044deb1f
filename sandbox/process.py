"""A program that runs while its caller goes on: started, watched, signalled, waited for."""

from __future__ import annotations

import atexit
import os
import signal as signals
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sandbox.box import Box
from sandbox.capture import PIPE, Stdin, Stdout
from sandbox.launch.wire import Scope
from sandbox.policy import Policy, as_policy
from sandbox.result import Result


class _Spares:
    """Boxes whose program has ended, kept warm for the next under their policy: one for each CPU, at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._boxes: dict[str, deque[Box]] = {}

    def take(self, policy: Policy) -> Box:
        """A box under this policy: one that is idle, or a new one."""
        with self._lock:
            boxes = self._boxes.get(policy.name)
            while boxes:
                box = boxes.pop()
                if box.policy == policy:
                    return box
                box.close()
        return Box(policy)

    def give(self, box: Box) -> None:
        """Keep a box, or end it if there are enough. Boxes of a policy that is for one submission are new."""
        box.hand_on()
        with self._lock:
            boxes = self._boxes.setdefault(box.policy.name, deque())
            if len(boxes) < (os.cpu_count() or 1):
                boxes.append(box)
                return
        box.close()

    def close(self) -> None:
        """End all that are idle."""
        with self._lock:
            for boxes in self._boxes.values():
                for box in boxes:
                    box.close()
            self._boxes.clear()


_spares = _Spares()
atexit.register(_spares.close)


def _forget_spares() -> None:
    """A forked child has its parent's boxes neither to use nor to end."""
    global _spares
    _spares = _Spares()


os.register_at_fork(after_in_child=_forget_spares)


class Usage(NamedTuple):
    """What a program has used so far; `None` is "could not be measured"."""

    cpu_time: float | None
    """CPU seconds of the whole tree."""
    memory: int | None
    """Bytes of the whole tree, now."""
    wall_time: float
    """Seconds since it was started."""


class Process:
    """A program in a box of its own, under way; `wait` for its Result, which is that of `sandbox.run`.

    The run itself, with its limits, its streams and its end, is the engine's, in a thread of this process. The box
    goes back to where it was taken from when the program has ended.
    """

    def __init__(
        self,
        argv: Iterable[str | bytes | os.PathLike[str]],
        *,
        policy: str | Policy = "native",
        stdin: Stdin = None,
        env: Mapping[str, str] | None = None,
        cwd: str = "",
        files: Mapping[str, bytes | Path] | None = None,
        collect: Iterable[str] = (),
        limits: Mapping[str, Any] | None = None,
        stdout: Stdout = PIPE,
        stderr: Stdout = PIPE,
        ended: Callable[[], object] | None = None,
    ) -> None:
        """Start it, with the options of `sandbox.run`; raises what that raises for a program that does not start.

        `ended` is called, in another thread, when nothing of the program is left.
        """
        self._ended = threading.Event()
        self._started = threading.Event()
        self._result: Result | None = None
        self._failure: BaseException | None = None
        self._tell = ended
        self._holding = threading.Lock()
        """Held while the box is signalled, and while it is given up: whose program it runs next gets none of ours."""
        self._holds = True
        self._box = _spares.take(as_policy(policy))
        try:
            plan = self._box.plan(argv, env, cwd, files, collect, limits)
        except BaseException:
            self._give_back()
            raise
        thread = threading.Thread(
            target=self._run, args=(plan, stdin, stdout, stderr), name="sandbox-process", daemon=True
        )
        thread.start()
        self._started.wait()
        self._since = time.monotonic()
        if self._failure is not None:
            raise self._failure

    def _run(self, plan: Any, stdin: Stdin, stdout: Stdout, stderr: Stdout) -> None:
        try:
            self._result = self._box.carry_out(plan, stdin, stdout, stderr, started=self._started.set)
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            self._failure = error
        finally:
            self._give_back()
            self._ended.set()
            self._started.set()
            if self._tell is not None:
                self._tell()

    def _give_back(self) -> None:
        with self._holding:
            self._holds = False
        _spares.give(self._box)

    def _signal(self, number: int, scope: Scope) -> None:
        with self._holding:
            if self._holds:
                self._box.signal(number, scope)

    def running(self) -> bool:
        """Whether it has not ended yet."""
        return not self._ended.is_set()

    def usage(self) -> Usage:
        """What it has used so far, while it runs."""
        group = self._box.cgroup
        return Usage(group.cpu_time(), group.usage(), time.monotonic() - self._since)

    def wait(self, timeout: float | None = None) -> Result:
        """Its Result, when nothing of it is left. `TimeoutError` after `timeout` seconds; the program goes on then.

        Raises what `sandbox.run` raises if the sandbox, not the program, has failed.
        """
        if not self._ended.wait(timeout):
            raise TimeoutError(f"the program is still running after {timeout} seconds")
        if self._failure is not None:
            raise self._failure
        assert self._result is not None
        return self._result

    def signal(self, number: int, *, group: bool = False) -> None:
        """Send a signal to the program, or to its whole process group. Nothing happens if it has ended."""
        self._signal(number, Scope.GROUP if group else Scope.PROGRAM)

    def kill(self) -> None:
        """End it, and everything that it has started, at once."""
        self._signal(signals.SIGKILL, Scope.EVERYTHING)

    def stop(self, grace: float = 1.0, number: int = signals.SIGTERM) -> Result:
        """Ask it to end by a signal to its group; after `grace` seconds everything of it is killed."""
        self.signal(number, group=True)
        try:
            return self.wait(grace)
        except TimeoutError:
            self.kill()
            return self.wait()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._ended.wait()
