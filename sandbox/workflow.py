"""Programs that depend on each other: steps in their order, on conditions, tried again, with what one leaves for the
next, and clean-up at the end. On one machine: the order is graphlib's, trying again is tenacity's.

A step that does not end with `Status.OK` has failed. What comes after it is skipped, unless it has a condition of its
own (`when`), which alone decides then. A workflow is in order if no step has failed, except those that may.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from queue import SimpleQueue
from typing import Annotated, Any, NamedTuple

import tenacity
from pydantic import BaseModel, Field, StrictBool, ValidationError

from sandbox.errors import PolicyError, RequestError, SandboxError
from sandbox.policy import Policy, as_policy
from sandbox.request import Limits, Request, Seconds, request_error
from sandbox.result import NotCollected, Result
from sandbox.running import LOCAL, Runner, Running

LONGEST_BACKOFF = 3600.0
"""Seconds; a pause before another try does not double beyond that."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """What an earlier step has left: a file that it collects, or what it printed as `stdout` or `stderr`."""

    step: str
    name: str = "stdout"


@dataclass(frozen=True)
class Step:
    """One program of a workflow, with the options of `sandbox.run`, and when it is to run."""

    name: str
    argv: Sequence[str | bytes | os.PathLike[str]]
    after: Sequence[str] = ()
    """Steps that must have ended before; those whose artefacts it takes need not be named."""
    when: Callable[[Mapping[str, Result]], object] | None = None
    """Whether it is to run, by the results of the steps that it comes after, as far as these ran. It may have `steps`,
    which this step then comes after too. Without it, it runs if all these ended well, and always if it cleans up."""
    policy: str | Policy = "native"
    stdin: str | bytes | Path | Artefact | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ""
    limits: Limits | Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes | Path | Artefact] = field(default_factory=dict)
    collect: Sequence[str] = ()
    retries: int = 0
    """Further tries if it fails, or if the sandbox does."""
    backoff: float = 1.0
    """Seconds before the second try; before each further one twice as many as before the last."""
    timeout: float | None = None
    """Seconds that one try may take: the limit `wall_time`."""
    may_fail: bool = False
    """Whether the workflow is in order even if this step has failed; what comes after it runs then, too."""
    cleanup: bool = False
    """Runs when all other steps have ended, whatever has happened, an interrupt included."""

    @property
    def depends(self) -> tuple[str, ...]:
        """The steps that it comes after, each once."""
        taken = (item.step for item in self.contents.values() if isinstance(item, Artefact))
        return tuple(dict.fromkeys((*self.after, *taken, *getattr(self.when, "steps", ()))))

    @property
    def contents(self) -> dict[str, str | bytes | Path | Artefact | None]:
        """What goes into the box, by where it was said."""
        return {"stdin": self.stdin, **{f"files.{name}": item for name, item in self.files.items()}}


class State(str, Enum):
    """Where a step is."""

    RUNNING = "running"
    RETRYING = "waits to be tried again"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self not in (State.RUNNING, State.RETRYING)


@dataclass(frozen=True)
class Outcome:
    """Where a step is, or how it ended; the result is that of the last try, if a program ran."""

    state: State
    result: Result | None = None
    tries: int = 0
    reason: str = ""
    may_fail: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        result = None if self.result is None else self.result.to_json()
        return {"state": self.state.value, "tries": self.tries, "reason": self.reason, "result": result}


class Event(NamedTuple):
    """A step began a try, waits for the next, or has ended."""

    step: str
    outcome: Outcome


class Report(dict[str, Outcome]):
    """The outcome of each step, by its name, in the order in which the steps were given."""

    @property
    def ok(self) -> bool:
        """Whether no step has failed, except those that may."""
        return all(outcome.state is not State.FAILED or outcome.may_fail for outcome in self.values())

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {"ok": self.ok, "steps": {name: outcome.to_json() for name, outcome in self.items()}}


class _Schedule(BaseModel):
    """The shape of what a step has beside its request."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$")]
    after: tuple[str, ...]
    retries: Annotated[int, Field(strict=True, ge=0, le=1000)]
    backoff: Annotated[float, Field(ge=0, le=LONGEST_BACKOFF)]
    timeout: Seconds | None
    may_fail: StrictBool
    cleanup: StrictBool


def _check(step: Step, *, local: bool) -> None:
    """Whether a step is well formed in itself, and its policy allows its limits."""
    try:
        _Schedule(**{name: getattr(step, name) for name in _Schedule.model_fields})
        policy = as_policy(step.policy) if local else None
        limits = Request.make(**_options(step) | {"files": dict.fromkeys(step.files, b"")}).limits
        if policy is not None:
            policy.resolve(limits)
    except ValidationError as error:
        wrong = request_error(error)
    except PolicyError as error:
        wrong = RequestError("policy", str(error))
    except RequestError as error:
        wrong = error
    else:
        return
    raise RequestError(f"steps.{step.name}.{wrong.field}", wrong.reason)


