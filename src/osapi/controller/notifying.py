"""Puts notifications together from the settings, and ties them to what the controller knows."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack

from osapi.audit.service import AuditService
from osapi.config.controller import Notifications
from osapi.config.settings import Settings
from osapi.contract.endpoint import Routes
from osapi.contract.errors import Invalid
from osapi.controller import auditing
from osapi.controller.findings import FailedJobs, Watched
from osapi.fleet.enrolment.service import Enrolment
from osapi.fleet.registry import Registry
from osapi.fleet.service import FleetService
from osapi.jobs.service import JobService
from osapi.notify import http
from osapi.notify.models import AUDIT_BROKEN, UNREACHABLE, View
from osapi.notify.notifiers import LOG, LogNotifier, Notifier, of_url
from osapi.notify.rules import Rules
from osapi.notify.service import Means, NotifyService
from osapi.notify.texts import Texts
from osapi.telemetry.metrics import Check, Metrics
from osapi.transport.broker import Broker


class Gaps:
    """Whether agents have had the time to be heard of since this controller last came to the broker."""

    def __init__(self, broker: Broker, ttl_s: float) -> None:
        self._broker = broker
        self._ttl_s = ttl_s
        self._since: float | None = None

    def settled(self) -> bool:
        """Asked steadily. False while the broker is away, and for the time-to-live after it has come."""
        if not self._broker.is_connected:
            self._since = None
            return False
        if self._since is None:
            self._since = time.monotonic()
        return time.monotonic() - self._since >= self._ttl_s


async def service(
    settings: Settings,
    broker: Broker,
    fleet: FleetService,
    jobs: JobService,
    audit: AuditService | None,
    enrolment: Enrolment,
    opened: AsyncExitStack,
) -> NotifyService:
    """Notifications, begun. `opened` ends them. Raises `Invalid` for settings that cannot be used."""
    section = settings.controller.notifications
    means = Means(notifiers(section), Texts(section.title, section.body, section.hosts_shown), rules(section))
    means.texts.check()
    failed, ttl_s = FailedJobs(), settings.nats.registry.ttl.total_seconds()
    gaps = Gaps(broker, ttl_s)

    def unjudged() -> frozenset[str]:
        open_ = {UNREACHABLE: gaps.settled(), AUDIT_BROKEN: audit is None or audit.is_read}
        return frozenset(name for name, known in open_.items() if not known)

    watched = Watched(
        registry=fleet.registry,
        components=fleet.components,
        jobs=failed,
        audit={**auditing.checks(audit), **auditing.findings(audit)},
        pending=lambda: enrolment.book.pending,
        unjudged=unjudged,
        ttl_s=ttl_s,
        now=time.time,
    )

    def look() -> View | None:
        return watched.view() if broker.is_connected and jobs.is_ready else None

    me = f"{socket.gethostname()}:{settings.controller.api.port}:{secrets.token_hex(4)}"
    made = NotifyService(
        broker.bucket(settings.nats.notifications.bucket), me, means, look if section.enabled else None
    )
    opened.push_async_callback(made.stop)
    if section.enabled:
        jobs.on_end.append(failed.note)
        for entry in jobs.index.ended():
            failed.note(entry)
    await made.start()
    return made


def routes(made: NotifyService, registry: Registry) -> Routes:
    """The notification routes."""

    def labels(name: str) -> Mapping[str, str] | None:
        try:
            return registry.get(name).record.labels
        except Invalid:
            return None

    return http.routes(made, labels)


def findings(made: NotifyService) -> dict[str, Check]:
    """What is told in the status and keeps nobody from working: that people are not told."""
    return {"notifications": made.trouble} if made.is_watching else {}


def show(metrics: Metrics, made: NotifyService) -> None:
    """Show the figures of this controller, if anybody wants them."""
    if not made.is_watching:
        return
    metrics.show(
        "osapi_notifications_delivered",
        "Messages that notifiers have taken, of all controllers; shown by the one that speaks.",
        lambda: made.total(lambda ledger: sum(each.delivered for each in list(ledger.standings.values()))),
    )
    metrics.show(
        "osapi_notifications_failed",
        "Messages that were given up.",
        lambda: made.total(lambda ledger: sum(each.failed for each in list(ledger.standings.values()))),
    )
    metrics.show(
        "osapi_notifications_waiting",
        "Messages that wait to be sent, or to be tried again.",
        lambda: made.total(lambda ledger: len(ledger.letters)),
    )


def rules(section: Notifications) -> Rules:
    """How often people are told."""
    return Rules(
        notifiers=section.names,
        conditions=frozenset(section.conditions),
        window_s=section.group_window.total_seconds(),
        renotify_s=section.renotify_interval.total_seconds(),
        rate=section.rate_limit,
        rate_s=section.rate_interval.total_seconds(),
        attempts=section.attempts,
    )


def notifiers(section: Notifications) -> dict[str, Notifier]:
    """Every notifier of the settings, and the log. Raises `Invalid`."""
    schemes = frozenset(scheme.lower() for scheme in section.schemes)
    made: dict[str, Notifier] = {name: of_url(name, one.url, schemes) for name, one in section.notifiers.items()}
    return {**made, LOG: LogNotifier()}
