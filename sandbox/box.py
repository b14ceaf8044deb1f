"""Warm boxes: made ahead of time, used for one run at a time, reset or replaced in between."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Unpack

from sandbox import runner
from sandbox.capture import PIPE, PassFds, Stdin, Stdout, Streams
from sandbox.control import Control
from sandbox.errors import HostError, RequestError
from sandbox.host import make_group
from sandbox.kernel import ids
from sandbox.kernel.notify import Call
from sandbox.kernel.pidfd import pid_of
from sandbox.launch import wire
from sandbox.launch.launcher import Answer, Init, Warden
from sandbox.launch.packets import Lanes
from sandbox.monitor import Ended
from sandbox.plan import Plan, Planner
from sandbox.policy import Policy, as_policy
from sandbox.request import Limits, RequestOptions
from sandbox.result import Result
from sandbox.template import make_template

_DIRTY = int(wire.ExitedFlag.DIRTY)


class Box:
    """A box under one policy, with a cgroup and host ids of its own. Not for use by several threads at once.

    Between two runs it is as new: unless init proves that a run has left nothing, everything that a program
    could have written to is replaced.
    """

    def __init__(self, policy: str | Policy = "native", *, observer: Callable[[Call], None] | None = None) -> None:
        """Make the box. Raises `PolicyError`, and `HostError` or `LaunchError` if the host cannot honour the policy."""
        self.policy = as_policy(policy)
        self.enforced = tuple(name for name, wanted in self.policy.protections if wanted)
        self.observer = observer
        """Instead of the policy's filter: is shown every call, which then goes on. Not for programs to be contained."""
        self._init: Init | None = None
        self._ordered: Init | None = None
        self._size = (0, 0)
        self._fit: Limits | None = None
        """The limits for which the present box is ready to run; `None` if something has to be done first."""
        self.stale = False
        self.used = False
        """Whether anything has run in the present box."""
        self.closed = False
        self._has_slot = False
        self._service = os.getpid()
        self._busy = threading.Lock()
        self._closing = threading.RLock()
        """Held while init is signalled, and while its descriptors are closed, whose numbers may be another box's next.
        A signal handler can come in between."""
        self._open()

    def _open(self) -> None:
        """Take what a slot owns for its life: ids, a group, a warden in it."""
        self._ids = ids.allocate()
        self._planner = Planner(self.policy, self._ids.counted)
        try:
            self.cgroup = make_group(self.policy.protections.cgroup)
            try:
                self.warden = Warden(make_template(self.policy, self.observer is not None), self._ids, self.cgroup)
                self._order(self.policy.limits)
                self._complete()
            except BaseException:
                self._close_warden()
                self.cgroup.remove()
                raise
        except BaseException:
            self._ids.release()
            raise
        self._has_slot = True

    @property
    def init(self) -> Init:
        """The init of the present box."""
        assert self._init is not None
        return self._init

    @property
    def ready(self) -> bool:
        """Whether there is a box for the next run; if not, it has been ordered, or will be made then."""
        return self._init is not None

    def run(
        self,
        argv: Iterable[str | bytes | os.PathLike[str]],
        *,
        stdin: Stdin = None,
        stdout: Stdout = PIPE,
        stderr: Stdout = PIPE,
        pass_fds: PassFds = (),
        control: Control | None = None,
        **options: Unpack[RequestOptions],
    ) -> Result:
        """Run one program to its end; see `sandbox.run`, and `carry_out`."""
        return self.carry_out(self.plan(argv, **options), stdin, stdout, stderr, pass_fds, control)

    def plan(self, argv: Iterable[str | bytes | os.PathLike[str]], **options: Unpack[RequestOptions]) -> Plan:
        """Decide a run of this box, without starting it; arguments as of `run`. Raises `RequestError`."""
        return self._planner.plan(argv, **options)

    def carry_out(
        self,
        plan: Plan,
        stdin: Stdin = None,
        stdout: Stdout = PIPE,
        stderr: Stdout = PIPE,
        pass_fds: PassFds = (),
        control: Control | None = None,
    ) -> Result:
        """Run a plan that was made for this box's policy.

        Under a `control`, what is to be passed on and nobody has taken yet is left to that (see `Control.deliver`).
        """
        self._check_free()
        with self._busy:  # not acquire(), behind which a signal handler's exception would leave it locked
            return self._run(plan, stdin, stdout, stderr, pass_fds, control)

    def _check_free(self) -> None:
        if self.closed:
            raise HostError("the box is closed")
        if self._service != os.getpid():
            raise HostError("the box belongs to the process that made it, not to a fork of it")
        if self._busy.locked():
            raise HostError("the box is in use by another thread; a BoxPool serves many")

    def prepare(
        self,
        argv: Iterable[str | bytes | os.PathLike[str]],
        *,
        stdin: Stdin = None,
        stderr: Stdout = PIPE,
        **options: Unpack[RequestOptions],
    ) -> Prepared | None:
        """As `run`, for an event loop, whose thread must not wait; nothing is started yet.

        `None` if that cannot be: if the box has to be made ready first, if files go in or out, or if somebody has to
        look after the run from its beginning. Raises what `run` raises.
        """
        plan = self.plan(argv, **options)
        self._check_free()
        if self._fit is not plan.limits or plan.files or plan.collect:
            return None
        course = runner.Course(self, plan, Streams(self.init.pipes, plan.limits.output, stdin, PIPE, stderr))
        packet = course.packet()
        if packet is None:
            course.streams.close()
            return None
        return Prepared(self, course, packet, self._busy)

    def _run(
        self, plan: Plan, stdin: Stdin, stdout: Stdout, stderr: Stdout, pass_fds: PassFds, control: Control | None
    ) -> Result:
        if self._fit is not plan.limits:
            self._prepare(plan.limits)
        self.used = True
        # What is passed could carry a descriptor of this box's directories away, into the time of the next program.
        self.stale = bool(plan.files or pass_fds)
        try:
            return runner.run(self, plan, stdin, stdout, stderr, pass_fds, control)
        except RequestError:
            if self.stale:  # nothing was started, but the files that went in are there
                self.discard()
            raise
        except BaseException:
            self.discard()
            raise

    def signal(self, number: int, scope: wire.Scope = wire.Scope.GROUP) -> None:
        """Send a signal to the program that runs now, by default with its group; from another thread or a handler."""
        with self._closing:
            if self._init is not None:
                self._init.signal(number, scope)

    def processes(self) -> tuple[int, ...]:
        """Host PIDs of the program that runs now and of all that it has started."""
        with self._closing:
            if self._init is None:
                return ()
            own = {self.warden.pid, pid_of(self._init.pidfd)}
            return tuple(pid for pid in self.cgroup.members() if pid not in own)

    def note(self, ended: Ended) -> None:
        """Decide after a run whether this box can be used again, and order the next one if not."""
        if ended.exited is None:
            self.discard()
            return
        if ended.relimited:
            self._fit = None
        if self.stale or ended.exited.flags & _DIRTY or self.policy.reuse == "never":
            self.renew()

    def renew(self) -> None:
        """Order a fresh box in the place of this one; the next run waits for it, nobody else has to."""
        self.used = False
        try:
            self._order(self.policy.limits)
        except HostError:  # the warden died with its box, of a limit: the next run has a new slot
            self._close()

    def hand_on(self) -> None:
        """Whoever has the box next may be somebody else: a fresh one for them, unless the policy says otherwise."""
        if self.policy.reuse != "always" and self.used:
            self.renew()

    def _prepare(self, limits: Limits) -> None:
        """See to it that there is a box, of the size and with the limits that are wanted."""
        self._fit = None  # also if what follows fails halfway
        try:
            self._make_ready(limits)
        except HostError:
            if not self._has_slot:
                raise
            # The warden is gone, or earlier runs left more in the group than fits: a new slot has neither.
            self._close()
            self._make_ready(limits)
        self._fit = limits

    def _make_ready(self, limits: Limits) -> None:
        if not self._has_slot:
            self._open()
        if (self._init is None and self._ordered is None) or _size(limits) != self._size:
            self._order(limits)
        if self._ordered is not None:
            self._complete()
        self.cgroup.limit(limits.memory, limits.processes, limits.cpus)

    def _order(self, limits: Limits) -> None:
        if self._ordered is not None:
            self._complete()
        self._close_init()
        self._size = _size(limits)
        self._ordered = self.warden.order_box(*self._size)

    def _complete(self) -> None:
        ordered, self._ordered = self._ordered, None
        assert ordered is not None
        try:
            self.warden.complete(ordered)
            self.cgroup.trim()  # now, when what was in the files of the last box is gone with it
        except BaseException:
            ordered.close()
            raise
        self.cgroup.settle()
        ordered.watch(self.cgroup.oom_fd, self.cgroup.oom_events)
        self._init = ordered

    def discard(self) -> None:
        """End this box at once, with all that is in it."""
        if self._init is not None:
            self._init.kill()
        self._close_init()

    def _close_init(self) -> None:
        self._fit = None
        with self._closing:
            init, self._init = self._init, None
            if init is not None:
                init.close()

    def _close_warden(self) -> None:
        if self._ordered is not None:
            self._ordered.close()
            self._ordered = None
        self._close_init()
        if hasattr(self, "warden"):
            self.warden.close()

    def _close(self) -> None:
        if not self._has_slot:
            return
        self._has_slot = False
        try:
            self._close_warden()
            self.cgroup.remove()
        finally:
            self._ids.release()

    def close(self) -> None:
        """End the box and give everything back. Safe to call twice."""
        if not self.closed:
            self.closed = True
            if self._service == os.getpid():  # a fork has its parent's box neither to use nor to end
                self._close()

    def __enter__(self) -> Box:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _size(limits: Limits) -> tuple[int, int]:
    return limits.scratch or 0, limits.inodes or 0


