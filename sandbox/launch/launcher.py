"""Starts wardens and inits, and talks to them. No policy is known here: what arrives is already decided."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import signal
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox import launch
from sandbox.errors import HostError, LaunchError, SandboxError, step
from sandbox.kernel.cgroup import Cgroup
from sandbox.kernel.idmap import OwnMount
from sandbox.kernel.ids import PROGRAM, Ids
from sandbox.launch import wire

with contextlib.suppress(ImportError):  # built on Linux only; elsewhere there is no init to start, either
    from sandbox.launch import packets

PATIENCE = 10.0
"""Seconds that a warden or init may take to answer before it counts as dead; a healthy one takes milliseconds."""


def init_program() -> Path:
    """The path of sandbox-init, which need not exist."""
    places = [Path(directory, "sandbox-init") for directory in launch.__path__]
    return next((place for place in places if place.exists()), places[0])


_SOCKET_FD, _SERVICE_FD, _LOCK_FD = 3, 4, 5  # as in init.h


@dataclass(frozen=True, slots=True)
class Template:
    """What every box of a slot looks like."""

    mounts: tuple[wire.WireMount, ...]
    bpf: bytes
    hostname: bytes
    flags: wire.SetupFlag
    user_namespace: bool = True


Answer = tuple[bytes, tuple[int, ...], tuple[int, ...]]
"""A packet, its descriptors, and those of our pipes that can be read."""


class Peer:
    """Our end of the socket to a warden or an init."""

    def __init__(self, end: socket.socket, name: str) -> None:
        self.socket = end
        self.fd = end.fileno()
        self._name = name
        self.poll = select.poll()
        self.poll.register(self.fd, select.POLLIN)

    def send(self, packet: bytes, fds: tuple[int, ...] = ()) -> None:
        """Send one packet with descriptors; `HostError` if nobody is there."""
        try:
            packets.send(self.fd, packet, fds)
        except OSError as error:
            raise self._lost(error) from None

    def _lost(self, error: OSError) -> SandboxError:
        if error.errno in (errno.EPIPE, errno.ECONNRESET):
            return HostError(f"{self._name} is gone: {error.strerror}")
        return LaunchError(f"a message to or from {self._name}", error.errno or 0)

    def receive(self) -> wire.Type | wire.Failed | wire.Exited:
        """The packet that is there; `HostError` if the other end has closed."""
        packet, fds = self._receive()
        if not packet:
            raise HostError(f"{self._name} died")
        said = self._understand(packet, fds)
        if not isinstance(said, wire.Exited):
            _close_all(fds)
        return said

    def _understand(
        self, packet: bytes, fds: tuple[int, ...], unread: tuple[int, ...] = ()
    ) -> wire.Type | wire.Failed | wire.Exited:
        """What a packet says; of one that says nothing, no descriptor is kept."""
        try:
            return wire.decode(packet, fds, unread)
        except HostError:
            _close_all(fds)
            raise

    def _receive(self) -> tuple[bytes, tuple[int, ...]]:
        try:
            return packets.receive(self.fd)
        except OSError as error:
            raise self._lost(error) from None

    def answer(self, *counts: int) -> tuple[int, ...]:
        """Wait for READY and return its descriptors, of which there are so many; FAILED becomes a `LaunchError`."""
        if not self.poll.poll(PATIENCE * 1000):
            raise HostError(f"{self._name} does not answer")
        packet, fds = self._receive()
        if not packet:
            raise HostError(f"{self._name} died while it was being set up")
        answer = self._understand(packet, fds)
        if answer is wire.Type.READY and len(fds) in counts:
            return fds
        _close_all(fds)
        raise self._refusal(answer)

    def _refusal(self, answer: wire.Type | wire.Failed | wire.Exited) -> LaunchError | HostError:
        """The error that an answer is which was not hoped for."""
        if isinstance(answer, wire.Failed):
            return LaunchError(answer.step, answer.errno)
        return HostError(f"{self._name} sent an answer to something else")

    def close(self) -> None:
        """Close our end, which ends the other side."""
        self.socket.close()


class Init(Peer):
    """The init of one box. Its end is the end of everything in the box."""

    def __init__(self, end: socket.socket) -> None:
        super().__init__(end, "the box's init")
        self.pidfd = -1
        self.listener = -1
        self.pipes: tuple[int, ...] = ()
        """Our ends of the next run's stdout and stderr."""
        self._spent: tuple[int, ...] = ()
        self._others: tuple[int, ...] = ()

    def watch(self, oom_fd: int, oom_events: int) -> None:
        """Have this box's poll object tell of memory that runs out, and of calls that are ours to answer, too."""
        for fd, events in ((self.listener, select.POLLIN), (oom_fd, oom_events)):
            if fd >= 0:
                self.poll.register(fd, events)
                self._others += (fd, events)

    def run(
        self, head: bytes, tail: bytes, fds: tuple[int, ...], targets: Sequence[int], flags: int, patience: int
    ) -> wire.Exited | None:
        """Start a program, whose tail goes along, or into a memory file if it is long.

        If it ends within `patience` milliseconds and nothing else happens before, this is all of it: its end, or a
        `LaunchError`. `None` if it goes on, or needs somebody who looks, or nobody was to wait.
        """
        head, tail = wire.redirect(head, tail, targets, flags)
        if len(head) + len(tail) <= wire.MAX:
            return self._exchange(head + tail, fds, patience)
        memory = memory_file(tail)
        try:
            return self._exchange(head, (memory, *fds), patience)
        finally:
            os.close(memory)

    def _exchange(self, packet: bytes, fds: tuple[int, ...], patience: int) -> wire.Exited | None:
        spent, self._spent = self._spent, ()
        try:
            answer = packets.exchange(self.fd, packet, fds, self._others, self.pipes, spent, patience)
        except OSError as error:
            raise self._lost(error) from None
        return self._ended(answer)

    def submit(
        self, lanes: packets.Lanes, tag: object, packet: bytes, fds: tuple[int, ...], patience: int
    ) -> None:  # fmt: skip
        """As `run`, of which this is the packet, by a lane, which tells of it under this tag."""
        spent, self._spent = self._spent, ()
        lanes.submit(tag, self.fd, packet, fds, self._others, self.pipes, spent, patience)

    def told(self, answer: Answer | None, error: OSError | None) -> wire.Exited | None:
        """What `run` returns, of what a lane has told."""
        if error is not None:
            raise self._lost(error)
        return self._ended(answer)

    def _ended(self, answer: Answer | None) -> wire.Exited | None:
        if answer is None:
            return None
        said = self._understand(*answer)
        if isinstance(said, wire.Exited):
            return said
        _close_all(answer[1])
        raise self._refusal(said)

    def exchange_pipes(self, fresh: tuple[int, ...]) -> None:
        """The next run's pipes take the place of the last one's, which are closed when there is time: when the next
        program starts.
        """
        self._spent, self.pipes = self.pipes, fresh

    def signal(self, number: int, scope: wire.Scope) -> None:
        """Have the program, its group, or everything in the box signalled."""
        self.send(wire.signal(number, scope))

    def kill(self) -> None:
        """End the box from outside, and see it gone: init and, by the kernel, every process in it."""
        if self.pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
            waiter = select.poll()
            waiter.register(self.pidfd, select.POLLIN)
            if not waiter.poll(PATIENCE * 1000):
                raise HostError("the box's processes do not end")

    def close(self) -> None:
        """Close every descriptor of this box."""
        super().close()
        for fd in (self.pidfd, self.listener, *self.pipes, *self._spent):
            if fd >= 0:
                os.close(fd)
        self.pidfd = self.listener = -1
        self.pipes = self._spent = ()


