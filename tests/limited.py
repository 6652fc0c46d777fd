"""A broker that gives agents the rights of agents; who comes without a name may do everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import NatsServer

from osapi.broker import configuration, permissions
from osapi.config.settings import Settings
from osapi.contract.ids import MachineId
from osapi.transport.address import Address, Credentials

USER, PASSWORD = "agent", "a"


def limited(folder: Path) -> Iterator[NatsServer]:
    """The broker, for a fixture; its store is below `folder`."""
    rights = permissions.of_agent(Settings(), MachineId("m0"))
    limits = {"publish": rights.publish, "subscribe": rights.subscribe, "allow_responses": True}
    accounts = configuration.access(Settings(), configuration.Identities("", ""), configuration.Guests())["accounts"]
    accounts[configuration.OWNERS]["users"] = [{"user": "controller", "password": "c"}]
    accounts[configuration.GUESTS]["users"] = [{"user": USER, "password": PASSWORD, "permissions": limits}]
    place = folder / "nats"
    place.mkdir()
    server = NatsServer(
        place,
        f"accounts: {json.dumps(accounts)}\nno_auth_user: controller",
    )
    yield server
    server.stop()


def as_agent(server: NatsServer) -> Address:
    """How the agent of the machine `m0` comes."""
    return Address((server.url,), auth=Credentials(USER, PASSWORD), inbox="_INBOX.m0")
