"""`subprocess`, contained: the standard module's names, arguments and exceptions, for programs that nobody trusts.

    from sandbox import subprocess

Every program runs in a box of its own, under `policy=` and `limits=` beside the standard arguments. Pipes, text,
`communicate` and time-outs are the standard library's own code: only starting, waiting and signalling are replaced.
What a box cannot honour is an error that says what to use instead. Differences that remain: nothing of the caller's
environment is passed on unless `env=` says so, the working directory is the box's unless policy `host` lends the
caller's, and `pid` is a number of ours.
"""

from __future__ import annotations

import errno
import itertools
import os
import signal
import subprocess as standard
from collections.abc import Callable, Mapping
from subprocess import (
    DEVNULL,
    PIPE,
    STDOUT,
    CalledProcessError,
    CompletedProcess,
    SubprocessError,
    TimeoutExpired,
    list2cmdline,
)
from typing import Any

from sandbox.errors import LaunchError
from sandbox.policy import Policy
from sandbox.result import Result
from sandbox.running import LOCAL, Runner, Running

__all__ = [
    "DEVNULL",
    "PIPE",
    "STDOUT",
    "CalledProcessError",
    "CompletedProcess",
    "Popen",
    "SubprocessError",
    "TimeoutExpired",
    "call",
    "check_call",
    "check_output",
    "getoutput",
    "getstatusoutput",
    "list2cmdline",
    "run",
]

_POLICY = "shell"

_INSTEAD = {
    "preexec_fn": "policy=, limits= and umask= say how a program starts",
    "user": "a program's user is the box's own, 1000",
    "group": "a program's group is the box's own, 1000",
    "extra_groups": "a program has no further groups",
    "process_group": "a program leads a group of its own: process_group=0",
}
"""What a box does not do, and what to use in its place."""

_OWN: Mapping[str, tuple[Any, ...]] = {
    "user": (None, 1000, "box"),
    "group": (None, 1000, "box"),
    "extra_groups": (None, (), []),
    "process_group": (None, -1, 0),
}
"""What may be asked for because it is so in any case."""

_numbers = itertools.count(1)


def _inherited(number: int) -> int:
    """A standard stream of the caller's own, if it has that at all."""
    try:
        os.fstat(number)
    except OSError:
        return DEVNULL
    return number


class Popen(standard.Popen[Any]):
    """A program in a box, with the interface of `subprocess.Popen`; `result` tells more once it has ended."""

    def __init__(
        self,
        args: Any,
        *positional: Any,
        policy: str | Policy = _POLICY,
        limits: Mapping[str, Any] | None = None,
        ended: Callable[[], object] | None = None,
        runner: Runner = LOCAL,
        **options: Any,
    ) -> None:
        """Start it, where `runner` has programs run; `ended` is called in another thread when nothing of it is left.

        Raises as the standard class does, and `SandboxError` where the sandbox itself fails.
        """
        self._policy, self._limits, self._tell, self._runner = policy, limits, ended, runner
        self.process: Running | None = None
        for name, own in _OWN.items():
            if options.pop(name, None) not in own:
                raise ValueError(f"{name}: {_INSTEAD[name]}")
        super().__init__(args, *positional, **options)

    @property
    def result(self) -> Result | None:
        """How it ended, what it used and what was enforced; `None` while it runs."""
        return None if self.process is None or self.process.running() else self.process.wait()

    def _execute_child(
        self, args: Any, executable: Any, preexec_fn: Any, close_fds: bool, pass_fds: Any, cwd: Any, env: Any,
        startupinfo: Any, creationflags: int, shell: bool, p2cread: int, p2cwrite: int, c2pread: int, c2pwrite: int,
        errread: int, errwrite: int, _restore_signals: bool, _gid: Any, _gids: Any, _uid: Any, umask: int,
        start_new_session: bool, *_ignored: Any,
    ) -> None:  # fmt: skip
        if preexec_fn is not None:
            raise ValueError(f"preexec_fn: {_INSTEAD['preexec_fn']}")
        if isinstance(args, (str, bytes, os.PathLike)):
            args = [args]
        argv = ["/bin/sh", "-c", *args] if shell else list(args)
        if executable is not None:
            raise ValueError("executable: name the program in args; its own name cannot be another")
        for given in {p2cread, c2pwrite, errwrite} - {-1}:
            os.fstat(given)  # the standard error, if it is not open
        merged = errwrite == c2pwrite and errwrite != -1
        try:
            self.process = self._runner.start(
                argv, policy=self._policy, limits=self._limits, env=env, cwd=os.fspath(cwd or ""),
                stdin=_inherited(0) if p2cread == -1 else p2cread,
                stdout=_inherited(1) if c2pwrite == -1 else c2pwrite,
                stderr=STDOUT if merged else _inherited(2) if errwrite == -1 else errwrite,
                pass_fds=tuple(pass_fds), start_new_session=start_new_session, umask=0o022 if umask == -1 else umask,
                ended=self._tell,
            )  # fmt: skip
        except LaunchError as error:
            if error.step.partition(" ")[0] not in ("chdir", "execve", "clone"):  # it is the box that could not be made
                raise
            raise self._as_standard(error, args, cwd) from None
        self._child_created = True
        self.pid = next(_numbers)
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)  # type: ignore[attr-defined]

    @staticmethod
    def _as_standard(error: LaunchError, args: Any, cwd: Any) -> OSError:
        name = cwd if error.step.startswith("chdir") else args[0]
        standard = OSError(error.errno, os.strerror(error.errno or 0), os.fspath(name))
        if isinstance(standard, FileNotFoundError) and os.path.exists(name):
            standard.add_note("it is there, but not in the box: see files=, the mounts of a policy, and policy host")
        return standard

    def _internal_poll(self, _deadstate: int | None = None, **_: Any) -> int | None:
        if self.returncode is None and self.process is not None and not self.process.running():
            self._wait(None)
        return self.returncode

    def _wait(self, timeout: float | None) -> int:
        assert self.process is not None
        try:
            result = self.process.wait(timeout)
        except TimeoutError:
            raise TimeoutExpired(self.args, timeout or 0.0) from None
        self.returncode = -result.signal if result.signal is not None else result.exit_code or 0
        return self.returncode

    def send_signal(self, sig: int) -> None:
        """Send a signal to the program; nothing happens if it has ended."""
        if sig not in range(signal.NSIG):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        if self.poll() is None and self.process is not None:
            self.process.signal(sig)

    def kill(self) -> None:
        """End the program, and everything that it has started."""
        if self.poll() is None and self.process is not None:
            self.process.kill()


