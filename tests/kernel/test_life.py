"""The life of boxes: whoever dies, only its own run fails, and nothing of it is left."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import census
import psutil
import pytest

from sandbox import Box, BoxPool, HostError, Status
from sandbox.kernel import cgroup
from sandbox.launch.launcher import Init

Name = Callable[[str], str]

Later = Callable[[Callable[[], object]], None]


@pytest.fixture
def later() -> Iterator[Later]:
    """A function that does something in a quarter of a second, in a thread."""
    timers: list[threading.Timer] = []

    def later(action: Callable[[], object]) -> None:
        timers.append(threading.Timer(0.25, action))
        timers[-1].start()

    yield later
    for timer in timers:
        timer.join()


@pytest.fixture
def own(policy: Name) -> Iterator[Box]:
    """A box of the test's own."""
    with Box(policy("native")) as box:
        yield box


def pid_of(init: Init) -> int:
    """The PID of a box's init as the host sees it."""
    lines = Path(f"/proc/self/fdinfo/{init.pidfd}").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("Pid:")))


def wait_for(condition: Callable[[], bool], seconds: float = 3) -> bool:
    """Whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def alive(process: psutil.Process) -> bool:
    """Whether a process is there; one that has ended and waits for its parent is not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


# Deaths


def test_init_dies(own: Box, later: Later) -> None:
    """The death of an init fails its run, by an error that says so, and the box goes on with another."""
    for _ in range(3):
        pid = pid_of(census.settle(own))
        later(functools.partial(os.kill, pid, signal.SIGKILL))
        started = time.monotonic()
        with pytest.raises(HostError, match="init died"):
            own.run(["sleep", "10"])
        assert time.monotonic() - started < 9
        assert own.run(["echo", "on"]).stdout == b"on\n"


def test_init_dies_while_nothing_runs(own: Box) -> None:
    """At most the next run fails for it, and says so."""
    os.kill(pid_of(census.settle(own)), signal.SIGKILL)
    time.sleep(0.05)
    with pytest.raises(HostError, match="init"):
        own.run(["true"])
    assert own.run(["echo", "on"]).stdout == b"on\n"


def test_warden_dies(own: Box, later: Later) -> None:
    """The death of a warden ends its box, and the next run has a slot of its own."""
    for _ in range(3):
        warden = own.warden.pid
        later(lambda: os.kill(own.warden.pid, signal.SIGKILL))
        with pytest.raises(HostError, match=r"died|is gone"):
            own.run(["sleep", "10"])
        assert own.run(["echo", "on"], files={"x": b""}).stdout == b"on\n"
        assert own.warden.pid != warden
        assert own.run(["ls"]).stdout == b""


def test_warden_dies_while_nothing_runs(own: Box) -> None:
    """Nothing is lost if nothing ran."""
    own.run(["true"])
    os.kill(own.warden.pid, signal.SIGKILL)
    time.sleep(0.05)
    with contextlib.suppress(HostError):  # its init ends with it, and the run may have been sent there
        own.run(["true"])
    assert own.run(["echo", "on"]).stdout == b"on\n"


def test_pool_goes_on(policy: Name) -> None:
    """The death of one init fails one run of a pool's many."""
    with BoxPool(policy("native"), 2) as pool:
        failures: list[BaseException] = []
        outputs: list[bytes | None] = []

        def work(number: int) -> None:
            for i in range(10):
                try:
                    outputs.append(pool.run(["sh", "-c", "sleep 0.02; echo $0 $1", str(number), str(i)]).stdout)
                except HostError as error:
                    failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        wardens = [child for child in psutil.Process().children() if child.name() == "sandbox-warden"]
        inits = [init for warden in wardens for init in warden.children()]
        inits[-1].kill()
        for thread in threads:
            thread.join()
    assert len(failures) <= 1
    assert len(outputs) + len(failures) == 30
    assert len(set(outputs)) == len(outputs)


