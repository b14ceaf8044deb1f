"""Programs that can be run: their command, their limits, and the directory that they run in."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.errors import SHORTAGES, LaunchError, RequestError
from sandbox.judge.cache import Entry
from sandbox.judge.languages import Language
from sandbox.judge.products import PROGRAM
from sandbox.policy import Policy
from sandbox.request import Limits

MOST_STACK = 1 << 30
"""Bytes of a stack that run times are told of at most: Java takes no more."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that can be run. To be closed: until then it stays in the cache."""

    language: Language
    policy: Policy
    """To be run under: has the program mounted at /program."""
    directory: Path
    """Where its files are on the host: those that were submitted and included, and those that were made of them."""
    main: str
    """The main file, as it is called in `directory`; empty if the language's tools need none."""
    entry_point: str
    """The class that it begins with, or the main file by the name that it was submitted under."""
    files: Mapping[str, bytes | Path] = field(default_factory=dict, repr=False)
    """What the jury's programs are shown of it: what was submitted, by the names that it was submitted under, what was
    included, and what was made of them as far as that is not large."""
    alone: bool = False
    """Whether it was made of one file, so that there is nothing else that it could read."""
    size: int = 0
    """Bytes of all that is in `directory`."""
    message: str = ""
    """What the compiler said: warnings."""
    compile_time: float | None = None
    """Seconds on the clock; `None` if nothing had to be compiled."""
    cached: bool = False
    _entry: Entry | None = field(default=None, repr=False)

    def limits(self, wanted: Limits) -> Limits:
        """Those limits, with what the language gets beyond them; a stack that only memory limits, if none is wanted."""
        if wanted.memory is None:
            return wanted
        # A little more than the memory: of two limits that are equal, either could come first.
        stack = wanted.memory + wanted.memory // 8 if wanted.stack is None else wanted.stack
        memory = wanted.memory + self.language.allowance.memory
        limits: Limits = wanted.model_copy(update={"memory": memory, "stack": stack})
        return limits

    def argv(self, limits: Limits) -> tuple[str, ...]:
        """The command, for limits as `limits` gives them."""
        return self._expanded(self._command(), limits)

    def under(self, limits: Limits) -> Policy:
        """What it is run under with such limits."""
        policy, own = self.policy.allowing(limits), self.language.run.env
        if not own:
            return policy
        values = self._expanded(tuple(own.values()), limits)
        return policy.model_copy(update={"env": {**policy.env, **dict(zip(own, values, strict=True))}})

    def _command(self) -> tuple[str, ...]:
        return self.language.command(() if self.language.package is None else os.listdir(self.directory))

    def _expanded(self, words: tuple[str, ...], limits: Limits) -> tuple[str, ...]:
        granted = self.policy.allowing(limits).resolve(limits)
        total, stack = granted.memory or 0, granted.stack or 0
        own = total - self.language.allowance.memory
        sizes = {"memory": own, "total": total, "ample": 2 * total, "stack": min(stack, MOST_STACK)}
        return tuple(expand(words, self.main, self.entry_point, sizes))

    def at_work(
        self, files: Path | Mapping[str, Path] | None = None, *, writable: bool | None = False
    ) -> dict[str, Any]:
        """Options of a run whose working directory has the program's files, and over them those of a directory, or
        `files` by name.

        It is /program itself, which costs nothing, unless there are such files or it is to be `writable`; `None` if
        it is to be writable and the only source need not be there. Raises `RequestError` for a link in a directory.
        """
        if files is None and writable is False:
            return {"cwd": PROGRAM}
        if files is None and writable is None and self.alone:
            return {}
        over = tree(files) if isinstance(files, Path) else dict[str, bytes | Path](files or {})
        return {"files": {**_beside(tree(self.directory), over), **over}}

    def refuses(self, error: LaunchError) -> bool:
        """Whether it was not started because of what it is: the kernel takes no such file for a program (execve(2))."""
        own = error.step == f"execve {self._command()[0]}" and self.language.run.argv[0].startswith(PROGRAM)
        return own and error.errno not in SHORTAGES | {errno.EAGAIN}

    def close(self) -> None:
        """It is not needed any more. Safe to call twice."""
        if self._entry is not None:
            self._entry.close()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def expand(
    argv: Sequence[str], main: str, entry: str, sizes: Mapping[str, int], sources: Sequence[str] = ()
) -> Iterator[str]:  # fmt: skip
    """A command of a language, with what its words in braces stand for; `sizes` are in bytes."""
    stem = main.rpartition("/")[2].rpartition(".")[0]
    mebibytes = {name: str(max(size >> 20, 1)) for name, size in sizes.items()}
    words = {"main": main, "stem": stem, "entry": entry, **mebibytes}
    for item in argv:
        if item == "{sources}":
            last = sorted(sources, key=lambda source: source == main)  # of tools that take what is needed first
            yield from (f"./{source}" if source[0] in "-@" else source for source in last)
        else:
            yield re.sub(r"\{(\w+)\}", lambda match: words.get(match[1], match[0]), item)


def tree(directory: Path) -> dict[str, bytes | Path]:
    """What is in a directory of the host, by the names that it has in a box; `RequestError` for a link."""
    found: dict[str, bytes | Path] = {}
    for place, directories, names in os.walk(directory):
        for name in (*directories, *names):
            path = Path(place, name)
            below = path.relative_to(directory).as_posix()
            if path.is_symlink():
                raise RequestError("files", f"{below!r}: a link; links in a tree are not followed")
            if name in names:
                found[below] = path
            elif not os.listdir(path):
                found[below + "/"] = b""
    return found


def _beside(files: Mapping[str, bytes | Path], over: Mapping[str, bytes | Path]) -> dict[str, bytes | Path]:
    """Those files that are not in the way of the ones that go over them."""
    taken = {name.rstrip("/") for name in over}
    parents = {str(parent) for name in taken for parent in Path(name).parents}
    return {
        name: content
        for name, content in files.items()
        if name.rstrip("/") not in taken | parents and taken.isdisjoint(map(str, Path(name).parents))
    }
