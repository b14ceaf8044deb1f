"""Messages about ends of submissions, to addresses that the operator has allowed."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from urllib.parse import urlsplit

import structlog
from pydantic_core import to_json
from sqlalchemy import select

from sandbox.service.problem import Problem
from sandbox.service.settings import Settings
from sandbox.service.store.database import Database
from sandbox.service.store.tables import Delivery, Submission

log = structlog.get_logger()

PAUSE = 1.0
TIMEOUT = 10.0
"""Seconds that the other side may take."""
ATTEMPTS = 10
"""After which it is given up; the pauses between them double from two seconds on."""


class Webhooks:
    """Sends what is due, from a thread of its own.

    A message is a POST of JSON: `id`, `state`, `verdict`, `score` of the submission. That it is ours, and not old, is
    told by its headers: `Sandbox-Timestamp`, and `Sandbox-Signature`, which is the HMAC-SHA256, in hex, of timestamp, a
    dot, and body, with the settings' secret.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="webhooks", daemon=True)

    def check(self, url: str) -> None:
        """A `Problem` for what cannot be an address of a webhook here."""
        parts = _split(url)
        if parts is None:
            raise Problem("invalid", "is not an http or https URL of a host", field="webhook")
        if not self._settings.webhooks:
            raise Problem("invalid", "webhooks are not allowed here", field="webhook")

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more; what is due is sent after the next start."""
        self._stopped.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stopped.wait(PAUSE):
            try:
                for delivery, submission in self._due():
                    self._deliver(delivery, submission)
            except Exception:  # a database that is away for a moment
                log.exception("webhooks failed")

    def _due(self) -> list[tuple[Delivery, Submission]]:
        """What is to be sent now; whoever else looks finds it a time-out later."""
        now = time.time()
        with self._database.begin() as session:
            query = select(Delivery).where(Delivery.next_try <= now).order_by(Delivery.next_try).limit(20)
            rows = session.scalars(query.with_for_update(skip_locked=True)).all()
            found = [(row, session.get_one(Submission, row.submission)) for row in rows]
            for row in rows:
                row.next_try = now + 2 * TIMEOUT + 2.0 ** (row.attempts + 1)
                row.attempts += 1
        return found

    def _deliver(self, delivery: Delivery, submission: Submission) -> None:
        try:
            outcome, done = self._send(delivery.url, submission)
        except (OSError, http.client.HTTPException, ValueError) as error:
            outcome, done = f"{type(error).__name__}: {error}", False
        with self._database.begin() as session:
            row = session.get_one(Delivery, delivery.id)
            row.outcome = outcome[:500]
            if done or row.attempts >= ATTEMPTS:
                row.next_try = None
            else:
                row.next_try = time.time() + 2.0**row.attempts
        log.info("webhook", submission=submission.id, url=delivery.url, outcome=outcome, done=done)

    def _send(self, url: str, submission: Submission) -> tuple[str, bool]:
        parts = _split(url)
        if parts is None:
            return "no URL", True
        secure, host, port, path = parts
        address = self._address(host, port)
        if address is None:
            return f"{host} is not allowed", True
        body = to_json({name: getattr(submission, name) for name in ("id", "state", "verdict", "score")})
        stamp = str(int(time.time()))
        secret = self._settings.webhook_secret.get_secret_value().encode()
        signature = hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {
            "Host": host if port in (80, 443) else f"{host}:{port}", "Content-Type": "application/json",
            "Sandbox-Timestamp": stamp, "Sandbox-Signature": signature,
        }  # fmt: skip
        connection = _Connection(address, port, host if secure else None)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return f"{answer.status} {answer.reason}", 200 <= answer.status < 300
        finally:
            connection.close()

    def _address(self, host: str, port: int) -> str | None:
        """An address of a host that is allowed, to be connected to whatever the name means a moment later."""
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        names = {entry for entry in self._settings.webhooks if not _is_network(entry)}
        networks = [ipaddress.ip_network(entry) for entry in self._settings.webhooks if _is_network(entry)]
        for address in found:
            parsed = ipaddress.ip_address(address.partition("%")[0])
            if any(parsed in network for network in networks):
                return address
            if host in names and (parsed.is_global or host == address):
                return address
        return None


class _Connection(http.client.HTTPConnection):
    """To an address, as the host that it is taken for."""

    def __init__(self, address: str, port: int, secure_host: str | None) -> None:
        super().__init__(address, port, timeout=TIMEOUT)
        self._secure_host = secure_host

    def connect(self) -> None:
        """With TLS, if it is wanted, and the certificate of the host."""
        super().connect()
        if self._secure_host is not None:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self._secure_host)


def _split(url: str) -> tuple[bool, str, int, str] | None:
    """Whether it is TLS, host, port and path of a URL that can be one of a webhook."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        return None
    if any(ord(char) <= 32 or ord(char) > 126 for char in url):
        return None
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return secure, parts.hostname, port or (443 if secure else 80), path


def _is_network(entry: str) -> bool:
    try:
        ipaddress.ip_network(entry)
    except ValueError:
        return False
    return True
