"""Judging: a problem and a submission go in, a judgement comes out.

Submission ──► Compiler ──► Program ──► slots, each with a warm box ──► Checker ──► Grader ──► Judgement
sources        cache        argv,       tests in order, several         AC or WA    groups,    verdict, score,
                            policy      at a time                                   scores     reasons
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from sandbox.errors import HostError, LaunchError, RequestError
from sandbox.judge.ahead import Ahead, Slot
from sandbox.judge.answers import AnswerSlot
from sandbox.judge.checker import All, BuiltIn, Checker, Validator
from sandbox.judge.compiler import Compiler, Rejected
from sandbox.judge.grading import Grader
from sandbox.judge.inputs import Inputs
from sandbox.judge.judgement import Finding, GroupResult, Judgement, TestResult
from sandbox.judge.languages import NotInstalled
from sandbox.judge.problem import Complaint, Group, Problem, ProblemError, Test
from sandbox.judge.program import Program
from sandbox.judge.scripts import SCRIPTS, as_script
from sandbox.judge.slot import NearLimit, TestSlot, Trial
from sandbox.judge.stop import Stop, Stopped
from sandbox.judge.submission import Submission
from sandbox.judge.verdict import Verdict
from sandbox.request import Limits

DEFAULT_TIME = 10.0
"""Seconds of CPU time where neither the problem nor the caller says."""


class Judge:
    """Judges submissions to one problem. For use by one thread at a time; it uses several itself."""

    def __init__(
        self,
        problem: Problem,
        *,
        compiler: Compiler | None = None,
        jobs: int | None = None,
        time_limit: float | None = None,
        near: NearLimit = NearLimit(),
    ) -> None:
        """Compiles the jury's programs. `jobs` tests run at a time (default: one for each CPU). `time_limit`, in
        seconds, is instead of the problem's. Raises `ProblemError` if the jury's programs cannot be used.
        """
        self.problem = problem
        self.compiler = compiler or Compiler()
        self._own_compiler = None if compiler is not None else self.compiler
        self.jobs = jobs or os.cpu_count() or 1
        self.time_limit = time_limit if time_limit is not None else problem.limits.time
        self.near = near
        self._inputs = Inputs()
        self._include = {
            code: self._read(path).with_constants(problem.constants).files for code, path in problem.include.items()
        }
        self._checker = self._make_checker()
        path = problem.static_validator
        self._static = None if path is None else Validator(self.compile_jury(path), problem, 1)

    def _make_checker(self) -> Checker:
        problem = self.problem
        if problem.interactive and len(problem.output_validators) != 1:
            why = f"who talks with submissions is one output validator, and there are {len(problem.output_validators)}"
            raise ProblemError((Complaint("problem.yaml", None, "interactive", why),))
        if not problem.output_validators:
            try:
                return BuiltIn(problem)
            except ValueError as error:
                complaint = Complaint("problem.yaml", None, "validator-flags", f"output validator: {error}")
                raise ProblemError((complaint,)) from None
        testlib = problem.checker == "testlib"
        validators = [
            Validator(self.compile_jury(path), problem, self.jobs, testlib=testlib)
            for path in problem.output_validators
        ]
        return validators[0] if len(validators) == 1 else All(validators)

    def compile_jury(self, path: Path) -> Program:
        """One of the jury's programs; `ProblemError` with the compiler's words if it does not compile."""
        limits = self.problem.limits
        source = _startable(self._read(path).with_constants(self.problem.constants))
        try:
            made = self.compiler.compile(
                source, time=limits.compilation_time, memory=limits.compilation_memory, jury=True
            )
        except NotInstalled as error:
            raise self._unusable(path, "not-installed", error.reason) from None
        if isinstance(made, Rejected):
            raise self._unusable(path, "compile-error", made.message)
        return made

    def _read(self, path: Path) -> Submission:
        """Files of the jury's; links lead as far as the package, or, of what is given beside it, its own directory.
        `ProblemError` if they cannot be read.
        """
        inside = self.problem.directory if path.is_relative_to(self.problem.directory) else None
        try:
            return Submission.read(path, within=inside)
        except RequestError as error:
            raise self._unusable(path, "unreadable", error.reason) from None

    def _unusable(self, path: Path, rule: str, why: str) -> ProblemError:
        return ProblemError((Complaint(os.path.relpath(path, self.problem.directory), None, rule, why),))

    def judge(
        self,
        submission: Submission,
        *,
        only: Iterable[str] | Callable[[str], bool] = (),
        keep_going: bool | Callable[[], bool] = False,
        transcript: bool = False,
        on_result: Callable[[TestResult], object] | None = None,
        stop: Stop | None = None,
    ) -> Judgement:
        """Judge one submission.

        `only` are globs of the names of tests or groups, or says of a name whether it is one of them: then nothing else
        is run or counts. `keep_going` runs also those tests that cannot change the judgement, or says of each whether
        to. `transcript` keeps what was said in an interactive problem. `on_result` is told of each test's result, in
        the order of judging. Raises `RequestError` if the submission cannot be judged, another `SandboxError` if the
        sandbox failed, neither of which says anything of it, and `Stopped` if `stop` is called.
        """
        stop = stop or Stop()
        run = functools.partial(self._run, _only(self.problem.root, only), keep_going, on_result, stop)
        judgement = Judgement(self.problem.name, submission.name, None, Verdict.JE)
        if self.problem.submit_answer:
            root = run(functools.partial(AnswerSlot, self.problem, submission, self._checker), None)
            return _concluded(judgement, root)
        limits = self.problem.limits
        size = sum(len(content) for content in submission.files.values())
        if size > limits.code:
            why = f"the source has {size} bytes, and {limits.code} are allowed"
            return replace(judgement, verdict=Verdict.CE, reason=why)
        made = self.compiler.compile(
            submission,
            languages=self.problem.languages,
            include=self._include,
            time=limits.compilation_time,
            memory=limits.compilation_memory,
            stop=stop,
        )
        if stop.wanted:
            made.close()
            raise Stopped
        if isinstance(made, Rejected):
            reason = made.message.strip().partition("\n")[0]
            return replace(judgement, verdict=Verdict.CE, reason=reason, compiler_output=made.message)
        with made:
            trial = self._trial(made, transcript=transcript)
            static = functools.partial(self._validate_source, made)
            try:
                root = run(functools.partial(TestSlot, trial), static)
            except LaunchError as error:
                if not made.refuses(error):
                    raise
                return replace(judgement, verdict=Verdict.CE, reason=f"the program cannot be started: {error}")
        compiled = replace(
            judgement,
            language=made.language.code,
            compiler_output=made.message,
            compile_time=None if made.cached else made.compile_time,
            time_limit=trial.time_limit,
            memory_limit=limits.memory,
            enforced=tuple(name for name, wanted in trial.policy.protections if wanted),
        )
        return _concluded(compiled, root)

    def check(self, test: Test, output: Path) -> Finding:
        """What the problem's checker says of an output that is in a file."""
        return self._checker.check(test, output, {}).finding

    def _trial(self, program: Program, *, transcript: bool) -> Trial:
        """Decide what is the same for every test."""
        problem = self.problem
        time = (self.time_limit or DEFAULT_TIME) * program.language.allowance.time_factor
        limits = program.limits(
            Limits(
                cpu_time=time * (1 + self.near.distance),
                wall_time=2 * time + 1,
                memory=problem.limits.memory,
                output=problem.limits.output,
                # It may be copied there, and more than it may write has to fit, or nobody sees that it is more.
                scratch=(program.policy.limits.scratch or 0) + program.size + problem.limits.output,
                file_size=(program.policy.limits.file_size or 0) + problem.limits.output,
            )
        )
        policy = program.under(limits)
        return Trial(problem, program, policy, limits, time, self._checker, self._inputs, self.near, transcript)

    def _run(
        self, root: Group, keep_going: bool | Callable[[], bool], on_result: Callable[[TestResult], object] | None,
        stop: Stop, open_slot: Callable[[], Slot], static: Callable[[Group], TestResult] | None,
    ) -> GroupResult:  # fmt: skip
        with Ahead(tuple(root.tests()), open_slot, self.jobs) as ahead, stop.calling(ahead.stop):

            def result_of(test: Test) -> TestResult:
                try:
                    result = ahead.result(test)
                except CancelledError:
                    raise Stopped from None
                if stop.wanted:
                    raise Stopped
                if on_result is not None:
                    on_result(result)
                return result

            on = keep_going if callable(keep_going) else lambda: bool(keep_going)
            grader = Grader(result_of, ahead.leave_out, static, scoring=self.problem.scoring, keep_going=on)
            return grader.grade(root)

    def _validate_source(self, program: Program, group: Group) -> TestResult:
        """What the static validator says of a submission, as the first test of a group."""
        name = f"{group.name}/static_validation"
        if self._static is None:
            return TestResult(name, Verdict.JE, "there is no static validator")
        checked = self._static.check_source(program, group.grading.static_validator_args)
        said = checked.finding
        return TestResult(
            name, said.verdict, said.reason, validator_time=checked.time, score=said.score, multiplier=said.multiplier,
            judge_message=said.judge_message, team_message=said.team_message, wrong_score=said.wrong_score,
        )  # fmt: skip

    def close(self) -> None:
        """End all boxes, and give everything back."""
        self._checker.close()
        if self._static is not None:
            self._static.close()
        self._inputs.close()
        if self._own_compiler is not None:
            self._own_compiler.close()

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def attempted(
    problem: Problem, name: str, read: Callable[[], Submission], judge: Callable[[Submission], Judgement]
) -> Judgement:  # fmt: skip
    """What reading and judging one submission comes to: if it cannot be, a judgement without a verdict says why, and
    whatever else is to be judged is not touched by that.
    """
    try:
        return judge(read())
    except RequestError as error:
        why = error.reason
    except (LaunchError, HostError) as error:
        why = f"the sandbox failed: {error}"
    return Judgement(problem.name, name, None, None, reason=why)


