"""What a caller asks for: one program, its input, and the limits it wants.

Frozen and validated once, here; nothing behind this module checks a request's shape again.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypedDict

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError

from sandbox.errors import RequestError
from sandbox.files import MAX_FILES, WHOLE, File


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


_SIZE = re.compile(r"([0-9]+)(?:\.([0-9]+))?([KMGT]?)(?:i?B)?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Bytes of a size such as `256M` or `1.5G`: K, M, G and T are powers of 1024. `ValueError` for anything else."""
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a size such as 65536, 256M or 1.5G")
    whole, fraction = match[1], match[2] or ""
    unit = 1 << 10 * " KMGT".index(match[3].upper() or " ")
    parts: int = 10 ** len(fraction)
    return int(whole) * unit + int(fraction or 0) * unit // parts  # a float would lose the end of a large number


Size = BeforeValidator(lambda value: parse_size(value) if isinstance(value, str) else value)
"""For sizes that may be written with a unit."""


Seconds = Annotated[float, AfterValidator(_finite), Field(gt=0, le=86_400 * 30)]
Bytes = Annotated[int, Size, Field(gt=0, le=1 << 50)]
Count = Annotated[int, Field(gt=0, le=1 << 30)]


class Limits(BaseModel):
    """Limits of one run. Seconds are floats, sizes bytes or text such as "64M"; `None` means "as the policy says"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu_time: Seconds | None = None
    """CPU seconds of the whole process tree, user and system."""
    wall_time: Seconds | None = None
    """Seconds from exec to exit."""
    memory: Annotated[int, Size, Field(ge=1 << 20, le=1 << 50)] | None = None
    """Bytes of the whole tree: anonymous and shared memory, tmpfs, page tables and kernel memory; no swap. At least
    1 MiB, below which no program starts."""
    processes: Count | None = None
    """Processes and threads that exist at one time, the program itself included."""
    output: Bytes | None = None
    """Bytes captured of each of stdout and stderr; the first byte more ends the run."""
    file_size: Bytes | None = None
    """Bytes of one file (`RLIMIT_FSIZE`)."""
    open_files: Count | None = None
    """Descriptors of one process (`RLIMIT_NOFILE`)."""
    stack: Bytes | None = None
    """Bytes of the main thread's stack (`RLIMIT_STACK`)."""
    scratch: Bytes | None = None
    """Bytes of all files in the box's writable directories together."""
    inodes: Count | None = None
    """Files and directories in the box's writable directories together."""
    address_space: Bytes | None = None
    """Bytes of address space of one process (`RLIMIT_AS`); unlimited unless a policy asks for it."""
    cpus: Annotated[float, AfterValidator(_finite), Field(ge=0.01, le=4096)] | None = None
    """CPUs' worth of time per second that the tree may use (cgroup quota); unlimited unless asked for."""
    idle_time: Seconds | None = None
    """Seconds without a byte of output, on stdout or stderr, after which the run is ended; unlimited unless asked
    for."""


def _argument(value: Any) -> bytes:
    try:
        raw = os.fsencode(value)
    except TypeError:
        raise ValueError("must be text, bytes or a path") from None
    if b"\0" in raw:
        raise ValueError("contains a NUL byte")
    return raw


def _numbered(number: int, value: Any) -> bytes:
    try:
        return _argument(value)
    except ValueError as error:
        raise ValueError(f"argument {number}, {value!r:.60}, {error}") from None


def _arguments(value: Any) -> tuple[bytes, ...]:
    if isinstance(value, (str, bytes, os.PathLike)):
        raise ValueError("must be a list of arguments, not one string: there is no shell")
    if not isinstance(value, Iterable):
        raise ValueError("must be a list of arguments")
    argv = tuple(_numbered(number, item) for number, item in enumerate(value))
    if not argv or not argv[0]:
        raise ValueError("must name a program")
    return argv


def _environment(value: Any) -> tuple[tuple[bytes, bytes], ...]:
    if not isinstance(value, Mapping):
        raise ValueError("must be a mapping of names to values")
    pairs = []
    for name, text in value.items():
        key = _argument(name)
        if not key or b"=" in key:
            raise ValueError(f"{os.fsdecode(key)!r} is not a variable name")
        try:
            pairs.append((key, _argument(text)))
        except ValueError as error:
            raise ValueError(f"the value of {os.fsdecode(key)!r} {error}") from None
    return tuple(pairs)


def file_name(value: Any) -> str:
    """A relative path below the box's working directory: no `..`, no empty part, nothing absolute."""
    try:
        name = os.fsdecode(value)
    except TypeError:
        raise ValueError(f"{value!r} is not a name") from None
    parts = name.split("/")
    if "\0" in name:
        raise ValueError(f"{name!r} contains a NUL byte")
    if name.startswith("/"):
        raise ValueError(f"{name!r} is absolute; names are relative to /box")
    if any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"{name!r} has an empty, '.' or '..' part")
    if any(len(os.fsencode(part)) > 255 for part in parts) or len(os.fsencode(name)) > 4000:
        raise ValueError(f"{name[:40]!r}… is too long")
    return name


