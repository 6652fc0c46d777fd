"""Puts the audit together from the settings, and ties it to the jobs."""

from __future__ import annotations

import time
from collections.abc import Callable

from osapi.audit import http
from osapi.audit.anchor import Anchor
from osapi.audit.service import AuditService
from osapi.audit.stream import AuditStream
from osapi.config.paths import Paths
from osapi.config.settings import Settings
from osapi.contract.endpoint import Routes
from osapi.controller.rotating import Rotating
from osapi.jobs.entry import JobEntry
from osapi.telemetry.metrics import Check
from osapi.transport.broker import Broker


def service(settings: Settings, paths: Paths, broker: Broker, rotating: Rotating) -> AuditService | None:
    """The audit; None when the settings name no stream for it."""
    section = settings.nats.audit
    if not section.stream:
        return None
    return AuditService(
        AuditStream(broker, name=section.stream, subject=section.subject),
        rotating.signer,
        rotating.verifier,
        Anchor(paths.audit_anchor),
        keeps=section.max_age or None,
        clock=time.time,
    )


def routes(audit: AuditService | None, rotating: Rotating) -> Routes:
    """The audit routes, if there is an audit."""
    if audit is None:
        return []
    return http.routes(audit, rotating.told)


def checks(audit: AuditService | None) -> dict[str, Check]:
    """Without an audit that can be written no change is accepted."""
    return {} if audit is None else {"audit": audit.problem}


def findings(audit: AuditService | None) -> dict[str, Check]:
    """What is told in the status and keeps nobody from working: that the chain was found broken."""
    return {} if audit is None else {"audit chain": audit.loss}


def teller(audit: AuditService) -> Callable[[JobEntry], None]:
    """Tells the audit of every job that ends."""
    return lambda entry: audit.job_ended(entry.id, lambda: entry.counts(time.time()))
