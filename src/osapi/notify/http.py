"""The notification routes. A caller sees what is about hosts that his roles reach."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from osapi.contract.endpoint import Call, Caller, Reply, Routes
from osapi.contract.errors import Forbidden, Invalid, NotFound, OsapiError
from osapi.notify import api
from osapi.notify.models import Ledger, Matter, Silence, Standing
from osapi.notify.service import NotifyService

Labels = Callable[[str], Mapping[str, str] | None]
"""The labels of a host by its name or machine id; None when there is no such host."""


class NotifyRoutes:
    """Serves what is wrong, silences and tests."""

    def __init__(self, service: NotifyService, labels: Labels, now: Callable[[], float] = time.time) -> None:
        self._service = service
        self._labels = labels
        self._now = now

    async def list(self, call: Call) -> Reply:
        ledger = await self._service.ledger() or Ledger(began=self._now())
        firing = [each for each in ledger.matters.values() if each.firing]
        seen = [self._matter(each) for each in firing if call.caller.reaches(each.finding.labels)]
        seen.sort(key=lambda each: each.since, reverse=True)
        notifiers = [_notifier(ledger, name) for name in self._service.means.rules.notifiers]
        return Reply(
            body=api.NotificationList(
                enabled=self._service.is_watching, notifiers=notifiers, items=seen, total=len(seen)
            )
        )

    async def test(self, call: Call) -> Reply:
        request: api.TestRequest = call.request
        known = self._service.means.notifiers
        names = self._service.means.rules.notifiers if request.notifier is None else (request.notifier,)
        for name in names:
            if name not in known:
                raise NotFound(f"there is no notifier {name}; there are {', '.join(sorted(known))}")
        return Reply(body=api.TestReport(items=list(await asyncio.gather(*map(self._tried, names)))))

    async def silences(self, call: Call) -> Reply:
        found = [_shown(each) for each in self._service.silences.list(self._now()) if self._may_see(call.caller, each)]
        return Reply(body=api.SilenceList(items=found, total=len(found)))

    async def silence(self, call: Call) -> Reply:
        request: api.SilenceRequest = call.request
        ends_at, now = request.ends_at.timestamp(), self._now()
        if ends_at <= now:
            raise Invalid(f"ends_at: {request.ends_at.isoformat()} is past; give a time to come")
        made = Silence(
            id=secrets.token_hex(8),
            host=request.host,
            label=request.label,
            condition=request.condition,
            ends_at=ends_at,
            reason=request.reason,
            author=call.caller.subject,
            created_at=now,
        )
        self._refuse_beyond_reach(call.caller, made)
        await self._service.silences.add(made)
        return Reply(body=_shown(made))

    async def unsilence(self, call: Call) -> Reply:
        request: api.SilenceId = call.request
        found = self._service.silences.get(request.id)
        self._refuse_beyond_reach(call.caller, found)
        await self._service.silences.end(found.id)
        return Reply(body=_shown(found))

    async def _tried(self, name: str) -> api.TestResult:
        try:
            await self._service.test(name)
        except OsapiError as problem:
            return api.TestResult(notifier=name, delivered=False, error=problem.message)
        return api.TestResult(notifier=name, delivered=True)

    def _may_see(self, caller: Caller, silence: Silence) -> bool:
        labels = self._labels(silence.host) if silence.host else None
        return caller.reaches(labels or {})

    def _refuse_beyond_reach(self, caller: Caller, silence: Silence) -> None:
        """Who is limited to some hosts may silence one of them by its name."""
        if not self._may_see(caller, silence):
            raise Forbidden("your roles do not reach every host that this silence is about; name one of yours")

    def _matter(self, matter: Matter) -> api.MatterInfo:
        finding = matter.finding
        return api.MatterInfo(
            condition=finding.condition,
            name=finding.name,
            subject=finding.subject,
            reason=finding.reason,
            since=_time(finding.since),
            told=matter.told,
            silenced=self._service.silences.holds(finding, self._now()),
            flapping=matter.flapping,
        )


def routes(service: NotifyService, labels: Labels) -> Routes:
    """Every notification route with its handler."""
    serve = NotifyRoutes(service, labels)
    return [
        (api.LIST, serve.list),
        (api.TEST, serve.test),
        (api.SILENCES, serve.silences),
        (api.SILENCE, serve.silence),
        (api.UNSILENCE, serve.unsilence),
    ]


def _notifier(ledger: Ledger, name: str) -> api.NotifierInfo:
    standing = ledger.standings.get(name, Standing())
    return api.NotifierInfo(
        name=name,
        delivered=standing.delivered,
        failed=standing.failed,
        waiting=sum(each.notifier == name for each in ledger.letters),
        last_success=_time(standing.last_success) if standing.last_success else None,
        error=standing.error,
    )


def _shown(silence: Silence) -> api.SilenceInfo:
    return api.SilenceInfo(
        id=silence.id,
        host=silence.host,
        label=silence.label,
        condition=silence.condition,
        ends_at=_time(silence.ends_at),
        created_at=_time(silence.created_at),
        author=silence.author,
        reason=silence.reason,
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
