"""The configuration file of nats-server, as a value. Its format includes JSON, which needs no quoting rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from osapi.broker import accounts
from osapi.broker.accounts import Guests, Identities
from osapi.config.nats import BrokerTls
from osapi.config.settings import Settings

DEFAULT_PORT = 4222
_HANDSHAKE_S = 10
"""When a fleet comes back at once, handshakes wait for one another; nats-server's own 2 s would make them all begin again."""


def port_of(settings: Settings) -> int:
    """The port to listen on; 0 in the settings means the usual one."""
    return settings.nats.server.port or DEFAULT_PORT


def document(settings: Settings, store: Path, room: int, identities: Identities, guests: Guests) -> dict[str, Any]:
    """The whole configuration. `store` is the folder of JetStream, `room` how many bytes it may store there."""
    server = settings.nats.server
    found: dict[str, Any] = {
        "server_name": "osapi",
        "host": server.host or "0.0.0.0",  # noqa: S104 - refused earlier unless --insecure
        "port": port_of(settings),
        "max_payload": server.max_payload_bytes,
        "logtime": False,
        "jetstream": {"store_dir": str(store), "max_file_store": room, "sync_interval": server.sync_interval},
    }
    if server.tls.cert:
        found["tls"] = _tls(server.tls)
    return {**found, **_access(settings, identities, guests)}


def _access(settings: Settings, identities: Identities, guests: Guests) -> dict[str, Any]:
    """Who is let in, and what each may do. Empty: everybody may everything."""
    auth = settings.nats.server.auth
    match auth.type:
        case "none":
            return {}
        case "user_pass":
            users = [{"user": user.username, "password": user.password} for user in auth.users]
            return {"authorization": {"users": users}} if users else {}
        case _:
            return {"accounts": accounts.document(settings, identities, guests)}


def text(content: dict[str, Any]) -> bytes:
    """The document as the file holds it."""
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def _tls(section: BrokerTls) -> dict[str, Any]:
    """The block `tls`; with authorities only clients that they vouch for are let in."""
    found: dict[str, Any] = {
        "cert_file": str(Path(section.cert).absolute()),
        "key_file": str(Path(section.key).absolute()),
        "min_version": "1.2",
        "timeout": _HANDSHAKE_S,
    }
    return {**found, "ca_file": str(Path(section.ca).absolute()), "verify": True} if section.ca else found
