"""A program under way at a service."""

from __future__ import annotations

import contextlib
import io
import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from typing import Any

from websockets.sync.client import connect

from sandbox.client.calls import error_of, program
from sandbox.errors import HostError, RequestError
from sandbox.result import Result, Usage
from sandbox.running import Argv, Ending


class RemoteProcess(Ending):
    """A program under way at a service, with the calls of `sandbox.process.Process` that a `Running` has.

    Its streams are copied: from `stdin`, content or a descriptor, and to the descriptors `stdout` and `stderr`, or
    kept.
    """

    def __init__(
        self, url: str, key: str, argv: Argv, *, stdin: Any = None, stdout: Any = PIPE, stderr: Any = PIPE,
        pass_fds: Sequence[int] = (), ended: Callable[[], object] | None = None, **options: Any,
    ) -> None:  # fmt: skip
        """Start it; raises what `Client.run` raises for a program that does not start."""
        if pass_fds:
            raise RequestError("pass_fds", "descriptors do not go over a service")
        merged = stderr == STDOUT
        start = program(argv, options) | {"usage": 1.0, "merge": merged}
        super().__init__()
        self._begun = threading.Event()
        self._usage = Usage(None, None, 0.0, None)
        self._since = time.monotonic()
        self._tell = ended
        self._sinks = {1: _Sink(stdout), 2: _Sink(DEVNULL if merged else stderr)}
        self._source = _source(stdin)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        address = "ws" + url.removeprefix("http") + "/v1/runs/stream"
        self._opened = contextlib.ExitStack()
        self._socket = self._opened.enter_context(connect(address, additional_headers=headers, max_size=None))
        self._socket.send(json.dumps(start))
        threading.Thread(target=self._listen, name="remote", daemon=True).start()
        self._begun.wait()
        failure = self._failure
        if failure is not None:
            raise failure
        threading.Thread(target=self._feed, name="remote-stdin", daemon=True).start()

    def _listen(self) -> None:
        try:
            for message in self._socket:
                if isinstance(message, bytes):
                    self._sinks[message[0]].write(message[1:])
                else:
                    self._hear(json.loads(message))
            if self._result is None and self._failure is None:
                self._failure = HostError("the service has gone away")
        except Exception as error:  # noqa: BLE001 - whoever waits gets it
            self._failure = error
        finally:
            for sink in self._sinks.values():
                sink.close()
            with contextlib.suppress(Exception):
                self._opened.close()
            self._ended.set()
            self._begun.set()
            if self._tell is not None:
                self._tell()

    def _hear(self, said: Mapping[str, Any]) -> None:
        if "started" in said:
            self._begun.set()
        elif "usage" in said:
            self._usage = Usage(**said["usage"])
        elif "problem" in said:
            self._failure = error_of(said["problem"])
        elif "result" in said:
            result = Result.from_json(said["result"])
            result.stdout, result.stderr = self._sinks[1].content, self._sinks[2].content
            self._result = result

    def _feed(self) -> None:
        with contextlib.suppress(Exception):  # the program has ended
            while data := self._source(1 << 15):
                self._socket.send(data)
            self._socket.send(json.dumps({"eof": True}))

    def _order(self, **order: Any) -> None:
        with contextlib.suppress(Exception):  # it has ended
            self._socket.send(json.dumps(order))

    def usage(self) -> Usage:
        """What it has used, as of a second ago."""
        if self._result is not None:
            return Usage(self._result.cpu_time, 0, self._result.wall_time, 0)
        return self._usage._replace(wall_time=time.monotonic() - self._since)

    def signal(self, number: int, *, group: bool = False) -> None:
        """Send a signal to it, or to its whole process group."""
        self._order(signal=int(number), group=group)

    def kill(self) -> None:
        """End it, and everything that it has started."""
        self._order(kill=True)


class _Sink:
    """Where a stream goes: kept, discarded, or to a copy of a descriptor."""

    def __init__(self, target: Any) -> None:
        self._kept = bytearray() if target == PIPE else None
        self._fd = -1
        if target not in (PIPE, DEVNULL):
            self._fd = os.dup(target if isinstance(target, int) else target.fileno())

    def write(self, data: bytes) -> None:
        if self._kept is not None:
            self._kept += data
        while self._fd >= 0 and data:
            try:
                data = data[os.write(self._fd, data) :]
            except OSError:  # nobody reads it
                self.close()

    @property
    def content(self) -> bytes | None:
        return None if self._kept is None else bytes(self._kept)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _source(stdin: Any) -> Callable[[int], bytes]:
    """What reads the next bytes of a stdin."""
    if stdin is None or stdin == DEVNULL:
        return io.BytesIO().read
    if isinstance(stdin, (str, bytes)):
        return io.BytesIO(stdin.encode() if isinstance(stdin, str) else stdin).read
    if isinstance(stdin, Path):
        return io.BytesIO(stdin.read_bytes()).read
    fd = os.dup(stdin if isinstance(stdin, int) else stdin.fileno())
    return lambda size: os.read(fd, size)