def _any_name(value: Any) -> str:
    """A name as `file_name`, or with a slash behind it that of a directory; `./` is the working directory itself."""
    try:
        name = os.fsdecode(value)
    except TypeError:
        return file_name(value)  # which says what is wrong with it
    if name == WHOLE:
        return name
    return file_name(name[:-1]) + "/" if name.endswith("/") else file_name(name)


def _files(value: Any) -> tuple[tuple[str, bytes | Path], ...]:
    if not isinstance(value, (Mapping, list, tuple)):
        raise ValueError("must be a mapping of names to contents")
    pairs = value.items() if isinstance(value, Mapping) else value
    files: list[tuple[str, bytes | Path]] = []
    seen: set[str] = set()
    for pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise ValueError("must be a mapping of names to contents, or pairs of these")
        name, content = _any_name(pair[0]), _content(*pair)
        if name in seen or name.rstrip("/") in seen or f"{name}/" in seen:
            raise ValueError(f"{name!r} is given twice")
        seen.add(name)
        if name.endswith("/") and isinstance(content, bytes) and content:
            raise ValueError(f"{name!r} is a directory and can have no content but a Path or b''")
        files.append((name, content))
    for name in seen:
        parent = name.rstrip("/").rpartition("/")[0]
        while parent:
            if parent in seen:
                raise ValueError(f"{parent!r} is given as a file and as the directory of {name!r}")
            parent = parent.rpartition("/")[0]
    if len(files) > MAX_FILES:
        raise ValueError(f"more than {MAX_FILES} files")
    return tuple(files)


def _content(name: Any, content: Any) -> bytes | Path:
    if isinstance(content, (bytes, bytearray, memoryview)):
        return content if isinstance(content, File) else bytes(content)
    if isinstance(content, os.PathLike):
        return Path(os.fsdecode(_argument(content)))
    raise ValueError(f"{name!r}: content must be bytes or a Path, not {type(content).__name__}")


def _collect(value: Any) -> tuple[str, ...]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise ValueError("must be a list of names, not one string")
    names = tuple(_any_name(item) for item in value)
    if len(set(names)) < len(names):
        raise ValueError("a name is given twice")
    if len(names) > MAX_FILES:
        raise ValueError(f"more than {MAX_FILES} names")
    return names


class RequestOptions(TypedDict, total=False):
    """What may be said of a program beside its argv."""

    env: Mapping[str, str] | None
    """Variables, added to the policy's environment; nothing of the caller's own reaches the program."""
    cwd: str
    """Where the program starts; /box if nothing else is said."""
    files: Mapping[str, bytes | Path] | None
    """Put into /box first: contents by names, files and trees of the host by their paths."""
    collect: Iterable[str]
    """Names of files that are read from /box afterwards, and, with a slash behind them, of trees."""
    limits: Limits | Mapping[str, Any] | None
    """Tighten the policy's."""
    umask: int
    """The mask of the modes of files that the program makes (umask(2)); 0o022 if nothing else is said."""
    start_new_session: bool
    """Whether the program leads a session of its own (setsid(2)), and not only a process group."""


class Request(BaseModel):
    """One program to run. Made by `Request.make`, which turns every mistake into a `RequestError`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    argv: Annotated[tuple[bytes, ...], PlainValidator(_arguments)]
    env: Annotated[tuple[tuple[bytes, bytes], ...], PlainValidator(_environment)] = ()
    cwd: Annotated[bytes, BeforeValidator(_argument)] = b""
    files: Annotated[tuple[tuple[str, bytes | Path], ...], PlainValidator(_files)] = ()
    collect: Annotated[tuple[str, ...], PlainValidator(_collect)] = ()
    limits: Limits = Limits()
    umask: Annotated[int, Field(ge=0, le=0o777, strict=True)] = 0o022
    start_new_session: Annotated[bool, Field(strict=True)] = False

    @classmethod
    def make(cls, **fields: Any) -> Request:
        """Validate `fields`; raises `RequestError` that names the first wrong one."""
        for name in fields:  # before pydantic, which cannot name what is no valid text
            if name not in cls.model_fields:
                raise RequestError(name, "there is no such option")
        try:
            return cls(**fields)
        except ValidationError as error:
            raise request_error(error) from None


def request_error(error: ValidationError) -> RequestError:
    """The first complaint of pydantic as a `RequestError` with a dotted field name."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "request"
    if first["type"] == "extra_forbidden" and first["loc"][:1] == ("limits",):
        return RequestError(field, f"there is no such limit; there are {', '.join(Limits.model_fields)}")
    return RequestError(field, first["msg"].removeprefix("Value error, ").replace("a valid tuple", "a list"))
