"""The outermost layer: gives each request an id, and turns whatever goes wrong into an answer."""

from __future__ import annotations

import itertools
import re
import secrets
import time
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from osapi.contract.errors import ErrorBody, OsapiError
from osapi.controller.answer import Answer, send_answer
from osapi.controller.errors import answer_to, failure
from osapi.controller.exchange import JOB_ID, REQUEST_ID, Disconnected
from osapi.telemetry.log import bind, get_logger

_log = get_logger(__name__)
_GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class Border:
    """Wraps the application. An id that the client sends is kept when it is plain and short.

    Our own ids are what tells this process from others, and a number.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._process = secrets.token_hex(4).encode()
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _given_id(scope) or b"%b-%x" % (self._process, next(self._numbers))
        scope[REQUEST_ID] = request_id.decode()
        bind(request_id=scope[REQUEST_ID])
        began = time.perf_counter()
        status = 0

        async def stamped(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", request_id))
            await send(message)

        try:
            await self._app(scope, receive, stamped)
        except Disconnected:
            status = 499  # as nginx logs it
        except Exception as problem:
            if status:
                raise  # an answer is under way; the server cuts the connection and logs
            await send_answer(_failed(problem, scope), stamped, head=scope["method"] == "HEAD")
        _log.debug(
            "http.request",
            method=scope["method"],
            path=scope["path"],
            status=status,
            duration_s=round(time.perf_counter() - began, 6),
            request_id=scope[REQUEST_ID],
            job_id=scope.get(JOB_ID),
        )


def _given_id(scope: Scope) -> bytes | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _GIVEN.fullmatch(value):
            given: bytes = value
            return given
    return None


def _failed(problem: Exception, scope: Scope) -> Answer:
    if isinstance(problem, OsapiError):
        return answer_to(problem)
    request_id = scope[REQUEST_ID]
    _log.exception("http.failed", problem, request_id=request_id, path=scope["path"], job_id=scope.get(JOB_ID))
    text = f"an internal error; the controller's log tells more under the request id {request_id}"
    return failure(500, ErrorBody(error=text, code=OsapiError.code, job_id=scope.get(JOB_ID)))
