"""Sources become programs: in boxes, under limits, once. A compiler's input is as hostile as a program."""

from __future__ import annotations

import functools
import os
import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.box import BoxPool
from sandbox.errors import RequestError
from sandbox.files import File
from sandbox.judge.cache import Cache, Entry
from sandbox.judge.languages import Language, detect, load
from sandbox.judge.reasons import verdict_of
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
PROGRAM = "/program"
"""Where that is when it runs, read-only."""

SCRIPTS = ("build", "run")
"""A jury's program in a directory with one of these is built by the one and started by the other."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Sources that do not compile: CE."""

    message: str
    """What the compiler said, or which limit it reached; to be shown to who wrote them."""
    result: Result | None = None

    def close(self) -> None:
        """As of a `Program`: there is nothing to keep."""


@dataclass(frozen=True, slots=True)
class Program:
    """What can be run. To be closed: until then it stays in the cache."""

    language: Language
    policy: Policy
    """To be run under: has the program mounted at /program."""
    main: str
    entry_point: str
    message: str = ""
    """What the compiler said: warnings."""
    compile_time: float | None = None
    """Seconds on the clock; `None` if nothing had to be compiled."""
    cached: bool = False
    _entry: Entry | None = field(default=None, repr=False)

    def argv(self, memory: int) -> tuple[str, ...]:
        """The command, for a memory limit of that many bytes."""
        words = {"memory": str(max(memory >> 20, 1)), **_names(self.main, self.entry_point)}
        return tuple(_expand(self.language.run.argv, words, ()))

    def limits(self, wanted: Limits) -> Limits:
        """Those limits, with what the language gets beyond them."""
        if wanted.memory is None:
            return wanted
        limits: Limits = wanted.model_copy(update={"memory": wanted.memory + self.language.allowance.memory})
        return limits

    def close(self) -> None:
        """It is not needed any more. Safe to call twice."""
        if self._entry is not None:
            self._entry.close()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


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
        include: Mapping[str, Mapping[str, File]] | None = None,
        time: float = 60.0,
        memory: int = 2 << 30,
        jury: bool = False,
        stop: Stop | None = None,
    ) -> Program | Rejected:
        """Make a program of sources; at most `time` CPU seconds and `memory` bytes.

        `languages` are the codes of those that are allowed. `include` has files by language code, or `default`, which
        go over the submission's. A program of the `jury` may bring scripts that build and run it. What `stop` ends is
        rejected, and not kept. Raises `SandboxError`
        if the sandbox failed.
        """
        try:
            of_scripts = jury and submission.language is None and not submission.files.keys().isdisjoint(SCRIPTS)
            language = script(frozenset(submission.files)) if of_scripts else self._language(submission, languages)
            files = {**_under_its_name(submission, language), **_included(include or {}, language)}
            main = submission.entry_point if submission.entry_point in files else language.main_file(files)
            entry = language.entry_point(files, main or "")
        except RequestError as error:
            return Rejected(error.reason)
        assert main is not None
        if not language.installed():
            packages = " ".join(language.packages)
            raise RequestError("language", f"{language.name} is not installed: apt-get install {packages}")
        compiled = language.compile
        policy = load_policy((compiled.policy if compiled else language.run.policy) + self.overlay)
        limits = Limits(cpu_time=time, wall_time=2 * time + 1, memory=memory)
        key = Cache.key(
            "1", language.model_dump_json(), policy.model_dump_json(), _fingerprint(language), main, entry,
            f"{time} {memory}", *(part for name in sorted(files) for part in _of_file(name, files[name])),
        )  # fmt: skip
        stored = self.cache.get(key)
        if stored is None:
            made = self._make(language, files, _names(main, entry), policy, limits, stop) if compiled else _Made()
            if isinstance(made, Rejected):
                return made
            artefacts = {**(files if language.run.sources else {}), **made.files}
            stored = self.cache.put(key, artefacts.items(), {"message": made.message, "time": made.time})
            cached = False
        else:
            cached = True
        about = stored.about
        return Program(
            language, self._run_policy(language, stored.directory), main, entry,
            str(about["message"]), about["time"], cached, stored,
        )  # fmt: skip

    def _language(self, submission: Submission, allowed: tuple[str, ...] | None) -> Language:
        if submission.language is None:
            try:
                return detect(submission.files, allowed)
            except RequestError:
                if allowed is None:
                    raise
                language = detect(submission.files)
        else:
            language = load(submission.language)
        if allowed is not None and language.code not in allowed:
            raise RequestError("language", f"{language.name} is not allowed here; {', '.join(allowed)} are")
        return language

    def _make(
        self, language: Language, files: Mapping[str, File], names: Mapping[str, str], policy: Policy, limits: Limits,
        stop: Stop | None,
    ) -> _Made | Rejected:  # fmt: skip
        assert language.compile is not None
        words = {"memory": str((limits.memory or 0) >> 20), **names}
        argv = _expand(language.compile.argv, words, language.sources(files))
        whole = language.code == "script"
        put: dict[str, bytes | Path] = {**files} if whole else {**files, OUT: b""}
        collect = "./" if whole else OUT
        with (stop or Stop()).control() as control:
            result = self._pool(policy.allowing(limits)).run(
                argv, files=put, collect=[collect], limits=limits, env=language.compile.env, control=control
            )
        message = _message((result.stdout or b"") + (result.stderr or b""))
        if result.status is not Status.OK:
            _, why = verdict_of(result, limits.cpu_time)
            plain = result.status is Status.NONZERO_EXIT and message
            return Rejected(message if plain else f"compiler: {why}\n{message}", result)
        made: dict[str, File] = {}
        for name, content in result.files.items():
            if isinstance(content, NotCollected):
                return Rejected(f"compiler: it left {name!r}, which is {content.reason}\n{message}", result)
            if not name.endswith("/"):
                made[name.removeprefix(OUT) if not whole else name] = (
                    content if isinstance(content, File) else File(content)
                )
        if not made and not language.run.sources:
            return Rejected(f"compiler: it left no program\n{message}", result)
        return _Made(made, message, result.wall_time)

    def _run_policy(self, language: Language, directory: Path) -> Policy:
        policy = load_policy(language.run.policy + self.overlay)
        mount = Mount(source=os.path.realpath(directory), target=PROGRAM)
        return policy.model_copy(
            update={"mounts": (*policy.mounts, mount), "env": {**policy.env, **language.run.env}}
        )  # fmt: skip

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
class _Made:
    """What a compiler left."""

    files: Mapping[str, File] = field(default_factory=dict)
    message: str = ""
    time: float | None = None