def _startable(source: Submission) -> Submission:
    """With scripts that can be started."""
    scripts = {name: as_script(source.files[name]) for name in SCRIPTS if name in source.files}
    return replace(source, files={**source.files, **scripts}) if scripts else source


def _only(group: Group, wanted: Iterable[str] | Callable[[str], bool]) -> Group:
    """The group with nothing in it but what is wanted, by its own name or that of a group that it is in."""
    if not callable(wanted):
        globs = tuple(wanted)
        return _only(group, lambda name: not globs or any(fnmatchcase(name, glob) for glob in globs))
    if wanted(group.name):
        return group
    children: list[Test | Group] = []
    for child in group.children:
        if isinstance(child, Group):
            kept = _only(child, wanted)
            if kept.children:
                children.append(kept)
        elif wanted(child.name):
            children.append(child)
    return replace(group, children=tuple(children))


def _concluded(judgement: Judgement, root: GroupResult) -> Judgement:
    return replace(
        judgement, verdict=root.verdict, score=root.score, max_score=root.max_score, reason=_reason(root), root=root
    )


def _reason(root: GroupResult) -> str:
    """Why the submission was not accepted: of the first test with the verdict, or of a group."""
    if root.verdict is Verdict.AC:
        return ""
    for test in root.tests():
        if test.verdict is root.verdict:
            return f"{test.name}: {test.reason}" if test.reason else test.name
    return next((f"{group.name or 'root'}: {group.reason}" for group in root.groups() if group.reason), "")
