"""Serves the routes that slices write by hand: reads the request, calls the handler, encodes the reply."""

from __future__ import annotations

import msgspec

from osapi.contract.endpoint import Call, Endpoint, Handle, Reply
from osapi.controller.answer import Answer
from osapi.controller.decode import BODY_METHODS, RequestReader
from osapi.controller.exchange import Exchange, path_value
from osapi.controller.routing import Route

_encode = msgspec.json.Encoder().encode


class EndpointServer:
    """Serves one endpoint."""

    def __init__(self, endpoint: Endpoint, handle: Handle, body_limit: int) -> None:
        self._endpoint = endpoint
        self._handle = handle
        self._body_limit = body_limit
        self._has_body = endpoint.method in BODY_METHODS
        self._reader = RequestReader(endpoint.request, path_names(endpoint.path))

    async def serve(self, exchange: Exchange) -> Answer:
        """Read, call, encode."""
        values = tuple(path_value(value) for value in exchange.values)
        body = await exchange.body(self._body_limit) if self._has_body else None
        request = self._reader.read(values, exchange.query, body)
        call = Call(caller=exchange.caller, request=request, headers=exchange.text_headers())
        return self._answer(await self._handle(call))

    def _answer(self, reply: Reply) -> Answer:
        headers = tuple((name.lower().encode(), value.encode("latin-1")) for name, value in reply.headers.items())
        status = reply.status or self._endpoint.status
        if reply.events is not None:
            return Answer(status, headers=headers, events=reply.events)
        return Answer(status, b"" if reply.body is None else _encode(reply.body), headers)


def route(endpoint: Endpoint, handle: Handle, body_limit: int) -> Route:
    """The route of an endpoint."""
    server = EndpointServer(endpoint, handle, body_limit)
    return Route(
        method=endpoint.method,
        path=endpoint.path,
        permission=endpoint.permission,
        serve=server.serve,
        stream=endpoint.stream,
    )


def path_names(path: str) -> list[str]:
    """The names in braces, in order."""
    return [segment[1:-1] for segment in path.split("/") if segment.startswith("{")]
