"""The same for asyncio: `run`, `Pool`, and `create_subprocess_exec` and `_shell` with asyncio's own Process.

What asyncio does with a program's pipes is asyncio's own code; only the program is in a box. Cancelling a task ends
its program.
"""

from __future__ import annotations

import asyncio
import functools
import signal
import socket
from asyncio import base_subprocess
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, SubprocessStreamProtocol
from collections.abc import Iterable
from concurrent import futures
from typing import Any

from sandbox import pool, process
from sandbox.errors import HostError
from sandbox.loops import call_in
from sandbox.policy import Policy
from sandbox.result import Result
from sandbox.subprocess import Popen

__all__ = ["DEVNULL", "PIPE", "STDOUT", "Pool", "Process", "create_subprocess_exec", "create_subprocess_shell", "run"]

_LIMIT = 64 << 10
"""Bytes that a stream reader holds before its program has to wait: asyncio's own default."""


async def run(argv: Iterable[Any], **options: Any) -> Result:
    """`sandbox.run`, awaited: the same options, Result and errors. If it is cancelled, the program is ended first."""
    program = _Program(argv, options)
    # Not a task: at the end of its life the loop cancels those, and nobody would know of a program by then.
    starting = asyncio.get_running_loop().run_in_executor(None, program.start)
    try:
        running = await asyncio.shield(starting)
        await program.ended.wait()
    except asyncio.CancelledError:
        program.stop()
        await asyncio.wait([starting])
        if starting.exception() is None:
            await program.ended.wait()
        raise
    return running.wait()


class _Program:
    """A program that is started in another thread, and may have to end before that has come to it."""

    def __init__(self, argv: Iterable[Any], options: dict[str, Any]) -> None:
        self.ended = asyncio.Event()
        self._argv = argv
        self._options = options | {"ended": functools.partial(call_in, asyncio.get_running_loop(), self.ended.set)}
        self._process: process.Process | None = None
        self._stopped = False

    def start(self) -> process.Process:
        self._process = process.Process(self._argv, **self._options)
        if self._stopped:
            self._process.kill()
        return self._process

    def stop(self) -> None:
        self._stopped = True
        if self._process is not None:
            self._process.kill()


class Pool:
    """`sandbox.pool.Pool`, awaited: up to `size` programs at a time, in boxes that are kept warm; first in, first run.

    An asynchronous context manager. Leaving it waits for what runs, or ends it if an exception leaves it.
    """

    def __init__(self, policy: str | Policy = "native", size: int | None = None) -> None:
        """The boxes are made when it is entered, which raises what `BoxPool` raises."""
        self._make = functools.partial(pool.Pool, policy, size)
        self._pool: pool.Pool | None = None

    async def __aenter__(self) -> Pool:
        self._pool = await asyncio.to_thread(self._make)
        return self

    async def __aexit__(self, error: object, *_: object) -> None:
        assert self._pool is not None
        await asyncio.to_thread(self._pool.close, kill=error is not None)

    async def run(self, argv: Iterable[Any], **options: Any) -> Result:
        """As `sandbox.run`, when its turn has come. If it is cancelled, the program is ended first."""
        if self._pool is None:
            raise HostError("the pool is not open: async with Pool(…) as pool")
        job = self._pool.submit(argv, **options)
        try:
            return await asyncio.shield(asyncio.wrap_future(job))
        except asyncio.CancelledError:
            job.kill()
            if not job.cancelled():  # it was running
                await asyncio.to_thread(futures.wait, [job])
            raise


class Process(asyncio.subprocess.Process):
    """As asyncio's. To wait raises what `sandbox.run` raises if the sandbox, not the program, has failed."""

    _transport: _Transport

    async def wait(self) -> int:
        """Wait for the end; the code."""
        code = await super().wait()
        if self._transport.failure is not None:
            raise self._transport.failure
        return code


class _Transport(base_subprocess.BaseSubprocessTransport):
    """What asyncio has between a program and its Process, for a program in a box."""

    failure: Exception | None = None
    """What has become of the sandbox itself."""

    def _start(
        self, args: Any, shell: bool, stdin: Any, stdout: Any, stderr: Any, bufsize: int, **options: Any
    ) -> None:
        ours = theirs = None
        if stdin == PIPE:
            ours, theirs = socket.socketpair()  # as asyncio has it, which is told when the other end closes
        try:
            self._proc = Popen(
                args, shell=shell, stdin=theirs or stdin, stdout=stdout, stderr=stderr, bufsize=bufsize,
                ended=functools.partial(call_in, self._loop, self._has_ended), **options,
            )  # fmt: skip
        except BaseException:
            if ours is not None:
                ours.close()
            raise
        finally:
            if theirs is not None:
                theirs.close()
        if ours is not None:
            self._proc.stdin = open(ours.detach(), "wb", buffering=bufsize)  # noqa: SIM115 - closed by asyncio

    def _has_ended(self) -> None:
        if self._proc is None:  # it has not been started
            return
        try:
            code = self._proc.wait()
        except Exception as error:  # noqa: BLE001 - whoever waits gets it
            self.failure, code = error, -signal.SIGKILL  # which is how its box has ended
        self._process_exited(code)


async def _create(
    args: Any, shell: bool, stdin: Any, stdout: Any, stderr: Any, limit: int, options: dict[str, Any]
) -> Process:
    for name in ("text", "universal_newlines", "encoding", "errors"):
        if options.pop(name, None):
            raise ValueError(f"{name} must be {False if name in ('text', 'universal_newlines') else None}")
    loop = asyncio.get_running_loop()
    protocol = SubprocessStreamProtocol(limit=limit, loop=loop)
    ready = loop.create_future()
    transport = _Transport(loop, protocol, args, shell, stdin, stdout, stderr, 0, waiter=ready, **options)
    try:
        await ready
    except BaseException:
        transport.close()
        await transport._wait()
        raise
    return Process(transport, protocol, loop)


async def create_subprocess_exec(
    program: Any, *args: Any, stdin: Any = None, stdout: Any = None, stderr: Any = None, limit: int = _LIMIT,
    **options: Any,
) -> Process:  # fmt: skip
    """As asyncio's, with the options of `sandbox.subprocess.Popen`, among them `policy` and `limits`."""
    return await _create((program, *args), False, stdin, stdout, stderr, limit, options)


async def create_subprocess_shell(
    cmd: Any, stdin: Any = None, stdout: Any = None, stderr: Any = None, limit: int = _LIMIT, **options: Any
) -> Process:
    """As asyncio's; the shell is that of the box."""
    return await _create(cmd, True, stdin, stdout, stderr, limit, options)
