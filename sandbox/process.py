"""A program that runs while its caller goes on: started, watched, signalled, waited for."""

from __future__ import annotations

import atexit
import os
import signal as signals
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Unpack

from sandbox.box import Box
from sandbox.capture import PIPE, Output, PassFds, Stdin, Stdout
from sandbox.control import Control
from sandbox.errors import RequestError
from sandbox.policy import Policy, place
from sandbox.request import Limits, Request, RequestOptions
from sandbox.result import Result, Usage
from sandbox.running import LOCAL, Argv, Ending, Runner, Running

__all__ = ["LOCAL", "Process", "Runner", "Running", "Usage"]


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
        if box.policy.workspace:  # at its path there may be another directory by then
            box.close()
            return
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


_CHANGEABLE = frozenset({"cpu_time", "wall_time", "idle_time", "memory", "processes", "cpus", "output"})
"""Limits that a running program can be given others of. The rest are its processes' own, and its files'."""
_ONLY_LOWER = ("cpu_time", "processes")
"""Those behind which RLIMIT_CPU and RLIMIT_NPROC stand, which are what they were at its start."""


class Process(Ending):
    """A program in a box of its own, under way; `wait` for its Result, which is that of `sandbox.run`.

    The run itself, with its limits, its streams and its end, is the engine's, in a thread of this process. The box
    goes back to where it was taken from when the program has ended; what the program has printed to a descriptor of
    the caller is passed on until it is read.
    """

    def __init__(
        self,
        argv: Argv,
        *,
        policy: str | Policy = "native",
        stdin: Stdin = None,
        stdout: Stdout = PIPE,
        stderr: Stdout = PIPE,
        pass_fds: PassFds = (),
        progress: Callable[[Usage], object] | None = None,
        every: float = 1.0,
        ended: Callable[[], object] | None = None,
        **options: Unpack[RequestOptions],
    ) -> None:
        """Start it, with the options of `sandbox.run`; raises what that raises for a program that does not start.

        `progress` is told what the program uses, `every` so many seconds while it runs, and `ended` is called when
        nothing of it is left: both in other threads. What `progress` raises ends the program, and is raised by `wait`.
        """
        super().__init__()
        self._started = threading.Event()
        self._tell = ended
        self._limiting = threading.Lock()
        chosen, options["cwd"] = place(policy, options.get("cwd", ""))
        streams = {"stdin": stdin, "stdout": stdout, "stderr": stderr, "pass_fds": pass_fds}
        self._control = Control(self._started.set)
        try:
            # All of it, from the making of the box on, where no signal handler's exception can come in between.
            self._in_thread(self._run, chosen, argv, options, streams)
            self._started.wait()
        except BaseException:  # such an exception: nobody will have this to end the program with
            self.kill()
            raise
        if self._failure is not None:
            raise self._failure
        if progress is not None:
            self._in_thread(self._report, progress, every)

    @staticmethod
    def _in_thread(target: Callable[..., None], *arguments: Any) -> None:
        threading.Thread(target=target, args=arguments, name="sandbox-process", daemon=True).start()

    def _run(self, policy: Policy, argv: Argv, options: RequestOptions, streams: dict[str, Any]) -> None:
        try:
            self._box = _spares.take(policy)
            try:
                plan = self._box.plan(argv, **options)
                self._limits = plan.limits
                self._result = self._box.carry_out(plan, control=self._control, **streams)
            finally:
                _spares.give(self._box)
            self._control.deliver(self._result)
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            self._failure = error
        finally:
            self._control.close()
            self._ended.set()
            self._started.set()
            if self._tell is not None:
                self._tell()

    def _report(self, progress: Callable[[Usage], object], every: float) -> None:
        while not self._ended.wait(every):
            try:
                usage = self.usage()
            except Exception:  # noqa: BLE001 - of the run itself, which whoever waits gets
                return
            try:
                progress(usage)
            except BaseException as error:  # noqa: BLE001 - whoever waits gets it
                if self._result is None:
                    self._failure = error
                self.kill()
                return

    def usage(self) -> Usage:
        """What it has used so far, while it runs."""
        usage = self._control.usage()
        if usage is not None:
            return usage
        result = self._result or self.wait()
        return Usage(result.cpu_time, 0, result.wall_time, 0)

    def processes(self) -> tuple[int, ...]:
        """Host PIDs of the program and of everything that it has started; none are left when it has ended."""
        return self._control.processes()

    @property
    def stdout(self) -> bytes | None:
        """What it has printed so far, `None` if that is not captured; all of it is in the Result."""
        return self._printed("stdout")

    @property
    def stderr(self) -> bytes | None:
        """The same of its stderr."""
        return self._printed("stderr")

    def _printed(self, name: str) -> bytes | None:
        stream: Output | None = getattr(self._control.streams, name)
        return None if stream is None else stream.content

    @property
    def limits(self) -> Limits:
        """Those that are in force."""
        return self._limits

    def limit(self, **limits: float) -> None:
        """Put other limits in force for the program as it runs, within the policy's ceilings; nothing happens if it
        has ended. They can be those of cpu_time and processes (only to lower them), wall_time and idle_time (from
        when it began and was heard of last), memory, cpus, output. Raises `RequestError` for others, and
        `HostError` for what the kernel refuses.
        """
        for name in limits:
            if name in Limits.model_fields and name not in _CHANGEABLE:
                raise RequestError(f"limits.{name}", "cannot be changed while the program runs")
        with self._limiting:
            asked = Request.make(argv=["-"], limits=self._limits.model_dump() | limits).limits
            for name in _ONLY_LOWER:
                if (getattr(asked, name) or 0) > (getattr(self._limits, name) or 0):
                    raise RequestError(f"limits.{name}", "can only be lowered while the program runs")
            wanted = self._box.policy.resolve(asked)
            if wanted.idle_time is not None and self._control.streams is not None:
                self._control.streams.expect_output()
            self._control.change(wanted)
            self._limits = wanted

    def signal(self, number: int, *, group: bool = False) -> None:
        """Send a signal to the program, or to its whole process group. Nothing happens if it has ended.

        `RequestError` if there is no such signal.
        """
        self._control.signal(number, group=group)

    def kill(self) -> None:
        """End it, and everything that it has started, at once. What it has printed and nobody has taken is lost."""
        self._control.kill()

    def stop(self, grace: float = 1.0, number: int = signals.SIGTERM) -> Result:
        """Ask it to end by a signal to its group; after `grace` seconds everything of it is killed."""
        self.signal(number, group=True)
        try:
            return self.wait(grace)
        except TimeoutError:
            self.kill()
            return self.wait()

    def __repr__(self) -> str:
        state = "running" if self.running() else self._failure or self._result
        return f"<Process of a box of {self._box.policy.name}: {state}>"

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._ended.wait()
