"""The broker program with the real nats-server."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
from contextlib import ExitStack
from pathlib import Path

import msgspec
import nats
import pytest
from nats.aio.client import Client

from osapi.config import private
from osapi.contract.errors import Unavailable
from osapi.pki import nkeys
from osapi.transport.address import Credentials
from osapi.transport.broker import Broker

from .conftest import ENOUGH_S, Installation, alive, until

pytestmark = pytest.mark.anyio


async def client(installation: Installation, name: str, problems: list[str] | None = None) -> Client:
    async def note(problem: Exception) -> None:
        if problems is not None:
            problems.append(str(problem))

    return await nats.connect(
        installation.broker_url,
        tls=installation.ssl,
        nkeys_seed=str(installation.data / "nkeys" / f"{name}.seed"),
        error_cb=note,
        allow_reconnect=False,
        connect_timeout=5,
    )


def test_it_tells_that_it_is_ready_and_stops_when_told(installation: Installation) -> None:
    broker = installation.spawn("osapi.broker")
    assert broker.wait_event("broker.ready")["address"] == f"127.0.0.1:{installation.nats_port}"
    server = broker.child("nats-server")
    assert broker.stop() == 0
    assert not alive(server)
    assert broker.events("broker.stopped")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_other_signals_that_end_programs_stop_it_too(installation: Installation, number: signal.Signals) -> None:
    broker = installation.spawn("osapi.broker")
    broker.wait_event("broker.ready")
    assert broker.stop(number) == 0


def test_a_notify_socket_hears_that_it_is_ready(installation: Installation, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(30)
        installation.spawn("osapi.broker", NOTIFY_SOCKET=str(tmp_path / "notify"))
        assert ear.recv(100) == b"READY=1"


def test_what_it_writes_is_for_its_owner_only(installation: Installation) -> None:
    installation.spawn("osapi.broker").wait_event("broker.ready")
    modes = {
        str(path.relative_to(installation.data)): stat.S_IMODE(path.stat().st_mode)
        for path in [installation.data, *installation.data.glob("*"), *installation.data.glob("nkeys/*")]
    }
    assert {name: mode for name, mode in modes.items() if mode & 0o077} == {
        "nkeys/broker.nkey": 0o644,
        "nkeys/controller.nkey": 0o644,
    }
    assert stat.S_IMODE((installation.data / "broker" / "nats-server.conf").stat().st_mode) == 0o600


async def test_the_server_is_started_again_when_it_dies_and_keeps_its_store(installation: Installation) -> None:
    broker = installation.spawn("osapi.broker")
    broker.wait_event("broker.ready")
    credentials = Credentials(nkey_file=installation.data / "nkeys" / "controller.seed")
    connection = await Broker.connect(installation.broker(credentials), name="test")
    await connection.request("$JS.API.STREAM.CREATE.S", b'{"name":"S","subjects":["s"]}', timeout_s=10)
    assert await connection.append("s", b"one") == 1
    os.kill(broker.child("nats-server"), signal.SIGKILL)
    broker.wait_event("broker.restarted")
    assert broker.events("broker.died")[0]["status"] == -signal.SIGKILL
    assert await appended(connection) == 2
    await connection.close()


async def appended(connection: Broker) -> int:
    """The sequence of a message that is stored as soon as the connection is back."""
    async with asyncio.timeout(ENOUGH_S):
        while True:
            try:
                return await connection.append("s", b"two", message_id="two")
            except Unavailable:
                await asyncio.sleep(0.02)


def test_the_server_ends_with_its_parent(installation: Installation) -> None:
    broker = installation.spawn("osapi.broker")
    broker.wait_event("broker.ready")
    server = broker.child("nats-server")
    broker.process.kill()
    until(lambda: not alive(server), "nats-server ends when its parent is killed")


def test_it_can_start_again_at_once_after_it_was_killed(installation: Installation) -> None:
    first = installation.spawn("osapi.broker")
    first.wait_event("broker.ready")
    first.process.kill()
    first.process.wait()
    installation.spawn("osapi.broker").wait_event("broker.ready")


def test_a_second_one_on_the_same_data_is_refused_in_one_line(installation: Installation) -> None:
    first = installation.spawn("osapi.broker")
    first.wait_event("broker.ready")
    second = installation.run("osapi.broker")
    assert second.returncode == 1
    assert second.stderr == (
        f"osapi broker: broker data {installation.data}/nats is in use by process {first.pid}; stop it first\n"
    )
    assert first.process.poll() is None


def test_a_taken_port_is_refused_in_one_line(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", installation.nats_port)):
        done = installation.run("osapi.broker")
    assert done.returncode == 1
    assert done.stderr == (
        f"osapi broker: nats.server.port: 127.0.0.1:{installation.nats_port} is in use by another program; "
        "stop it, or choose another port\n"
    )


@pytest.mark.parametrize(
    ("environ", "part"),
    [
        (
            {"OSAPI_NATS_SERVER_BINARY": "/nowhere/nats-server"},
            "nats.server.binary: /nowhere/nats-server is no program",
        ),
        ({"OSAPI_NATS_SERVER_BINARY": "/bin/true"}, "nats-server ended with status 0: no reason given"),
        ({"OSAPI_DATA_DIR": "/proc/osapi"}, "folder /proc/osapi cannot be made: No such file or directory"),
        ({"OSAPI_NATS_SERVER_HOST": "0.0.0.0"}, "can be reached from other machines and there is no TLS"),
        ({"OSAPI_NATS_SERVER_HOST": "192.0.2.1", "OSAPI_INSECURE": "true"}, "192.0.2.1 is no address of this machine"),
        ({"OSAPI_NATS_SERVER_PORT": "70000"}, "nats.server.port:"),
    ],
)
def test_what_keeps_it_from_starting_is_told(
    plain_installation: Installation, environ: dict[str, str], part: str
) -> None:
    done = plain_installation.run("osapi.broker", **environ)
    assert done.returncode == 1
    assert part in done.stderr
    assert "Traceback" not in done.stderr


def test_a_settings_file_that_does_not_exist_is_named(installation: Installation) -> None:
    done = installation.run("osapi.broker", "--osapi-file", "missing.yaml")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "missing.yaml does not exist" in done.stderr


def test_nobody_gets_in_without_a_key(installation: Installation) -> None:
    installation.spawn("osapi.broker").wait_event("broker.ready")
    with ExitStack() as opened:
        wire = opened.enter_context(socket.create_connection(("127.0.0.1", installation.nats_port), timeout=10))
        said = b""
        if installation.ssl is not None:
            said = wire.recv(4096)  # the greeting comes before the handshake
            wire = opened.enter_context(installation.ssl.wrap_socket(wire, server_hostname="127.0.0.1"))
        wire.sendall(b'CONNECT {"verbose":false}\r\nPING\r\n')
        while piece := wire.recv(4096):
            said += piece
    assert said.endswith(b"-ERR 'Authorization Violation'\r\n")


def accepted(installation: Installation) -> None:
    """The broker let in machine `m1` last, whose key is `agent`."""
    nkey = nkeys.load_or_create(installation.data / "nkeys", "agent")
    private.private_dir(installation.data / "broker")
    (installation.data / "broker" / "users.json").write_bytes(msgspec.json.encode({"agents": {"m1": nkey}}))


@pytest.mark.parametrize("namespace", ["", "site"])
async def test_an_agent_may_do_its_own_and_nothing_else(installation: Installation, namespace: str) -> None:
    accepted(installation)
    installation.spawn("osapi.broker", OSAPI_NATS_SERVER_NAMESPACE=namespace).wait_event("broker.ready")
    s, n = (f"{namespace}.", f"{namespace}-") if namespace else ("", "")
    problems: list[str] = []
    agent = await client(installation, "agent", problems)

    async def ignore(_: object) -> None:
        pass

    may_say = [
        f"{s}hello.m1",
        f"$KV.{n}agent-registry.agents.m1",
        f"$KV.{n}agent-facts.facts.m1",
        f"$KV.{n}job-queue.status.j1.started.m1.7",
        f"$KV.{n}job-responses.responses.j1.m1",
        f"$JS.API.CONSUMER.MSG.NEXT.{n}JOBS.any",
        f"$JS.ACK.{n}JOBS.any.1.1.1.1.0",
    ]
    may_not_say = [
        f"{s}jobs.modify._all",
        f"{s}hello.m2",
        f"{s}output.j1.m2",
        f"{s}enroll.request.t1",
        f"$KV.{n}agent-registry.agents.m2",
        f"$KV.{n}agent-facts.facts.m2",
        f"$KV.{n}job-queue.status.j1.started.m2.7",
        f"$KV.{n}job-responses.responses.j1.m2",
        f"$KV.{n}file-state.m2.x",
        f"{s}live.jobs.modify._all",
        f"{s}cancel.m2",
        f"$KV.{n}job-queue.jobs.j1",
        f"$KV.{n}agent-state.drain.m1",
        f"$KV.{n}agent-enrollment.x",
        f"$JS.API.STREAM.INFO.{n}JOBS",
        f"$JS.API.STREAM.DELETE.{n}JOBS",
        f"$JS.API.STREAM.PURGE.{n}JOBS",
        f"$JS.API.CONSUMER.CREATE.{n}JOBS",
        f"$JS.API.DIRECT.GET.KV_{n}job-queue",
        f"$JS.API.STREAM.MSG.GET.KV_{n}job-queue",
        "$SYS.REQ.SERVER.PING",
        "_INBOX.other",
        "anything",
    ]
    may_hear = [
        f"{s}live.jobs.*.host.m1",
        f"{s}live.jobs.*.label.group.web",
        f"{s}cancel.m1",
        f"{s}cancel._all",
        "_INBOX.m1.>",
    ]
    may_not_hear = [
        ">",
        f"{s}live.jobs.>",
        f"{s}live.jobs.*.host.m2",
        f"{s}cancel.m2",
        "_INBOX.>",
        "_INBOX.m2.>",
        f"{s}jobs.>",
        f"{s}hello.*",
        "$KV.>",
        f"$KV.{n}job-responses.>",
        "$JS.>",
        "$SYS.>",
        "other.>",
    ]
    for subject in may_say + may_not_say:
        await agent.publish(subject)
    for subject in may_hear + may_not_hear:
        await agent.subscribe(subject, cb=ignore)
    await agent.flush()
    wanted = {f'publish to "{subject}"'.lower() for subject in may_not_say}
    wanted |= {f'subscription to "{subject}"'.lower() for subject in may_not_hear}
    async with asyncio.timeout(ENOUGH_S):
        while len(problems) < len(wanted):
            await asyncio.sleep(0.01)
    assert {problem.partition("violation for ")[2] for problem in problems} == wanted
    await agent.close()


async def test_streams_from_before_there_were_accounts_are_there_again(installation: Installation) -> None:
    before = installation.spawn("osapi.broker", OSAPI_NATS_SERVER_AUTH_TYPE="none")
    before.wait_event("broker.ready")
    anybody = await nats.connect(installation.broker_url, tls=installation.ssl)
    await anybody.jetstream().add_stream(name="JOBS", subjects=["jobs.>"])
    await anybody.jetstream().publish("jobs.query._all", b"kept")
    await anybody.close()
    assert before.stop() == 0
    installation.spawn("osapi.broker").wait_event("broker.ready")
    controller = await client(installation, "controller")
    assert (await controller.jetstream().get_msg("JOBS", 1)).data == b"kept"
    await controller.close()


async def test_an_open_broker_is_announced_loudly(installation: Installation) -> None:
    broker = installation.spawn("osapi.broker", OSAPI_NATS_SERVER_AUTH_TYPE="none")
    broker.wait_event("broker.ready")
    assert "everything" in broker.events("broker.open")[0]["error"]
    anybody = await nats.connect(installation.broker_url, tls=installation.ssl)
    await anybody.close()
