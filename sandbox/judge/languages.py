"""Languages: how sources of each are told apart, compiled and run. One TOML file for each, and no code."""

from __future__ import annotations

import functools
import re
import shutil
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.errors import PolicyError, RequestError
from sandbox.policy import SEARCH, directories
from sandbox.request import Size

Argv = Annotated[tuple[str, ...], Field(min_length=1)]
Extension = Annotated[str, Field(pattern=r"^\.[A-Za-z0-9+#]+$")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Compile(_Model):
    """How sources become a program: a command in a box where they are, which leaves what it makes in `out/`."""

    argv: Argv
    policy: str = "compile"
    env: dict[str, str] = Field(default_factory=dict)


class Run(_Model):
    """How a program is run: a command in a box where what was made is in /program."""

    argv: Argv
    policy: str = "native"
    env: dict[str, str] = Field(default_factory=dict)
    sources: bool = False
    """Whether the sources are part of the program."""


class Allowance(_Model):
    """What a language gets beyond a problem's limits, for its run-time system."""

    memory: Annotated[int, Size, Field(ge=0)] = 0
    """Bytes."""
    time_factor: Annotated[float, Field(ge=1, le=100)] = 1.0
    """What the time limit is multiplied with."""


class Selftest(_Model):
    """A program that reads two numbers and prints their sum."""

    file: str
    source: str


class Language(_Model):
    """One language, or one version of it.

    In commands, `{main}` is the main source file, `{stem}` that without its extension, `{entry}` the class or module
    that is begun with, and `{memory}` the memory limit in MiB; a word that is `{sources}` becomes all source files.
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
    main_pattern: str = ""
    """What the main file holds, as a regular expression, where its name does not tell."""
    entry: Literal["file", "class"] = "file"
    """What is begun with: the main file, or the class in it that `main_pattern` is in."""
    packages: tuple[str, ...] = ()
    """Debian packages that provide it."""
    version: Argv
    """A command that prints the version, first thing."""
    compile: Compile | None = None
    run: Run
    allowance: Allowance = Allowance()
    selftest: Selftest

    def sources(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of the files that are sources."""
        return tuple(sorted(name for name in names if name.endswith(self.extensions)))

    def main_file(self, files: Mapping[str, bytes]) -> str:
        """The file that is begun with. `RequestError` if there is none, or more than one could be it."""
        sources = self.sources(files)
        if len(sources) == 1:
            return sources[0]
        if not sources:
            raise RequestError("submission", f"there is no file of {self.name} ({', '.join(self.extensions)})")
        named = [name for name in sources if Path(name).stem in self.main and "/" not in name]
        if len(named) != 1 and self.main_pattern:
            named = [name for name in sources if re.search(self.main_pattern.encode(), files[name])]
        if len(named) == 1:
            return named[0]
        found = ", ".join((named or sources)[:5])
        raise RequestError("submission", f"which of these is the main file: {found}? Call it {self.main[0]}")

    def entry_point(self, files: Mapping[str, bytes], main: str) -> str:
        """What is begun with: the main file, or the class in it."""
        if self.entry == "file":
            return main
        stem = main.rpartition(".")[0].replace("/", ".")
        package = re.search(rb"^\s*package\s+([\w.]+)", files[main], re.MULTILINE)
        plain = stem.rpartition(".")[2]
        return f"{package[1].decode()}.{plain}" if package else stem

    def installed(self) -> bool:
        """Whether this host has what its commands start."""
        commands = [self.version[0], *([self.compile.argv[0]] if self.compile else []), self.run.argv[0]]
        return all(command.startswith((".", "/")) or shutil.which(command, path=SEARCH) for command in commands)


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


def detect(files: Mapping[str, bytes], allowed: tuple[str, ...] | None = None) -> Language:
    """The language of sources, of those that are allowed; `RequestError` that says why it cannot be told."""
    candidates = [load(code) for code in (codes() if allowed is None else allowed)]
    by_extension = [language for language in candidates if language.detect and language.sources(files)]
    if len(by_extension) > 1:
        by_extension = _by_shebang(files, by_extension) or by_extension
    found = by_extension or _by_shebang(files, candidates)
    if len(found) == 1:
        return found[0]
    if found:
        raise RequestError("language", f"could be {' or '.join(language.code for language in found)}: say which")
    names = ", ".join(sorted(files)[:5])
    raise RequestError("language", f"cannot be told from the names of the files ({names})")


def _by_shebang(files: Mapping[str, bytes], languages: Iterable[Language]) -> list[Language]:
    words = {word for content in files.values() for word in _interpreter(content)}
    return [language for language in languages if words & set(language.shebangs)]


def _interpreter(content: bytes) -> list[str]:
    """The name of the interpreter that a script asks for."""
    if not content.startswith(b"#!"):
        return []
    words = content[2:].partition(b"\n")[0].decode(errors="replace").split()
    names = [word.rpartition("/")[2] for word in words]
    return names[1:2] if names[:1] == ["env"] else names[:1]
