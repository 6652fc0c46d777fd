"""Rows 35 and 39 of the fault matrix, at every endpoint that is no operation on a host."""

from __future__ import annotations

import http.client
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.corpora import payloads
from tests.integration.controller.kit import ControllerProcess

from osapi.controller import asgi
from osapi.domains import discovery

JOB = "9f1c7bd0-1111-4222-8333-123456789abc"
DOCUMENT: dict[str, Any] = json.loads(asgi.document(discovery.operations()))
Request = tuple[str, str, bytes | None]
"""Method, path with query, body."""


@pytest.mark.timeout(400)
def test_no_text_breaks_an_endpoint(controller: ControllerProcess) -> None:
    token, statuses, wrong, fields = controller.token("admin"), Counter[int](), [], 0
    connection = controller.connect()
    for method, path, facts in endpoints():
        for kind, name in places(facts):
            fields += 1
            for payload in payloads.EVERYTHING:
                request = spelled(method, path, kind, name, payloads.text_of(payload, JOB))
                status = status_of(connection, request, token)
                statuses[status] += 1
                if status >= 500:
                    wrong.append(f"{method} {path} {name}, {payload}: {status}")
    connection.close()
    wrong += [str(path) for path in Path("/").glob(f"{payloads.CANARY[1:]}*")]
    print(
        f"\nrow 39: injection and traversal at the other endpoints: fields x payloads = {fields} x "
        f"{len(payloads.EVERYTHING)}, answers = {dict(statuses)}, hits = {len(wrong)}"
    )
    assert wrong == []
    assert fields > 10


def endpoints() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Everything but the operations on hosts."""
    for path, item in DOCUMENT["paths"].items():
        if not path.startswith("/api/node/"):
            for method, facts in item.items():
                yield method.upper(), path, facts


def places(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Where a text can stand: in the path, the query, a header or a body of JSON."""
    for parameter in facts["parameters"]:
        found = resolved(parameter)
        yield found["in"], found["name"]
    content = facts.get("requestBody", {}).get("content", {}).get("application/json", {})
    for name in resolved(content.get("schema", {})).get("properties", {}):
        yield "body", name


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    found: Any = DOCUMENT
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return resolved(found)


def spelled(method: str, path: str, kind: str, name: str, text: str) -> Request:
    """The request with the text in its place, and a job's id in every other place of the path."""
    quoted = "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))
    route = re.sub(r"{(\w+)}", lambda part: quoted if (kind, name) == ("path", part[1]) else JOB, path)
    query = f"?{name}={quoted}" if kind == "query" else ""
    return method, route + query, json.dumps({name: text}).encode() if kind == "body" else None


def status_of(connection: http.client.HTTPConnection, request: Request, token: str) -> int:
    """The status alone; 400 when the connection is cut, as it is for a path without end."""
    method, path, body = request
    try:
        connection.request(method, path, body, {"Authorization": f"Bearer {token}"})
        reply = connection.getresponse()
        if reply.getheader("content-type", "").startswith("text/event-stream"):
            connection.close()
        else:
            reply.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return 400
    return reply.status
