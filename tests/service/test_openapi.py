"""The OpenAPI document, and that the service does as it says, whatever it is sent."""

from __future__ import annotations

import os
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, given, settings
from serving import Server

schemathesis.serializer.alias("application/zip", "application/octet-stream")

EXAMPLES = int(os.environ.get("SANDBOX_TEST_EXAMPLES", "15"))
"""Of each operation."""


def test_no_server_errors(server: Server) -> None:
    """Of whatever the document allows, and of much that it does not, nothing is an error of the service's."""
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    headers = {"authorization": f"Bearer {server.token}"}
    count = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/events"):
            continue

        @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy() | operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE))
        def hold(case: Any) -> None:
            answer = case.call(headers=headers, timeout=60)
            assert answer.status_code < 500, (case.as_curl_command(), answer.text)
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == ["application/problem+json"]

        hold()
        count += 1
    assert count > 20


def test_the_document(client: httpx.Client) -> None:
    """It is one of OpenAPI 3.1, tells of keys, bodies with examples, and one shape of errors."""
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"]
    schemas = document["components"]["schemas"]
    for name in ("Run", "GroupRun", "Submit"):
        assert schemas[name].get("examples") or name == "Run", name
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (path, method)
            if path.startswith("/v1/"):
                assert operation["responses"]["401"]["content"]["application/problem+json"], (path, method)
