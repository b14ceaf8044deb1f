"""Many programs at once: handed in, run as boxes become free, taken out as they end."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import Any

from sandbox.box import BoxPool
from sandbox.control import Control
from sandbox.policy import Policy
from sandbox.result import Result


class Job(Future[Result]):
    """A program that was handed in: a `concurrent.futures.Future` of its Result."""

    def __init__(self) -> None:
        """Not yet running."""
        super().__init__()
        self._control: Control | None = None
        self._killed = False

    def _begin(self, control: Control) -> None:
        self._control = control
        if self._killed:
            control.kill()

    def kill(self) -> None:
        """End it, whether it runs, which its Result then says, or waits, which is `cancel`."""
        if self.cancel():
            return
        self._killed = True
        if self._control is not None:
            self._control.kill()


class Pool:
    """Up to `size` programs at a time (default: one for each CPU), in boxes that are kept warm; first in, first run."""

    def __init__(self, policy: str | Policy = "native", size: int | None = None) -> None:
        """Make the boxes. Raises what `BoxPool` raises."""
        self._boxes = BoxPool(policy, size)
        self._threads = ThreadPoolExecutor(self._boxes.size, thread_name_prefix="sandbox-pool")
        self._open: set[Job] = set()
        self._lock = threading.Lock()

    def submit(self, argv: Iterable[Any], **options: Any) -> Job:
        """Hand in a program, with the options of `sandbox.run`; errors are the Job's."""
        job = Job()
        with self._lock:
            self._open.add(job)
        job.add_done_callback(self._forget)
        self._threads.submit(self._work, job, argv, options)
        return job

    def map(
        self, many: Iterable[Iterable[Any]], *, progress: Callable[[int, int], object] | None = None, **options: Any
    ) -> Iterator[Result]:
        """The Results of many programs, in their order; `progress` is told how many have ended, and of how many.

        What `progress` raises is raised when the next Result is taken. See `progress_bar`.
        """
        jobs = [self.submit(argv, **options) for argv in many]
        failures: list[Exception] = []
        if progress is not None:
            count, lock = iter(range(1, len(jobs) + 1)), threading.Lock()

            def tell(_: Future[Result]) -> None:
                with lock:
                    if not failures:
                        try:
                            progress(next(count), len(jobs))
                        except Exception as error:  # noqa: BLE001 - whoever takes the results gets it
                            failures.append(error)

            for job in jobs:
                job.add_done_callback(tell)
        return _results(jobs, failures)

    @staticmethod
    def as_completed(jobs: Iterable[Job], timeout: float | None = None) -> Iterator[Future[Result]]:
        """Jobs as they end; `TimeoutError` if not all have within `timeout` seconds."""
        return as_completed(jobs, timeout)

    def _work(self, job: Job, argv: Iterable[Any], options: dict[str, Any]) -> None:
        if not job.set_running_or_notify_cancel():
            return
        try:
            with Control() as control:
                job._begin(control)
                with self._boxes.box() as box:
                    result = box.run(argv, control=control, **options)
                control.deliver(result)
        except BaseException as error:  # noqa: BLE001 - whoever waits for the job gets it
            job.set_exception(error)
        else:
            job.set_result(result)

    def _forget(self, job: Future[Result]) -> None:
        with self._lock:
            self._open.discard(job)

    def close(self, *, kill: bool = False) -> None:
        """Wait for everything that was handed in, or end it; then end the boxes. Safe to call twice."""
        if kill:
            with self._lock:
                jobs = tuple(self._open)
            for job in jobs:
                job.kill()
        self._threads.shutdown()
        self._boxes.close()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, error: object, *_: object) -> None:
        self.close(kill=error is not None)


@contextlib.contextmanager
def progress_bar(title: str = "") -> Iterator[Callable[[int, int], object]]:
    """A bar on stderr, or only a line at the end if that is no terminal.

    It is entered for `Pool.map`: `with progress_bar("tests") as bar: list(pool.map(…, progress=bar))`.
    """
    from rich.console import Console  # here, because they take long to import
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _results(jobs: list[Job], failures: list[Exception]) -> Iterator[Result]:
    try:
        for job in jobs:
            result = job.result()
            if failures:
                raise failures[0]
            yield result
    finally:
        for job in jobs:
            job.cancel()
