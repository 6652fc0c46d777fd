"""Rules that concern more than the form of one value."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import timedelta

from osapi.config import duration, oidc_rules
from osapi.config.faults import Fault, refused
from osapi.config.fields import ClientAuth
from osapi.config.settings import Settings
from osapi.contract.errors import Invalid
from osapi.contract.target import check_label

MAX_LABELS = 5
MIN_KEY_BYTES = 32
"""HS256 needs a key as long as its hash (RFC 7518, 3.2)."""


def faults(settings: Settings) -> list[Fault]:
    """Everything that is wrong between the values, each of which has the right form."""
    return [
        *_labels(settings.agent.labels),
        *_agent(settings),
        *_security(settings),
        *oidc_rules.faults(settings.controller.api.security.oidc),
        *_proxies(settings.controller.api.trusted_proxies),
        *_notifiers(settings),
        *_broker(settings),
        *_positive(settings),
    ]


def _labels(labels: dict[str, str]) -> Iterator[Fault]:
    if len(labels) > MAX_LABELS:
        yield refused(("agent", "labels"), f"{len(labels)} labels", f"at most {MAX_LABELS}")
    for key, value in labels.items():
        try:
            check_label(key, value)
        except Invalid:
            yield refused(
                ("agent", "labels", key), value, "letters, digits, _ and -, and dots between parts of the value"
            )


def _agent(settings: Settings) -> Iterator[Fault]:
    consumer = settings.agent.consumer
    if len(consumer.back_off) > consumer.max_deliver:
        yield refused(
            ("agent", "consumer", "back_off"),
            f"{len(consumer.back_off)} entries",
            f"no more than agent.consumer.max_deliver ({consumer.max_deliver})",
        )
    if settings.nats.registry.ttl and settings.agent.heartbeat_interval * 2 > settings.nats.registry.ttl:
        yield refused(
            ("agent", "heartbeat_interval"),
            duration.text(settings.agent.heartbeat_interval),
            f"at most half of nats.registry.ttl ({duration.text(settings.nats.registry.ttl)})",
        )


def _security(settings: Settings) -> Iterator[Fault]:
    key = settings.controller.api.security.signing_key
    if key and len(key.encode()) < MIN_KEY_BYTES:
        yield refused(
            ("controller", "api", "security", "signing_key"),
            key,
            f"at least {MIN_KEY_BYTES} bytes; `openssl rand -hex 32` makes some",
            secret=True,
        )
    for name, section in (("controller", settings.controller.nats.auth), ("agent", settings.agent.nats.auth)):
        yield from _client_auth((name, "nats", "auth"), section)


def _proxies(networks: list[str]) -> Iterator[Fault]:
    for text in networks:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            yield refused(
                ("controller", "api", "trusted_proxies"), text, "a network such as 10.0.0.0/8, or one address"
            )


def _notifiers(settings: Settings) -> Iterator[Fault]:
    section = settings.controller.notifications
    for name in section.names:
        if name != "log" and name not in section.notifiers:
            known = ", ".join(["log", *sorted(section.notifiers)])
            yield refused(("controller", "notifications", "notifier"), name, f"one of {known}")


def _client_auth(path: tuple[str, ...], auth: ClientAuth) -> Iterator[Fault]:
    if auth.type == "user_pass" and not auth.username:
        yield refused((*path, "username"), "", f"a user name, since {'.'.join((*path, 'type'))} is user_pass")


def _broker(settings: Settings) -> Iterator[Fault]:
    server = settings.nats.server
    if server.auth.type == "user_pass" and not server.auth.users:
        yield refused(
            ("nats", "server", "auth", "users"), [], "at least one user, since nats.server.auth.type is user_pass"
        )
    if server.sync_interval != "always" and not _is_positive_duration(server.sync_interval):
        yield refused(
            ("nats", "server", "sync_interval"), server.sync_interval, f"always, or {duration.ALLOWED} above 0"
        )


def _positive(settings: Settings) -> Iterator[Fault]:
    values = {
        ("controller", "api", "job_timeout"): settings.controller.api.job_timeout,
        ("controller", "api", "job_expiry"): settings.controller.api.job_expiry,
        ("agent", "consumer", "ack_wait"): settings.agent.consumer.ack_wait,
        ("agent", "facts", "interval"): settings.agent.facts.interval,
        ("agent", "heartbeat_interval"): settings.agent.heartbeat_interval,
        ("controller", "notifications", "rate_interval"): settings.controller.notifications.rate_interval,
        ("nats", "registry", "ttl"): settings.nats.registry.ttl,
    }
    for path, value in values.items():
        if value <= timedelta(0):
            yield refused(path, duration.text(value), f"{duration.ALLOWED.replace(' or 0', '')} above 0")


def _is_positive_duration(text: str) -> bool:
    try:
        return duration.parse(text) > timedelta(0)
    except ValueError:
        return False
