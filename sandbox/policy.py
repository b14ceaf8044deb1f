"""What the operator allows for a purpose or a language, read from TOML files.

A policy is a file `NAME.toml` in one of the policy directories, usually laid over another (`extends`), and further
policies can be laid over it by name: `python+weak-no-cgroup`. A file is checked by itself before anything is laid
over anything, so that every complaint names the file that is wrong.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import re
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from sandbox.errors import PolicyError, RequestError
from sandbox.request import Limits, file_name
from sandbox.result import Status

SEARCH = "/usr/local/bin:/usr/bin:/bin"
"""Where programs are looked for in a box whose policy says nothing else."""

_PACKAGE = Path(__file__).parent
_NAME = re.compile(r"[a-z][a-z0-9-]*")
_WEAK = "weak-"
"""How the name of every policy begins that goes without a protection."""
_OPTIONAL_LIMITS = ("cpus", "address_space", "idle_time")
"""Limits that a policy may leave open: the others are always in force."""
_TABLES = ("mounts", "symlinks", "etc", "env", "limits", "ceilings", "protections")
"""What is merged by key when one file is laid over another."""


_PATHS = ("mounts", "symlinks", "etc")
"""Those tables whose keys are paths in the box."""


def _absolute(path: str) -> str:
    # POSIX lets two slashes at the beginning mean something else, and so normpath leaves them.
    if "\0" in path or path == "/" or path[:1] != "/" or path[:2] == "//" or os.path.normpath(path) != path:
        raise ValueError(f"{path!r} is not a plain absolute path below /")
    return path


def _error_name(name: str) -> str:
    if not isinstance(getattr(errno, name, None), int):
        raise ValueError(f"{name!r} is not the name of an error such as EPERM")
    return name


def _answer(name: str) -> str:
    return name if name == "success" else _error_name(name)


def _action(name: str) -> str:
    return name if name in ("allow", "kill") else _answer(name)


def _mount_table(value: Any) -> Any:
    """TOML writes mounts as a table keyed by target, whose source is the same path unless said otherwise."""
    if not isinstance(value, dict):
        return value
    return [{"source": at, "target": at} | entry if isinstance(entry, dict) else entry for at, entry in value.items()]


def _pairs(value: Any) -> Any:
    return list(value.items()) if isinstance(value, dict) else value


Absolute = Annotated[str, AfterValidator(_absolute)]
Answer = Annotated[str, AfterValidator(_answer)]
Action = Annotated[str, AfterValidator(_action)]
Word = Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
Files = dict[Annotated[str, AfterValidator(file_name)], str]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Mount(_Model):
    """A piece of the host's file system that a box sees: a directory or a file."""

    source: Absolute
    target: Absolute
    writable: bool = False
    optional: bool = False
    """Left out if the host has no such file; otherwise its absence refuses the launch."""
    executable: bool = True
    owner: Literal["host", "program"] = "host"
    """`program`: files of the source's owner appear as the program's own, and what it makes is that owner's outside.

    The source is a real path then, without links. Nothing but the filter bounds what is left on the host: see policy
    `host` for set-user-ID files.
    """

    @model_validator(mode="after")
    def _can_be_owned(self) -> Mount:
        if self.owner == "program" and (self.optional or not self.writable):
            raise ValueError('owner = "program" is for what is writable and not optional')
        return self


class Rule(_Model):
    """What happens to a call if `args[arg] & mask` is one of `values`.

    The kernel takes flags, commands and families from the lower half of a 64-bit register, so that is all that is
    compared: what stands in the upper half never makes a difference.
    """

    syscall: str
    action: Action
    arg: Annotated[int, Field(ge=0, le=5)]
    mask: Word = 0xFFFFFFFF
    values: Annotated[tuple[Word, ...], Field(min_length=1, max_length=256)]

    @model_validator(mode="after")
    def _can_match(self) -> Rule:
        for value in self.values:
            if value & ~self.mask:
                raise ValueError(f"the value {value:#x} has bits outside of the mask {self.mask:#x}")
        return self