@functools.lru_cache(maxsize=16)
def script(files: frozenset[str]) -> Language:
    """The language of a jury's program that brings scripts to build it and to run it."""
    values: dict[str, object] = {
        "code": "script", "name": "scripts", "extensions": (".sh",), "version": ("sh",), "main": ("run",),
        "run": {"argv": (f"{PROGRAM}/run",), "policy": "shell", "sources": True},
        "selftest": {"file": "run", "source": ""},
    }  # fmt: skip
    if "build" in files:
        values["compile"] = {"argv": ("./build",)}
    return _Script.model_validate(values)


class _Script(Language):
    def main_file(self, files: Mapping[str, bytes]) -> str:
        """It is the script that runs it, or that makes it."""
        return "run" if "run" in files else "build"


def _under_its_name(submission: Submission, language: Language) -> Mapping[str, File]:
    """The files; of a language that was named, the only one is a source, whatever it is called."""
    if submission.language is None or len(submission.files) != 1 or language.sources(submission.files):
        return submission.files
    ((name, content),) = submission.files.items()
    return {(Path(name).stem or "main") + language.extensions[0]: content}


def _included(include: Mapping[str, Mapping[str, File]], language: Language) -> dict[str, File]:
    """The jury's files for a language: those for all languages, and over them those for its own."""
    found: dict[str, File] = {}
    for code in ("default", language.code):
        if code in include:
            found.update(include[code])
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


def _names(main: str, entry: str) -> dict[str, str]:
    return {"main": main, "stem": main.rpartition("/")[2].rpartition(".")[0], "entry": entry}


def _expand(argv: tuple[str, ...], words: Mapping[str, str], sources: tuple[str, ...]) -> Iterator[str]:
    for item in argv:
        if item == "{sources}":
            yield from (f"./{source}" if source[0] in "-@" else source for source in sources)
        else:
            yield re.sub(r"\{(\w+)\}", lambda match: words.get(match[1], match[0]), item)


def _of_file(name: str, content: File) -> tuple[bytes | str, ...]:
    return name, content, "x" if content.executable else ""


def _message(said: bytes) -> str:
    """What a compiler said, for people: bounded, and without what a terminal would obey."""
    if len(said) > MESSAGE:
        left_out = len(said) - MESSAGE
        said = said[: MESSAGE // 2] + f"\n… {left_out} bytes left out …\n".encode() + said[-MESSAGE // 2 :]
    text = said.decode(errors="replace")
    return "".join(char if char.isprintable() or char in "\n\t" else "�" for char in text)
