"""HTTP to one controller on httpx2: requests, errors and retries are those of `raw`."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import httpx2

from osapi.sdk import address, errors
from osapi.sdk.errors import SdkError, ServerError, Unreachable
from osapi.sdk.events import EventReader, Resume, ServerEvent
from osapi.sdk.form import UploadForm
from osapi.sdk.raw import CONNECT_TIMEOUT_S, TIMEOUT_S, standing_headers, trusting
from osapi.sdk.request import Request, Response
from osapi.sdk.retry import Retry
from osapi.telemetry import tracing


class AsyncRawClient:
    """Sends requests to one controller; see `osapi.sdk.raw.RawClient`."""

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        timeout_s: float = TIMEOUT_S,
        ca_file: str | None = None,
        pin: str | None = None,
        tls: ssl.SSLContext | None = None,
        retry: Retry | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.address = address.parse(url)
        self._timeout_s = timeout_s
        self._retry = retry or Retry()
        self._sleep = sleep
        self._trusting = trusting(self.address, ca_file, pin)
        verify = tls or (self._trusting.context if self._trusting else True)
        self._http = httpx2.AsyncClient(
            headers=standing_headers(token), verify=verify, trust_env=False, follow_redirects=False
        )

    async def send(self, request: Request) -> Response:
        """Exchange a request for its whole answer, trying again where that is safe; raises as `RawClient.send`."""
        with tracing.span(request.method, tracing.CLIENT, {"http.request.method": request.method}):
            return await self._persist(request)

    async def stream(self, request: Request) -> AsyncGenerator[bytes, None]:
        """Yield the body of an answer as it arrives; not tried again."""
        http = self._http.build_request(
            request.method,
            f"{self.address}{request.path}",
            content=request.body,
            headers=_sent_headers(request),
            timeout=self._timeout(request),
        )
        try:
            answer = await self._http.send(http, stream=True)
        except httpx2.TransportError as problem:
            raise await self._unreachable(problem) from problem
        try:
            if answer.status_code >= 300:
                raise errors.from_response(answer.status_code, _headers(answer), await answer.aread())
            async for block in answer.aiter_raw():
                yield block
        except httpx2.TransportError as problem:
            raise await self._unreachable(problem) from problem
        finally:
            await answer.aclose()

    async def close(self) -> None:
        await self._http.aclose()

    async def _persist(self, request: Request) -> Response:
        tried = 0
        while True:
            tried += 1
            try:
                return await self._exchange(request)
            except SdkError as problem:
                problem.idempotency_key = request.idempotency_key
                pause_s = self._retry.pause_s(request, problem, tried)
                if pause_s is None:
                    raise
            await self._sleep(pause_s)

    async def _exchange(self, request: Request) -> Response:
        try:
            answer = await self._http.request(
                request.method,
                f"{self.address}{request.path}",
                content=request.body if request.form is None else _pieces(request.form),
                headers=_sent_headers(request),
                timeout=self._timeout(request),
            )
        except httpx2.TransportError as problem:
            raise await self._unreachable(problem) from problem
        if answer.status_code >= 300:
            raise errors.from_response(answer.status_code, _headers(answer), answer.content)
        return Response(answer.status_code, _headers(answer), answer.content)

    def _timeout(self, request: Request) -> httpx2.Timeout:
        timeout_s = self._timeout_s if request.timeout_s is None else request.timeout_s
        return httpx2.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s))

    async def _unreachable(self, problem: httpx2.TransportError) -> Unreachable:
        if self._trusting is not None:
            refusal = await asyncio.to_thread(self._trusting.refusal, problem)
            if refusal is not None:
                return refusal
        sent = not isinstance(problem, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
        timed_out = isinstance(problem, httpx2.TimeoutException)
        what = "did not answer in time" if timed_out else (str(problem) or type(problem).__name__)
        return Unreachable(f"{self.address}: {what}", sent=sent, timed_out=timed_out)


async def follow(
    client: AsyncRawClient,
    job_id: str | None,
    *,
    last_id: str = "",
    patience_s: float = 60.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncGenerator[ServerEvent, None]:
    """Yield events and go on after a break; see `osapi.sdk.events.follow`."""
    resume = Resume(job_id, last_id, patience_s, clock)
    while True:
        problem: Unreachable | ServerError | None = None
        reader = EventReader()
        try:
            async with aclosing(client.stream(resume.request())) as blocks:
                async for block in blocks:
                    resume.hear()
                    for event in reader.feed(block):
                        resume.note(event)
                        yield event
                    if resume.finished:
                        return
        except (Unreachable, ServerError) as broken:
            problem = broken
        await sleep(resume.pause_s(problem))


def _sent_headers(request: Request) -> dict[str, str]:
    if request.form is not None:
        ours = {"content-type": request.form.content_type, "content-length": str(request.form.length)}
    else:
        ours = {} if request.body is None else {"content-type": "application/json"}
    return {**ours, **request.headers, **tracing.carrier()}


async def _pieces(form: UploadForm) -> AsyncGenerator[bytes, None]:
    """The pieces of a form, each read in a thread."""
    pieces = form.pieces()
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece


def _headers(answer: httpx2.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}
