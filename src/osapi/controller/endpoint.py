"""Serves the routes that slices write by hand: reads the request, calls the handler, encodes the reply."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from osapi.contract.endpoint import Call, Endpoint, Handle, Reply
from osapi.controller.answer import Answer
from osapi.controller.decode import BODY_METHODS, RequestReader
from osapi.controller.exchange import Exchange, path_value
from osapi.controller.form import FormReader
from osapi.controller.routing import Route

SAFE_METHODS = frozenset({"GET", "HEAD"})
"""What only looks (RFC 9110, 9.2.1)."""

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Limits:
    """Bytes that a body may have; `upload_bytes` is that of a form with a file, None without limit."""

    body_bytes: int
    upload_bytes: int | None


class EndpointServer:
    """Serves one endpoint."""

    def __init__(self, endpoint: Endpoint, handle: Handle, limits: Limits) -> None:
        self._endpoint = endpoint
        self._handle = handle
        self._limits = limits
        self._has_body = has_body(endpoint)
        self._reader = RequestReader(endpoint.request, path_names(endpoint.path))
        self._fields = None if endpoint.form is None else RequestReader(endpoint.form, ())

    async def serve(self, exchange: Exchange) -> Answer:
        """Read, call, encode."""
        values = tuple(path_value(value) for value in exchange.values)
        body = await exchange.body(self._limits.body_bytes) if self._has_body else None
        request = self._reader.read(values, exchange.query, body)
        await exchange.trail.about_to_change(request)
        form = None if self._fields is None else FormReader(exchange, self._fields, self._limits.upload_bytes)
        call = Call(
            caller=exchange.caller, request=request, headers=exchange.text_headers(), form=form, trail=exchange.trail
        )
        return self._answer(await self._handle(call))

    def _answer(self, reply: Reply) -> Answer:
        headers = tuple((name.lower().encode(), value.encode("latin-1")) for name, value in reply.headers.items())
        status = reply.status or self._endpoint.status
        if reply.events is not None:
            return Answer(status, headers=headers, events=reply.events)
        if reply.file is not None:
            return Answer(status, headers=headers, file=reply.file)
        return Answer(status, b"" if reply.body is None else _encode(reply.body), headers)


def route(endpoint: Endpoint, handle: Handle, limits: Limits) -> Route:
    """The route of an endpoint."""
    server = EndpointServer(endpoint, handle, limits)
    return Route(
        method=endpoint.method,
        path=endpoint.path,
        permission=endpoint.permission,
        serve=server.serve,
        stream=endpoint.stream,
        operation_id=endpoint.operation_id,
        changes=endpoint.method not in SAFE_METHODS,
    )


def has_body(endpoint: Endpoint) -> bool:
    """Whether the request comes from a JSON body, and not from the query."""
    return endpoint.method in BODY_METHODS and endpoint.form is None and not endpoint.in_query


def path_names(path: str) -> list[str]:
    """The names in braces, in order."""
    return [segment[1:-1] for segment in path.split("/") if segment.startswith("{")]
