"""What every request below `/api` passes: who asks, from where, how often, and that it leaves a trail."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from osapi.audit.question import NO_AUDIT, OpenTrail, Question
from osapi.auth.identity import Identity
from osapi.config.controller import Api
from osapi.contract.errors import OsapiError, Unauthenticated
from osapi.controller.answer import Answer
from osapi.controller.authenticate import Authenticator, authorise
from osapi.controller.client_address import ClientAddress
from osapi.controller.errors import status_of
from osapi.controller.exchange import JOB_ID, REQUEST_ID, Disconnected, Exchange
from osapi.controller.limits import UNLIMITED, Limits, Rate

_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
"""W3C Trace Context, 3.2."""
_CLOSED = 499
"""As nginx logs it: the client went away before it was answered."""


class Audit(Protocol):
    """What is needed of `audit.service.AuditService`."""

    def begin(self, question: Question, /) -> OpenTrail: ...


def unlimited() -> Limits:
    """Limits that nobody reaches."""
    return Limits(lambda: 0.0, token=UNLIMITED, anonymous=UNLIMITED, guesses=UNLIMITED)


@dataclass(frozen=True)
class Entrance:
    """Lets requests in, and notes all of them that need a token."""

    authenticator: Authenticator
    audit: Audit = NO_AUDIT
    limits: Limits = field(default_factory=unlimited)
    address: ClientAddress = field(default_factory=ClientAddress)

    async def anonymous(self, exchange: Exchange, work: Callable[[Exchange], Awaitable[Answer]]) -> Answer:
        """A request to a route that is open to everybody."""
        self.limits.admit_anonymous(self.address.of(exchange.scope))
        return await work(exchange)

    async def known(
        self,
        exchange: Exchange,
        work: Callable[[Exchange], Awaitable[Answer]],
        *,
        permission: str | None = None,
        operation_id: str = "",
        changes: bool = False,
    ) -> Answer:
        """A request that needs a token: find out whose it is and what he may do, do the work, and note how it ended."""
        source = self.address.of(exchange.scope)
        trail = exchange.trail = self.audit.begin(_question(exchange, source, operation_id, changes=changes))
        try:
            exchange.caller = await self._identify(exchange, source)
            trail.identified(exchange.caller)
            self.limits.admit(exchange.caller.subject)
            if permission is not None:
                authorise(exchange.caller, permission)
            answer = await work(exchange)
        except OsapiError as problem:
            trail.close(status_of(problem), problem.error_code, problem.job_id or _job_id(exchange))
            raise
        except Disconnected:
            trail.close(_CLOSED)
            raise
        except BaseException:
            trail.close(500, OsapiError.code, _job_id(exchange))
            raise
        trail.close(answer.status, answer.code, _job_id(exchange))
        return answer

    async def _identify(self, exchange: Exchange, source: str) -> Identity:
        authorization = exchange.headers.get(b"authorization")
        if not self.limits.may_guess(source) and not self.authenticator.remembers(authorization):
            raise self.limits.refuse_guess(source)
        try:
            return await self.authenticator.identify(authorization)
        except Unauthenticated:
            self.limits.guessed(source)
            raise


def of_settings(api: Api, authenticator: Authenticator, audit: Audit | None) -> Entrance:
    """The entrance as the settings have it; `audit` None when there is none."""
    limits = api.limits
    return Entrance(
        authenticator=authenticator,
        audit=NO_AUDIT if audit is None else audit,
        limits=Limits(
            time.monotonic,
            token=Rate(limits.token_per_second, limits.token_burst),
            anonymous=Rate(limits.anonymous_per_second, limits.anonymous_burst),
            guesses=Rate(limits.guesses_per_second, limits.guesses_burst),
        ),
        address=ClientAddress(api.trusted_proxies, api.forwarded_header),
    )


def _question(exchange: Exchange, source: str, operation_id: str, *, changes: bool) -> Question:
    scope = exchange.scope
    trace = _TRACE.fullmatch(exchange.header(b"traceparent") or "")
    return Question(
        method=scope["method"],
        path=scope["path"],
        query=exchange.query.decode("latin-1"),
        operation_id=operation_id,
        changes=changes,
        source_ip=source,
        request_id=scope.get(REQUEST_ID, ""),
        trace_id=trace[1] if trace else "",
    )


def _job_id(exchange: Exchange) -> str:
    return exchange.scope.get(JOB_ID) or ""
