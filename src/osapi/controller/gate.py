"""What every request passes before its route is served: token, then permission, then everything else.

Below `/api` a token is asked for before anything is told, even whether a path or method exists; the routes
that are open to everybody are the exception.
"""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope, Send

from osapi.contract.errors import ErrorBody
from osapi.controller import download, sse
from osapi.controller.answer import send_answer
from osapi.controller.authenticate import Authenticator, authorise
from osapi.controller.errors import failure
from osapi.controller.exchange import Exchange
from osapi.controller.routing import Found, raw_path


class Gate:
    """Lets requests through to their routes. `stopping` ends open streams."""

    def __init__(self, authenticator: Authenticator, stopping: asyncio.Event) -> None:
        self._authenticator = authenticator
        self._stopping = stopping

    async def serve(self, found: Found, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate, authorise, and answer from the route."""
        route, values = found
        exchange = Exchange(scope, receive, values)
        if route.permission is not None:
            exchange.caller = self._authenticator.identify(exchange.headers.get(b"authorization"))
            authorise(exchange.caller, route.permission)
        answer = await route.serve(exchange)
        if answer.events is not None:
            await sse.stream(answer, receive, send, self._stopping)
        elif answer.file is not None:
            await download.stream(answer, answer.file, receive, send, head=scope["method"] == "HEAD")
        else:
            await send_answer(answer, send, head=scope["method"] == "HEAD")

    async def refuse(self, allowed: list[str], scope: Scope, receive: Receive, send: Send) -> None:
        """The path exists, but not with this method."""
        self._identify(scope, receive)
        methods = ", ".join(allowed)
        body = ErrorBody(error=f"{scope['method']} is not possible here; use {methods}", code="method_not_allowed")
        answer = failure(405, body, ((b"allow", methods.encode()),))
        await send_answer(answer, send, head=scope["method"] == "HEAD")

    async def unknown(self, scope: Scope, receive: Receive, send: Send) -> None:
        """There is no such path."""
        self._identify(scope, receive)
        body = ErrorBody(error="there is no such path; see /api/openapi.json for those there are", code="not_found")
        await send_answer(failure(404, body), send, head=scope["method"] == "HEAD")

    def _identify(self, scope: Scope, receive: Receive) -> None:
        if raw_path(scope).startswith("/api/"):
            self._authenticator.identify(Exchange(scope, receive, ()).headers.get(b"authorization"))
