"""The journal as it comes: in any pieces, whole lines only, and who listens sets the pace."""

from __future__ import annotations

import msgspec
import pytest

from osapi.domains.log.following import LONGEST_LINE, Follower
from osapi.domains.log.linux import follow_argv, provider, query_argv
from osapi.domains.log.models import LogQuery
from osapi.host.door import Task
from osapi.testing.host import MIDNIGHT, FakeHost, Setup
from osapi.testing.live import Heard
from osapi.testing.programs import Script

pytestmark = pytest.mark.anyio


def line(message: str) -> bytes:
    return msgspec.json.encode({"__REALTIME_TIMESTAMP": "1", "MESSAGE": message}) + b"\n"


def messages(heard: Heard) -> list[str]:
    return [entry.message for entry in heard.lists.get("entries", [])]


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_lines_are_put_together_from_any_pieces(size: int) -> None:
    heard = Heard()
    follower = Follower(heard)
    output = b"".join(line(f"line {number} ä") for number in range(20))
    for start in range(0, len(output), size):
        follower.hear("stdout", output[start : start + size])
    assert messages(heard) == [f"line {number} ä" for number in range(20)]
    assert (follower.count, follower.unreadable) == (20, False)


def test_a_line_without_end_is_left_out_and_told() -> None:
    heard = Heard()
    follower = Follower(heard)
    follower.hear("stdout", line("before"))
    for _ in range(LONGEST_LINE // 1_000_000 + 2):
        follower.hear("stdout", b"{" + b"x" * 1_000_000)
    follower.hear("stdout", b"}\n" + line("after"))
    assert messages(heard) == ["before", "after"]
    assert follower.unreadable


def test_what_is_no_entry_is_told_as_unreadable() -> None:
    heard = Heard()
    follower = Follower(heard)
    follower.hear("stdout", b"-- Boot 1 --\n" + line("one") + b'{"MESSAGE": 1}\n')
    assert (messages(heard), follower.unreadable) == (["one"], True)


def test_what_goes_to_standard_error_is_no_entry() -> None:
    heard = Heard()
    Follower(heard).hear("stderr", line("hint"))
    assert messages(heard) == []


async def test_entries_go_to_whoever_listens_to_the_job() -> None:
    request = LogQuery(follow=True)
    before = Script(argv=query_argv(request))
    after = Script(argv=follow_argv(request, MIDNIGHT), stdout=line("one") + line("two"), hangs=True)
    host = FakeHost(Setup(scripts=(before, after)))
    heard = Heard()
    done = await provider(host.for_task(Task(live=heard))).query(request)
    assert (messages(heard), done.followed, done.entries) == (["one", "two"], 2, [])
    host.close()
