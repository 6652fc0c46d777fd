"""What is said of the broker's room."""

from __future__ import annotations

import pytest

from osapi.controller.status.look import bounded, full
from osapi.transport.survey import Space

NINE_TENTHS = "91 of 100 bytes are used; at the limit jobs are refused"


@pytest.mark.parametrize(
    ("of_account", "of_brokers", "limit"),
    [(None, [], None), (None, [0, 0], None), (None, [0, 200, 100], 100), (50, [100], 50)],
)
def test_the_limit_is_that_of_the_account_or_the_least_that_a_broker_tells(
    of_account: int | None, of_brokers: list[int], limit: int | None
) -> None:
    assert bounded(Space(used_bytes=1, limit_bytes=of_account), of_brokers).limit_bytes == limit


@pytest.mark.parametrize(("used", "limit", "said"), [(90, 100, None), (91, 100, NINE_TENTHS), (91, None, None)])
def test_little_room_is_told_before_there_is_none(used: int, limit: int | None, said: str | None) -> None:
    assert full(Space(used_bytes=used, limit_bytes=limit)) == said
