"""Judging: submissions come from the database into the slots, and their reports go back."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from sandbox.errors import RequestError, SandboxError
from sandbox.files import File
from sandbox.judge.compiler import Compiler
from sandbox.judge.judge import Judge
from sandbox.judge.judgement import Judgement, TestResult
from sandbox.judge.package import opened
from sandbox.judge.problem import ProblemError
from sandbox.judge.stop import Stop, Stopped
from sandbox.judge.submission import Submission as Source
from sandbox.judge.verdict import Verdict
from sandbox.result import decoded
from sandbox.service.boxes import Boxes
from sandbox.service.contents import Contents
from sandbox.service.events import Events
from sandbox.service.metrics import Metrics
from sandbox.service.queue import QueueFull, Share
from sandbox.service.quotas import Quotas
from sandbox.service.settings import Settings
from sandbox.service.slots import Slots, Task
from sandbox.service.store.database import Database
from sandbox.service.store.submissions import Submissions
from sandbox.service.store.tables import CANCELLED, Package, Submission

log = structlog.get_logger()

PAUSE = 1.0
"""Seconds after which it is looked for work that nobody has told of: a retry, or another service's."""
LONGEST = 60.0
"""Seconds between two tries, at most."""
KEPT = 16
"""Problems that are kept ready to judge."""


@dataclass(slots=True)
class _Ready:
    """A problem with its programs compiled, and what has to be undone at the end."""

    package: str
    judge: Judge
    opened: contextlib.ExitStack


class Judges:
    """Problems that are ready to be judged, each for one thread at a time; those not used for longest go first."""

    def __init__(self, database: Database, contents: Contents, compiler: Compiler) -> None:
        self._database, self._contents, self._compiler = database, contents, compiler
        self._idle: list[_Ready] = []
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def of(self, row: Submission) -> Iterator[Judge]:
        """The judge of a submission's problem. Raises `ProblemError`, and `SandboxError` if the sandbox failed."""
        if row.package is None:
            with contextlib.ExitStack() as stack:
                yield self._inline(row, stack)
            return
        ready = self._take(row.package) or self._make(row.package)
        try:
            yield ready.judge
        except BaseException:
            ready.opened.close()
            raise
        self._give(ready)

    def _take(self, package: str) -> _Ready | None:
        with self._lock:
            for ready in reversed(self._idle):
                if ready.package == package:
                    self._idle.remove(ready)
                    return ready
        return None

    def _make(self, package: str) -> _Ready:
        with self._database.read() as session:
            row = session.get_one(Package, package)
        with contextlib.ExitStack() as stack:
            problem = stack.enter_context(opened(self._contents.path(row.digest), row.problem))
            limit = row.summary["time_limit"]
            judge = stack.enter_context(Judge(problem, compiler=self._compiler, jobs=1, time_limit=limit))
            return _Ready(package, judge, stack.pop_all())

    def _inline(self, row: Submission, stack: contextlib.ExitStack) -> Judge:
        """Of tests that came with the submission."""
        assert row.tests is not None
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="submission-")))
        for number, test in enumerate(row.tests["tests"], 1):
            for ending in ("in", "ans"):
                (place / f"{number}.{ending}").write_bytes(decoded(test[ending]))
        problem = stack.enter_context(opened(place))
        limits = problem.limits
        if row.tests.get("memory"):
            limits = replace(limits, memory=row.tests["memory"])
        problem = replace(problem, name="inline", title="inline", limits=limits, checker=row.tests["checker"])
        return stack.enter_context(
            Judge(problem, compiler=self._compiler, jobs=1, time_limit=row.tests.get("time_limit"))
        )

    def _give(self, ready: _Ready) -> None:
        with self._lock:
            self._idle.append(ready)
            leaving = self._idle.pop(0) if len(self._idle) > KEPT else None
        if leaving is not None:
            leaving.opened.close()

    def close(self) -> None:
        """Give everything back."""
        with self._lock:
            idle, self._idle = self._idle, []
        for ready in idle:
            ready.opened.close()


class Judging:
    """Takes submissions to the slots, as many as there is room for, and fairly."""

    def __init__(
        self, settings: Settings, owner: str, database: Database, contents: Contents, slots: Slots, quotas: Quotas,
        metrics: Metrics,
    ) -> None:  # fmt: skip
        self.owner, self.settings, self.quotas, self.metrics = owner, settings, quotas, metrics
        self.submissions = Submissions(database)
        self.events = Events()
        self.compiler = Compiler(overlay=settings.overlay)
        self.judges = Judges(database, contents, self.compiler)
        self._slots = slots
        self._wake = threading.Event()
        self._stopped = False
        self._tasks: dict[str, _Judgement] = {}
        """Those that are with this service."""
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._feed, name="feeder", daemon=True)

    def start(self) -> None:
        """Begin to look for work."""
        self._thread.start()

    def wake(self) -> None:
        """There may be work."""
        self._wake.set()

    def _feed(self) -> None:
        while not self._stopped:
            self._wake.wait(PAUSE)
            self._wake.clear()
            try:
                self._look_after()
                self._claim()
            except Exception:  # a database that is away for a moment
                log.exception("feeding failed")

    def _claim(self) -> None:
        room = 4 * self._slots.size - len(self._tasks)
        if room <= 0 or self._stopped:
            return
        for row in self.submissions.claim(self.owner, room, max(1, self._slots.size)):
            task = _Judgement(self, row)
            with self._lock:
                self._tasks[row.id] = task
            quota = self.settings.quota_of(row.tenant)
            try:
                self._slots.put(task, row.tenant, row.priority, Share(self._slots.queue.size, quota.running))
            except QueueFull:
                task.refuse()

    def _look_after(self) -> None:
        """End what was cancelled, and have what the database lost sight of while it was judged be judged again."""
        for submission, state in self.submissions.owned(self.owner).items():
            if state == CANCELLED:
                self.stop(submission)
            if submission in self._tasks:
                continue
            if state == CANCELLED:
                self.submissions.let_go(submission)
            else:
                self.submissions.release(submission, self.owner, begun=True)

    def stop(self, submission: str) -> None:
        """End what runs of a submission here."""
        task = self._tasks.get(submission)
        if task is not None:
            task.stop()

    def ended(self, submission: str) -> None:
        """A task is over."""
        with self._lock:
            self._tasks.pop(submission, None)
        self.wake()

    def end(self) -> None:
        """Take nothing more."""
        self._stopped = True
        self.wake()
        self._thread.join()

    def close(self) -> None:
        """End what still runs, which another service will judge, and give everything back."""
        for task in tuple(self._tasks.values()):
            task.stop()
        self.judges.close()
        self.compiler.close()


