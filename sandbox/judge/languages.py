"""Languages: how sources of each are told apart, compiled and run. One TOML file for each, and no code."""

from __future__ import annotations

import functools
import glob
import re
import shutil
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from sandbox.errors import PolicyError, RequestError
from sandbox.policy import SEARCH, directories
from sandbox.request import Size

DEPTH = 1_000_000
"""Calls deep that a program can recurse, in a language that does not stand in the way itself."""

Argv = Annotated[tuple[str, ...], Field(min_length=1)]
Extension = Annotated[str, Field(pattern=r"^\.[A-Za-z0-9+#]+$")]


class NotInstalled(RequestError):
    """A language that this host does not have: nothing can be said of what is written in it."""

    def __init__(self, language: Language, main: str) -> None:
        how = f": apt-get install {' '.join(language.packages)}" if language.packages else " on this host"
        super().__init__("language", f"{main}: {language.name} is not installed{how}")


def _is_pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return value


Pattern = Annotated[str, AfterValidator(_is_pattern)]
"""A regular expression. Sources are hostile: none may take more than linear time."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Compile(_Model):
    """How sources become a program: a command in a box where they are, which leaves what it makes in `out/`."""

    argv: Argv
    policy: str = "compile"
    env: dict[str, str] = Field(default_factory=dict)
    renames: Pattern = ""
    """What the tool says, as a regular expression with groups `old` and `new`, of a source that has to have another
    name: it is compiled once more under that."""

    @field_validator("renames")
    @classmethod
    def _has_groups(cls, value: str) -> str:
        if value and not {"old", "new"} <= re.compile(value).groupindex.keys():
            raise ValueError("has no groups old and new")
        return value


class Run(_Model):
    """How a program is run: a command in a box where its files, and those that were made of them, are in /program."""

    argv: Argv
    policy: str = "native"
    env: dict[str, str] = Field(default_factory=dict)
    """Variables; what is in braces in their values is as in commands."""
    out_of_memory: tuple[str, ...] = ()
    """How the run time itself ends a program that it has refused memory, by exit codes and names of signals that
    programs hardly end with otherwise: that is MLE. Better are caps that the kernel's limit always comes before."""


class Package(_Model):
    """How a program is run that has all of these files: a package of the language, as Python's."""

    files: Annotated[tuple[str, ...], Field(min_length=1)]
    argv: Argv


class Allowance(_Model):
    """What a language gets beyond a problem's limits, for its run-time system."""

    memory: Annotated[int, Size, Field(ge=0)] = 0
    """Bytes."""
    time_factor: Annotated[float, Field(ge=1, le=100)] = 1.0
    """What the time limit is multiplied with."""


class Selftest(_Model):
    """Programs that show that a language works here, and how much memory and recursion it is given."""

    file: str
    source: str
    """Reads two numbers and prints their sum."""
    memory: str = ""
    """Reads a number of bytes, holds as many in data that are ordinary in the language, and prints the number."""
    recursion: str = ""
    """Reads a depth, calls itself as deep, and prints the depth."""
    depth: Annotated[int, Field(ge=1, le=DEPTH)] = DEPTH
    """How deep that is."""
    shallow: str = ""
    """Why it is not as deep as elsewhere."""

    @model_validator(mode="after")
    def _has_a_reason(self) -> Selftest:
        if (self.depth < DEPTH) != bool(self.shallow):
            raise ValueError(f"shallow says why depth is less than {DEPTH}")
        return self


