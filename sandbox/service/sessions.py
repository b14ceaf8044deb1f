"""Who is at a browser: a cookie stands for an API key, which stays here."""

from __future__ import annotations

import secrets
import threading
import time
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from sandbox.service.problem import Problem

COOKIE = "sandbox_session"
HOURS = 12
_SECONDS = HOURS * 3600
_ATTEMPTS, _WINDOW = 20, 300.0
"""Wrong keys from one address in so many seconds, after which none is looked at."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Sessions:
    """Logins of one service; gone when it ends. For many threads."""

    def __init__(self) -> None:
        self._sessions: dict[str, tuple[float, str]] = {}
        self._wrong: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def check_attempts(self, address: str) -> None:
        """A `Problem` if there were too many wrong keys from there."""
        now = time.monotonic()
        with self._lock:
            recent = [at for at in self._wrong.get(address, ()) if at > now - _WINDOW]
            if len(self._wrong) > 10_000:
                self._wrong.clear()
            self._wrong[address] = recent
            if len(recent) >= _ATTEMPTS:
                raise Problem("quota", "there were too many wrong keys", retry_after=_WINDOW - (now - recent[0]))

    def count_wrong(self, address: str) -> None:
        """A wrong key came from there."""
        with self._lock:
            self._wrong.setdefault(address, []).append(time.monotonic())

    def begin(self, token: str) -> str:
        """A session for a key that is valid; the value of its cookie."""
        session, now = secrets.token_urlsafe(32), time.monotonic()
        with self._lock:
            for old in [name for name, (until, _) in self._sessions.items() if until < now]:
                del self._sessions[old]
            self._sessions[session] = now + _SECONDS, token
        return session

    def token(self, connection: HTTPConnection) -> str:
        """The key of whoever is there, or nothing. A `Problem` for a request that another site's page makes."""
        until, token = self._sessions.get(connection.cookies.get(COOKIE, ""), (0.0, ""))
        if until < time.monotonic():
            return ""
        if connection.scope.get("method", "WS") not in _SAFE:
            check_origin(connection)
        return token

    def end(self, connection: HTTPConnection) -> None:
        """Log out."""
        with self._lock:
            self._sessions.pop(connection.cookies.get(COOKIE, ""), None)


def check_origin(connection: HTTPConnection) -> None:
    """A `Problem` unless a request comes from a page of this service."""
    origin = urlsplit(connection.headers.get("origin", ""))
    if not origin.netloc or origin.netloc != connection.headers.get("host"):
        raise Problem("forbidden", "the request comes from a page of another site", field="origin")
