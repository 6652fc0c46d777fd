"""What a container writes, as it comes: in any pieces, whole lines only, also of its next runs, until it is removed or the time is over."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.domains.cases import part
from tests.domains.docker.test_linux import SOCKET, TASK, WEB, answer, host_with
from tests.domains.docker.test_streams import STAMP, frame

from osapi.contract.errors import Unavailable
from osapi.domains.docker import inside
from osapi.domains.docker.following import Follower
from osapi.domains.docker.linux import provider
from osapi.domains.docker.models import ContainerLog, ContainerLogQuery
from osapi.host.door import Task
from osapi.host.service import Answered, Ask
from osapi.testing import services
from osapi.testing.live import Heard

pytestmark = pytest.mark.anyio

FOLLOW = f"/v1.41/containers/{WEB}/logs?stdout=true&stderr=true&timestamps=true&tail=2&follow=true"
WRITTEN = frame(1, STAMP + b"one\n") + frame(2, STAMP + b"two\n") + frame(1, STAMP + b"not ended")


def told(heard: Heard) -> list[tuple[str, str]]:
    return [(line.stream, line.message) for line in heard.lists.get("lines", [])]


REMOVED: dict[str, bytes | None] = {"/state/web": None}
AGAIN = {"/state/web": b"again"}
GONE = answer("GET", f"/containers/{WEB}/json", {"message": "No such container"}, status=404, when=REMOVED)
LATER = b"2026-11-25T07:15:00.000000001Z "
SINCE = "1795590841.049035"
"""The moment of STAMP."""
(DETAIL,) = [
    one.json
    for one in part("docker", "web").sockets[SOCKET]
    if one.asks.endswith(f"{WEB}/json") and one.when == {"/state/web": "running"}
]


def log(target: str, content: bytes, **other: Any) -> services.Exchange:
    return services.Exchange(socket=SOCKET, target=target, content=content, **other)


def next_run() -> list[services.Exchange]:
    """A container that has been started again, and what it has written since the line told last."""
    state = {"Status": "running", "Running": True, "StartedAt": LATER.decode().strip()}
    on = FOLLOW.replace("tail=2", "tail=all") + f"&since={SINCE}"
    return [
        answer("GET", f"/containers/{WEB}/json", {**DETAIL, "State": state}, when=AGAIN),
        log(on, frame(1, STAMP + b"one\n") + frame(1, LATER + b"two\n"), sets=REMOVED),
        GONE,
    ]


async def follow(heard: Heard | None, *logs: services.Exchange) -> ContainerLog:
    host = host_with([GONE, *logs])
    done = await provider(host.for_task(Task(job_id=TASK.job_id, operation="docker", live=heard))).log(
        ContainerLogQuery(id="web", tail=2, follow=True, duration=7)
    )
    assert {ask.deadline_s for ask in host.asked if "follow" in ask.target} == {7}
    host.close()
    return done


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that has ended is looked at without a pause."""
    monkeypatch.setattr(inside, "_AGAIN_S", 0)


@pytest.mark.parametrize("hangs", [False, True])
async def test_lines_go_to_whoever_listens_until_the_container_is_removed_or_the_time_is_over(hangs: bool) -> None:
    heard = Heard()
    done = await follow(heard, log(FOLLOW, WRITTEN, hangs=hangs, sets=REMOVED))
    assert told(heard) == [("stdout", "one"), ("stderr", "two"), ("stdout", "not ended")]
    assert (done.lines, done.followed, done.truncated) == ([], 3, False)


async def test_a_container_that_is_started_again_is_followed_on_and_no_line_comes_twice() -> None:
    """The engine tells the last line of the first run once more, and that run has left a frame open."""
    heard = Heard()
    first = log(FOLLOW, frame(1, STAMP + b"one\n") + frame(2, STAMP + b"cut off")[:6], sets=AGAIN)
    done = await follow(heard, first, *next_run())
    assert [message for _, message in told(heard)] == ["one", "two"]
    assert done.followed == 2


async def test_a_stream_that_stays_open_over_a_restart_is_left_for_the_next_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inside, "_REST_S", 0)
    heard = Heard()
    host = host_with([*next_run(), log(FOLLOW, frame(1, STAMP + b"one\n"), sets=AGAIN)])
    task = host.for_task(Task(job_id=TASK.job_id, operation="docker", live=heard))
    ask = task.ask

    async def open_end(request: Ask) -> Answered:
        answered = await ask(request)
        if "tail=2" in request.target:
            await asyncio.Event().wait()
        return answered

    monkeypatch.setattr(task, "ask", open_end)
    done = await provider(task).log(ContainerLogQuery(id="web", tail=2, follow=True))
    assert ([message for _, message in told(heard)], done.followed) == (["one", "two"], 2)
    host.close()


async def test_a_container_that_had_written_nothing_is_asked_for_everything_of_its_next_run() -> None:
    heard = Heard()
    state = {"Status": "exited", "StartedAt": LATER.decode().strip()}
    done = await follow(
        heard,
        log(FOLLOW, b"", sets=AGAIN),
        answer("GET", f"/containers/{WEB}/json", {**DETAIL, "State": state}, when=AGAIN),
        log(FOLLOW.replace("tail=2", "tail=all"), frame(2, LATER + b"failed\n"), sets=REMOVED),
    )
    assert (told(heard), done.followed) == ([("stderr", "failed")], 1)


async def test_lines_are_counted_although_nobody_listens() -> None:
    assert (await follow(None, log(FOLLOW, WRITTEN, sets=REMOVED))).followed == 3


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
async def test_lines_are_put_together_from_any_pieces(size: int) -> None:
    heard = Heard()
    follower = Follower(heard, terminal=False)
    content = b"".join(frame(1 + number % 2, STAMP + b"line %d\n" % number) for number in range(20))
    for start in range(0, len(content), size):
        follower.hear(content[start : start + size])
    assert told(heard) == [(("stdout", "stderr")[number % 2], f"line {number}") for number in range(20)]


async def test_a_line_without_end_takes_bounded_room() -> None:
    heard = Heard()
    follower = Follower(heard, terminal=True)
    for _ in range(300):
        follower.hear(b"x" * 1000)
    await follower.end()
    assert follower.count > 3
    assert max(len(message) for _, message in told(heard)) < 20_000


async def test_an_engine_that_breaks_off_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    host = host_with([])
    task = host.for_task(TASK)
    ask = task.ask

    async def broken(request: Ask) -> Answered:
        if "follow" in request.target:
            raise Unavailable("GET logs broke off")
        return await ask(request)

    monkeypatch.setattr(task, "ask", broken)
    with pytest.raises(Unavailable, match="broke off"):
        await provider(task).log(ContainerLogQuery(id="web", follow=True))
    host.close()