class Language(_Model):
    """One language, or one version of it.

    In commands, `{main}` is the main source file, `{stem}` that without its extension, `{entry}` the class or module
    that is begun with; a word that is `{sources}` becomes all source files. A run time is told in MiB of `{memory}`,
    the problem's limit, `{total}`, that with the allowance, at which the kernel ends the program, `{ample}`, twice as
    much, for a cap that the kernel's limit always comes before, and `{stack}`, the limit of the stack, at most 1,024.
    """

    code: str
    name: str
    extensions: Annotated[tuple[Extension, ...], Field(min_length=1)]
    """Of source files; others may be beside them, such as headers."""
    detect: bool = True
    """Whether a file with such an extension is taken for this language when nobody says which it is."""
    shebangs: tuple[str, ...] = ()
    """Names of interpreters, which tell it from others with the same extension, or in a file without one."""
    main: tuple[str, ...] = ("main", "Main")
    """Names without extension of the main file among several."""
    main_pattern: Pattern = ""
    """What the main file holds, as a regular expression, where its name does not tell."""
    names: Literal["main", "plain", "own"] = "main"
    """Under which names sources are compiled, so that none means to the tool what its author did not mean. A single
    source gets the first name of `main`, and all get the extension as it is spelled here; `plain` has those of several
    sources made of letters and digits alone too; `own` leaves all as they are."""
    entry: Literal["file", "class"] = "file"
    """What is begun with: the main file, or that class of the Java virtual machine, among those that were made, which
    has a method `main`, and by preference one of the names of `main`."""
    content: Pattern = ""
    """What its files hold, as a regular expression: it has an extension in common with a language that says nothing of
    its own, which all other files are taken for."""
    packages: tuple[str, ...] = ()
    """Debian packages that provide it."""
    needs: tuple[str, ...] = ()
    """Files of the host, as globs, that it needs besides its commands."""
    absent: str = ""
    """What is said of a submission where the language is not installed and is not going to be: that is CE."""
    version: Argv
    """A command that prints the version, first thing."""
    compile: Compile | None = None
    run: Run
    package: Package | None = None
    allowance: Allowance = Allowance()
    selftest: Selftest

    def extension(self, name: str) -> str:
        """That of a source, as the language spells it, of a name that may have it in capitals; empty if it has none."""
        for spelled in (name, name.lower()):
            for extension in self.extensions:
                if spelled.endswith(extension):
                    return extension
        return ""

    def sources(self, names: Iterable[str], *, exactly: bool = False) -> tuple[str, ...]:
        """Those of the files that are sources; `exactly` if they have to have the extension as it is spelled."""
        found = (name for name in names if (name.endswith(self.extensions) if exactly else self.extension(name)))
        return tuple(sorted(found))

    def is_interpreter_of(self, content: bytes) -> bool:
        """Whether a script asks for the language in its first line."""
        return not {*self.shebangs}.isdisjoint(_interpreter(content))

    def main_file(self, files: Mapping[str, bytes]) -> str | None:
        """The source that is begun with; `None` if the language's tools need not know. `RequestError` if that is
        unclear.
        """
        named = [name for stem in self.main for name in files if Path(name).stem == stem and "/" not in name][:1]
        if not named and self.main_pattern:
            named = [name for name in files if re.search(self.main_pattern.encode(), files[name], re.MULTILINE)]
        if len(named) == 1 or len(files) == 1:
            return (named or list(files))[0]
        if not self._needs_main():
            return None
        found = ", ".join((named or list(files))[:5])
        raise RequestError("submission", f"which of these is the main file: {found}? Call it {self.main[0]}")

    def _needs_main(self) -> bool:
        words = (*(self.compile.argv if self.compile else ()), *self.run.argv)
        return any("{main}" in word or "{stem}" in word for word in words)

    def command(self, files: Iterable[str]) -> Argv:
        """That which runs a program of these files."""
        package = self.package
        return package.argv if package is not None and {*package.files} <= {*files} else self.run.argv

    def installed(self) -> bool:
        """Whether this host has what its commands start."""
        commands = [self.version[0], *([self.compile.argv[0]] if self.compile else []), self.run.argv[0]]
        there = all(command.startswith((".", "/")) or shutil.which(command, path=SEARCH) for command in commands)
        return there and all(any(glob.iglob(need, recursive=True)) for need in self.needs)


def places() -> tuple[Path, ...]:
    """Where languages are looked for: `languages/` in each directory of policies."""
    return tuple(place / "languages" for place in directories())


def codes() -> tuple[str, ...]:
    """The languages that there are."""
    return tuple(sorted({path.stem for place in places() for path in place.glob("*.toml")}))


def load(code: str) -> Language:
    """The language of that code; `RequestError` if there is none, `PolicyError` if its file is wrong."""
    for place in places():
        path = place / f"{code}.toml"
        if re.fullmatch(r"[a-z][a-z0-9-]*", code) and path.is_file():
            return _read(path, path.stat().st_mtime_ns)
    raise RequestError("language", f"{code!r} is not one of {', '.join(codes())}")


@functools.lru_cache(maxsize=256)
def _read(path: Path, _changed: int) -> Language:
    try:
        return Language(code=path.stem, **tomllib.loads(path.read_text()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyError(str(path), "", str(error)) from None
    except TypeError:
        raise PolicyError(str(path), "code", "is the name of the file") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise PolicyError(str(path), key, first["msg"].removeprefix("Value error, ")) from None


def detect(name: str, files: Mapping[str, bytes], allowed: tuple[str, ...] | None = None) -> Language:
    """The language of the sources of a submission of that name, of those that are allowed; `RequestError` that says why
    it cannot be told. An extension in capitals counts where it is none as it is spelled: `.C` is C++, `.PY` is Python.
    """
    candidates = [load(code) for code in (codes() if allowed is None else allowed)]
    for exactly in (True, False):
        found = [one for one in candidates if one.detect and one.sources(files, exactly=exactly)]
        if found:
            break
    if len({one.sources(files) for one in found}) < 2:  # a script beside sources of another language decides nothing
        scripts = [one for one in found or candidates if any(map(one.is_interpreter_of, files.values()))]
        found = scripts or found
    if len(found) > 1:
        found = _by_content(found, files) or found
    if len(found) == 1:
        return found[0]
    if found:
        could = " or ".join(language.code for language in found)
        raise RequestError("language", f"the language of {name} could be {could}: say which")
    raise RequestError("language", f"the language of {name} is not known: {_unknown(files, allowed)}")


def _by_content(found: list[Language], files: Mapping[str, bytes]) -> list[Language]:
    """Those whose files look like these; if there are none, those that do not say how theirs look."""
    told = [language for language in found if language.content]
    like = [
        one for one in told if any(re.search(one.content.encode(), files[name], re.M) for name in one.sources(files))
    ]
    return like or [language for language in found if language not in told]


def _unknown(files: Mapping[str, bytes], allowed: tuple[str, ...] | None) -> str:
    extensions = sorted({Path(file).suffix or file for file in files})
    has = f"no language has files such as {', '.join(extensions[:5])}" if extensions else "it has no files"
    return has if allowed is None else f"{has}, of those that are allowed here: {', '.join(allowed)}"


def _interpreter(content: bytes) -> list[str]:
    """The name of the interpreter that a script asks for."""
    if not content.startswith(b"#!"):
        return []
    words = content[2:].partition(b"\n")[0].decode(errors="replace").split()
    names = [word.rpartition("/")[2] for word in words if not word.startswith("-") and "=" not in word]
    return names[1:2] if names[:1] == ["env"] else names[:1]