CALLER = """
import sys, threading
import sandbox
boxes = [sandbox.Box(sys.argv[1]) for _ in range(2)]
def start(box):
    box.run(["sh", "-c", "(setsid sleep 100 &); (trap '' TERM HUP; sleep 100) & yes > /dev/null"])
for box in boxes:
    threading.Thread(target=start, args=(box,), daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
"""


@pytest.mark.parametrize("pause", [0.0, 0.005, 0.3])
def test_caller_is_killed(policy: Name, pause: float) -> None:
    """SIGKILL of the caller in the middle of its runs: in three seconds no process and no control group is left."""
    caller = subprocess.Popen([sys.executable, "-P", "-c", CALLER, policy("native")], stdout=subprocess.PIPE)
    assert caller.stdout is not None
    with caller.stdout:
        assert caller.stdout.readline() == b"ready\n"
    time.sleep(pause)
    service = psutil.Process(caller.pid)
    if pause > 0.1:
        assert wait_for(lambda: _names(service).count("sleep") == 4), _names(service)
    family = service.children(recursive=True)
    assert any(process.name() == "sandbox-warden" for process in family)
    groups = _groups(caller.pid)
    caller.kill()
    caller.wait()
    assert wait_for(lambda: not any(map(alive, family))), [process for process in family if alive(process)]
    assert wait_for(lambda: not _groups(caller.pid)), _groups(caller.pid)
    assert bool(groups) or "no-cgroup" in policy("native")


def _names(service: psutil.Process) -> list[str]:
    """What runs below a service now."""
    names = []
    for process in service.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            names.append(process.name())
    return names


def _groups(pid: int) -> list[Path]:
    """The control groups of a service."""
    try:
        parents = cgroup.find().parents()
    except HostError:
        return []
    return [path for parent in parents for path in parent.glob(f"{cgroup.PREFIX}{pid}-*")]


def test_caller_that_forgets_to_close(policy: Name) -> None:
    """A script that ends with boxes open and a run under way leaves nothing either."""
    script = CALLER.replace("threading.Event().wait()", "import time; time.sleep(0.2); sys.exit(0)")
    caller = subprocess.Popen([sys.executable, "-P", "-c", script, policy("native")], stdout=subprocess.PIPE)
    assert caller.stdout is not None
    with caller.stdout:
        caller.stdout.readline()
        family = psutil.Process(caller.pid).children(recursive=True)
    assert caller.wait(30) == 0
    assert wait_for(lambda: not any(map(alive, family)))
    assert wait_for(lambda: not _groups(caller.pid))


# Forks, threads, signals


def test_fork_of_the_caller(own: Box) -> None:
    """A forked child that ends, or that runs programs of its own, does not disturb its parent's box."""
    script = textwrap.dedent("""
        import os, sys
        import sandbox
        policy = sys.argv[1]
        box = sandbox.Box(policy)
        sandbox.run(["true"], policy=policy)
        for how in ("exit", "use", "close", "own"):
            pid = os.fork()
            if pid == 0:
                if how == "use":
                    try:
                        box.run(["true"])
                    except sandbox.HostError as error:
                        os._exit("belongs to the process" not in str(error))
                if how == "close":
                    box.close()
                elif how == "own":
                    assert sandbox.run(["echo", "child"], policy=policy).stdout == b"child\\n"
                    sys.exit(0)
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0, how
            assert box.run(["echo", how]).stdout == how.encode() + b"\\n"
            assert sandbox.run(["echo", how], policy=policy).stdout == how.encode() + b"\\n"
        box.close()
    """)
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, own.policy.name], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_forked_child_does_not_keep_boxes_alive(policy: Name) -> None:
    """A child of the caller that lives on, as multiprocessing's do, does not keep a dead caller's boxes alive."""
    script = textwrap.dedent("""
        import os, sys, time
        import sandbox
        box = sandbox.Box(sys.argv[1])
        if os.fork() == 0:
            os.close(1)
            time.sleep(5)
            os._exit(0)
        print("ready", flush=True)
        box.run(["sleep", "100"])
    """)
    caller = subprocess.Popen([sys.executable, "-P", "-c", script, policy("native")], stdout=subprocess.PIPE)
    assert caller.stdout is not None
    with caller.stdout:
        caller.stdout.readline()
    family = [p for p in psutil.Process(caller.pid).children(recursive=True) if "python" not in p.name()]
    caller.kill()
    caller.wait()
    assert wait_for(lambda: not any(map(alive, family)))
    assert wait_for(lambda: not _groups(caller.pid))


