"""What a container writes, as it comes: in any pieces, whole lines only, until it ends or the time is over."""

from __future__ import annotations

import pytest
from tests.domains.docker.test_linux import TASK, WEB, host_with
from tests.domains.docker.test_streams import STAMP, frame

from osapi.contract.errors import Unavailable
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


async def follow(heard: Heard | None, content: bytes, *, hangs: bool = False) -> ContainerLog:
    exchange = services.Exchange(socket="/run/docker.sock", target=FOLLOW, content=content, hangs=hangs)
    host = host_with([exchange])
    done = await provider(host.for_task(Task(job_id=TASK.job_id, operation="docker", live=heard))).log(
        ContainerLogQuery(id="web", tail=2, follow=True, duration=7)
    )
    assert host.asked[-1].deadline_s == 7
    host.close()
    return done


@pytest.mark.parametrize("hangs", [False, True])
async def test_lines_go_to_whoever_listens_until_the_container_ends_or_the_time_is_over(hangs: bool) -> None:
    heard = Heard()
    done = await follow(heard, WRITTEN, hangs=hangs)
    assert told(heard) == [("stdout", "one"), ("stderr", "two"), ("stdout", "not ended")]
    assert (done.lines, done.followed, done.truncated) == ([], 3, False)


async def test_lines_are_counted_although_nobody_listens() -> None:
    assert (await follow(None, WRITTEN)).followed == 3


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
