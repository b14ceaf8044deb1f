"""What commands that run one program have in common, here or at a service: options, exit codes, collected files."""

from __future__ import annotations

import contextlib
import errno
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import click

from sandbox.cli import EXIT_SANDBOX
from sandbox.errors import LaunchError, RequestError
from sandbox.request import parse_size
from sandbox.result import NotCollected, Result, Status

EXIT_CODES = {
    Status.IDLE_TIME_LIMIT: 119,
    Status.CPU_TIME_LIMIT: 120,
    Status.WALL_TIME_LIMIT: 121,
    Status.MEMORY_LIMIT: 122,
    Status.OUTPUT_LIMIT: 123,
    Status.SYSCALL_DENIED: 124,
}
"""Exit codes for programs that were ended; otherwise it is the program's own, or 128 + the signal."""


class Size(click.ParamType[int]):
    """Bytes, written as 65536, 256M or 1.5G."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """As click wants it."""
        if isinstance(value, int):
            return value
        try:
            return parse_size(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _pairs(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for value in values:
        name, equals, rest = value.partition("=")
        if not equals:
            raise click.BadParameter(f"{value!r} is not of the form NAME=VALUE", ctx, param)
        if name in pairs:
            raise click.BadParameter(f"{name!r} is given twice", ctx, param)
        pairs[name] = rest
    return pairs


SIZE = Size()


_OPTIONS = (
    click.option(
        "--policy", "-p", default="native", metavar="NAME", show_default=True, help="What the program may do."
    ),
    click.option(
        "--time", "cpu_time", type=float, metavar="SECONDS", help="Limit of CPU time, all processes together."
    ),
    click.option("--wall", "wall_time", type=float, metavar="SECONDS", help="Limit of time on the clock."),
    click.option("--idle", "idle_time", type=float, metavar="SECONDS", help="Limit of time without output."),
    click.option("--memory", type=SIZE, metavar="SIZE", help="Limit of memory, all processes together, such as 256M."),
    click.option("--processes", type=int, metavar="N", help="Limit of processes and threads at one time."),
    click.option("--output", type=SIZE, metavar="SIZE", help="Limit of stdout and of stderr, each, such as 1M."),
    click.option("--scratch", type=SIZE, metavar="SIZE", help="Limit of files that the program writes, together."),
    click.option("--open-files", type=int, metavar="N", help="Limit of descriptors of one process."),
    click.option("--file-size", type=SIZE, metavar="SIZE", help="Limit of one file."),
    click.option("--stack", type=SIZE, metavar="SIZE", help="Limit of the stack."),
    click.option("--cpus", type=float, metavar="N", help="Limit of CPUs' worth of time per second, such as 0.5."),
    click.option(
        "--file",
        "files",
        multiple=True,
        callback=_pairs,
        metavar="NAME=PATH",
        help="Put a file or directory into /box.",
    ),
    click.option(
        "--collect",
        multiple=True,
        metavar="NAME",
        help="Copy what the program leaves in /box to here: a file, or a directory (NAME/; all: ./).",
    ),
    click.option("--env", multiple=True, callback=_pairs, metavar="K=V", help="Set an environment variable."),
    click.option(
        "--cwd", default="", metavar="DIR", help="Directory to start in (default: /box; of policy host: here)."
    ),
    click.option("--json", "as_json", is_flag=True, help="Capture the output, and print the whole result as JSON."),
    click.option("--verbose", "-v", is_flag=True, help="Say on stderr how it ended and what it used."),
)


def options(function: Any) -> Any:
    """Those of a command that runs one program."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_NAMES = {"cpu_time": "--time", "wall_time": "--wall", "idle_time": "--idle"}
"""Options that are not called after their limit."""


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Errors in the words of the command line."""
    try:
        yield
    except RequestError as error:
        area, _, name = error.field.partition(".")
        if area != "limits":
            raise
        option = _NAMES.get(name, f"--{name.replace('_', '-')}")
        raise RequestError(option, error.reason) from None
    except LaunchError as error:
        if error.step.startswith("execve ") and error.errno == errno.ENOENT:
            click.echo("sandbox: programs are looked for in the box; --file NAME=PATH puts one there", err=True)
        raise


def given(files: Mapping[str, str], limits: Mapping[str, Any]) -> dict[str, Any]:
    """What the command line says of files and limits, as `run` takes it."""
    return {
        "files": {name: Path(path) for name, path in files.items()},
        "limits": {name: value for name, value in limits.items() if value is not None},
    }


def conclude(result: Result, *, as_json: bool, verbose: bool) -> NoReturn:
    """Tell of a result, and end the command as the program has ended."""
    if as_json:
        click.echo(json.dumps(result.to_json(), indent=2))
    else:
        _save(result)
    if verbose or (result.status in EXIT_CODES and not as_json):
        click.echo(f"sandbox: {result}", err=True)
    sys.exit(_exit_code(result))


def _exit_code(result: Result) -> int:
    if result.status in EXIT_CODES:
        return EXIT_CODES[result.status]
    return 128 + result.signal if result.signal is not None else result.exit_code or 0


def _save(result: Result) -> None:
    """Collected files go to the current directory, by their own names; they can be executed, if they can in the box."""
    for name, content in result.files.items():
        if isinstance(content, NotCollected):
            shown = name if name.isprintable() else ascii(name)  # in a tree, the program chooses what it is
            click.echo(f"sandbox: {shown}: not collected: {content.reason}", err=True)
    try:
        result.save(".")
    except LaunchError as error:
        click.echo(f"sandbox: --collect: {error}".encode(errors="backslashreplace"), err=True)
        sys.exit(EXIT_SANDBOX)
