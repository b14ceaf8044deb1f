"""Connections: uvicorn's, but what is written in one turn of the event loop goes in one piece."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Connection(HttpToolsProtocol):
    """One of HTTP, which may become a WebSocket."""

    def connection_made(self, transport: Any) -> None:
        """As uvicorn wants it."""
        super().connection_made(transport)
        self.transport = _Gathering(transport, self.loop)  # type: ignore[assignment]


class _Gathering:
    """A transport that holds what is written until the event loop's next turn.

    The head and the body of an answer are two writes. Each of them wakes the client, which is most of their cost.
    """

    def __init__(self, transport: Any, loop: Any) -> None:
        self._transport, self._loop = transport, loop
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        """As a transport's."""
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def _flush(self) -> None:
        if self._held:
            held, self._held = self._held, []
            self._transport.write(b"".join(held))

    def close(self) -> None:
        """As a transport's: what is held goes first."""
        self._flush()
        self._transport.close()

    def write_eof(self) -> None:
        """As a transport's: what is held goes first."""
        self._flush()
        self._transport.write_eof()

    def set_protocol(self, protocol: Any) -> None:
        """As a transport's; the next protocol writes by itself."""
        self._flush()
        self._transport.set_protocol(protocol)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
