"""Row 34 of the fault matrix: who comes too often is told to wait, and others are served."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.controller.conftest import MakeController
from tests.integration.controller.flood import Flood
from tests.integration.controller.kit import ControllerProcess

from osapi.auth import tokens

pytestmark = pytest.mark.anyio

SECONDS = 5.0


@pytest.fixture
def defended(make_controller: MakeController) -> ControllerProcess:
    """With the limits that an empty settings file has."""
    return make_controller(api={"job_timeout": "2s"})


def token_of(controller: ControllerProcess, subject: str) -> str:
    return tokens.issue(controller.ring, subject, ["admin"], [], timedelta(hours=1), datetime.now(UTC))


async def served(controller: ControllerProcess, path: str, token: str, during: asyncio.Task[None]) -> list[float]:
    """The times, in seconds, in which an honest client was answered 200 while `during` went on."""
    times: list[float] = []
    while not during.done():
        began = time.monotonic()
        answer = await asyncio.to_thread(controller.get, path, token)
        assert answer.status == 200, answer.body
        times.append(time.monotonic() - began)
        await asyncio.sleep(0.02)
    await during
    return times


def p99_ms(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98] * 1000


@pytest.mark.parametrize(
    ("name", "make_token", "let_through"),
    [
        ("bad tokens", lambda _: "a.b.c", 401),
        ("one good token", lambda controller: token_of(controller, "mallory"), 200),
    ],
)
async def test_a_flood_is_told_to_wait_and_others_are_served(
    defended: ControllerProcess, name: str, make_token: Callable[[ControllerProcess], str], let_through: int
) -> None:
    honest = token_of(defended, "anna")
    flood = Flood(defended, "127.0.0.2", make_token(defended))
    times = await served(defended, "/api/job", honest, asyncio.create_task(flood.run(SECONDS)))
    assert set(flood.statuses) == {let_through, 429}
    assert all(wait >= 1 for wait in flood.waits)
    assert p99_ms(times) < 1000
    print(
        f"row 34: flood of {name}: {flood.sent} requests in {SECONDS:g} s from one address, "
        f"{flood.statuses[let_through]} let through, {flood.statuses[429]} told to wait; "
        f"honest success 100 % of {len(times)}, p99 {p99_ms(times):.0f} ms"
    )


async def test_a_flood_of_bad_tokens_takes_little_of_the_audit(defended: ControllerProcess) -> None:
    flood = Flood(defended, "127.0.0.2", "a.b.c")
    await flood.run(3)
    assert defended.stop() == 0
    defended.start()
    answer = defended.get("/api/audit?kind=refusal&limit=100", token_of(defended, "anna"))
    items = answer.json["items"]
    assert sum(item.get("count", 1) for item in items) == flood.sent
    assert {item["source_ip"] for item in items} == {"127.0.0.2"}
    assert len(items) <= 12
    print(f"row 34: flood in the audit: {flood.sent} refusals are {len(items)} entries that tell them all")


async def test_behind_a_proxy_each_client_is_limited_on_its_own(make_controller: MakeController) -> None:
    controller = make_controller(
        api={"trusted_proxies": ["127.0.0.1"], "limits": {"guesses_per_second": 0.01, "guesses_burst": 3}}
    )
    for _ in range(4):
        last = controller.get("/api/job", "a.b.c", X_Forwarded_For="198.51.100.1")
    assert last.status == 429
    assert controller.get("/api/job", "a.b.c", X_Forwarded_For="198.51.100.2").status == 401
    assert controller.get("/api/job", "a.b.c", X_Forwarded_For="198.51.100.2, 198.51.100.1").status == 429
    items = controller.get("/api/audit?kind=refusal", controller.token("admin"), X_Forwarded_For="198.51.100.9").json
    assert Counter(one["source_ip"] for one in items["items"]) == {"198.51.100.1": 5, "198.51.100.2": 1}
    direct = make_controller()
    direct.get("/api/job", "a.b.c", X_Forwarded_For="198.51.100.1")
    [told] = direct.get("/api/audit?kind=refusal&limit=1", direct.token("admin")).json["items"]
    assert told["source_ip"] == "127.0.0.1"


def test_pages_of_no_other_origin_may_call_unless_the_settings_say_so(controller: ControllerProcess) -> None:
    asked = {"Origin": "https://evil.test", "Access_Control_Request_Method": "GET"}
    preflight = controller.call("OPTIONS", "/api/job", **asked)
    plain = controller.get("/api/job", controller.token("admin"), Origin="https://evil.test")
    for answer in (preflight, plain):
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert preflight.status == 401


def test_pages_of_the_origins_in_the_settings_may_call(make_controller: MakeController) -> None:
    ours, theirs = "https://ops.test", "https://evil.test"
    controller = make_controller(api={"security": {"cors": {"allow_origins": [ours]}}})

    def preflight(origin: str) -> dict[str, str]:
        asked = {"Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "authorization"}
        return controller.call("OPTIONS", "/api/job", Origin=origin, **asked).headers

    assert preflight(ours)["access-control-allow-origin"] == ours
    assert "PUT" in preflight(ours)["access-control-allow-methods"]
    assert "access-control-allow-origin" not in preflight(theirs)
    answer = controller.get("/api/job", controller.token("admin"), Origin=ours)
    assert answer.headers["access-control-allow-origin"] == ours
    assert "Retry-After" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers
    assert "access-control-allow-origin" not in controller.get("/api/job", Origin=theirs).headers
    assert controller.get("/api/job", Origin=ours).headers["access-control-allow-origin"] == ours
