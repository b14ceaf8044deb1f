"""Sources become programs: in boxes, under limits, once. A compiler's input is as hostile as a program."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sandbox.box import BoxPool
from sandbox.errors import LaunchError, RequestError
from sandbox.files import MAX_FILES, File
from sandbox.judge.cache import Cache
from sandbox.judge.languages import Compile, Language, NotInstalled, detect, load
from sandbox.judge.products import PROGRAM, entry_class, why_not_startable
from sandbox.judge.program import Program, expand
from sandbox.judge.reasons import verdict_of
from sandbox.judge.scripts import SCRIPTS, as_script, script
from sandbox.judge.staging import Include, Staged, count_entries, stage
from sandbox.judge.stop import Stop
from sandbox.judge.submission import Submission
from sandbox.policy import SEARCH, Mount, Policy
from sandbox.policy import load as load_policy
from sandbox.request import Limits
from sandbox.result import NotCollected, Result, Status

MESSAGE = 64 << 10
"""Bytes of what a compiler says that are kept, the beginning and the end."""
OUT = "out/"
"""Where compilers leave what they make."""
SHOWN = 16 << 20
"""Bytes of a program up to which the jury's programs are shown what was made: more would not fit beside a test."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Sources that do not compile: CE."""

    message: str
    """What the compiler said, or which limit it reached; to be shown to who wrote them."""
    result: Result | None = None

    def close(self) -> None:
        """As of a `Program`: there is nothing to keep."""


class _Rejection(Exception):  # no error: it is an answer
    """Carries a `Rejected` to where it is returned."""

    def __init__(self, message: str, result: Result | None = None) -> None:
        self.rejected = Rejected(message, result)


