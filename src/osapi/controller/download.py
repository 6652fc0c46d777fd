"""Sends a file as it is read, at the pace of the client, and stops reading when the client goes."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from starlette.types import Receive, Send

from osapi.contract.endpoint import Download
from osapi.controller.answer import Answer, start
from osapi.controller.exchange import gone


async def stream(answer: Answer, file: Download, receive: Receive, send: Send, *, head: bool = False) -> None:
    """Send the file. `head` leaves the content out but keeps its length."""
    async with aclosing(file.content) as content:
        if head:
            await send(start(answer.status, answer.headers, file.media.encode(), file.length))
            await send({"type": "http.response.body", "body": b""})
            return
        # The first piece before the head of the answer: what cannot be read at all is still told as a failure.
        first = await anext(content, b"")
        leaving = asyncio.create_task(gone(receive))
        try:
            await send(start(answer.status, answer.headers, file.media.encode(), file.length))
            await send({"type": "http.response.body", "body": first, "more_body": True})
            async for piece in content:
                if leaving.done():
                    return
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
