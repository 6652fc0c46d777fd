"""The sections about TLS as what `osapi.tls` works with, and what must hold between their values. Reads no file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from osapi.config.faults import Fault, refused
from osapi.config.fields import ClientTls, ServerTls
from osapi.config.settings import Settings
from osapi.tls import pins
from osapi.tls.pair import Pair
from osapi.tls.trust import Trust


def pair(key: str, section: ServerTls | ClientTls) -> Pair | None:
    """Certificate and key of the section `key`; None when none is named."""
    return Pair(key, Path(section.cert).absolute(), Path(section.key).absolute()) if section.cert else None


def trust(key: str, section: ClientTls, host: str) -> Trust | None:
    """Whom to trust at the broker `host`; None when TLS is not asked for."""
    if not (section.ca or section.server_name or section.cert or "tls://" in host):
        return None
    ca = str(Path(section.ca).absolute()) if section.ca else ""
    return Trust(ca, section.server_name, pair(key, section), section=key)


def faults(settings: Settings) -> Iterator[Fault]:
    """A certificate without its key, the reverse, what needs a certificate and has none, and pins that are none."""
    api, server = settings.controller.api, settings.nats.server
    sections: dict[tuple[str, ...], ServerTls | ClientTls] = {
        ("controller", "api", "tls"): api.tls,
        ("controller", "metrics", "tls"): settings.controller.metrics.tls,
        ("controller", "nats", "tls"): settings.controller.nats.tls,
        ("agent", "metrics", "tls"): settings.agent.metrics.tls,
        ("agent", "nats", "tls"): settings.agent.nats.tls,
        ("nats", "server", "tls"): server.tls,
        ("nats", "server", "metrics", "tls"): server.metrics.tls,
    }
    for path, section in sections.items():
        yield from _halves(path, section)
    if server.tls.ca and not server.tls.cert:
        yield _lacking(("nats", "server", "tls", "cert"), "nats.server.tls.ca")
    if api.tls.redirect_port and not api.tls.cert:
        yield _lacking(("controller", "api", "tls", "cert"), "controller.api.tls.redirect_port")
    if api.tls.redirect_port == api.port:
        yield refused(("controller", "api", "tls", "redirect_port"), api.port, "another port than controller.api.port")
    yield from _pin(settings.controller.client.tls.pin)


def _halves(path: tuple[str, ...], section: ServerTls | ClientTls) -> Iterator[Fault]:
    name = ".".join(path)
    if section.cert and not section.key:
        yield _lacking((*path, "key"), f"{name}.cert")
    if section.key and not section.cert:
        yield _lacking((*path, "cert"), f"{name}.key")


def _lacking(path: tuple[str, ...], other: str) -> Fault:
    return refused(path, "", f"a PEM file, since {other} is set")


def _pin(text: str) -> Iterator[Fault]:
    try:
        if text:
            pins.parse(text)
    except ValueError:
        yield refused(("controller", "client", "tls", "pin"), text, "a SHA-256 fingerprint of 64 hex digits")
