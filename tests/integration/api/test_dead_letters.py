"""Jobs that nobody began in time: they expire, are noted, and can be sent again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.integration.api.conftest import ROLES, installation
from tests.integration.api.kit import Installation, eventually, lines_of, paused

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

LETTERS = "/api/job/dead-letter"


class Lossy(NamedTuple):
    """An installation in which `lost` did not begin in time: two jobs for it alone, then one for everybody."""

    found: Installation
    other: str
    direct: str
    broadcast: str
    effects: Path


@pytest.fixture(scope="module")
async def lossy(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lossy]:
    folder = tmp_path_factory.mktemp("lossy")
    api = {"job_expiry": "2s", "security": {"roles": ROLES}}
    async with installation(folder, controller={"api": api}) as made:
        await made.stack.start_agent("good", labels={"group": "web"})
        await made.stack.start_agent("lost", labels={"group": "db"})
        await made.stack.until_registered(2)
        effects = folder / "effects"
        with paused(made.agent("lost")):
            other = await made.admin.submit("lost", "true")
            direct = await made.admin.submit("lost", f"echo direct >> {effects}")
            broadcast = await made.admin.submit("_all", f"echo broadcast >> {effects}")
            await made.admin.job_in(direct, "expired")
            await made.admin.job_in(broadcast, "partial_failure")
        yield Lossy(made, other, direct, broadcast, effects)


async def letters(found: Installation) -> list[dict[str, Any]]:
    answer = await found.admin.get(LETTERS)
    assert answer.status_code == 200
    assert answer.json()["total_items"] == len(answer.json()["items"])
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_1_a_job_that_nobody_began_expires_and_never_runs(lossy: Lossy) -> None:
    async def told() -> bool:
        return bool((await lossy.found.admin.job(lossy.direct))["responses"])

    await eventually(told)  # the host is back, has heard of the job, and says that it is too late
    job = await lossy.found.admin.job(lossy.direct)
    assert (job["status"], job["responses"]["lost"]["code"]) == ("expired", "expired")
    assert lines_of(lossy.effects) == ["broadcast"]
    whole = await lossy.found.admin.job(lossy.broadcast)
    assert {name: one["status"] for name, one in whole["agent_states"].items()} == {
        "good": "completed",
        "lost": "expired",
    }


async def test_2_each_delivery_that_came_to_nothing_has_one_letter(lossy: Lossy) -> None:
    found = await letters(lossy.found)
    assert [(one["job_id"], one["reason"], one["hostname"], one["target"]) for one in found] == [
        (lossy.broadcast, "expired", "lost", "_all"),
        (lossy.direct, "expired", "lost", "lost"),
        (lossy.other, "expired", "lost", "lost"),
    ]
    assert {one["operation"] for one in found} == {"command.shell.execute"}
    assert {one["machine_id"] for one in found} == {lossy.found.agent("lost").machine}
    newest = await lossy.found.admin.get(f"{LETTERS}?limit=1")
    assert (newest.json()["total_items"], [one["id"] for one in newest.json()["items"]]) == (3, [found[0]["id"]])


async def test_3_who_is_limited_to_other_hosts_neither_sees_nor_touches_the_letters(lossy: Lossy) -> None:
    async with lossy.found.caller(lossy.found.token("web-team")) as limited:
        seen = await limited.get(LETTERS)
        assert (seen.status_code, seen.json()) == (200, {"total_items": 0, "items": []})
        for one in await letters(lossy.found):
            assert (await limited.post(f"{LETTERS}/{one['id']}/replay")).status_code == 403
            assert (await limited("DELETE", f"{LETTERS}?id={one['id']}")).status_code == 403
        await limited("DELETE", LETTERS)
    assert len(await letters(lossy.found)) == 3


async def test_4_a_letter_is_sent_again_to_the_host_it_did_not_reach_and_to_no_other(lossy: Lossy) -> None:
    whole, *_ = await letters(lossy.found)
    answer = await lossy.found.admin.post(f"{LETTERS}/{whole['id']}/replay")
    assert (answer.status_code, answer.json()["status"]) == (201, "created")
    job = await lossy.found.admin.job_in(answer.json()["job_id"], "completed")
    assert (job["retry_of"], list(job["responses"])) == (lossy.broadcast, ["lost"])
    assert lines_of(lossy.effects) == ["broadcast", "broadcast"]
    assert [one["job_id"] for one in await letters(lossy.found)] == [lossy.direct, lossy.other]
    again = await lossy.found.admin.post(f"{LETTERS}/{whole['id']}/replay")
    assert (again.status_code, again.json()["code"]) == (404, "not_found")


async def test_5_letters_outlive_the_controller(lossy: Lossy) -> None:
    before = await letters(lossy.found)
    await lossy.found.restart_controller()
    assert await letters(lossy.found) == before
    assert (await lossy.found.admin.job(lossy.direct))["status"] == "expired"


async def test_6_letters_are_purged_one_by_one_and_all_together(lossy: Lossy) -> None:
    newest, oldest = await letters(lossy.found)
    one = await lossy.found.admin("DELETE", f"{LETTERS}?id={oldest['id']}")
    assert (one.status_code, one.json()) == (200, {"purged": 1})
    assert [letter["id"] for letter in await letters(lossy.found)] == [newest["id"]]
    assert (await lossy.found.admin("DELETE", f"{LETTERS}?id={oldest['id']}")).status_code == 404
    rest = await lossy.found.admin("DELETE", LETTERS)
    assert (rest.status_code, rest.json()) == (200, {"purged": 1})
    assert await letters(lossy.found) == []
    assert (await lossy.found.admin.job(lossy.other))["status"] == "expired", "the job itself stays"