class Warden(Peer):
    """The warden of one slot: makes boxes, and moves files in and out of them."""

    def __init__(self, template: Template, ids: Ids, cgroup: Cgroup) -> None:
        ours, theirs = _socket_pair()
        super().__init__(ours, "the warden")
        self._unanswered = True  # it is to say when it is there
        try:
            with theirs:
                self.pid = _spawn(theirs.fileno(), ids.lock, [])
            _wardens.add(self)
            self._set_up(template, ids, cgroup)
        except BaseException:
            self.close()
            raise

    def _set_up(self, template: Template, ids: Ids, cgroup: Cgroup) -> None:
        self.answer(0)  # it has entered its user namespace
        cgroup.join(self.pid)
        _write_maps(self.pid, ids)
        packet = wire.setup(
            flags=template.flags,
            ids=(ids.init, PROGRAM),
            mounts=template.mounts,
            bpf=template.bpf,
            cpu=None,
            hostname=template.hostname,
            meters=cgroup.meters,
        )
        with contextlib.ExitStack() as made:
            trees = [_own_mount(mount.source, ids, made) for mount in template.mounts if _is_given(mount, ids)]
            self._ask(packet, (*(meter.fd for meter in cgroup.meters if meter.fd >= 0), *trees))
        self.answer(0)

    def _ask(self, packet: bytes, fds: tuple[int, ...] = ()) -> None:
        if self._unanswered:
            raise HostError("the warden has been interrupted")
        self._unanswered = True  # and so it stays if an exception comes first: no later question may get this answer
        self.send(packet, fds)

    def answer(self, *counts: int) -> tuple[int, ...]:
        """See `Peer`."""
        try:
            fds = super().answer(*counts)
        except LaunchError:
            self._unanswered = False
            raise
        self._unanswered = False
        return fds

    def order_box(self, scratch: int, inodes: int) -> Init:
        """Ask for a fresh box in the place of the last one; `complete` waits for it."""
        ours, theirs = _socket_pair()
        init = Init(ours)
        try:
            with theirs:
                self._ask(wire.box(scratch, inodes), (theirs.fileno(),))
        except BaseException:
            init.close()
            raise
        return init

    def complete(self, init: Init) -> None:
        """Wait until an ordered box is ready."""
        (init.pidfd,) = self.answer(1)
        out, error, *listener = init.answer(2, 3)
        init.pipes = (out, error)
        if listener:
            (init.listener,) = listener

    def put(self, name: bytes, mode: int, source: int) -> None:
        """Copy a descriptor's content into a new file of the box's working directory."""
        self._ask(wire.put(name, mode), (source,))
        self.answer(0)

    def put_directory(self, name: bytes) -> None:
        """Make a directory in the box's working directory, with its parents, unless it is there."""
        self._ask(wire.put(name, 0, wire.PutFlag.DIRECTORY))
        self.answer(0)

    def get(self, name: bytes) -> int:
        """A descriptor of a file or directory in the box's working directory, opened without following any link; of
        the working directory itself if the name is empty.
        """
        self._ask(wire.get(name))
        (fd,) = self.answer(1)
        return fd

    def close(self) -> None:
        """End the warden, and with it the slot's box, and reap it."""
        super().close()
        if getattr(self, "pid", 0):
            if self._unanswered:  # it may be stopped, or never come to see that it is to end
                os.kill(self.pid, signal.SIGKILL)
            _reap(self.pid)
            self.pid = 0
        _wardens.discard(self)


