"""The parts of one controller, built and started in the order of what they need."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from osapi.audit.service import AuditService
from osapi.config.paths import Paths
from osapi.config.settings import Settings
from osapi.controller import auditing, connecting, enrolling, notifying, reporting, tokens, vigil
from osapi.controller.rotating import Rotating
from osapi.fleet.enrolment.service import Enrolment
from osapi.fleet.heartbeat import Heartbeat
from osapi.fleet.service import FleetService, Keys
from osapi.jobs.quarantine import Quarantine
from osapi.jobs.service import JobNames, JobService
from osapi.notify.service import NotifyService
from osapi.telemetry import metrics as telemetry
from osapi.telemetry.metrics import Checks, Metrics
from osapi.transport.broker import Broker


@dataclass(frozen=True, kw_only=True)
class Parts:
    """All of them, started."""

    broker: Broker
    tokens: tokens.Tokens
    rotating: Rotating
    audit: AuditService | None
    """None: the settings name no stream for it."""
    quarantine: Quarantine
    fleet: FleetService
    jobs: JobService
    enrolment: Enrolment
    notify: NotifyService
    heartbeat: Heartbeat
    metrics: Metrics

    def checks(self) -> Checks:
        """What the controller cannot work without, by the name under which the status tells it."""
        return {
            "broker": lambda: None if self.broker.is_connected else "the broker is not connected",
            "jobs": lambda: None if self.jobs.is_ready else "the jobs have not all been read yet",
            "writes": lambda: self.broker.storing_trouble() or self.heartbeat.trouble,
            **auditing.checks(self.audit),
            "signing key": self.rotating.problem,
        }

    def findings(self) -> Checks:
        """What the status tells besides, and what keeps nobody from working."""
        return {**auditing.findings(self.audit), **notifying.findings(self.notify)}


async def build(settings: Settings, paths: Paths, is_serving: Callable[[], bool], opened: AsyncExitStack) -> Parts:
    """Build and start them; `opened` ends them in the opposite order.

    Raises `Invalid` for settings or keys that cannot be used and `Unavailable` when the broker is away.
    """
    metrics = telemetry.counting(settings.controller.metrics)
    known = tokens.Tokens(settings, paths)
    opened.push_async_callback(known.stop)
    broker = await connecting.connect(settings, paths)
    opened.push_async_callback(broker.close)
    vigil.begin(broker, opened)
    await known.start(broker)
    rotating = Rotating(paths.pki)
    opened.push_async_callback(rotating.stop)
    await rotating.start(broker, settings.nats.enrollment.bucket)
    audit = auditing.service(settings, paths, broker, rotating)
    if audit is not None:
        opened.push_async_callback(audit.stop)
        await audit.start()
    keys = Keys(rotating.signer, rotating.verifier, enrolling.accepts(settings), rotating.told)
    quarantine = Quarantine(time.time)
    fleet = FleetService(broker, settings.nats, keys, quarantine)
    opened.push_async_callback(fleet.stop)
    jobs = _jobs(settings, broker, keys, fleet, quarantine, metrics)
    if audit is not None:
        jobs.on_end.append(auditing.teller(audit))
    opened.push_async_callback(jobs.stop)
    enrolment = await enrolling.begin(settings, paths, broker, keys)
    opened.push_async_callback(enrolment.stop)
    await fleet.keybook.start()
    await asyncio.gather(fleet.start(), jobs.start())
    parts = Parts(
        broker=broker,
        tokens=known,
        rotating=rotating,
        audit=audit,
        quarantine=quarantine,
        fleet=fleet,
        jobs=jobs,
        enrolment=enrolment,
        notify=await notifying.service(settings, broker, fleet, jobs, audit, enrolment, opened),
        heartbeat=reporting.begin(settings, broker, metrics, is_serving, opened),
        metrics=metrics,
    )
    opened.callback(metrics.close)
    _show(parts)
    return parts


def _jobs(
    settings: Settings, broker: Broker, keys: Keys, fleet: FleetService, quarantine: Quarantine, metrics: Metrics
) -> JobService:
    nats = settings.nats
    return JobService(
        broker,
        keys.signer,
        keys.verifier,
        fleet.registry,
        quarantine,
        names=JobNames(
            nats.kv.bucket,
            nats.kv.response_bucket,
            f"{nats.stream.name}-DLQ",
            nats.live.stream,
            nats.output.bucket,
        ),
        expiry=settings.controller.api.job_expiry,
        retention=nats.kv.ttl or None,
        standing=fleet.drains.standing,
        clock=time.time,
        metrics=metrics,
    )


def _show(parts: Parts) -> None:
    """Show the figures of this controller, if anybody wants them."""
    metrics = parts.metrics
    metrics.show("osapi_jobs_active", "Jobs of the fleet that have not ended.", lambda: parts.jobs.index.active)
    parts.heartbeat.show_age(metrics)
    metrics.serve("controller.metrics", parts.checks())
    notifying.show(metrics, parts.notify)
