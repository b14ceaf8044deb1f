"""Contents that a request brings, or names."""

from __future__ import annotations

from sandbox.files import File
from sandbox.service.access import Principal
from sandbox.service.api.models import Content, Stored
from sandbox.service.problem import Problem
from sandbox.service.service import Service


class Given:
    """Contents of one request. Those that it only names are together as large as a body, at most."""

    def __init__(self, service: Service, principal: Principal) -> None:
        self._service, self._tenant = service, principal.tenant
        self._room = service.settings.body

    def file(self, content: Content, field: str) -> File:
        """As a file for a box; a `Problem` that names the field. For a thread that may wait."""
        if isinstance(content, str):
            return File(content.encode())
        if not isinstance(content, Stored):
            return content.content()
        try:
            return File(self._read(content.file), content.executable)
        except Problem as problem:
            kind = "invalid" if problem.kind == "not-found" else problem.kind
            raise Problem(kind, problem.detail, field=field) from None

    def _read(self, file: str) -> bytes:
        self._room -= self._service.contents.find(self._tenant, file).size
        if self._room < 0:
            raise Problem("too-large", f"the files have more than {self._service.settings.body} bytes together")
        return self._service.contents.read(self._tenant, file)
