"""Real controllers on a real broker tell a real HTTP receiver and a real mail server, through apprise."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.controller.kit import register, until
from tests.integration.notify.conftest import SECRET, Made
from tests.sinks import HttpSink, MailSink

from osapi.contract.ids import MachineId
from osapi.fleet.enrolment import records
from osapi.fleet.enrolment.records import Pending
from osapi.pki.keys import load_or_create_keypair
from osapi.pki.signing import Signer
from osapi.transport.broker import Broker

pytestmark = pytest.mark.anyio
Web = tuple[HttpSink, int]


async def told(sink: HttpSink, *titles: str) -> None:
    """Wait until exactly these titles have come, besides those about controllers that ended."""
    await asyncio.to_thread(until, lambda: len(about_hosts(sink)) >= len(titles))
    assert about_hosts(sink) == list(titles)


def about_hosts(sink: HttpSink) -> list[str]:
    return [title for title in sink.titles() if "controller" not in title]


async def test_two_controllers_tell_of_many_hosts_in_one_message(broker: Broker, telling: Made, web: Web) -> None:
    first, second = await asyncio.to_thread(telling), await asyncio.to_thread(telling)
    await asyncio.gather(*(register(broker, f"{number:032x}") for number in range(500)))
    await told(web[0], "[OSAPI] 500 unreachable")
    assert "and 480 more" in web[0].got[0]["message"]
    assert sum("notify.speaking" in each.log for each in (first, second)) == 1


async def test_a_host_that_returns_is_told_and_a_restart_repeats_nothing(
    broker: Broker, telling: Made, web: Web
) -> None:
    controller = await asyncio.to_thread(telling)
    await register(broker, "a" * 32)
    name = f"host-{'a' * 32}"
    await told(web[0], f"[OSAPI] {name}: unreachable")
    await asyncio.to_thread(controller.stop)
    await asyncio.to_thread(controller.start)
    beating = asyncio.create_task(_beat(broker, "a" * 32))
    await told(web[0], f"[OSAPI] {name}: unreachable", f"[OSAPI] {name}: reachable again")
    beating.cancel()


async def test_what_happened_while_no_controller_ran_is_told_at_the_next_start(
    broker: Broker, telling: Made, web: Web
) -> None:
    controller = await asyncio.to_thread(telling)
    await asyncio.to_thread(controller.stop)
    await register(broker, "b" * 32)
    await asyncio.to_thread(controller.start)
    await told(web[0], f"[OSAPI] host-{'b' * 32}: unreachable")


async def test_a_controller_killed_between_note_and_delivery_leaves_the_message_to_another(
    broker: Broker, telling: Made, web: Web
) -> None:
    web[0].refuses = 1
    first = await asyncio.to_thread(telling)
    second = await asyncio.to_thread(telling)
    await register(broker, "c" * 32)
    await asyncio.to_thread(until, web[0].arrived.is_set)
    await asyncio.to_thread(until, lambda: "notify.failed" in first.log)
    first.end()
    await told(web[0], f"[OSAPI] host-{'c' * 32}: unreachable")
    assert "notify.speaking" in second.log


async def test_a_test_message_reaches_mail_and_web_and_no_log_holds_the_password(
    telling: Made, web: Web, mail: tuple[MailSink, int]
) -> None:
    sink, port = mail
    url = f"mailto://127.0.0.1:{port}?from=osapi@example.org&to=ops@example.org&mode=insecure"
    controller = await asyncio.to_thread(telling, notifier="web,post", notifiers={"post": {"url": url}})
    web[0].refuses = 1
    token = controller.token("admin")
    answer = await asyncio.to_thread(controller.call, "POST", "/api/notify/test", token, {})
    assert answer.json["items"] == [
        {"notifier": "web", "delivered": False, "error": "the service answered 500"},
        {"notifier": "post", "delivered": True},
    ]
    assert sink.recipients == ["ops@example.org"]
    assert str(sink.got[0]["Subject"]) == "[OSAPI] osapi: Test"
    assert SECRET not in controller.log + str(answer.json)


async def test_a_silence_holds_back_and_its_end_tells(broker: Broker, telling: Made, web: Web) -> None:
    controller = await asyncio.to_thread(telling)
    token = controller.token("admin")
    body = {
        "host": "host-d*",
        "reason": "rack is moved",
        "ends_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    }
    made = await asyncio.to_thread(controller.call, "POST", "/api/notify/silence", token, body)
    assert made.status == 201, made.body
    await register(broker, "d" * 32)

    def silenced() -> bool:
        items = controller.get("/api/notify", token).json["items"]
        return any(each["silenced"] and not each["told"] for each in items)

    await asyncio.to_thread(until, silenced)
    assert about_hosts(web[0]) == []
    gone = await asyncio.to_thread(controller.call, "DELETE", f"/api/notify/silence/{made.json['id']}", token)
    assert gone.json["author"] == "anna"
    await told(web[0], f"[OSAPI] host-{'d' * 32}: unreachable")


async def test_a_pending_agent_is_told_once(broker: Broker, telling: Made, web: Web) -> None:
    controller = await asyncio.to_thread(telling)
    asks = Pending(
        key=records.pending_of(MachineId("e1")), machine_id=MachineId("e1"), hostname="new-host", public_key=b"k" * 32,
        fingerprint="SHA256:x", requested_at=datetime.now(UTC), token_id="t1",
    )  # fmt: skip
    signer = Signer(load_or_create_keypair(controller.folder / "data" / "pki", "controller"))
    await broker.bucket("agent-enrollment").put(asks.key, records.sealed(signer, asks))
    await told(web[0], "[OSAPI] new-host: AgentPending")


async def _beat(broker: Broker, machine: str) -> None:
    while True:
        await register(broker, machine)
        await asyncio.sleep(0.5)