def _options(step: Step) -> dict[str, Any]:
    """The options of `sandbox.run` that are decided before anything runs."""
    limits = step.limits.model_dump(exclude_none=True) if isinstance(step.limits, Limits) else step.limits
    if step.timeout is not None:
        limits = {**limits, "wall_time": step.timeout}
    return {"argv": step.argv, "env": step.env, "cwd": step.cwd, "collect": step.collect, "limits": limits}


class Workflow:
    """Steps that were checked: each is well formed, comes after steps that exist, and not after itself."""

    def __init__(self, steps: Iterable[Step], runner: Runner = LOCAL) -> None:
        """Check them; `RequestError` names the step and the key. `runner` is where the programs run."""
        self.steps: dict[str, Step] = {}
        self.runner = runner
        for step in steps:
            if step.name in self.steps:
                raise RequestError(f"steps.{step.name}", "there are two steps of this name")
            _check(step, local=runner is LOCAL)
            self.steps[step.name] = step
        for step in self.steps.values():
            self._check_references(step)
        try:
            TopologicalSorter({name: step.depends for name, step in self.steps.items()}).prepare()
        except CycleError as error:
            circle = error.args[1][::-1]
            raise RequestError(f"steps.{circle[0]}.after", "goes in a circle: " + " after ".join(circle)) from None

    def _check_references(self, step: Step) -> None:
        named = [("after", name) for name in step.after] + [("when", name) for name in getattr(step.when, "steps", ())]
        taken = [(key, item) for key, item in step.contents.items() if isinstance(item, Artefact)]
        for key, name in named + [(key, item.step) for key, item in taken]:
            if name not in self.steps:
                raise RequestError(f"steps.{step.name}.{key}", f"there is no step {name!r}")
            if self.steps[name].cleanup and not step.cleanup:
                raise RequestError(f"steps.{step.name}.{key}", f"{name!r} cleans up, after all that do not")
        for key, item in taken:
            if item.name.endswith("/"):
                raise RequestError(
                    f"steps.{step.name}.{key}", f"{item.name!r} is a tree; what a step takes is one file"
                )
            if item.name not in ("stdout", "stderr", *self.steps[item.step].collect):
                raise RequestError(f"steps.{step.name}.{key}", f"step {item.step!r} does not collect {item.name!r}")

    @classmethod
    def from_toml(cls, source: str | Path, runner: Runner = LOCAL) -> Workflow:
        """Read one from a file (a `Path`, to which the paths in it are relative) or from text.

        `RequestError` names the file and the key.
        """
        from sandbox import workflow_toml

        return workflow_toml.load(source, lambda steps: cls(steps, runner))

    def run(self, *, workers: int | None = None, progress: Callable[[Event], object] | None = None) -> Report:
        """Run the steps, up to `workers` at a time (default: one for each CPU), and say how each ended.

        `progress` is told what happens, in this thread. An exception from it, or an interrupt, kills what runs; the
        clean-up steps run, and then it goes on to the caller. A second interrupt ends the clean-up too.
        """
        if workers is not None and workers < 1:
            raise RequestError("workers", "must be 1 or more")
        run = _Run(self, workers or os.cpu_count() or 1, progress)
        try:
            run.phase({name: step for name, step in self.steps.items() if not step.cleanup})
        finally:
            run.phase({name: step for name, step in self.steps.items() if step.cleanup})
        return Report((name, run.outcomes[name]) for name in self.steps)


