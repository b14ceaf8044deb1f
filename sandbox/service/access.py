"""Who may do what: API keys, with scopes, of tenants."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from sqlalchemy import select

from sandbox.errors import RequestError
from sandbox.service.problem import Problem
from sandbox.service.store.database import Database, new_id
from sandbox.service.store.tables import Audit, Key

Scope = Literal["run", "submit", "manage", "admin"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
"""To run programs; to submit and see submissions; to change problems and files; to see and change what is of others."""

_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_TOKEN = re.compile(r"sbx_([0-9A-Z]{26})_([A-Za-z0-9_-]{43})")
FRESH = 2.0
"""Seconds for which what was looked up is believed: so much later a revoked key is refused, at most."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whose request it is."""

    tenant: str
    key: str
    scopes: frozenset[str]

    def may(self, scope: Scope) -> bool:
        """Whether the key has this scope; that of admin holds the others."""
        return scope in self.scopes or "admin" in self.scopes


class Keys:
    """The API keys of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: dict[str, tuple[float, bytes, Principal | None]] = {}

    def make(self, tenant: str, scopes: Iterable[str], name: str = "") -> tuple[str, str]:
        """A new key: its id, and the token that is shown once. `RequestError` for a wrong name or scope."""
        scopes = sorted(set(scopes))
        if not _TENANT.fullmatch(tenant):
            raise RequestError("tenant", f"{tenant!r} is not made of small letters, digits and -, up to 63")
        if not scopes or (unknown := set(scopes) - set(SCOPES)):
            raise RequestError("scope", f"there are {', '.join(SCOPES)}, not {', '.join(sorted(unknown)) or 'none'}")
        key, secret = new_id(), secrets.token_urlsafe(32)
        row = Key(id=key, tenant=tenant, name=name, digest=_digest(secret), scopes=scopes, created=time.time())
        with self._database.begin() as session:
            session.add(row)
            session.add(_audit("key.make", tenant, key, {"scopes": scopes}))
        return key, f"sbx_{key}_{secret}"

    def list(self) -> list[Key]:
        """All keys, revoked ones too."""
        with self._database.read() as session:
            return list(session.scalars(select(Key).order_by(Key.id)))

    def revoke(self, key: str) -> bool:
        """Have a key not be one any more; whether it was."""
        with self._database.begin() as session:
            row = session.get(Key, key, with_for_update=True)
            if row is None or row.revoked is not None:
                return False
            row.revoked = time.time()
            session.add(_audit("key.revoke", row.tenant, key, {}))
        return True

    def known(self, token: str) -> Principal | None:
        """Whose token this is, if that was looked up a moment ago: for an event loop, which must not wait."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise Problem("unauthorized", "this is not a key of a service like this one")
        until, digest, principal = self._seen.get(match[1], (0.0, b"", None))
        if until < time.monotonic():
            return None
        return _checked(principal, digest, match[2])

    def authenticate(self, token: str) -> Principal:
        """Whose token this is; a `Problem` if it is nobody's."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise Problem("unauthorized", "this is not a key of a service like this one")
        with self._database.read() as session:
            row = session.get(Key, match[1])
        principal, digest = None, bytes(32)
        if row is not None and row.revoked is None:
            principal, digest = Principal(row.tenant, row.id, frozenset(row.scopes)), row.digest
        if len(self._seen) > 10_000:
            self._seen.clear()
        self._seen[match[1]] = time.monotonic() + FRESH, digest, principal
        return _checked(principal, digest, match[2])


def _audit(action: str, tenant: str, key: str, detail: dict[str, Any]) -> Audit:
    """What an operator has done by the command line."""
    return Audit(id=new_id(), at=time.time(), tenant=tenant, key="", action=action, target=key, detail=detail)


def _checked(principal: Principal | None, digest: bytes, secret: str) -> Principal:
    if not hmac.compare_digest(digest, _digest(secret)) or principal is None:
        raise Problem("unauthorized", "the key is unknown or revoked")
    return principal


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