def run(
    *popenargs: Any,
    input: Any = None,  # noqa: A002 - the standard name
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    **kwargs: Any,
) -> CompletedProcess[Any]:
    """As `subprocess.run`; the Result is the attribute `result` of what is returned."""
    if input is not None:
        if kwargs.get("stdin") is not None:
            raise ValueError("stdin and input arguments may not both be used.")
        kwargs["stdin"] = PIPE
    if capture_output:
        if kwargs.get("stdout") is not None or kwargs.get("stderr") is not None:
            raise ValueError("stdout and stderr arguments may not be used with capture_output.")
        kwargs["stdout"] = kwargs["stderr"] = PIPE
    with Popen(*popenargs, **kwargs) as process:
        try:
            out, err = process.communicate(input, timeout=timeout)
        except TimeoutExpired:
            process.kill()
            process.wait()
            raise
        except BaseException:
            process.kill()
            raise
        code = process.poll()
        done = CompletedProcess(process.args, code or 0, out, err)
        done.result = process.result  # type: ignore[attr-defined]
        if check and code:
            raise CalledProcessError(code, process.args, output=out, stderr=err)
    return done


def call(*popenargs: Any, timeout: float | None = None, **kwargs: Any) -> int:
    """As `subprocess.call`: run a program and return its code."""
    with Popen(*popenargs, **kwargs) as process:
        try:
            return process.wait(timeout=timeout)
        except BaseException:
            process.kill()
            raise


def check_call(*popenargs: Any, **kwargs: Any) -> int:
    """As `subprocess.check_call`: `CalledProcessError` unless the code is 0."""
    code = call(*popenargs, **kwargs)
    if code:
        raise CalledProcessError(code, kwargs["args"] if "args" in kwargs else popenargs[0])
    return 0


def check_output(*popenargs: Any, timeout: float | None = None, **kwargs: Any) -> Any:
    """As `subprocess.check_output`: what a program prints; `CalledProcessError` unless its code is 0."""
    for name in ("stdout", "check"):
        if name in kwargs:
            raise ValueError(f"{name} argument not allowed, it will be overridden.")
    if "input" in kwargs and kwargs["input"] is None:
        kwargs["input"] = "" if _is_text(kwargs) else b""
    return run(*popenargs, stdout=PIPE, timeout=timeout, check=True, **kwargs).stdout


def _is_text(options: Mapping[str, Any]) -> bool:
    return any(options.get(name) for name in ("text", "universal_newlines", "encoding", "errors"))


def getstatusoutput(cmd: str, *, encoding: str | None = None, errors: str | None = None) -> tuple[int, str]:
    """As `subprocess.getstatusoutput`: run `cmd` in the box's shell; its code, and what it printed."""
    try:
        data = check_output(["/bin/sh", "-c", cmd], text=True, stderr=STDOUT, encoding=encoding, errors=errors)
        code = 0
    except CalledProcessError as error:
        data, code = error.output, error.returncode
    return code, data.removesuffix("\n")


def getoutput(cmd: str, *, encoding: str | None = None, errors: str | None = None) -> str:
    """As `subprocess.getoutput`: what `cmd` prints, in the box's shell."""
    return getstatusoutput(cmd, encoding=encoding, errors=errors)[1]