class _Run:
    """One run of a workflow. Outcomes are written by the threads of the steps, and read when these have ended."""

    def __init__(self, workflow: Workflow, workers: int, progress: Callable[[Event], object] | None) -> None:
        self._workflow = workflow
        self._workers = workers
        self._progress = progress
        self.outcomes: dict[str, Outcome] = {}
        self._tries: dict[str, int] = {}
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._stopped = threading.Event()
        self._running: set[Running] = set()
        self._lock = threading.Lock()

    def phase(self, steps: Mapping[str, Step]) -> None:
        """Run these steps to their end."""
        self._stopped = threading.Event()
        sorter = TopologicalSorter({name: set(step.depends) & set(steps) for name, step in steps.items()})
        sorter.prepare()
        try:
            with ThreadPoolExecutor(self._workers, thread_name_prefix="sandbox-workflow") as threads:
                try:
                    while sorter.is_active() or not self._events.empty():
                        for name in sorter.get_ready():
                            threads.submit(self._step, steps[name])
                        event = self._events.get()
                        if event.step in steps and event.outcome.state.ended:
                            sorter.done(event.step)
                        self._tell(event)
                except BaseException:
                    self._stop()
                    raise
        finally:
            for name in steps.keys() - self.outcomes.keys():
                self._reach(steps[name], State.INTERRUPTED)

    def _tell(self, event: Event) -> None:
        if self._progress is None:
            return
        try:
            self._progress(event)
        except Exception:
            self._progress = None  # or it would end the clean-up too
            raise

    def _stop(self) -> None:
        self._stopped.set()
        with self._lock:
            for process in self._running:
                process.kill()

    def _reach(self, step: Step, state: State, result: Result | None = None, reason: str = "") -> None:
        outcome = Outcome(state, result, self._tries.get(step.name, 0), reason, step.may_fail)
        if state.ended:
            self.outcomes[step.name] = outcome
        self._events.put(Event(step.name, outcome))

    def _step(self, step: Step) -> None:
        if self._stopped.is_set():
            return
        result, reason = None, ""
        try:
            if obstacle := self._obstacle(step):
                self._reach(step, State.SKIPPED, reason=obstacle)
                return
            result = self._try(step)
            reason = "" if result.ok else str(result)
        except SandboxError as error:
            reason = str(error)
        except BaseException as error:  # noqa: BLE001 - a condition's or a runner's; the other steps go on
            reason = f"{type(error).__name__}: {error}"
        bad = State.INTERRUPTED if self._stopped.is_set() else State.FAILED
        self._reach(step, State.DONE if result is not None and result.ok else bad, result, reason)

    def _obstacle(self, step: Step) -> str:
        """Why a step does not run, or nothing."""
        ended = {name: self.outcomes[name] for name in step.depends}
        if step.when is not None:
            results = {name: outcome.result for name, outcome in ended.items() if outcome.result is not None}
            condition = f": {step.when}" if hasattr(step.when, "steps") else ""
            return "" if step.when(results) else "its condition does not hold" + condition
        for name, outcome in ended.items():
            if outcome.state is State.FAILED and outcome.may_fail:
                continue
            if outcome.state is not State.DONE and not step.cleanup:
                return f"after {name}, which {'has failed' if outcome.state is State.FAILED else 'did not run'}"
        return ""

    def _content(self, key: str, item: Any) -> Any:
        """What an artefact stands for; anything else as it is."""
        if not isinstance(item, Artefact):
            return item
        result = self.outcomes[item.step].result
        if result is None:
            raise RequestError(key, f"step {item.step!r} did not run, and left no {item.name!r}")
        printed = {"stdout": result.stdout, "stderr": result.stderr}
        content = printed[item.name] if item.name in printed else result.files[item.name]
        if content is None or isinstance(content, NotCollected):
            reason = "was not captured" if content is None else content.reason
            raise RequestError(key, f"step {item.step!r} left no {item.name!r}: {reason}")
        return content

    def _try(self, step: Step) -> Result:
        """Run a program until it ends well, or there are no tries left."""
        options = _options(step) | {"policy": step.policy, "stdin": self._content("stdin", step.stdin)}
        options["files"] = {name: self._content(f"files.{name}", item) for name, item in step.files.items()}

        def once() -> Result:
            if self._stopped.is_set():
                raise SandboxError("interrupted before it was tried again")
            self._tries[step.name] = self._tries.get(step.name, 0) + 1
            self._reach(step, State.RUNNING)
            return self._wait_for(self._workflow.runner.start(**options))

        def pause(state: tenacity.RetryCallState) -> None:
            assert state.outcome is not None
            self._reach(step, State.RETRYING, reason=str(state.outcome.exception() or state.outcome.result()))

        return tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda result: not result.ok) | tenacity.retry_if_exception(_may_pass),
            stop=tenacity.stop_after_attempt(step.retries + 1) | tenacity.stop_when_event_set(self._stopped),
            wait=tenacity.wait_exponential(step.backoff, max=LONGEST_BACKOFF),
            sleep=tenacity.sleep_using_event(self._stopped),
            before_sleep=pause,
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )(once)

    def _wait_for(self, process: Running) -> Result:
        with self._lock:
            self._running.add(process)
            if self._stopped.is_set():
                process.kill()
        try:
            return process.wait()
        finally:
            with self._lock:
                self._running.discard(process)


def _may_pass(error: BaseException) -> bool:
    """Whether another try may do better."""
    return isinstance(error, SandboxError) and not isinstance(error, (RequestError, PolicyError))
