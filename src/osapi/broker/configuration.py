"""The configuration file of nats-server, as a value. Its format includes JSON, which needs no quoting rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from osapi.broker import permissions
from osapi.config.nats import BrokerTls
from osapi.config.settings import Settings
from osapi.contract.ids import MachineId

DEFAULT_PORT = 4222
_HANDSHAKE_S = 10
"""When a fleet comes back at once, handshakes wait for one another; nats-server's own 2 s would make them all begin again."""


@dataclass(frozen=True)
class Identities:
    """Public nkeys of the programs that connect."""

    controller: str
    broker: str


@dataclass(frozen=True)
class Guests:
    """Who else is let in: the public nkeys of accepted agents by machine id, and of join tokens by their id."""

    agents: Mapping[str, str] = field(default_factory=dict[str, str])
    tokens: Mapping[str, str] = field(default_factory=dict[str, str])


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
    return {**found, **access(settings, identities, guests)}


def access(settings: Settings, identities: Identities, guests: Guests) -> dict[str, Any]:
    """The part that follows enrolment: who is let in, and what each may do. Empty: everybody may everything.

    It stands at the top of the configuration, so that nats-server can also include it from a file of its own.
    """
    users = _users(settings, identities, guests)
    return {"authorization": {"users": users}} if users else {}


def text(content: dict[str, Any]) -> bytes:
    """The document as the file holds it."""
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def _users(settings: Settings, identities: Identities, guests: Guests) -> list[dict[str, Any]]:
    """Who is let in. Empty: everybody."""
    auth = settings.nats.server.auth
    match auth.type:
        case "none":
            return []
        case "user_pass":
            return [{"user": user.username, "password": user.password} for user in auth.users]
        case _:
            return [
                {"nkey": identities.controller},
                {"nkey": identities.broker, "permissions": _limits(permissions.of_broker(settings))},
                *({"nkey": nkey} for nkey in auth.nkeys),
                *guest_users(settings, guests),
            ]


def guest_users(settings: Settings, guests: Guests) -> list[dict[str, Any]]:
    """The users of agents and join tokens, each with its own rights."""
    agents, tokens = sorted(guests.agents.items()), sorted(guests.tokens.items())
    return [
        *(
            {"nkey": nkey, "permissions": _limits(permissions.of_agent(settings, MachineId(machine)))}
            for machine, nkey in agents
        ),
        *(
            {"nkey": nkey, "permissions": _limits(permissions.of_token(settings, token_id))}
            for token_id, nkey in tokens
        ),
    ]


def _tls(section: BrokerTls) -> dict[str, Any]:
    """The block `tls`; with authorities only clients that they vouch for are let in."""
    found: dict[str, Any] = {
        "cert_file": str(Path(section.cert).absolute()),
        "key_file": str(Path(section.key).absolute()),
        "min_version": "1.2",
        "timeout": _HANDSHAKE_S,
    }
    return {**found, "ca_file": str(Path(section.ca).absolute()), "verify": True} if section.ca else found


def _limits(allowed: permissions.Permissions) -> dict[str, Any]:
    return {
        "publish": {"allow": list(allowed.publish)},
        "subscribe": {"allow": list(allowed.subscribe)},
        "allow_responses": allowed.allow_responses,
    }
