"""The status route with its handler."""

from __future__ import annotations

from osapi.contract.endpoint import Call, Reply, Routes
from osapi.controller.status.api import STATUS
from osapi.controller.status.look import Sources, look
from osapi.controller.status.shown import told


def routes(sources: Sources) -> Routes:
    """The route with its handler."""

    async def status(_: Call) -> Reply:
        answer = told(sources, await look(sources))
        return Reply(body=answer, status=200 if answer.status == "ok" else 503)

    return [(STATUS, status)]
