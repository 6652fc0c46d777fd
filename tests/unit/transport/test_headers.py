from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osapi.contract.errors import Invalid
from osapi.transport import headers

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True)
VALUES = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs", "Cc"]), max_size=40).map(str.strip)


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_what_is_encoded_is_decoded_again(fields: dict[str, str]) -> None:
    assert headers.decode(headers.encode(fields)) == fields


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("A\r\nInjected", "x"),
        ("A: b", "x"),
        ("", "x"),
        ("Ä", "x"),
        ("A", "x\r\nNats-Msg-Id: forged"),
        ("A", "x\ny"),
        ("A", "x\ry"),
    ],
)
def test_a_header_that_would_break_out_of_its_line_is_refused(name: str, value: str) -> None:
    with pytest.raises(Invalid):
        headers.encode({name: value})


@pytest.mark.parametrize(
    ("raw", "status", "words", "fields"),
    [
        (None, 0, "", {}),
        (b"NATS/1.0\r\nA: b\r\n\r\n", 0, "", {"A": "b"}),
        (b"NATS/1.0 503\r\n\r\n", 503, "", {}),
        (b"NATS/1.0 404 Message Not Found\r\n\r\n", 404, "Message Not Found", {}),
        (
            b"NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 7\r\n\r\n",
            100,
            "Idle Heartbeat",
            {"Nats-Last-Consumer": "7"},
        ),
        (b"NATS/1.0 abc\r\n\r\n", 0, "abc", {}),
        (b"NATS/1.0\r\nA:b:c\r\nA: d \r\n\r\n", 0, "", {"A": "d"}),
    ],
)
def test_status_words_and_fields_are_read(raw: bytes | None, status: int, words: str, fields: dict[str, str]) -> None:
    assert headers.status(raw) == status
    assert headers.decode(raw) == fields
    if status:
        assert headers.description(raw or b"") == words