class Compiler:
    """Compiles in boxes that are kept warm, and keeps what it has made. Used by many threads at once."""

    def __init__(self, cache: Cache | None = None, *, overlay: str = "") -> None:
        """`cache` is the user's own if none is given. `overlay` is the name of a policy that is laid over all."""
        self.cache = cache or Cache()
        self.overlay = f"+{overlay.removeprefix('+')}" if overlay else ""
        self._pools: dict[str, BoxPool] = {}
        self._lock = threading.Lock()

    def compile(
        self,
        submission: Submission,
        *,
        languages: tuple[str, ...] | None = None,
        include: Include | None = None,
        time: float = 60.0,
        memory: int = 2 << 30,
        jury: bool = False,
        stop: Stop | None = None,
    ) -> Program | Rejected:
        """Make a program of sources; at most `time` CPU seconds and `memory` bytes.

        `languages` are the codes of those that are allowed. `include` has files by language code, or `default`, which
        go over the submission's. A program of the `jury` may bring scripts that build and run it. What `stop` ends is
        rejected, and not kept. Raises `SandboxError` if the sandbox failed.
        """
        try:
            language, staged = self._staged(submission, languages, include or {}, jury)
        except RequestError as error:
            return Rejected(error.reason)
        if not language.installed():
            if language.absent:
                return Rejected(language.absent)
            raise NotInstalled(language, staged.wanted)
        command = language.compile
        policy = load_policy((command.policy if command else language.run.policy) + self.overlay)
        limits = Limits(cpu_time=time, wall_time=2 * time + 1, memory=memory)
        job = _Job(language, staged, submission.entry_point, policy, limits, stop or Stop())
        key = job.key()
        stored = self.cache.get(key)
        cached = stored is not None
        if stored is None:
            try:
                made = self._make(job)
            except _Rejection as rejection:
                found = rejection.rejected
                return replace(found, message=staged.in_submitted_names(found.message))
            stored = self.cache.put(key, made.files.items(), made.about)
        about = stored.about
        entry = about["entry"] if language.entry == "class" else staged.wanted
        message = staged.in_submitted_names(about["message"])
        files: dict[str, bytes | Path] = {staged.submitted.get(name, name): staged.files[name] for name in staged.files}
        files.update((name, stored.directory / name) for name in about["products"])
        return Program(
            language, self._run_policy(language, stored.directory), stored.directory, about["main"], entry, files,
            len(staged.files) == 1, about["size"], message, about["time"], cached, stored,
        )  # fmt: skip

    def _staged(
        self, submission: Submission, languages: tuple[str, ...] | None, include: Include, jury: bool
    ) -> tuple[Language, Staged]:  # fmt: skip
        files = submission.files
        if jury and submission.language is None and not files.keys().isdisjoint(SCRIPTS):
            main = "run" if "run" in files else "build"
            return script("build" in files), Staged(files, (), main, main)
        language = self._language(submission, languages)
        if language.compile is not None and any(f"{name}/".startswith(OUT) for name in files):
            raise RequestError("submission", f"{submission.name}: the name out is the compiler's; call it otherwise")
        return language, stage(submission, language, include)

    def _language(self, submission: Submission, allowed: tuple[str, ...] | None) -> Language:
        if submission.language is None:
            try:
                return detect(submission.name, submission.files, allowed)
            except RequestError:
                if allowed is None:
                    raise
                language = detect(submission.name, submission.files)
        else:
            language = load(submission.language)
        if allowed is not None and language.code not in allowed:
            raise RequestError("language", f"{language.name} is not allowed here; {', '.join(allowed)} are")
        return language

    def _make(self, job: _Job) -> _Made:
        """Compile, and see whether what was made can be started. Raises `_Rejection`."""
        language, staged = job.language, job.staged
        products, said, seconds = dict[str, File](), "", None
        if language.compile is not None:
            result = self._run(job, language.compile)
            renamed = _renamed(language.compile, staged, _said(result))
            if renamed is not None:
                staged = renamed
                result = self._run(replace(job, staged=renamed), language.compile)
            said, seconds = _said(result), result.wall_time
            products = _products(job, result, said)
        files = {**staged.files, **products}
        entry = staged.wanted
        if language.entry == "class":
            classes = [content for name, content in products.items() if name.endswith(".class")]
            try:
                entry = entry_class(classes, language, staged, job.wanted)
            except RequestError as error:
                raise _Rejection(f"{error.reason}\n{said}") from None
        why = why_not_startable(expand(language.command(files), staged.main, entry, {}), files)
        if why:
            raise _Rejection(f"compiler: {why}\n{said}")
        if clash := next((name for name in files if any(str(above) in files for above in Path(name).parents)), None):
            raise _Rejection(
                f"compiler: a file is where the directory of {clash} has to be: call one otherwise\n{said}"
            )
        size = sum(map(len, files.values()))
        if (entries := count_entries(files)) > MAX_FILES // 2:
            why = f"the program has {entries} files and directories, and {MAX_FILES // 2} are allowed"
            raise _Rejection(f"compiler: {why}\n{said}")
        shown = [] if size > SHOWN else list(products)
        about = {"message": said, "time": seconds, "main": staged.main, "entry": entry, "products": shown, "size": size}
        return _Made(files, about)

    def _run(self, job: _Job, command: Compile) -> Result:
        """How the compiler ended in its box. Raises `_Rejection` if the files cannot be put there."""
        staged, limits = job.staged, job.limits
        argv = expand(command.argv, staged.main, staged.wanted, {"memory": limits.memory or 0}, staged.sources)
        put: dict[str, bytes | Path] = {**staged.files} if job.is_script else {**staged.files, OUT: b""}
        try:
            with job.stop.control() as control:
                return self._pool(job.policy.allowing(limits)).run(
                    argv, files=put, collect=[job.collect], limits=limits, env=command.env, control=control
                )
        except RequestError as error:
            raise _Rejection(f"the files cannot be put where they are compiled: {error.reason}") from None
        except LaunchError as error:
            if job.is_script and error.step.startswith("execve"):
                raise _Rejection(str(error)) from None
            raise

    def _run_policy(self, language: Language, directory: Path) -> Policy:
        policy = load_policy(language.run.policy + self.overlay)
        mount = Mount(source=os.path.realpath(directory), target=PROGRAM)
        return policy.model_copy(update={"mounts": (*policy.mounts, mount)})

    def _pool(self, policy: Policy) -> BoxPool:
        with self._lock:
            key = policy.model_dump_json()
            if key not in self._pools:
                self._pools[key] = BoxPool(policy, warm=False)
            return self._pools[key]

    def close(self) -> None:
        """End the boxes. Safe to call twice."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()

    def __enter__(self) -> Compiler:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class _Job:
    """Something to compile, fully decided."""

    language: Language
    staged: Staged
    wanted: str | None
    """The entry point that the submission asks for."""
    policy: Policy
    limits: Limits
    stop: Stop

    @property
    def is_script(self) -> bool:
        """Whether a script of the jury's makes the program, wherever it likes."""
        return self.language.code == "script"

    @property
    def collect(self) -> str:
        """Where what is made is."""
        return "./" if self.is_script else OUT

    def key(self) -> str:
        """Under which its program is kept."""
        wanted = self.wanted if self.language.entry == "class" else None
        limits = f"{self.limits.cpu_time} {self.limits.memory}"
        contents = (part for name, content in sorted(self.staged.files.items()) for part in _of_file(name, content))
        return Cache.key(
            "3", self.language.model_dump_json(), self.policy.model_dump_json(), _fingerprint(self.language),
            self.staged.main, wanted or "", limits, *contents,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Made:
    """A program that was made, and what is kept beside it."""

    files: Mapping[str, File]
    about: Mapping[str, object] = field(default_factory=dict)


def _renamed(command: Compile, staged: Staged, said: str) -> Staged | None:
    """The sources under the names that the compiler asks for, if it does."""
    if not command.renames:
        return None
    names = {}
    for match in re.finditer(command.renames, said, re.MULTILINE):
        old, new = Path(match["old"]), match["new"]
        if "/" not in new and new not in (".", ".."):
            names[str(old)] = str(old.with_name(new))
    renamed = staged.renamed(names)
    return None if renamed is staged else renamed


def _products(job: _Job, result: Result, said: str) -> dict[str, File]:
    """What a compiler left, by the names that it has in the program. Raises `_Rejection` if it failed."""
    if result.status is not Status.OK:
        _, why = verdict_of(result, job.limits.cpu_time)
        plain = result.status is Status.NONZERO_EXIT and said
        raise _Rejection(said if plain else f"compiler: {why}\n{said}", result)
    found = {}
    for name, content in result.files.items():
        if isinstance(content, NotCollected):
            raise _Rejection(f"compiler: it left {name!r}, which is {content.reason}\n{said}", result)
        if not name.endswith("/"):
            own = name if job.is_script else name.removeprefix(OUT)
            file = content if isinstance(content, File) else File(content)
            found[own] = as_script(file) if job.is_script and own == "run" else file
    return found


def _fingerprint(language: Language) -> str:
    """What changes when another version of a compiler or interpreter is installed."""
    commands = {language.version[0], language.run.argv[0], *([language.compile.argv[0]] if language.compile else [])}
    marks = []
    for command in sorted(commands):
        path = shutil.which(command, path=SEARCH)
        if path is not None:
            status = os.stat(path)
            marks.append(f"{os.path.realpath(path)} {status.st_size} {status.st_mtime_ns}")
    return "\n".join(marks)


def _of_file(name: str, content: File) -> tuple[bytes | str, ...]:
    return name, content, "x" if content.executable else ""


def _said(result: Result) -> str:
    """What a compiler said, for people: bounded, and without what a terminal would obey."""
    said = (result.stdout or b"") + (result.stderr or b"")
    if len(said) > MESSAGE:
        left_out = len(said) - MESSAGE
        said = said[: MESSAGE // 2] + f"\n… {left_out} bytes left out …\n".encode() + said[-MESSAGE // 2 :]
    text = said.decode(errors="replace")
    return "".join(char if char.isprintable() or char in "\n\t" else "�" for char in text)
