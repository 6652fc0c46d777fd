"""A nats-server, and a cluster of three, that OSAPI does not run: users are kept by `osapi nats server authorization`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from tests.figures import figures

from osapi.pki import nkeys

from .conftest import ENOUGH_S, Installation, Running, until
from .external import External, servers
from .test_enrolment import client, connected, names, second, token

pytestmark = pytest.mark.anyio

AUTHORIZATION = ("nats", "server", "authorization")


@pytest.fixture
def server(installation: Installation) -> Iterator[External]:
    """One server, with the users that are known before any controller."""
    with bootstrapped(installation) as (made,):
        yield made


@contextmanager
def bootstrapped(
    installation: Installation, count: int = 1, *, shared: bool = False, more: str = ""
) -> Iterator[list[External]]:
    """The first file, printed without a broker; then the servers. The programs are told where they are."""
    first = installation.run(*AUTHORIZATION, "--offline")
    assert first.returncode == 0, first.stderr
    with servers(installation.folder, first.stdout, count, shared=shared, more=more, tls=installation.tls) as made:
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in made)
        installation.environ["OSAPI_CONTROLLER_NATS_HOST"] = hosts
        installation.environ["OSAPI_NATS_REPLICAS"] = str(count)
        installation.nats_port = made[0].port
        yield made


def controller(installation: Installation) -> Running:
    running = installation.spawn("controller", "start")
    running.wait_event("controller.ready")
    return running


def follow(installation: Installation, server: External, *reload: str, **environ: str) -> Running:
    return installation.spawn(
        *AUTHORIZATION,
        "--follow",
        "-o",
        str(server.users),
        *(reload or ("--pid-file", str(server.pid_file))),
        **environ,
    )


def following(installation: Installation, server: External, **environ: str) -> Running:
    running = follow(installation, server, **environ)
    running.wait_event("broker.users")
    return running


async def cut(installation: Installation, machine: str, thief: Client) -> int:
    """Milliseconds until the connection is gone, from the start of the command that revokes the key."""
    began = time.monotonic()
    revoking = asyncio.create_task(asyncio.to_thread(client, installation, "agent", "revoke", "--hostname", machine))
    async with asyncio.timeout(ENOUGH_S):
        while thief.is_connected:
            await asyncio.sleep(0.001)
    took = round((time.monotonic() - began) * 1e3)
    await revoking
    return took


async def test_an_agent_joins_keeps_to_its_own_subjects_and_is_cut_when_revoked(
    installation: Installation, server: External
) -> None:
    controller(installation)
    following(installation, server)
    agent = second(installation, token(installation, "--review"))
    agent.wait_event("enrolment.pending")
    began = time.monotonic()
    client(installation, "agent", "accept", "--hostname", "second")
    agent.wait_event("agent.ready")
    let_in = round((time.monotonic() - began) * 1e3)
    until(lambda: names(installation) == ["second"], "the agent is listed")
    assert client(installation, "node", "hostname", "get", "-T", "second")
    problems: list[str] = []
    seed = own_seed(installation)
    thief = await connected(installation, seed, problems)
    for subject in ("hello.other", "jobs.modify._all", "$KV.agent-enrollment.keys.second", "$JS.API.STREAM.LIST"):
        await thief.publish(subject, b"x")
    await thief.subscribe("jobs.>")
    await thief.flush()
    async with asyncio.timeout(ENOUGH_S):
        while len(problems) < 5:
            await asyncio.sleep(0.01)
    assert all("permissions violation" in each.lower() for each in problems)
    gone = await cut(installation, "second", thief)
    with pytest.raises(nats.errors.Error):
        await connected(installation, seed, [])
    figures("external server", ms_from_accept_to_ready=let_in, ms_from_revoke_to_cut=gone)


def test_a_follower_that_was_away_catches_up_and_one_that_starts_again_loses_nobody(
    installation: Installation, server: External
) -> None:
    controller(installation)
    first = following(installation, server)
    agent = second(installation, token(installation))
    agent.wait_event("agent.ready")
    assert first.stop() == 0
    held = server.users.read_bytes()
    following(installation, server)
    assert server.users.read_bytes() == held
    assert stat.S_IMODE(server.users.stat().st_mode) == 0o600
    assert client(installation, "node", "hostname", "get", "-T", "second")


def test_what_was_revoked_while_no_follower_ran_is_cut_when_one_is_back(
    installation: Installation, server: External
) -> None:
    controller(installation)
    first = following(installation, server)
    second(installation, token(installation)).wait_event("agent.ready")
    nkey = own_nkey(installation)
    first.stop()
    client(installation, "agent", "revoke", "--hostname", "second")
    assert nkey in server.users.read_text()
    following(installation, server)
    assert nkey not in server.users.read_text()
    offline = installation.run(*AUTHORIZATION, "--offline")
    assert offline.stdout == server.users.read_text(), "what this machine knew last"


def own_seed(installation: Installation) -> Path:
    return installation.folder / "second" / "agent" / "agent.seed"


def own_nkey(installation: Installation) -> str:
    return nkeys.public_of(own_seed(installation))


def test_asked_once_it_tells_who_is_enrolled_now(installation: Installation, server: External, tmp_path: Path) -> None:
    controller(installation)
    token(installation)
    before = server.users.read_text()
    done = installation.run(*AUTHORIZATION, "-o", str(tmp_path / "users"), "--mode", "0640")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert len((tmp_path / "users").read_text()) > len(before)
    assert stat.S_IMODE((tmp_path / "users").stat().st_mode) == 0o640


def followers(installation: Installation) -> list[tuple[str, dict[str, str]]]:
    """What the controller knows of the programs that keep users: standing and parts."""
    told = json.loads(installation.run("client", "health", "status", "--json").stdout)
    return [(each["status"], each["parts"]) for each in told["registry"] if each["type"] == "nats"]


def test_a_follower_is_seen_and_its_death_is_noticed(installation: Installation, server: External) -> None:
    installation.environ |= {"OSAPI_NATS_REGISTRY_TTL": "3s", "OSAPI_AGENT_HEARTBEAT_INTERVAL": "1s"}
    controller(installation)
    running = following(installation, server)
    until(lambda: followers(installation) == [("Ready", {"users": "kept"})], "it is seen")
    running.stop(signal.SIGKILL)
    until(lambda: followers(installation) == [("Unreachable", {"users": "kept"})], "it is missed")
    again = following(installation, server)
    until(lambda: followers(installation) == [("Ready", {"users": "kept"})], "it is back")
    assert again.stop() == 0
    until(lambda: followers(installation) == [], "it has ended in good order")


def test_a_notify_socket_hears_when_the_server_has_been_told(
    installation: Installation, server: External, tmp_path: Path
) -> None:
    controller(installation)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(ENOUGH_S)
        follow(installation, server, NOTIFY_SOCKET=str(tmp_path / "notify"))
        assert ear.recv(100) == b"READY=1"


def test_a_reload_that_fails_is_told_and_tried_again(
    installation: Installation, server: External, tmp_path: Path
) -> None:
    controller(installation)
    done = tmp_path / "done"
    script = (
        f"test -e {tmp_path}/may || {{ echo not yet >&2; exit 3; }}; kill -HUP $(cat {server.pid_file}); touch {done}"
    )
    running = follow(installation, server, "--", "sh", "-c", script)
    told = running.wait_event("broker.users_not_changed")
    assert told["error"] == "sh ended with status 3: not yet"
    (tmp_path / "may").touch()
    running.wait_event("broker.users")
    assert done.exists()


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (None, "nats-server is not running"),
        ("no number", "nats-server cannot be told"),
        (str(os.getpid()), "not nats-server; nothing was sent to it"),
    ],
    ids=["missing", "unreadable", "another program"],
)
def test_a_pid_file_of_another_or_none_is_told(
    installation: Installation, server: External, tmp_path: Path, content: str | None, part: str
) -> None:
    controller(installation)
    pid_file = tmp_path / "pid"
    if content is not None:
        pid_file.write_text(content)
    running = follow(installation, server, "--pid-file", str(pid_file))
    assert part in running.wait_event("broker.users_not_changed")["error"]
    pid_file.write_text(server.pid_file.read_text())
    running.wait_event("broker.users")


def test_a_folder_that_is_gone_for_a_while_is_told_and_tried_again(
    installation: Installation, server: External, tmp_path: Path
) -> None:
    controller(installation)
    folder = tmp_path / "users"
    folder.mkdir()
    reload = ("--pid-file", str(server.pid_file))
    running = installation.spawn(*AUTHORIZATION, "--follow", "-o", str(folder / "users.conf"), *reload)
    running.wait_event("broker.users")
    folder.rename(tmp_path / "away")
    made = token(installation)
    assert "cannot be written: No such file" in running.wait_event("broker.users_not_changed")["error"]
    (tmp_path / "away").rename(folder)
    running.wait_event("broker.users", count=2)
    assert made
    assert [each.name for each in folder.iterdir()] == ["users.conf"], "nothing half written"


def test_without_a_server_it_says_so_in_one_line_or_goes_on_trying(installation: Installation, tmp_path: Path) -> None:
    assert installation.run(*AUTHORIZATION, "--offline").returncode == 0
    missing = installation.run(*AUTHORIZATION)
    assert missing.returncode == 1
    assert "pki/controller.pub does not exist; copy it from the controller's machine" in missing.stderr
    with bootstrapped(installation) as (server,):
        controller(installation).stop()
        server.stop()
        once = installation.run(*AUTHORIZATION)
        assert once.returncode == 1
        assert once.stderr.count("\n") == 1
        assert "cannot be reached" in once.stderr
        nowhere = str(tmp_path / "nowhere" / "users.conf")
        unwritable = installation.spawn(*AUTHORIZATION, "--follow", "-o", nowhere, "--", "true")
        assert unwritable.process.wait(timeout=ENOUGH_S) == 1
        assert unwritable.err.count("\n") == 1
        assert "nowhere/users.conf cannot be written" in unwritable.err
        running = follow(installation, server)
        running.wait_event("broker.unreachable")
        server.start()
        running.wait_event("broker.users")
        assert running.stop() == 0


@pytest.mark.parametrize(
    ("words", "environ", "part"),
    [
        (["--follow"], {}, "--follow needs --output"),
        (["--follow", "-o", "x"], {}, "--follow needs one way to reload"),
        (["--follow", "-o", "x", "--pid-file", "y", "--", "true"], {}, "--follow needs one way to reload"),
        (["--pid-file", "y"], {}, "A reload needs --follow"),
        (["--mode", "rw"], {}, "three octal digits"),
        (["--offline"], {"OSAPI_CONTROLLER_NATS_NAMESPACE": "site1"}, "set both alike"),
        (["--offline"], {"OSAPI_NATS_SERVER_AUTH_TYPE": "none"}, "users are kept only where they have keys"),
    ],
)
def test_what_does_not_go_together_is_refused(
    installation: Installation, words: list[str], environ: dict[str, str], part: str
) -> None:
    done = installation.run(*AUTHORIZATION, *words, **environ)
    assert done.returncode != 0
    assert part in done.stderr


async def test_a_cluster_of_three_follows_on_each_host_and_goes_on_without_one(installation: Installation) -> None:
    with bootstrapped(installation, 3) as made:
        controller(installation)
        for each in made:
            following(installation, each, OSAPI_DATA_DIR=host_of(installation, each))
        text = token(installation)
        until(lambda: len({each.users.read_bytes() for each in made}) == 1, "every server has the token")
        began = time.monotonic()
        second(installation, text).wait_event("agent.ready")
        joined = round((time.monotonic() - began) * 1e3)
        until(lambda: len({each.users.read_bytes() for each in made}) == 1, "every server has the agent")
        thief = await connected(installation, own_seed(installation), [])
        made[2].stop()
        until(lambda: client(installation, "node", "hostname", "get", "-T", "second"), "jobs go on")
        gone = await cut(installation, "second", thief)
        made[2].start()
        until(lambda: own_nkey(installation) not in made[2].users.read_text(), "its follower has heard meanwhile")
        figures("cluster of 3", ms_from_start_of_agent_to_ready=joined, ms_from_revoke_to_cut_with_one_away=gone)


async def test_three_servers_may_share_one_file_and_one_follower(installation: Installation) -> None:
    with bootstrapped(installation, 3, shared=True) as made:
        controller(installation)
        pids = " ".join(str(each.pid) for each in made)
        follow(installation, made[0], "--", "sh", "-c", f"kill -HUP {pids}").wait_event("broker.users")
        second(installation, token(installation)).wait_event("agent.ready")
        thieves = []
        for each in made:
            installation.nats_port = each.port
            thieves.append(await connected(installation, own_seed(installation), []))
        took = await cut(installation, "second", thieves[0])
        async with asyncio.timeout(ENOUGH_S):
            while any(each.is_connected for each in thieves):
                await asyncio.sleep(0.001)
        figures("cluster of 3, one file", connections_cut=len(thieves), ms_from_revoke_to_cut=took)


def test_with_tls_and_a_namespace_it_is_the_same(installation: Installation) -> None:
    for program in ("CONTROLLER_NATS", "NATS_SERVER"):
        installation.environ[f"OSAPI_{program}_NAMESPACE"] = "site1"
    done = installation.run("tls", "init", "--name", "127.0.0.1")
    assert done.returncode == 0, done.stderr
    folder = installation.data / "tls"
    for program in ("CONTROLLER", "AGENT"):
        installation.environ[f"OSAPI_{program}_NATS_TLS_CA"] = str(folder / "ca.crt")
    tls = f'tls {{ cert_file: "{folder}/broker.crt", key_file: "{folder}/broker.key" }}\n'
    with bootstrapped(installation, more=tls) as (made,):
        controller(installation)
        following(installation, made)
        agent = second(installation, token(installation))
        agent.wait_event("agent.ready")
        assert "site1.hello.second" in made.users.read_text()
        assert client(installation, "node", "hostname", "get", "-T", "second")
        client(installation, "agent", "revoke", "--hostname", "second")
        agent.wait_event("broker.lost")


def host_of(installation: Installation, server: External) -> str:
    """The data folder of a host that has a server and no controller: what the how-to says to copy."""
    data = server.folder / "osapi"
    for name in ("nkeys/controller.nkey", "nkeys/broker.seed", "pki/controller.pub"):
        (data / name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        (data / name).write_bytes((installation.data / name).read_bytes())
        (data / name).chmod(0o600)
    return str(data)
