"""Output in bounded memory."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from osapi.host.output import Capture, as_text


@given(st.lists(st.binary(max_size=40)), st.integers(min_value=1, max_value=60))
def test_what_is_kept_is_the_beginning_and_the_end(pieces: list[bytes], limit: int) -> None:
    capture = Capture(limit)
    for piece in pieces:
        capture.add(piece)
    whole = b"".join(pieces)
    if len(whole) <= limit:
        assert capture.content() == whole
        assert capture.left_out == 0
    else:
        head, tail = whole[: limit - limit // 2], whole[len(whole) - limit // 2 :]
        assert capture.content().startswith(head)
        assert capture.content().endswith(tail)
        assert capture.left_out == len(whole) - limit
        assert f"[osapi: {capture.left_out} bytes left out]".encode() in capture.content()


@given(st.binary(max_size=3000), st.integers(min_value=100, max_value=1000))
def test_text_never_takes_more_than_its_limit_as_json(content: bytes, limit: int) -> None:
    text, shortened = as_text(content, limit)
    assert len(msgspec.json.encode(text)) <= limit
    assert shortened == (len(msgspec.json.encode(content.decode("utf-8", "replace"))) > limit)


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert as_text(b"a\xffb", 100) == ("a\ufffdb", False)


def test_control_characters_count_as_what_json_makes_of_them() -> None:
    text, shortened = as_text(b"\x1b" * 1000, 1000)
    assert shortened
    assert text.startswith("\x1b")
    assert "[osapi: the middle is left out]" in text
