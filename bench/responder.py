"""A process that answers every request with the request: the least that a second program can do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import nats
from nats.aio.msg import Msg

from bench.children import run_player
from bench.logins import login_from


@asynccontextmanager
async def play(arguments: dict[str, Any]) -> AsyncIterator[None]:
    connection = await nats.connect(**login_from(arguments["login"]).options)

    async def answer(message: Msg) -> None:
        await connection.publish(message.reply, message.data)

    await connection.subscribe(arguments["subject"], cb=answer)
    await connection.flush()
    yield
    await connection.close()


if __name__ == "__main__":
    run_player(play)