class Syscalls(_Model):
    """What happens to each system call: its rules in turn, else the list that it is in, else the default."""

    default: Annotated[str, AfterValidator(lambda name: name if name == "kill" else _error_name(name))] = "ENOSYS"
    """ENOSYS lets programs fall back to older calls; `kill` ends the run."""
    allow: tuple[str, ...] = ()
    errno: dict[str, Answer] = Field(default_factory=dict)
    """Quiet refusals: calls that honest programs try and can do without. `success` says that it was done."""
    kill: tuple[str, ...] = ()
    """Calls that end the run as SYSCALL_DENIED: nothing honest makes them."""
    rules: tuple[Rule, ...] = ()

    @model_validator(mode="after")
    def _in_one_list(self) -> Syscalls:
        for name in {*self.allow, *self.errno, *self.kill}:
            if (name in self.allow) + (name in self.errno) + (name in self.kill) > 1:
                raise ValueError(f"{name} is in more than one of allow, errno and kill")
        return self

    def __hash__(self) -> int:
        return hash((self.default, self.allow, frozenset(self.errno.items()), self.kill, self.rules))


class Protections(_Model):
    """What a box must have. Each is required: if the host cannot give it, the launch is refused."""

    user_namespace: bool = True
    mount_namespace: bool = True
    pid_namespace: bool = True
    network_namespace: bool = True
    ipc_namespace: bool = True
    uts_namespace: bool = True
    cgroup_namespace: bool = True
    cgroup: bool = True
    """Memory, processes and CPU time are limited and counted for the whole tree by a control group."""
    seccomp: bool = True
    landlock: bool = True
    unprivileged_uid: bool = True


class Build(_Model):
    """How a proof's program is made: a run under policy `compile`, whose collected files go into the proof's box."""

    argv: Annotated[tuple[str, ...], Field(min_length=1)]
    files: Files = Field(default_factory=dict)
    collect: tuple[str, ...] = ("program",)


class Proof(_Model):
    """A program that shows that the policy does what it is for, and how it must end."""

    argv: Annotated[tuple[str, ...], Field(min_length=1)]
    files: Files = Field(default_factory=dict)
    stdin: str = ""
    expect: Status = Status.OK
    stdout: str | None = None
    """What it must print, exactly; `None` if it does not matter."""
    build: Build | None = None


class Layer(_Model):
    """What one file says; the rest is left to what it is laid over."""

    description: str = ""
    reuse: Literal["never", "submission", "always"] = "submission"
    """How far a box is used again: never, for one user's runs, or for anybody's."""
    proc: Literal["none", "pid"] = "none"
    """`pid`: a /proc of the box's own processes, without the system's files."""
    loopback: bool = False
    """Whether the loopback interface is up; there is no other."""
    hostname: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] = "box"
    workspace: bool = False
    """Whether programs work in a directory of the host, which they can write to and which each run names."""
    mounts: Annotated[tuple[Mount, ...], BeforeValidator(_mount_table)] = ()
    symlinks: Annotated[tuple[tuple[Absolute, str], ...], BeforeValidator(_pairs)] = ()
    """Links, as (where, to what)."""
    etc: dict[Absolute, str] = Field(default_factory=dict)
    """Files that are made for the box, by path."""
    env: dict[Annotated[str, Field(pattern=r"^[^=\x00]+$")], Annotated[str, Field(pattern=r"^[^\x00]*$")]] = Field(
        default_factory=dict
    )
    limits: Limits = Limits()
    """What is in force if a request does not say."""
    ceilings: Limits = Limits()
    """The most that a request may ask for."""
    syscalls: Syscalls = Syscalls()
    protections: Protections = Protections()
    proof: Proof | None = None
    hostile: Proof | None = None
    """The proof's twin, which must not get through."""

    @model_validator(mode="after")
    def _hostile_is_stopped(self) -> Layer:
        if self.hostile is not None and self.hostile.expect is Status.OK:
            raise ValueError("hostile.expect must say how the twin ends: OK would be a success of the attack")
        return self


class Document(Layer):
    """A policy file."""

    extends: Annotated[str, Field(pattern=f"^{_NAME.pattern}$")] | None = None

    @model_validator(mode="before")
    @classmethod
    def _has_tables(cls, raw: dict[str, Any]) -> dict[str, Any]:
        for key in _TABLES:
            if not isinstance(raw.get(key, {}), dict):
                raise ValueError(f"{key} must be a table")
        return raw


