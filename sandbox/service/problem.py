"""What is wrong with a request, in one shape for all of them (RFC 9457, problem details)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"

KINDS = {
    "invalid": (422, "The request is not valid", "Change the field that is named."),
    "too-large": (413, "The body is too large", "Send less, or upload files first and name them."),
    "gone": (408, "The client has gone away", "Stay for the answer."),
    "too-slow": (408, "The body did not come in time", "Send it again."),
    "unauthorized": (401, "There is no valid key", "Send an API key: `Authorization: Bearer …`."),
    "forbidden": (403, "The key is not for this", "Use a key that has the scope."),
    "not-found": (404, "There is nothing of that name", "Look at the list of what there is."),
    "method": (405, "Not with this method", "See /docs."),
    "conflict": (409, "It is not as the request takes it to be", "Look at it, and ask again."),
    "quota": (429, "The tenant's quota is used up", "Wait, and ask for less; the operator can raise the quota."),
    "busy": (503, "There are too many requests", "Wait as long as Retry-After says, and ask again."),
    "draining": (503, "The service is being stopped", "Ask again soon."),
    "not-started": (422, "The program could not be started", "See what the field and the error say of it."),
    "not-compiled": (422, "The sources do not compile", "See compiler_output for what the compiler says."),
    "sandbox": (503, "The sandbox has failed", "Ask again; the operator finds the reason under the request's id."),
    "internal": (500, "The service has failed", "The operator finds the reason under the request's id."),
}
"""Each kind with its HTTP status, its title, and what to do."""


class Details(BaseModel):
    """Problem details, as every error is told of (RFC 9457)."""

    type: str = Field(
        description="Which kind of problem it is; a relative URL, which is stable.", examples=["/problems/invalid"]
    )
    title: str
    status: int
    detail: str = Field(description="What is wrong here.")
    hint: str = Field(description="What to do.")
    field: str | None = Field(None, description="The part of the request that is wrong.")
    request_id: str | None = Field(None, description="Under which the service's log has more.")


class Problem(Exception):
    """An answer that is an error; `kind` is one of `KINDS`."""

    base: ClassVar[str] = "/problems/"

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        field: str | None = None,
        retry_after: float | None = None,
        hint: str = "",
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.more = more or {}
        self.kind, self.detail, self.field = kind, detail, field
        self.status, self.title, hint_of_kind = KINDS[kind]
        self.hint = hint or hint_of_kind
        self.headers: Mapping[str, str] = {}
        if retry_after is not None:
            self.headers = {"retry-after": str(max(1, round(retry_after)))}
        if kind == "unauthorized":
            self.headers = {"www-authenticate": 'Bearer realm="sandbox"'}

    def to_json(self, request_id: str | None = None) -> dict[str, Any]:
        """As the body of an answer."""
        return {
            "type": self.base + self.kind, "title": self.title, "status": self.status, "detail": self.detail,
            "hint": self.hint, "field": self.field, "request_id": request_id,
            **self.more,
        }  # fmt: skip