def _close_all(fds: Iterable[int]) -> None:
    for fd in fds:
        os.close(fd)


@step("make a memory file")
def memory_file(content: bytes) -> int:
    """A descriptor, at its start, of a sealed memory file: nobody who gets it can change it (memfd_create(2))."""
    fd = os.memfd_create("sandbox", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(fd, view) :]
        os.lseek(fd, 0, os.SEEK_SET)
        seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    except BaseException:
        os.close(fd)
        raise
    return fd


@step("make a socket pair")
def _socket_pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def start_janitor(parents: Iterable[Path], prefix: str) -> None:
    """Start the process that removes this service's groups should the service be killed."""
    ours, theirs = _socket_pair()
    with ours, theirs:
        _spawn(theirs.fileno(), -1, ["janitor", prefix, *map(str, parents)])


def _spawn(end: int, lock: int, arguments: list[str]) -> int:
    """posix_spawn with an empty environment, default signals and the agreed descriptors only."""
    program = init_program()
    if not program.exists():
        raise HostError(f"{program.name} is missing: local boxes need Linux and a package built there (pip install .)")
    with contextlib.ExitStack() as opened, step("start sandbox-init"):
        service = os.pidfd_open(os.getpid())
        opened.callback(os.close, service)
        # Copies above the agreed numbers first, so that no placing overwrites a source.
        sources = {_SOCKET_FD: end, _SERVICE_FD: service}
        if lock >= 0:
            sources[_LOCK_FD] = lock
        actions: list[tuple[int, ...]] = []
        for number, fd in sources.items():
            high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
            opened.callback(os.close, high)
            actions.append((os.POSIX_SPAWN_DUP2, high, number))
        nowhere = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]
        return os.posix_spawn(
            program,
            [program.name, *arguments],
            {},
            file_actions=[*nowhere, *actions],
            setsid=True,  # a Ctrl-C at the terminal is for the service, not for its wardens
            setsigmask=[],
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
        )


