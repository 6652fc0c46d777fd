"""A broker that gives agents the rights of agents; who comes without a name may do everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.conftest import NatsServer

from osapi.broker import accounts, permissions
from osapi.broker.accounts import Guests, Identities
from osapi.config.settings import Settings
from osapi.contract.ids import MachineId
from osapi.transport.address import Address, Credentials

USER, PASSWORD = "agent", "a"


def limited(folder: Path) -> Iterator[NatsServer]:
    """The broker, for a fixture; its store is below `folder`."""
    limits = accounts.limits(permissions.of_agent(Settings(), MachineId("m0")))
    both = accounts.document(Settings(), Identities("", ""), Guests())
    both[accounts.owners(Settings())]["users"] = [{"user": "controller", "password": "c"}]
    both[accounts.guests_of(Settings())]["users"] = [{"user": USER, "password": PASSWORD, "permissions": limits}]
    place = folder / "nats"
    place.mkdir()
    server = NatsServer(
        place,
        f"accounts: {json.dumps(both)}\nno_auth_user: controller",
    )
    yield server
    server.stop()


def as_agent(server: NatsServer) -> Address:
    """How the agent of the machine `m0` comes."""
    return replace(server.address, auth=Credentials(USER, PASSWORD), inbox="_INBOX.m0")
