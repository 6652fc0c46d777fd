"""An answer always fits, and never loses anything unsaid."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from osapi.agent.bounds import LIMIT_BYTES, bounded

values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-1000, 1000), st.text(max_size=2000)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=20,
)


def texts(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case list():
            return [text for item in value for text in texts(item)]
        case dict():
            return [text for item in value.values() for text in texts(item)]
        case _:
            return []


@given(values, st.integers(100, 3000))
def test_what_is_sent_fits_and_says_what_it_lacks(value: Any, limit: int) -> None:
    data = msgspec.json.encode(value)
    fitted = bounded(data, limit)
    if len(data) <= limit:
        assert fitted == data
    elif fitted is not None:
        assert len(fitted) <= limit
        before, after = texts(value), texts(msgspec.json.decode(fitted))
        assert len(before) == len(after)
        assert all(new == old or "more characters left out]" in new for old, new in zip(before, after, strict=True))


def test_a_long_text_keeps_its_beginning() -> None:
    fitted = bounded(msgspec.json.encode({"stdout": "x" * (2 * LIMIT_BYTES), "code": 0}))
    assert fitted is not None
    decoded = msgspec.json.decode(fitted)
    assert decoded["code"] == 0
    assert decoded["stdout"].startswith("x" * (LIMIT_BYTES // 4))
    assert decoded["stdout"].endswith("more characters left out]")


def test_text_that_grows_as_json_still_fits() -> None:
    fitted = bounded(msgspec.json.encode({"stdout": "\x00" * LIMIT_BYTES}))
    assert fitted is not None
    assert len(fitted) <= LIMIT_BYTES


def test_what_cannot_be_shortened_does_not_fit() -> None:
    assert bounded(msgspec.json.encode(list(range(LIMIT_BYTES)))) is None
