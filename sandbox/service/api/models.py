"""What requests and answers of the API look like. Names are those of the library: `Result.to_json`, `Limits`."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from sandbox.files import File
from sandbox.request import Limits


class Model(BaseModel):
    """A part of a request: nothing that is unknown is passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _decoded(value: Any) -> bytes:
    if not isinstance(value, str):
        raise ValueError("must be base64 in text")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError(f"is not base64: {error}") from None


class Encoded(Model):
    """Bytes that are no text."""

    base64: Annotated[bytes, BeforeValidator(_decoded)] = Field(json_schema_extra={"type": "string", "format": "byte"})
    executable: bool = False

    def content(self) -> File:
        """As a file for a box."""
        return File(self.base64, self.executable)


class Text(Model):
    """A file of text that can be executed."""

    text: str
    executable: bool = True

    def content(self) -> File:
        """As a file for a box."""
        return File(self.text.encode(), self.executable)


class Stored(Model):
    """A file of the service's: `POST /v1/files` makes some."""

    file: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    executable: bool = False


def _kind_of_content(value: Any) -> str | None:
    if isinstance(value, (str, Model)):
        return "str" if isinstance(value, str) else type(value).__name__
    kinds = {"base64": "Encoded", "text": "Text", "file": "Stored"}
    named = [kind for key, kind in kinds.items() if isinstance(value, dict) and key in value]
    return named[0] if named else None


Content = Annotated[
    Annotated[str, Tag("str")]
    | Annotated[Encoded, Tag("Encoded")]
    | Annotated[Text, Tag("Text")]
    | Annotated[Stored, Tag("Stored")],
    Discriminator(
        _kind_of_content,
        custom_error_type="content",
        custom_error_message='must be text, {"base64": …}, {"text": …} or {"file": …}',
    ),
]
"""Text, bytes, or the id of a file."""


class Program(Model):
    """One program to run: its arguments, and what `sandbox.run` takes beside them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"argv": ["cat"], "stdin": "hello\n", "policy": "shell", "limits": {"cpu_time": 1}}]
        }
    )

    argv: list[str] = Field([], description="The program and its arguments; there is no shell. Of sources, arguments.")
    sources: dict[str, Content] = Field({}, max_length=100, description="Instead of a program: what it is made from.")
    language: str | None = Field(None, max_length=32, description="Of the sources; found out if it is not said.")
    policy: str = Field("native", description="What it may do: one of `GET /v1/policies`.")
    stdin: Content = Field("", description="What it reads.")
    env: dict[str, str] = {}
    cwd: str = Field("", description="Where it starts; /box if nothing else is said.")
    files: dict[str, Content] = Field({}, description="Put into /box first, by name; text is not executable.")
    collect: list[str] = Field([], description="Files of /box that are wanted afterwards; with a slash, trees.")
    keep: bool = Field(False, description="Keep what is collected as files of the service's, and tell their ids.")
    limits: Limits = Limits()
    merge: bool = Field(False, description="Whether stderr goes where stdout goes.")
    umask: int = Field(0o022, ge=0, le=0o777)

    @model_validator(mode="after")
    def _is_something(self) -> Program:
        if not self.argv and not self.sources:
            raise PydanticCustomError("argv", "must name a program, or there must be sources")
        return self


class Pipe(Model):
    """Between two programs of a group: stdout of the one is stdin of the other."""

    source: int = Field(ge=0, description="The number of the program that writes.")
    target: int = Field(ge=0, description="The number of the program that reads.")


class Group(Model):
    """Programs that run at the same time, in boxes of their own, with pipes between them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "programs": [{"argv": ["echo", "hi"], "policy": "shell"}, {"argv": ["cat"], "policy": "shell"}],
                    "pipes": [{"source": 0, "target": 1}],
                }
            ]
        }
    )

    programs: list[Program] = Field(min_length=1, max_length=8)
    pipes: list[Pipe] = Field([], max_length=16)


class Order(Model):
    """Who runs something, beside the key."""

    user: str = Field("", max_length=200, description="Whose it is: boxes of others are not used again as they are.")
    priority: int = Field(0, ge=-10, le=10, description="Among what this tenant has waiting.")


class Run(Program, Order):
    """A run of one program."""


class GroupRun(Group, Order):
    """A run of a group."""


def _kind_of_run(value: Any) -> str:
    return "GroupRun" if isinstance(value, GroupRun) or (isinstance(value, dict) and "programs" in value) else "Run"


AnyRun = Annotated[
    Annotated[Run, Tag("Run")] | Annotated[GroupRun, Tag("GroupRun")],
    Discriminator(_kind_of_run),
]
"""One program, or several."""


class Batch(Model):
    """Many runs, of which the results come as they end."""

    runs: list[Run] = Field(min_length=1)


class Report(BaseModel):
    """How one program ended: `Result.to_json` of the library."""

    status: str = Field(description="OK, NONZERO_EXIT, SIGNALED, a limit, or SYSCALL_DENIED.", examples=["OK"])
    exit_code: int | None
    signal: int | None
    cpu_time: float | None = Field(description="Seconds.")
    wall_time: float = Field(description="Seconds.")
    memory_peak: int | None = Field(description="Bytes.")
    processes_peak: int | None
    scratch: int | None = Field(None, description="Bytes of files that it left.")
    stdout: str | dict[str, str] | None = Field(description='Text, or `{"base64": …}`.')
    stderr: str | dict[str, str] | None
    stdout_truncated: bool
    stderr_truncated: bool
    files: dict[str, Any]
    limits: Limits
    enforced: list[str]
    measured_by: dict[str, str]
    denied_syscalls: list[str]


class Reports(BaseModel):
    """How the programs of a group ended, in their order."""

    results: list[Report]