def test_box_of_a_thread_that_has_ended(policy: Name) -> None:
    """A box belongs to the process, not to the thread that made it."""
    boxes: list[Box] = []
    thread = threading.Thread(target=lambda: boxes.append(Box(policy("native"))))
    thread.start()
    thread.join()
    time.sleep(0.05)
    with boxes[0] as box:
        assert box.run(["echo", "on"]).stdout == b"on\n"
        assert box.run(["echo", "on"], files={"x": b""}).stdout == b"on\n"
        assert box.run(["echo", "on"]).stdout == b"on\n"


class _Interrupted(BaseException):
    """What the handler raises; as KeyboardInterrupt, no Exception."""


# An exception between making a socket and keeping it leaves the closing to the garbage collection, which tells.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_exception_in_the_middle_of_a_run(own: Box) -> None:
    """Ctrl-C, or whatever a handler raises, ends the run and comes through; the box works again."""

    def interrupt(number: int, frame: object) -> None:
        raise _Interrupted

    old = signal.signal(signal.SIGALRM, interrupt)
    try:
        for delay in (0.2, 0.05, 0.01, *(i / 10_000 for i in range(1, 60))):
            with pytest.raises(_Interrupted):  # noqa: PT012 the timer may go off before the run begins
                signal.setitimer(signal.ITIMER_REAL, delay)
                own.run(["sh", "-c", "touch mark; exec sleep 10"])
            assert own.run(["ls"]).stdout == b""
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
        gc.collect()


@pytest.mark.parametrize("files", [{}, {"a": b"put"}])
def test_exception_before_an_answer(own: Box, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]) -> None:
    """An answer that an exception kept from being read is not taken for the answer to a later question."""

    def interrupted(*counts: int) -> None:
        raise _Interrupted

    own.run(["touch", "mark"])  # the next box is ordered, but not waited for
    if files:
        census.settle(own)
    with monkeypatch.context() as patch:
        patch.setattr(own.warden, "answer", interrupted)
        with pytest.raises(_Interrupted):
            own.run(["true"], files=files)
    for i in range(3):
        result = own.run(["cat", "b"], files={"b": b"%d" % i}, collect=["b"])
        assert (result.stdout, result.files) == (b"%d" % i, {"b": b"%d" % i})
        census.settle(own)
        assert psutil.Process(pid_of(own.init)).ppid() == own.warden.pid


def test_signal_from_another_thread(own: Box, later: Later) -> None:
    """A caller can signal what runs, and its whole group."""
    later(lambda: own.signal(signal.SIGTERM))
    result = own.run(["sh", "-c", "sleep 10 & sleep 10"], limits={"wall_time": 5})
    assert (result.status, result.signal) == (Status.SIGNALED, signal.SIGTERM)
    own.signal(signal.SIGTERM)  # nothing runs: nothing happens
    assert own.run(["echo", "on"]).stdout == b"on\n"


# Closing


def test_closing(policy: Name) -> None:
    """Closing gives everything back, twice does no harm, and afterwards there is a clear error."""
    box = Box(policy("native"))
    box.run(["true"])
    warden = psutil.Process(box.warden.pid)
    family = [warden, *warden.children(recursive=True)]
    box.close()
    box.close()
    assert not any(map(alive, family))
    for _ in range(2):
        with pytest.raises(HostError, match="the box is closed"):
            box.run(["true"])