class Policy(Layer):
    """Everything that is allowed, and everything that is required, for one purpose."""

    name: str
    directory: str = ""
    """The directory of a policy with `workspace`, once it is known: see `in_directory`."""

    @model_validator(mode="after")
    def _complete(self) -> Policy:
        for name in Limits.model_fields:
            limit, ceiling = getattr(self.limits, name), getattr(self.ceilings, name)
            if name not in _OPTIONAL_LIMITS and (limit is None or ceiling is None):
                raise ValueError(f"{'limits' if limit is None else 'ceilings'}.{name} is missing")
            if limit is not None and ceiling is not None and limit > ceiling:
                raise ValueError(f"limits.{name} is above ceilings.{name}")
        return self

    def allowing(self, wanted: Limits) -> Policy:
        """The same policy, with ceilings that are high enough for `wanted`: for limits that are the operator's own."""
        higher = {
            name: value
            for name, value in wanted
            if value is not None and (ceiling := getattr(self.ceilings, name)) is not None and value > ceiling
        }
        return self.model_copy(update={"ceilings": self.ceilings.model_copy(update=higher)}) if higher else self

    def resolve(self, wanted: Limits) -> Limits:
        """The limits of a run that asks for `wanted`; `RequestError` if that is more than the ceilings allow."""
        return _resolve(self.limits, self.ceilings, wanted)


@functools.lru_cache(maxsize=1024)
def _resolve(defaults: Limits, ceilings: Limits, wanted: Limits) -> Limits:
    resolved = {}
    for name in Limits.model_fields:
        value, ceiling = getattr(wanted, name), getattr(ceilings, name)
        if ceiling is None:  # then what the policy has in force is the most
            ceiling = getattr(defaults, name)
        if value is not None and ceiling is not None and value > ceiling:
            raise RequestError(f"limits.{name}", f"{value} is above the policy's ceiling of {ceiling}")
        resolved[name] = getattr(defaults, name) if value is None else value
    return Limits(**resolved)


def directories() -> tuple[Path, ...]:
    """Where policies are looked for: `SANDBOX_POLICIES` (separated by colons), then the package's own."""
    own = _PACKAGE / "policies"
    # A source checkout has them beside the package; only an installation has them inside.
    own = own if own.is_dir() else _PACKAGE.parent / "policies"
    return (*(Path(part) for part in os.environ.get("SANDBOX_POLICIES", "").split(":") if part), own)


def names() -> tuple[str, ...]:
    """The policies that there are."""
    found = {path.stem for place in directories() for path in place.glob("*.toml") if _NAME.fullmatch(path.stem)}
    return tuple(sorted(found))


def load(name_or_path: str) -> Policy:
    """The policy of that name, or in that file; after a `+`, policies to lay over it. `PolicyError` if it is wrong."""
    return _load(name_or_path, directories())


def forget() -> None:
    """Read the files again when they are next asked for."""
    _load.cache_clear()


def as_policy(policy: str | Policy) -> Policy:
    """A policy, or the one of that name."""
    if isinstance(policy, str):
        return load(policy)
    if not isinstance(policy, Policy):
        raise RequestError("policy", f"must be a name or a Policy, not {type(policy).__name__}")
    return policy


_NOT_WITHIN = (
    "proc", "sys", "dev", "run", "box", "etc", "boot", "bin", "sbin", "lib", "lib32", "lib64", "libx32",
    "var/spool", *(f"{at}/{name}" for at in ("usr", "usr/local") for name in (
        "bin", "sbin", "games", "lib", "lib32", "lib64", "libx32", "libexec", "include", "share", "etc",
    )),
)  # fmt: skip
"""Directories of / in which no program works: those that a box has of its own, and the system's."""
_NOT_ITSELF = ("usr", "usr/local", "var", "var/lib", "var/log", "var/cache", "var/tmp", "home", "opt", "srv", "tmp")
"""Those in which directories may be worked in. So it is with homes, of which what begins with a dot is not for it
either: their owners' next login, or shell, obeys what is there.
"""


def in_directory(policy: str | Policy, directory: str | os.PathLike[str]) -> Policy:
    """A policy with `workspace`, for work in this directory of the host; `RequestError` if that may not be."""
    policy = as_policy(policy)
    if not policy.workspace or policy.directory:
        raise RequestError("policy", f"{policy.name} is not for a directory of the host")
    path = _workspace(directory)
    barrier = _barrier(path)
    # Where programs could not get through by themselves, they are shown nothing but the way.
    mounts = [mount for mount in policy.mounts if not (barrier + "/").startswith(mount.target + "/")]
    mounts.append(Mount(source=path, target=path, writable=True, owner="program"))
    return policy.model_copy(update={"mounts": tuple(mounts), "directory": path})


