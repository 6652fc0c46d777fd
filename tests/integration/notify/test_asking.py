"""The commands and the SDK of notifications, against a real controller that tells a real HTTP receiver."""

from __future__ import annotations

import asyncio
import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.controller.kit import OSAPI, ControllerProcess, register, until
from tests.integration.notify.conftest import SECRET, Made
from tests.integration.notify.test_telling import Web, told

from osapi.sdk import errors
from osapi.sdk.aio import AsyncClient
from osapi.sdk.client import Client
from osapi.transport.broker import Broker

pytestmark = pytest.mark.anyio
HOST = f"host-{'a' * 32}"


def notify(controller: ControllerProcess, *words: str) -> subprocess.CompletedProcess[str]:
    """`osapi client notify …` of somebody who may do everything."""
    line = [OSAPI, "client", "notify", *words]
    return subprocess.run(line, env=controller.client_environ, capture_output=True, text=True, timeout=30, check=False)


def told_by(controller: ControllerProcess, *words: str) -> dict[str, object]:
    """The same, as JSON."""
    done = notify(controller, *words, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip()]


async def test_a_test_message_says_by_its_exit_status_whether_it_arrived(telling: Made, web: Web) -> None:
    controller = await asyncio.to_thread(telling, notifier="log,web")
    arrived = await asyncio.to_thread(notify, controller, "test")
    assert rows(arrived.stdout) == [["NOTIFIER", "DELIVERED", "ERROR"], ["log", "yes"], ["web", "yes"]]
    assert (arrived.returncode, web[0].titles()) == (0, ["[OSAPI] osapi: Test"])
    web[0].refuses = 1
    refused = await asyncio.to_thread(notify, controller, "test", "--notifier", "web")
    assert (refused.returncode, "the service answered 500" in refused.stdout) == (2, True)
    unknown = await asyncio.to_thread(notify, controller, "test", "--notifier", "pager")
    assert (unknown.returncode, "there is no notifier pager" in unknown.stderr) == (1, True)
    assert SECRET not in arrived.stdout + refused.stdout + refused.stderr


async def test_what_is_wrong_is_listed_and_a_silence_is_made_shown_and_ended(
    broker: Broker, telling: Made, web: Web
) -> None:
    controller = await asyncio.to_thread(telling)
    words = ("--host", "host-*", "--condition", "ComponentUnreachable", "--for", "2h", "--reason", "rack is moved")
    made = await asyncio.to_thread(told_by, controller, "silence", "add", *words)
    listed = await asyncio.to_thread(notify, controller, "silence", "list")
    [row] = rows(listed.stdout)[1:]
    assert (row[:2], row[-4:]) == ([made["id"], "host-*"], ["anna", "rack", "is", "moved"])
    await register(broker, "a" * 32)

    def held_back() -> bool:
        table = rows(notify(controller, "list").stdout)
        return any(row[:2] == ["ComponentUnreachable", HOST] and row[4:6] == ["no", "yes"] for row in table)

    await asyncio.to_thread(until, held_back)
    assert web[0].titles() == []
    ended = await asyncio.to_thread(notify, controller, "silence", "delete", "--id", str(made["id"]))
    assert ended.returncode == 0
    await told(web[0], f"[OSAPI] {HOST}: unreachable")
    after = await asyncio.to_thread(told_by, controller, "list")
    assert [each["told"] for each in after["items"]] == [True]  # type: ignore[attr-defined] # a list
    assert (await asyncio.to_thread(told_by, controller, "silence", "list"))["total"] == 0
    both = ("--for", "1h", "--until", "2099-01-01T00:00:00Z")
    for wrong in (("add", "--reason", "x"), ("add", "--reason", "x", *both), ("delete", "--id", "0" * 16)):
        refused = await asyncio.to_thread(notify, controller, "silence", *wrong)
        assert refused.returncode == 1, refused.stdout


async def test_the_sdk_does_the_same(telling: Made, web: Web) -> None:
    controller = await asyncio.to_thread(telling)
    token = controller.token("admin")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    async with AsyncClient(controller.url, token, ca_file=controller.ca_file or None) as client:
        report = await client.notify.test()
        assert [(one.notifier, one.delivered) for one in report.items] == [("web", True)]
        made = await client.notify.silence("new rack", tomorrow, label="group:web")
        assert (made.author, made.label, made.ends_at) == ("anna", "group:web", tomorrow)
        assert [one.id for one in (await client.notify.silences()).items] == [made.id]
        assert (await client.notify.unsilence(made.id)).id == made.id
        with pytest.raises(errors.NotFound):
            await client.notify.unsilence(made.id)
        found = await client.notify.list()
        assert (found.enabled, [(one.name, one.error) for one in found.notifiers]) == (True, [("web", "")])
    await asyncio.to_thread(_synchronously, controller, token, tomorrow)
    assert web[0].titles() == ["[OSAPI] osapi: Test"] * 2


def _synchronously(controller: ControllerProcess, token: str, tomorrow: datetime) -> None:
    with Client(controller.url, token, ca_file=controller.ca_file or None) as client:
        assert client.notify.test("web").items[0].delivered
        made = client.notify.silence("new rack", tomorrow, host="web-*")
        assert client.notify.silences().total == 1
        assert client.notify.unsilence(made.id).host == "web-*"
        assert client.notify.list().items == []
        with pytest.raises(errors.NotFound):
            client.notify.test("pager")
