"""Files that are kept between runs: a directory of programs that share nothing else.

The files are the service's, in its memory, and never a directory that a program could reach: every run gets a copy,
and what it leaves is collected as from any box.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import sandbox
from sandbox.errors import RequestError, SandboxError
from sandbox.files import MAX_DEPTH, MAX_FILES, WHOLE, is_executable, opened, read, write_all
from sandbox.policy import Policy, as_policy
from sandbox.request import Request
from sandbox.result import NotCollected, Result

Files = Mapping[str, bytes]
"""Contents by names. A name that ends with a slash is that of an empty directory, and its content is empty."""


class WorkspaceError(SandboxError):
    """A run has left what cannot be kept, so the workspace is as it was before it.

    `result` is the run's, with the files that could be had, `reasons` says by name what could not be kept and why.
    """

    def __init__(self, result: Result, reasons: Mapping[str, str]) -> None:
        name, reason = next(iter(reasons.items()))
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        super().__init__(f"not kept: {name!r}: {reason}{more}; the run: {result}")
        self.result = result
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a workspace held at one time. Immutable; contents are shared with the workspace, not copied."""

    files: Files


class Workspace:
    """A working directory that outlives its runs: each begins with what the last one has left in /box.

    Regular files are kept with their executable bit, and directories; not times, owners, other modes, nor what is in
    /tmp and /dev/shm. Files of plain `bytes` are executable, those of a `sandbox.files.File` as it says. Everything
    together has the size of the policy's limit scratch at most; a run with less has to do with less, and one with more
    may not leave more. For one thread at a time.
    """

    def __init__(
        self,
        files: Mapping[str, bytes | Path] | None = None,
        *,
        policy: str | Policy = "native",
        runner: Callable[..., Result] | None = None,
    ) -> None:
        """Begin with `files`, as `sandbox.run` takes them; a `Path` is read now.

        `runner` runs programs instead of `sandbox.run`, as the method of a `Box` or a `BoxPool` does; `policy` should
        then be its policy. Raises `RequestError` and `PolicyError`.
        """
        chosen = as_policy(policy)
        if chosen.workspace:
            raise RequestError("policy", f"programs under {chosen.name} work on a directory of the host, which stays")
        self._run = runner or partial(sandbox.run, policy=chosen)
        self._limit = chosen.limits.scratch or 0
        self._files: Files = self._checked(files or {})

    @classmethod
    def load(cls, directory: str | Path, **options: Any) -> Workspace:
        """A workspace that begins with the tree of a host's directory, which may hold no links."""
        return cls({WHOLE: Path(directory)}, **options)

    @property
    def files(self) -> Files:
        """What there is, by name; cannot be changed, and does not change."""
        return self._files

    def run(self, argv: Iterable[Any], **options: Any) -> Result:
        """Run a program with the present files in /box, and keep what it leaves there, however it ends.

        Options and errors as of `sandbox.run`, without `files`, `collect` and `policy`; the Result's `files` is all of
        /box. `WorkspaceError`, and no file is changed, if it has left anything that cannot be kept, such as a link.
        """
        for name in ("files", "collect", "policy"):
            if name in options:
                raise RequestError(name, "not for a run in a workspace, which has its own")
        result = self._run(argv, files=dict(self._files), collect=[WHOLE], **options)
        left = {name: content.reason for name, content in result.files.items() if isinstance(content, NotCollected)}
        if left:
            raise WorkspaceError(result, left)
        found = {name: content for name, content in result.files.items() if isinstance(content, bytes)}
        if sum(map(len, found.values())) > self._limit:  # of a run that was allowed more
            raise WorkspaceError(result, {WHOLE: f"more than the {self._limit} bytes of the policy's limit scratch"})
        self._files = MappingProxyType({name: self._shared(name, found[name]) for name in found if name != WHOLE})
        return result

    def put(self, name: str, content: bytes | Path) -> None:
        """Add a file or tree, or replace a file; `RequestError` if it does not go together with what is there."""
        self._files = self._checked({**self._files, name: content})

    def remove(self, name: str) -> None:
        """Take a file away, or, if the name ends with a slash, a directory with all that is in it."""
        prefix = name if name.endswith("/") else None
        left = {n: c for n, c in self._files.items() if n != name and not (prefix and n.startswith(prefix))}
        if len(left) == len(self._files):
            raise RequestError("name", f"{name!r}: no such file")
        self._files = MappingProxyType(left)

    def snapshot(self) -> Snapshot:
        """What there is now, to go back to: made in no time, as contents are immutable."""
        return Snapshot(self._files)

    def restore(self, snapshot: Snapshot) -> None:
        """Hold again what was there when the snapshot was made, be it of this workspace or of another."""
        if not isinstance(snapshot, Snapshot):
            raise RequestError("snapshot", f"{snapshot!r} is none")
        self._files = self._checked(snapshot.files)

    def save(self, directory: str | Path) -> None:
        """Write everything below a host's directory, as `Result.save` does; other files there stay."""
        write_all(directory, self._files.items())

    def __repr__(self) -> str:
        return f"<Workspace of {len(self._files)} files, {sum(map(len, self._files.values()))} bytes>"

    def _shared(self, name: str, content: bytes) -> bytes:
        """The content that there was, if it is the same: snapshots share it."""
        before = self._files.get(name)
        if before is None or before != content or is_executable(before) != is_executable(content):
            return content
        return before

    def _checked(self, files: Mapping[str, bytes | Path]) -> Files:
        """The files, read and with names and sizes that a run can have."""
        room, held = self._limit, dict[str, bytes]()
        for name, content in Request.make(argv=["-"], files=files).files:
            for part, data in _contents(name, content, room):
                room -= len(data)
                if room < 0:
                    raise RequestError("files", f"{part!r}: more than the {self._limit} bytes of the limit scratch")
                held[part] = data
                if len(held) > MAX_FILES:
                    raise RequestError("files", f"{part!r}: more than {MAX_FILES} files")
        parents = {f"{name[:end]}/" for name in held for end in range(len(name) - 1) if name[end] == "/"} - {WHOLE}
        held = {name: content for name, content in held.items() if name not in parents and name != WHOLE}
        # What goes in has to come out again.
        if len(held) + len(parents) > MAX_FILES:
            raise RequestError("files", f"more than {MAX_FILES} files and directories")
        if deep := next((name for name in held if name.count("/") > MAX_DEPTH), None):
            raise RequestError("files", f"{deep!r}: more than {MAX_DEPTH} directories deep")
        Request.make(argv=["-"], files=held)  # once more, with the names of trees
        return MappingProxyType(held)


def _contents(name: str, content: bytes | Path, room: int) -> Iterable[tuple[str, bytes]]:
    """A file, or those of a tree; of each, one byte more is read than there is room for."""
    if not isinstance(content, Path):
        yield name, content
        return
    with contextlib.closing(opened(name, content)) as parts:
        for part, fd in parts:
            yield part, b"" if fd < 0 else read(part, fd, room + 1)
