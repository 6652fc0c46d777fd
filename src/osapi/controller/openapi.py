"""The OpenAPI 3.1 document, assembled from the same declarations that are served."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

import osapi
from osapi.contract.endpoint import Endpoint
from osapi.contract.errors import ErrorBody
from osapi.contract.operation import Kind, Operation
from osapi.controller import attached, node, options
from osapi.controller.decode import BODY_METHODS, takes_body
from osapi.controller.endpoint import has_body, path_names
from osapi.controller.schemas import FILE, REF, Schema, Schemas, accepted, element_of
from osapi.jobs.api import JobEvent

_ALWAYS = (400, 401, 403, 404, 409, 500, 503)
_NODE = (*_ALWAYS, 504)
_JSON = "application/json"
_FORM = "multipart/form-data"
_ACCEPTED = {"$ref": f"{REF}JobAccepted"}

_PARAMETERS: Schema = {
    "Target": {
        "name": "hostname",
        "in": "path",
        "required": True,
        "description": "Whom to ask: a host name or machine id, `key:value` for a label and everything below it, "
        "`_any` for one host, `_all` for every host, or a query of these and of facts with `and`, `or`, `not`, parentheses, lists and globs.",
        "schema": {"type": "string", "minLength": 1},
    },
    "Wait": {
        "name": "wait",
        "in": "query",
        "required": False,
        "description": "Seconds to wait for the hosts; 0 answers 202 at once. Default: `controller.api.job_timeout`, longer when the work may take longer.",
        "schema": {"type": "number", "minimum": 0, "maximum": options.MAX_WAIT_S},
    },
    "DryRun": {
        "name": "dry_run",
        "in": "query",
        "required": False,
        "description": "Report what would change, and change nothing.",
        "schema": {"type": "boolean", "default": False},
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "required": False,
        "description": "`respond-async` answers 202 at once, `wait=SECONDS` bounds the wait (RFC 7240).",
        "schema": {"type": "string"},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Requests of one caller with the same key are one job.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    },
    "LastEventId": {
        "name": "Last-Event-ID",
        "in": "header",
        "required": False,
        "description": "Id of the last event received; the stream goes on after it.",
        "schema": {"type": "string"},
    },
}


def encode(operations: Sequence[Operation[Any, Any]], endpoints: Sequence[Endpoint]) -> bytes:
    """The document as JSON, the same bytes for the same declarations."""
    return msgspec.json.encode(document(operations, endpoints))


def document(operations: Sequence[Operation[Any, Any]], endpoints: Sequence[Endpoint]) -> Schema:
    """The document for these operations and endpoints, ordered by path and method."""
    schemas = Schemas(_types(operations, endpoints))
    schemas.components["JobAccepted"] = accepted()
    described = [(node.PREFIX + op.route[1], op.route[0], _operation(op, schemas)) for op in operations]
    described += [(endpoint.path, endpoint.method, _endpoint(endpoint, schemas)) for endpoint in endpoints]
    paths: Schema = {}
    for path, method, facts in sorted(described, key=lambda item: item[:2]):
        paths.setdefault(path, {})[method.lower()] = facts
    responses = {_name(status): _error(status) for status in (*_NODE, 413)}
    used = _used(paths, {**schemas.components}, responses)
    return {
        "openapi": "3.1.0",
        "info": {"title": "OSAPI", "version": osapi.__version__, "license": {"name": "MIT"}},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "securitySchemes": {"BearerAuth": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "parameters": _PARAMETERS,
            "responses": responses,
            "schemas": {name: schemas.components[name] for name in sorted(used)},
        },
    }


def _operation(operation: Operation[Any, Any], schemas: Schemas) -> Schema:
    method, path = operation.route
    success: Schema = {"200": _content(schemas.results(operation), "Every host that was asked, and how it fared.")}
    if operation.status == 202:
        success = {
            "200": {"description": "The events of the job as they happen, and the answer as the last of them."},
            "202": _content(
                {"anyOf": [schemas.results(operation), _ACCEPTED]}, "The same, or that the job is on its way."
            ),
        }
    else:
        success["202"] = _content(_ACCEPTED, "The job is on its way; nobody waited.")
    happening = {attached.STREAM: {"schema": schemas.of(JobEvent)}}
    success["200"] = {**success["200"], "content": {**success["200"].get("content", {}), **happening}}
    shared = ["Target", "Wait", "Prefer", *(["DryRun", "IdempotencyKey"] if operation.kind is Kind.MODIFY else [])]
    return {
        "operationId": operation.operation_id,
        "summary": operation.summary,
        "tags": [f"Node/{operation.command[1].capitalize()}" if len(operation.command) > 2 else "Node"],
        "security": [{"BearerAuth": [operation.permission]}],
        **_request(
            operation.request,
            path,
            schemas,
            [_parameter(name) for name in shared],
            in_query=not takes_body(method, operation.request, path_names(path)),
        ),
        "responses": {**success, **_errors(_NODE, has_body=takes_body(method, operation.request, path_names(path)))},
    }


def _endpoint(endpoint: Endpoint, schemas: Schemas) -> Schema:
    shared = [_parameter("LastEventId")] if endpoint.stream else []
    request = _request(endpoint.request, endpoint.path, schemas, shared, in_query=not has_body(endpoint))
    if "requestBody" in request:
        request["requestBody"]["required"] = endpoint.body_required
    if endpoint.form is not None:
        request["requestBody"] = {"required": True, "content": {_FORM: {"schema": schemas.form(endpoint.form)}}}
    security = [] if endpoint.permission is None else [{"BearerAuth": [endpoint.permission]}]
    return {
        "operationId": endpoint.operation_id,
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "security": security,
        **request,
        "responses": {**_success(endpoint, schemas), **_failures(endpoint, schemas)},
    }


def _request(
    model: type[msgspec.Struct], path: str, schemas: Schemas, shared: list[Schema], *, in_query: bool
) -> Schema:
    names = path_names(path)
    found: Schema = {"parameters": [*shared, *schemas.parameters(model, names, query=in_query)]}
    body = None if in_query else schemas.body(model, names)
    if body is not None:
        found["requestBody"] = {"required": True, "content": {_JSON: {"schema": body}}}
    return found


def _success(endpoint: Endpoint, schemas: Schemas) -> Schema:
    if endpoint.response is None:
        return {str(endpoint.status): {"description": HTTPStatus(endpoint.status).phrase}}
    if endpoint.response is bytes:
        return {str(endpoint.status): _content(FILE, HTTPStatus(endpoint.status).phrase, "application/octet-stream")}
    media = "text/event-stream" if endpoint.stream else _JSON
    return {str(endpoint.status): _content(schemas.of(endpoint.response), HTTPStatus(endpoint.status).phrase, media)}


def _failures(endpoint: Endpoint, schemas: Schemas) -> Schema:
    """A route that is open to everybody may say in its own words why it is not available."""
    if endpoint.permission is not None:
        return _errors(_ALWAYS, has_body=endpoint.method in BODY_METHODS)
    either = {"anyOf": [schemas.of(endpoint.response), schemas.of(ErrorBody)]}
    return {
        **_errors((500,), has_body=endpoint.method in BODY_METHODS),
        "503": _content(either, HTTPStatus(503).phrase),
    }


def _errors(statuses: Sequence[int], *, has_body: bool) -> Schema:
    all_statuses = sorted({*statuses, *((413,) if has_body else ())})
    return {str(status): {"$ref": f"#/components/responses/{_name(status)}"} for status in all_statuses}


def _error(status: int) -> Schema:
    return _content({"$ref": f"{REF}ErrorBody"}, HTTPStatus(status).phrase)


def _name(status: int) -> str:
    return HTTPStatus(status).name.title().replace("_", "")


def _content(schema: Schema, description: str, media: str = _JSON) -> Schema:
    return {"description": description, "content": {media: {"schema": schema}}}


def _parameter(name: str) -> Schema:
    return {"$ref": f"#/components/parameters/{name}"}


def _types(operations: Iterable[Operation[Any, Any]], endpoints: Iterable[Endpoint]) -> Iterator[Any]:
    yield ErrorBody
    yield JobEvent
    for operation in operations:
        yield operation.request
        yield element_of(operation.result)
    for endpoint in endpoints:
        yield endpoint.request
        if endpoint.form is not None:
            yield endpoint.form
        if endpoint.response not in (None, bytes):
            yield endpoint.response


def _used(paths: Schema, components: Schema, responses: Schema) -> set[str]:
    """The names of the schemas that are referred to, from the paths and from one another."""
    used: set[str] = set()
    waiting: list[Any] = [paths, responses]
    while waiting:
        for name in _references(waiting.pop()):
            if name not in used:
                used.add(name)
                waiting.append(components[name])
    return used


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, below in value.items():  # pyright: ignore[reportUnknownVariableType]
            if key == "$ref" and isinstance(below, str):
                if below.startswith(REF):
                    yield below.removeprefix(REF)
            else:
                yield from _references(below)
    elif isinstance(value, list):
        for item in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _references(item)
