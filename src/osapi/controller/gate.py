"""What every request passes before its route is served: token, then permission, then everything else.

Below `/api` a token is asked for before anything is told, even whether a path or method exists; the routes
that are open to everybody are the exception.
"""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope, Send

from osapi.contract.errors import ErrorBody
from osapi.controller import download, sse
from osapi.controller.answer import Answer, send_answer
from osapi.controller.entrance import Entrance
from osapi.controller.errors import failure
from osapi.controller.exchange import Exchange
from osapi.controller.routing import Found, raw_path


class Gate:
    """Lets requests through to their routes. `stopping` ends open streams."""

    def __init__(self, entrance: Entrance, stopping: asyncio.Event) -> None:
        self._entrance = entrance
        self._stopping = stopping

    async def serve(self, found: Found, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate, authorise, and answer from the route."""
        route, values = found
        exchange = Exchange(scope, receive, values)
        if route.permission is None:
            answer = await self._entrance.anonymous(exchange, route.serve)
        else:
            answer = await self._entrance.known(
                exchange,
                route.serve,
                permission=route.permission,
                operation_id=route.operation_id,
                changes=route.changes,
            )
        await self._send(answer, scope, receive, send)

    async def refuse(self, allowed: list[str], scope: Scope, receive: Receive, send: Send) -> None:
        """The path exists, but not with this method."""
        methods = ", ".join(allowed)
        body = ErrorBody(error=f"{scope['method']} is not possible here; use {methods}", code="method_not_allowed")
        await self._tell(failure(405, body, ((b"allow", methods.encode()),)), scope, receive, send)

    async def unknown(self, scope: Scope, receive: Receive, send: Send) -> None:
        """There is no such path."""
        body = ErrorBody(error="there is no such path; see /api/openapi.json for those there are", code="not_found")
        await self._tell(failure(404, body), scope, receive, send)

    async def _tell(self, answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
        """Give the same answer to everybody, below `/api` only with a good token."""
        exchange = Exchange(scope, receive, ())

        async def tell(_: Exchange) -> Answer:
            return answer

        below = raw_path(scope).startswith("/api/")
        await (self._entrance.known(exchange, tell) if below else self._entrance.anonymous(exchange, tell))
        await self._send(answer, scope, receive, send)

    async def _send(self, answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
        if answer.events is not None:
            await sse.stream(answer, receive, send, self._stopping)
        elif answer.file is not None:
            await download.stream(answer, answer.file, receive, send, head=scope["method"] == "HEAD")
        else:
            await send_answer(answer, send, head=scope["method"] == "HEAD")
