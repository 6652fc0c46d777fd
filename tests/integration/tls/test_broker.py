"""The broker under TLS: who is let in, who is believed, and what is said of the others."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bench.stack import Stack, running
from tests.unit.tls.making import authority, expired, pair

from osapi.config.private import replace as replace_file
from osapi.contract.errors import Invalid, OsapiError, Unavailable
from osapi.domains.command import operations as command
from osapi.domains.command.models import ShellRequest
from osapi.pki.authority import issue, load_or_create
from osapi.sdk.client import Client
from osapi.tls.certificate import fingerprint
from osapi.tls.pair import Pair, check
from osapi.tls.trust import Trust, context
from osapi.transport.address import Address
from osapi.transport.broker import Broker

from .conftest import Secured

pytestmark = pytest.mark.anyio

_SECTION = "agent.nats.tls"


async def failure(address: Address, within_s: float = 1.5) -> str:
    """Why there is no connection."""
    with pytest.raises(Unavailable) as raised:
        await Broker.connect(address, name="test", timeout_s=within_s)
    return raised.value.message


async def test_an_agent_runs_a_job_over_tls_alone(secured: Secured) -> None:
    stack = secured.stack
    with Client(stack.api.url, stack.token, ca_file=secured.ca) as client:
        (answer,) = await asyncio.to_thread(
            lambda: client.run(command.SHELL, ShellRequest(command="echo over tls"), target="_all")
        )
    assert answer.data is not None
    assert answer.data.stdout == "over tls\n"


async def test_who_speaks_no_tls_is_not_let_in(secured: Secured) -> None:
    plain = replace(secured.stack.login.address, servers=(f"nats://127.0.0.1:{secured.stack.login.port}",), tls=None)
    with pytest.raises(OsapiError):
        await Broker.connect(plain, name="test", timeout_s=1.5)


async def test_an_unknown_authority_is_told_with_setting_and_remedy(secured: Secured) -> None:
    address = secured.stack.login.address
    told = await failure(replace(address, tls=Trust(ca=secured.strange_ca, section=_SECTION)))
    assert told.endswith(
        f"the certificate of the broker is signed by no authority of agent.nats.tls.ca ({secured.strange_ca}); "
        "name the file of the right one with agent.nats.tls.ca"
    )
    assert "those that this system trusts" in await failure(replace(address, tls=Trust(section=_SECTION)))


async def test_another_name_is_told(secured: Secured) -> None:
    address = secured.stack.login.address
    told = await failure(replace(address, tls=Trust(secured.ca, "broker.test", section=_SECTION)))
    assert "the certificate of the broker is for other names, not for broker.test" in told
    named = replace(address, servers=(f"tls://127.1:{secured.stack.login.port}",))
    assert "not for 127.1" in await failure(named)
    broker = await Broker.connect(replace(named, tls=Trust(secured.ca, "localhost")), name="test")
    await broker.close()


async def test_files_that_cannot_be_used_are_told_at_once(secured: Secured, tmp_path: Path) -> None:
    address = secured.stack.login.address
    with pytest.raises(
        Invalid, match=r"agent\.nats\.tls\.ca: /nowhere cannot be read: No such file or directory; name"
    ):
        await Broker.connect(replace(address, tls=Trust("/nowhere", section=_SECTION)), name="test")
    mine = expired(secured.stranger, tmp_path)
    with pytest.raises(Invalid, match=r"api\.tls\.cert: \S+ expired at"):
        await Broker.connect(replace(address, tls=Trust(secured.ca, identity=mine)), name="test")


@asynccontextmanager
async def pretending(greeting: dict[str, object], tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    """Something on a port that greets like a broker, and shakes hands if it can."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"INFO " + json.dumps(greeting).encode() + b"\r\n")
        try:
            if tls is not None:
                await writer.start_tls(tls)
            heard.append(await reader.read(4096))
        except OSError:
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    assert not any(b"CONNECT" in words for words in heard)


async def test_a_broker_that_offers_no_tls_is_told_nothing(secured: Secured) -> None:
    """As somebody between the two would have it."""
    async with pretending({"server_id": "x", "max_payload": 1024}, None) as port:
        told = await failure(replace(secured.stack.login.address, servers=(f"tls://127.0.0.1:{port}",)))
    assert told.endswith("the broker offers no TLS, which is asked for here; set up nats.server.tls there")


async def test_a_certificate_that_has_expired_is_told(secured: Secured, tmp_path: Path) -> None:
    signer = authority(tmp_path / "ca")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old = expired(signer, tmp_path)
    serving.load_cert_chain(old.cert, old.key)
    async with pretending({"server_id": "x", "max_payload": 1024, "tls_required": True}, serving) as port:
        trust = Trust(str(tmp_path / "ca" / "ca.crt"), section=_SECTION)
        told = await failure(replace(secured.stack.login.address, servers=(f"tls://127.0.0.1:{port}",), tls=trust))
    assert "the certificate of the broker expired; renew it there" in told


def presented(port: int, ca: str) -> str:
    """The fingerprint of what nats-server shows."""
    with socket.create_connection(("127.0.0.1", port), 5) as plain:
        assert plain.recv(65536).startswith(b"INFO ")
        with context(Trust(ca=ca)).wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            der = connection.getpeercert(binary_form=True)
    return "" if der is None else fingerprint(der)


async def shows(stack: Stack, wanted: str) -> None:
    async with asyncio.timeout(15):
        while await asyncio.to_thread(presented, stack.login.port, stack.login.ca_file) != wanted:
            await asyncio.sleep(0.1)


async def test_a_replaced_certificate_is_taken_without_a_break(tmp_path: Path) -> None:
    async with running(tmp_path / "stack", agents=0, controller=False, tls=True) as stack:
        folder = tmp_path / "stack" / "tls"
        lost: list[str] = []

        async def note() -> None:
            lost.append("lost")

        broker = await Broker.connect(stack.login.address, name="test", on_lost=note)
        cert, key = issue(load_or_create(folder, "bench", datetime.now(UTC)), ["127.0.0.1"], datetime.now(UTC))
        replace_file(folder / "all.key", key)
        replace_file(folder / "all.crt", cert)
        await shows(stack, check(Pair("x", folder / "all.crt", folder / "all.key")).fingerprint)
        assert broker.is_connected
        assert not lost
        await broker.close()


async def test_a_broker_that_asks_for_certificates_lets_in_those_of_its_authority(tmp_path: Path) -> None:
    folder = tmp_path / "stack" / "tls"
    changes = {"nats": {"server": {"tls": {"ca": str(folder / "ca.crt")}}}}
    async with running(tmp_path / "stack", agents=0, controller=False, changes=changes, tls=True) as stack:
        signer = load_or_create(folder, "bench", datetime.now(UTC))
        address = stack.login.address
        ours = pair(signer, tmp_path / "ours")
        broker = await Broker.connect(replace(address, tls=Trust(stack.login.ca_file, identity=ours)), name="test")
        await broker.close()
        strange = pair(authority(tmp_path / "strange"), tmp_path / "theirs")
        for identity in (None, strange):
            told = await failure(
                replace(address, tls=Trust(stack.login.ca_file, identity=identity, section=_SECTION)), 4
            )
            assert "the broker refused us" in told, told
            assert "it may want agent.nats.tls.cert and .key, of an authority that it knows" in told
