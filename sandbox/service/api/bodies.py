"""Bodies of requests: bounded before anything looks at them."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.json_schema import models_json_schema

from sandbox.service.api.requests import service_of
from sandbox.service.problem import Problem

T = TypeVar("T")


async def read_body(request: Request, most: int | None = None) -> bytes:
    """All of it; a `Problem` if it is too large, or does not come in time."""
    settings = service_of(request).settings
    most = settings.body if most is None else most
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most:
        raise Problem("too-large", f"the body has {length} bytes, and {most} are allowed", field="body")
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(settings.body_time):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise Problem(
                        "too-large", f"the body has more than the {most} bytes that are allowed", field="body"
                    )
                parts.append(part)
    except TimeoutError:
        raise Problem(
            "too-slow", f"the body did not come within {settings.body_time:g} seconds", field="body"
        ) from None
    return b"".join(parts)


def parsed(kind: TypeAdapter[T], body: bytes) -> T:
    """What a body of JSON says; a `Problem` that names the first field that is wrong."""
    try:
        return kind.validate_json(body)
    except ValidationError as error:
        raise invalid(error) from None


def invalid(error: ValidationError) -> Problem:
    """The first complaint, as a problem."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    names = [str(part) for part in first["loc"] if not _is_kind(part)]
    return Problem(
        "invalid",
        first["msg"].removeprefix("Value error, "),
        field=".".join(names) or _OF_WHOLE.get(first["type"], "body"),
    )


_OF_WHOLE = {"argv": "argv"}
"""Fields of complaints that come when the whole is looked at."""


def _is_kind(part: int | str) -> bool:
    """Whether a part of a place is pydantic's name for one of several kinds."""
    return part in ("str", "Encoded", "Text", "Stored", "Run", "GroupRun")


_MODELS: set[type[BaseModel]] = set()
"""Those of all bodies that are read by hand."""


def accepts(*models: type[BaseModel]) -> dict[str, Any]:
    """What the OpenAPI document is to say of such a body, which is of one of these models."""
    _MODELS.update(models)
    refs = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in models]
    schema = refs[0] if len(refs) == 1 else {"anyOf": refs}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def schemas() -> dict[str, Any]:
    """The schemas of all these models, for the document."""
    models = [(model, "validation") for model in sorted(_MODELS, key=lambda model: model.__name__)]
    schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")[1]  # type: ignore[arg-type]
    found: dict[str, Any] = schemas["$defs"]
    return found