def place(policy: str | Policy, cwd: str) -> tuple[Policy, str]:
    """Policy and working directory of a run: if the policy has a `workspace`, that is `cwd` or the caller's own."""
    policy = as_policy(policy)
    if not policy.workspace or policy.directory:
        return policy, cwd
    policy = in_directory(policy, cwd or ".")
    return policy, policy.directory


def _workspace(directory: str | os.PathLike[str]) -> str:
    """The real path of a directory, if it is one to work in."""
    try:
        path = _without_links(os.path.abspath(os.fsdecode(directory)))
        is_directory = stat.S_ISDIR(os.stat(path).st_mode)
    except RequestError:
        raise
    except (OSError, ValueError, TypeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise RequestError("cwd", f"{directory!r} is no directory of the host to work in: {reason}") from None
    if not is_directory:
        raise RequestError("cwd", f"{path} is not a directory")
    within = {os.path.realpath(f"/{name}") for name in _NOT_WITHIN}
    homes = _homes(path)
    itself = {os.path.realpath(f"/{name}") for name in _NOT_ITSELF} | homes
    below = path.rstrip("/") + "/"
    if (
        any(below.startswith(place + "/") for place in within)
        or any((at + "/").startswith(below) for at in itself)
        or any(below.startswith(home + "/.") for home in homes)
    ):
        raise RequestError("cwd", f"{path} is not to be written to by a program: choose a directory for its work alone")
    return path


def _homes(path: str) -> set[str]:
    """The caller's home, and those of everybody who owns the path or a directory on the way to it."""
    import pwd  # here, because there is none on systems where only the client is used

    homes = {os.path.realpath(os.path.expanduser("~")).rstrip("/")}
    for at in {path, *map(str, Path(path).parents)}:
        with contextlib.suppress(KeyError):  # an owner without a name
            homes.add(os.path.realpath(pwd.getpwuid(os.stat(at).st_uid).pw_dir).rstrip("/"))
    return homes


def _without_links(path: str) -> str:
    """Where an absolute path leads, by links of the system at most: any other one may be what an earlier program has
    put in the way of a later one. Raises `OSError` if it leads nowhere.
    """
    at = "/"
    for name in path.split("/")[1:]:
        step = os.path.join(at, name)
        if not os.path.islink(step):
            at = step
        elif at in ("/", "/usr", "/var") and os.lstat(step).st_uid == 0:
            at = os.path.realpath(step, strict=True)
        else:
            real = os.path.realpath(path)
            raise RequestError("cwd", f"{step} is a link, which a program may have made; its real path is {real}")
    return at


def _barrier(path: str) -> str:
    """The first directory on the way to a path that a program could not get through; empty if there is none.

    As root, programs have ids that own nothing, and may search only what everybody may.
    """
    above, barrier = os.path.dirname(path), ""
    while os.geteuid() == 0 and above != "/":
        if not os.stat(above).st_mode & 0o001:
            barrier = above
        above = os.path.dirname(above)
    if barrier.startswith("/usr/"):  # of which the rest cannot be left out
        raise RequestError("cwd", f"programs, which are not root, cannot get through {barrier}: chmod o+x {barrier}")
    return barrier


@functools.cache
def _load(wanted: str, places: tuple[Path, ...]) -> Policy:
    merged: dict[str, Any] = {}
    laid: set[Path] = set()
    source = wanted
    parts = [wanted] if os.path.isfile(wanted) else wanted.split("+")
    for part in parts:
        source = str(_find(part, places, wanted))
        for path, table in reversed(list(_chain(Path(source), places))):
            _check_strength(path, table, Path(source).stem)
            if path not in laid:  # what two parts both extend is the ground of both, and laid once
                merged = _lay(merged, table)
                laid.add(path)
    merged.pop("extends", None)
    merged["name"] = "+".join(Path(part).stem if _is_path(part) else part for part in parts)
    try:
        return Policy.model_validate(merged)
    except ValidationError as error:
        raise _policy_error(source, merged, error) from None


def _is_path(part: str) -> bool:
    return "/" in part or part.endswith(".toml")


def _find(part: str, places: tuple[Path, ...], asker: str) -> Path:
    if _is_path(part):
        try:
            return Path(os.path.realpath(part))
        except ValueError as error:
            raise PolicyError(asker, "", f"{part!r} is not a path: {error}") from None
    if not _NAME.fullmatch(part):
        raise PolicyError(asker, "", f"{part!r} is not the name of a policy")
    for place in places:
        if os.path.isfile(path := place / f"{part}.toml"):  # not Path.is_file(), which raises if the name is too long
            return path.resolve()
    raise PolicyError(asker, "", f"there is no policy {part!r}; there are {', '.join(names())}")


def _chain(path: Path, places: tuple[Path, ...]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A file, what it extends, what that extends, …"""
    seen: set[Path] = set()
    while path not in seen:
        seen.add(path)
        table = _read(path)
        yield path, table
        if "extends" not in table:
            return
        path = _find(table["extends"], places, f"{path}: extends")
    raise PolicyError(str(path), "extends", "the policies extend each other in a loop")


def _read(path: Path) -> dict[str, Any]:
    """A policy file as TOML has it, known to be well-formed."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise PolicyError(str(path), "", error.strerror or str(error)) from None
    except ValueError as error:  # not TOML, or not UTF-8
        raise PolicyError(str(path), "", str(error)) from None
    except RecursionError:
        raise PolicyError(str(path), "", "is nested too deeply") from None
    try:
        Document.model_validate(table)
    except ValidationError as error:
        raise _policy_error(str(path), table, error) from None
    return table


def _check_strength(path: Path, table: dict[str, Any], name: str) -> None:
    """A policy that goes without a protection says so in its name, which every user of it writes or reads."""
    for protection, wanted in table.get("protections", {}).items():
        if not wanted and not name.startswith(_WEAK):
            reason = f"is switched off, which only a policy may whose name begins with {_WEAK!r}; this is {name!r}"
            raise PolicyError(str(path), f"protections.{protection}", reason)


def _lay(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """One file's table over another's: tables merge by key, everything else is replaced.

    What an upper file mounts comes in the place of all that a lower one has at or below that path.
    """
    merged = below | above
    for key in _TABLES:
        if key in merged:
            kept = below.get(key, {})
            if key in _PATHS:
                kept = {at: entry for at, entry in kept.items() if not _is_covered(at, above.get("mounts", {}))}
            merged[key] = kept | above.get(key, {})
    merged["syscalls"] = _lay_syscalls(below.get("syscalls", {}), above.get("syscalls", {}))
    return merged


def _is_covered(path: str, mounts: dict[str, Any]) -> bool:
    """Whether an upper file mounts something at or above what a lower one has at that path, and so replaces it."""
    return any(path.startswith(target + "/") or path == target for target in mounts)


def _lay_syscalls(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """A call leaves the lists that it was in for the one that it is put in; the upper file's rules are asked first."""
    moved = {*above.get("allow", ()), *above.get("kill", ()), *above.get("errno", {})}
    merged = below | above
    for key in ("allow", "kill"):
        kept = [name for name in below.get(key, ()) if name not in moved]
        merged[key] = list(dict.fromkeys([*kept, *above.get(key, ())]))
    kept_errors = {name: error for name, error in below.get("errno", {}).items() if name not in moved}
    merged["errno"] = kept_errors | above.get("errno", {})
    merged["rules"] = [*above.get("rules", ()), *below.get("rules", ())]
    return merged


def _policy_error(source: str, table: dict[str, Any], error: ValidationError) -> PolicyError:
    """The first complaint of pydantic, with the key as it stands in the file."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = list(first["loc"])
    # Mounts and links are validated as lists; in the file they have names.
    if len(where) > 1 and where[0] in ("mounts", "symlinks") and isinstance(where[1], int):
        where[1:] = [list(table[str(where[0])])[where[1]], *(part for part in where[2:] if isinstance(part, str))]
    unknown = first["type"] == "extra_forbidden"
    reason = "there is no such key" if unknown else first["msg"].removeprefix("Value error, ")
    # Pydantic's "[key]" says that it is the last key itself that is wrong.
    return PolicyError(source, ".".join(str(part) for part in where if part != "[key]"), reason)
