"""What routes know of a request: the service that it came to, and whose it is."""

from __future__ import annotations

import asyncio

from starlette.requests import HTTPConnection

from sandbox.service.access import Principal, Scope
from sandbox.service.problem import Problem
from sandbox.service.service import Service


def service_of(connection: HTTPConnection) -> Service:
    """The service."""
    service: Service = connection.app.state.service
    return service


async def principal_of(connection: HTTPConnection, scope: Scope, token: str = "") -> Principal:
    """Whose request it is: by its header, another place for a key, or the session of a browser; a `Problem` if there is
    no key, or one without this scope.
    """
    service = service_of(connection)
    keys = service.keys
    scheme, _, given = connection.headers.get("authorization", "").partition(" ")
    token = given if scheme.lower() == "bearer" and given else token
    token = token or service.sessions.token(connection)
    if not token:
        raise Problem("unauthorized", "there is no key")
    principal = keys.known(token)
    if principal is None:
        principal = await asyncio.to_thread(keys.authenticate, token)
    if not principal.may(scope):
        raise Problem("forbidden", f"this needs a key with the scope {scope!r}", field="authorization")
    return principal