def test_closing_a_pool(policy: Name) -> None:
    """The same for a pool; a run that is under way comes to its end."""
    pool = BoxPool(policy("native"), 2)
    results = []
    thread = threading.Thread(target=lambda: results.append(pool.run(["sh", "-c", "sleep 0.3; echo done"])))
    thread.start()
    time.sleep(0.1)
    pool.close()
    pool.close()
    thread.join()
    assert results[0].stdout == b"done\n"
    for _ in range(2):
        with pytest.raises(HostError, match="the pool is closed"):
            pool.run(["true"])


def test_closing_wakes_those_who_wait(policy: Name) -> None:
    """Who waits for a box of a pool that is closed gets an error, not an endless wait."""
    pool = BoxPool(policy("native"), 1)
    ended: list[object] = []

    def work() -> None:
        try:
            ended.append(pool.run(["sleep", "0.3"]))
        except HostError as error:
            ended.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    pool.close()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert sum(isinstance(item, HostError) for item in ended) == 3


# Many


def test_pool_of_many_threads(policy: Name) -> None:
    """Eight threads share two boxes: everybody gets the output and the files of the own run."""
    wrong: list[object] = []

    def work(pool: BoxPool, number: int) -> None:
        for i in range(25):
            mine = b"%d-%d" % (number, i)
            if i % 5:
                result = pool.run(["cat"], stdin=mine)
            else:
                result = pool.run(["cat", "in"], files={"in": mine}, collect=["in"])
                if result.files != {"in": mine}:
                    wrong.append(result)
            if result.stdout != mine:
                wrong.append(result)

    with BoxPool(policy("native"), 2) as pool:
        threads = [threading.Thread(target=work, args=(pool, number)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def test_nothing_grows(own: Box, tmp_path: Path) -> None:
    """500 runs of every kind: as many descriptors, processes and threads as before, and no more memory."""
    path = tmp_path / "input"
    path.write_bytes(b"x" * 100_000)

    def once(i: int) -> None:
        own.run(["true"])
        if i % 5 == 0:
            own.run(["cat"], stdin=path, files={"a": b"x"}, collect=["a", "b"])
            own.run(["sh", "-c", "sleep 9 & touch /tmp/x"], stdin=b"text")
        if i % 10 == 0:
            with pytest.raises(OSError, match="No such file"):
                own.run(["./missing"], files={"a": b"x"})
            own.run(["yes"], limits={"output": 1000})

    for i in range(50):
        once(i)
    before = census.quiet(own)
    for i in range(300):
        once(i)
    assert not census.left(before, own)
    assert not census.drifted(before, census.count(), 300)


def test_boxes_leave_nothing(policy: Name) -> None:
    """Boxes that come and go: no descriptor, process or control group stays."""
    with Box(policy("native")) as box:
        box.run(["true"])
    before = census.quiet()
    for _ in range(10):
        with Box(policy("native")) as box:
            box.run(["true"])
    assert not census.left(before)


AFFINITY = """
import os
print(*sorted(os.sched_getaffinity(0)))
for pid in (0, 1, os.getpid(), os.getppid()):
    try:
        os.sched_setaffinity(pid, {min(os.sched_getaffinity(0))})
        print(pid, "moved")
    except OSError:
        pass
print(*sorted(os.sched_getaffinity(0)))
"""


@pytest.mark.root
def test_programs_have_all_cpus(policy: Name) -> None:
    """That init waits on one CPU binds no program, and no program can bind itself, or init."""
    with Box(policy("python")) as box:
        for _ in range(3):  # what a run before has bound is free again
            result = box.run(["python3", "-c", AFFINITY])
            everywhere = " ".join(map(str, sorted(os.sched_getaffinity(0))))
            assert result.stdout == f"{everywhere}\n{everywhere}\n".encode(), result