@step("map ids")
def _write_maps(pid: int, ids: Ids) -> None:
    process = Path(f"/proc/{pid}")
    if ids.lock < 0:  # user_namespaces(7): without privilege, groups must be frozen before they are mapped
        (process / "setgroups").write_text("deny")
    (process / "uid_map").write_text(ids.uid_map)
    (process / "gid_map").write_text(ids.gid_map)


def _is_given(mount: wire.WireMount, ids: Ids) -> bool:
    """As is_given() in root.c: whether a mount comes along, because no warden could make it."""
    return bool(mount.flags & wire.MountFlag.OWN) and ids.init != PROGRAM


def _own_mount(source: bytes, ids: Ids, made: contextlib.ExitStack) -> int:
    """A mount, attached nowhere, in which what belongs to the directory's owner is the program's."""
    tree = OwnMount(source)
    made.callback(tree.close)
    with _namespace(tree.id_maps(ids.program)) as namespace:
        tree.map(namespace)
    return tree.fd


@contextlib.contextmanager
def _namespace(maps: tuple[str, str]) -> Iterator[int]:
    """A descriptor of a user namespace with these maps, which is that of a warden that never gets anything to do."""
    ours, theirs = _socket_pair()
    keeper = Peer(ours, "the keeper of a map")
    with ours:
        with theirs:
            pid = _spawn(theirs.fileno(), -1, [])
        try:
            keeper.answer(0)
            with step("map ids"):
                Path(f"/proc/{pid}/uid_map").write_text(maps[0])
                Path(f"/proc/{pid}/gid_map").write_text(maps[1])
                namespace = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
            try:
                yield namespace
            finally:
                os.close(namespace)
        finally:
            os.kill(pid, signal.SIGKILL)
            _reap(pid)


def _reap(pid: int) -> None:
    """Wait for a warden that is ending; one that does not is killed."""
    deadline = time.monotonic() + PATIENCE
    pause = 0.0002
    while True:
        try:
            done, _ = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return
        if done:
            return
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            deadline += PATIENCE
        time.sleep(pause)
        pause = min(pause * 2, 0.01)


_wardens: set[Warden] = set()
"""Those alive: a forked child of the service must not keep their sockets open."""


def _after_fork_in_child() -> None:
    for warden in _wardens:
        warden.socket.close()
        warden.pid = 0
    _wardens.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)
