"""The files of a program as its compiler gets them: which are sources, under which names, and which is the main one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from sandbox.errors import RequestError
from sandbox.files import MAX_FILES, File
from sandbox.judge.languages import Language
from sandbox.judge.submission import Submission

Include = Mapping[str, Mapping[str, File]]
"""The jury's files by language code, or `default`: they go over those of each submission."""


@dataclass(frozen=True, slots=True)
class Staged:
    """What is put where a program is compiled, and what its language's commands are told."""

    files: Mapping[str, File]
    sources: tuple[str, ...]
    """Names among `files`."""
    main: str
    """The main one of these; empty if the language's tools need none."""
    wanted: str
    """The entry point that the submission asks for, by the submission's names; or else the main file."""
    submitted: Mapping[str, str] = field(default_factory=dict)
    """By names of ours, the names that they were submitted under, where these differ."""

    def in_submitted_names(self, message: str) -> str:
        """A tool's message with the names that the author of the submission knows."""
        for ours, theirs in self.submitted.items():
            literal = theirs.replace("\\", r"\\")
            message = re.sub(rf"(?<![\w./-])(\./|/box/|){re.escape(ours)}(?![\w-])", rf"\g<1>{literal}", message)
        return message

    def renamed(self, names: Mapping[str, str]) -> Staged:
        """The same with other names for some of the sources; a name that is taken stays with its file."""
        names = {old: new for old, new in names.items() if old in self.sources and new not in self.files}
        if len(set(names.values())) < len(names):
            return self
        submitted = {names.get(ours, ours): theirs for ours, theirs in self.submitted.items()}
        for old, new in names.items():
            submitted.setdefault(new, old)
        return replace(
            self,
            files={names.get(name, name): content for name, content in self.files.items()},
            sources=tuple(names.get(name, name) for name in self.sources),
            main=names.get(self.main, self.main),
            submitted=submitted,
        )


def count_entries(names: Collection[str]) -> int:
    """Files of these names, and the directories that they are in: a box has room for so many."""
    directories = {parent for name in names for parent in PurePosixPath(name).parents}
    return len(names) + len(directories) - 1


def stage(submission: Submission, language: Language, include: Include) -> Staged:
    """Decide the names. `RequestError` if the submission has no source of the language, or no clear main file.

    The main file is one of those that were submitted, unless the jury includes one of the name that main files have,
    which then calls the submission. Names are as `Language.names` says.
    """
    own = submission.files
    sources = language.sources(own) or _only(own, language)
    if not sources:
        extensions = ", ".join(language.extensions)
        raise RequestError("submission", f"{submission.name} has no file of {language.name} ({extensions})")
    entry = submission.entry_point
    if entry is not None and language.entry == "file" and entry not in own:
        raise RequestError("submission", f"{submission.name} has no file {entry}, which is to be its entry point")
    if (entries := count_entries(own)) > MAX_FILES // 2:
        why = f"has {entries} files and directories, and {MAX_FILES // 2} are allowed"
        raise RequestError("submission", f"{submission.name} {why}")
    included = _included(include, language)
    files = {**own, **included}
    driver = next((name for name in language.sources(included) if PurePosixPath(name).stem in language.main), None)
    main = entry if entry in own else driver or language.main_file({name: own[name] for name in sources})
    everything = tuple(sorted({*sources, *language.sources(included)}))
    staged = Staged(files, everything, main or "", entry or main or sources[0])
    alone = everything[0] if len(everything) == 1 else None
    if language.names == "own":
        return staged
    return staged.renamed(dict(_renamings(everything, language, alone, only=len(files) == 1)))


def _only(files: Mapping[str, File], language: Language) -> tuple[str, ...]:
    """The one file that is the source although its name does not say so: the only one, or the only script."""
    scripts = [name for name, content in files.items() if language.is_interpreter_of(content)]
    names = scripts or list(files)
    return tuple(names) if len(names) == 1 else ()


def _renamings(
    sources: Iterable[str], language: Language, alone: str | None, *, only: bool
) -> Iterable[tuple[str, str]]:  # fmt: skip
    """New names by old ones: of the source that is `alone`, and, if it is the `only` file, in whatever directory."""
    taken: set[str] = set()
    for name in sources:
        path = PurePosixPath(name)
        extension = language.extension(name)
        stem = path.name[: len(path.name) - len(extension)] if extension else path.stem
        if name == alone:
            stem = language.main[0]
        elif language.names == "plain":
            stem = _plain(stem, taken)
        file = stem + (extension or language.extensions[0])
        new = file if only else str(path.with_name(file))
        if new != name:
            yield name, new


def _plain(stem: str, taken: set[str]) -> str:
    """The letters and digits of a name, and a number if another has the same."""
    stem = re.sub(r"[^A-Za-z0-9]", "", stem) or "file"
    number, found = 1, stem
    while found in taken:
        number += 1
        found = f"{stem}{number}"
    taken.add(found)
    return found


def _included(include: Include, language: Language) -> dict[str, File]:
    """The jury's files for a language: those for all languages, and over them those for its own."""
    found: dict[str, File] = {}
    for code in ("default", language.code):
        found.update(include.get(code, {}))
    return found
