"""The two accounts at the broker: one of controllers and the broker program, with the streams; one of agents and join tokens, without any.

What is answered to guests arrives in their own account, so it is stored nowhere, whatever they name for the reply.
What else passes between the two is derived from what guests may say and hear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osapi.broker import permissions
from osapi.config.fields import KEYLESS
from osapi.config.settings import Settings
from osapi.contract.ids import MachineId

_COMMON = "$G"
"""The account of everybody where nobody has a key: nats-server's own name for it."""


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


def owners(settings: Settings) -> str:
    """The account of controllers, in which the streams are."""
    return _COMMON if settings.nats.server.auth.type in KEYLESS else _named("OSAPI", settings)


def guests_of(settings: Settings) -> str:
    """The account of agents and holders of join tokens."""
    return _named("AGENTS", settings)


def _named(name: str, settings: Settings) -> str:
    """Installations that share a server, each with its namespace, have accounts of their own."""
    return f"{name}-{settings.nats.server.namespace}" if settings.nats.server.namespace else name


def document(settings: Settings, identities: Identities, guests: Guests) -> dict[str, Any]:
    """Both accounts by their names: what nats-server has in its block `accounts`."""
    home, away = owners(settings), guests_of(settings)
    crossing = permissions.crossing(settings)
    return {
        home: {
            "jetstream": "enabled",
            "users": [
                {"nkey": identities.controller},
                {"nkey": identities.broker, "permissions": limits(permissions.of_broker(settings))},
                *({"nkey": nkey} for nkey in settings.nats.server.auth.nkeys),
            ],
            "exports": [
                *({"service": subject, "accounts": [away]} for subject in crossing.said),
                *({"stream": subject, "accounts": [away]} for subject in crossing.heard),
            ],
        },
        away: {
            "users": _users(settings, guests),
            "imports": [
                *({"service": {"account": home, "subject": subject}} for subject in crossing.said),
                *({"stream": {"account": home, "subject": subject}} for subject in crossing.heard),
            ],
        },
    }


def _users(settings: Settings, guests: Guests) -> list[dict[str, Any]]:
    """The users of agents and join tokens, each with its own rights."""
    agents, tokens = sorted(guests.agents.items()), sorted(guests.tokens.items())
    return [
        *(
            {"nkey": nkey, "permissions": limits(permissions.of_agent(settings, MachineId(machine)))}
            for machine, nkey in agents
        ),
        *({"nkey": nkey, "permissions": limits(permissions.of_token(settings, token_id))} for token_id, nkey in tokens),
    ]


def limits(allowed: permissions.Permissions) -> dict[str, Any]:
    """The permissions of one user, as nats-server reads them."""
    return {"publish": {"allow": list(allowed.publish)}, "subscribe": {"allow": list(allowed.subscribe)}}


def move_streams(store: Path, settings: Settings) -> None:
    """Let streams be found where they have been in the other account: each has a folder in `store`. No server may run."""
    account = owners(settings)
    former = _COMMON if account != _COMMON else _named("OSAPI", settings)
    wanted, there = (store / "jetstream" / name for name in (account, former))
    if there.is_dir() and not wanted.exists():
        there.rename(wanted)