class _Judgement(Task):
    """One submission; a `Task` of the slots."""

    def __init__(self, judging: Judging, row: Submission) -> None:
        self._judging, self._row = judging, row
        self.stop = Stop()
        self._tests = self._told = 0

    def serve(self, _boxes: Boxes) -> None:
        """See `Task`."""
        row, judging = self._row, self._judging
        with structlog.contextvars.bound_contextvars(submission=row.id):
            try:
                self._serve()
            except Exception:  # the database: the row stays as it is, and is looked after later
                log.exception("a judgement was lost")
            finally:
                judging.ended(row.id)

    def refuse(self) -> None:
        """See `Task`."""
        self._judging.submissions.release(self._row.id, self._judging.owner, begun=False)
        self._judging.ended(self._row.id)

    def _serve(self) -> None:
        row, started = self._row, time.monotonic()
        if row.deadline is not None and row.deadline < time.time():
            self._cancel("its deadline has passed")
            return
        try:
            with self._judging.judges.of(row) as judge:
                self._tell("compiling")
                self._tests = sum(1 for _ in judge.problem.root.tests())
                judgement = judge.judge(_source(row), on_result=self._tell_test, stop=self.stop)
        except Stopped:
            self._judging.submissions.let_go(row.id)
        except ProblemError as error:
            self._finish(Judgement(row.problem or "inline", "", None, Verdict.JE, reason=str(error)))
        except SandboxError as error:
            self._fail(error)
        except Exception as error:
            log.exception("judging failed")
            self._fail(error)
        else:
            self._charge(judgement)
            self._finish(judgement)
            log.info("judged", verdict=str(judgement.verdict), seconds=round(time.monotonic() - started, 3))

    def _tell(self, what: str, **data: Any) -> None:
        self._judging.events.tell(self._row.id, what, data)

    def _tell_test(self, result: TestResult) -> None:
        self._told += 1
        self._tell("test", number=self._told, of=self._tests, name=result.name, verdict=result.verdict.value)

    def _finish(self, judgement: Judgement) -> None:
        report = {"jury": judgement.to_json(), "contestant": judgement.to_json(jury=False)}
        verdict, score = (judgement.verdict or Verdict.JE).value, judgement.score
        done = self._judging.submissions.finish(
            self._row, self._judging.owner, verdict=verdict, score=score, report=report, language=judgement.language,
            failures=self._row.failures,
        )  # fmt: skip
        if done:
            self._judging.metrics.judgements.labels(verdict).inc()
            self._tell("done", verdict=verdict, score=score)

    def _fail(self, error: Exception) -> None:
        """The sandbox has failed: again later, and at last JE with the evidence."""
        row, judging = self._row, self._judging
        failure = f"{type(error).__name__}: {error}"
        log.warning("the sandbox failed", error=failure, attempt=row.attempts)
        step = getattr(error, "step", type(error).__name__)
        judging.metrics.failures.labels(str(step).partition(" ")[0]).inc()
        if row.attempts < judging.settings.attempts and not isinstance(error, RequestError):
            seconds = min(LONGEST, judging.settings.back_off * 2 ** (row.attempts - 1))
            if judging.submissions.retry(row, judging.owner, failure, seconds):
                self._tell("retry", attempt=row.attempts, seconds=seconds)
            return
        row.failures = [*row.failures, failure]
        reason = f"the sandbox failed {row.attempts} times; at last: {failure}"
        if isinstance(error, RequestError):  # it is not the sandbox that failed
            reason = f"not judged: {error.reason}"
        judgement = Judgement(row.problem or "inline", "", row.language, Verdict.JE, reason=reason)
        self._finish(judgement)

    def _cancel(self, reason: str) -> None:
        if self._judging.submissions.cancel(self._row):
            self._tell("cancelled", reason=reason)
        self._judging.submissions.let_go(self._row.id)

    def _charge(self, judgement: Judgement) -> None:
        spent = sum((test.cpu_time or 0.0) + (test.validator_time or 0.0) for test in judgement.tests)
        self._judging.quotas.charge(self._row.tenant, spent + (judgement.compile_time or 0.0), len(judgement.tests))


def _source(row: Submission) -> Source:
    files = {name: File(decoded(content)) for name, content in row.sources.items()}
    name = next(iter(files)) if len(files) == 1 else row.id
    return Source(name, files, row.language)