class BoxPool:
    """Boxes under one policy for many threads: at most `size`, each used by one run at a time.

    `run` waits for a free box; boxes are made when they are first needed, or all at once with `warm`.
    """

    def __init__(self, policy: str | Policy = "native", size: int | None = None, *, warm: bool = True) -> None:
        """A pool of `size` boxes (default: one for each CPU). Raises what `Box` raises, or `RequestError`."""
        if size is not None and size not in range(1, ids.SLOTS + 1):
            raise RequestError("size", f"must be a number from 1 to {ids.SLOTS}")
        self.policy = as_policy(policy)
        self.size = size or os.cpu_count() or 1
        self._free: deque[Box | None] = deque([None] * self.size)
        """Boxes, and places in which one can be made. The one used last is taken first: it is the warmest."""
        self._waiting = 0
        self._returned = threading.Condition()
        self.closed = False
        if warm:
            boxes = []
            try:
                boxes = [self._take() for _ in range(self.size)]
            finally:
                self._free.extend(boxes)

    def run(self, argv: Iterable[str | bytes | os.PathLike[str]], **options: Any) -> Result:
        """Run one program in a free box; options and errors as in `sandbox.run`."""
        with self.box() as box:
            return box.run(argv, **options)

    @contextlib.contextmanager
    def box(self) -> Iterator[Box]:
        """A free box, waited for, to be used by one thread; it goes back to the pool."""
        box = self._take()
        try:
            yield box
        finally:
            self._give(box)

    def _take(self) -> Box:
        try:
            box = self._free.pop()
        except IndexError:
            box = self._wait()
        if self.closed:
            self._put_back(box)
            raise HostError("the pool is closed")
        if box is None:
            try:
                box = Box(self.policy)
            except BaseException:
                self._put_back(None)
                raise
        return box

    def _wait(self) -> Box | None:
        with self._returned:
            self._waiting += 1
            try:
                # Asked anew after every wake-up: a newcomer may have been quicker.
                while not self._free:
                    self._returned.wait()
                return self._free.pop()
            except IndexError:
                return self._wait()
            finally:
                self._waiting -= 1

    def _put_back(self, box: Box | None) -> None:
        self._free.append(box)
        if self._waiting:  # only then is the lock needed; whoever begins to wait later finds the box
            with self._returned:
                self._returned.notify()

    def _give(self, box: Box) -> None:
        if self.closed:
            box.close()
            self._put_back(None)
            return
        box.hand_on()
        self._put_back(None if box.closed else box)

    def close(self) -> None:
        """End all boxes; runs that are under way end first. Safe to call twice."""
        self.closed = True
        for _ in range(len(self._free)):
            box = self._free.popleft()
            if box is not None:
                box.close()
            self._put_back(None)

    def __enter__(self) -> BoxPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Prepared:
    """A run that a lane is to carry out. Its box is taken until `result` or `drop`."""

    def __init__(self, box: Box, course: runner.Course, packet: bytes, busy: threading.Lock) -> None:
        self.box = box
        self.started = 0.0
        """When a lane began it, by `time.monotonic`."""
        self._course, self._packet, self._busy = course, packet, busy
        self._error: Exception | None = None
        busy.acquire()

    @contextlib.contextmanager
    def _ending_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.box.discard()
            self.drop()
            raise

    def submit(self, lanes: Lanes, tag: object) -> None:
        """Have a lane start it when its turn has come, and tell of it under this tag."""
        self.box.used = True
        self.box.stale = False
        try:
            self._course.submit(lanes, tag, self._packet)
        except Exception as error:  # noqa: BLE001 - for whoever waits, when there is a lane
            self._error = error
            lanes.hold(tag)

    def told(self, began: float, answer: Answer | None, error: OSError | None) -> bool:
        """What the lane has told: whether it has ended. If not, a thread has to `wait`: nobody enforces its limits."""
        self.started = began
        if self._error is None:
            try:
                return self._course.told(began, answer, error)
            except Exception as failure:  # noqa: BLE001 - what ends the box may have to be waited for
                self._error = failure
        return False

    def wait(self, control: Control) -> None:
        """Wait for its end, and have its limits in force. Raises what `Box.run` raises."""
        with self._ending_on_error():
            if self._error is not None:
                raise self._error
            self._course.wait(control)

    def result(self) -> Result:
        """How it ended; the box is free. Raises what `Box.run` raises."""
        with self._ending_on_error():
            result = self._course.result()
        self.drop()
        return result

    def drop(self) -> None:
        """The box is free."""
        self._course.streams.close()
        self._busy.release()
