"""What waits to be sent: in order, whole characters, nothing missing unsaid."""

from __future__ import annotations

import msgspec
import pytest

from osapi.agent.pieces import Piece, Pieces

ROOM = 10


def plain(piece: Piece) -> object:
    return msgspec.json.decode(msgspec.json.encode(piece.data))


def test_texts_of_two_fields_stay_apart_and_whole() -> None:
    pieces = Pieces(ROOM)
    for name, text in (("stdout", b"a"), ("stdout", b"b"), ("stderr", b"x"), ("stdout", b"c")):
        pieces.add_text(name, text)
    assert plain(pieces.take(100)) == {"stdout": "abc", "stderr": "x"}
    assert not pieces
    assert pieces.size == 0


@pytest.mark.parametrize("text", ["ä", "€", "𝄞", "aä€𝄞z"])
def test_a_character_is_never_cut_in_two(text: str) -> None:
    pieces = Pieces(100)
    told = ""
    for byte in text.encode():
        pieces.add_text("stdout", bytes([byte]))
        told += pieces.take(1).data.get("stdout", "")
    while pieces:
        told += pieces.take(1).data["stdout"]
    assert told == text


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    pieces = Pieces(100)
    pieces.add_text("stdout", b"a\xffb\xe2\x82")
    pieces.finish()
    assert pieces.take(100).data == {"stdout": "a\ufffdb\ufffd"}


def test_a_long_text_is_sent_in_parts() -> None:
    pieces = Pieces(100)
    pieces.add_text("stdout", b"0123456789")
    assert [pieces.take(4).data["stdout"] for _ in range(3)] == ["0123", "4567", "89"]


def test_what_there_is_no_room_for_is_missing_where_it_was() -> None:
    pieces = Pieces(ROOM)
    pieces.add_text("stdout", b"before the gap")
    pieces.add_text("stdout", b"lost")
    pieces.add_text("stderr", b"lost too")
    first = pieces.take(100)
    assert (first.data, first.left_out) == ({"stdout": "before the gap"}, 0)
    pieces.add_text("stdout", b"after")
    second = pieces.take(100)
    assert (second.data, second.left_out) == ({"stdout": "after"}, 12)


def test_a_gap_at_the_end_is_told_alone() -> None:
    pieces = Pieces(1)
    pieces.add_text("stdout", b"a")
    pieces.add_text("stdout", b"b")
    pieces.take(100)
    assert pieces
    last = pieces.take(100)
    assert (last.data, last.left_out) == ({}, 1)
    assert not pieces


def test_items_are_never_left_out_and_at_least_one_is_sent() -> None:
    pieces = Pieces(1)
    pieces.add_items("entries", [b'{"a":1}', b'{"b":2}', b'{"c":3}'])
    assert plain(pieces.take(1)) == {"entries": [{"a": 1}]}
    assert plain(pieces.take(100)) == {"entries": [{"b": 2}, {"c": 3}]}


def test_of_what_could_not_be_sent_items_wait_and_text_is_missing() -> None:
    pieces = Pieces(100)
    pieces.add_text("stdout", "ä".encode())
    pieces.add_items("entries", [b"1", b"2"])
    pieces.give_back(pieces.take(100))
    pieces.add_items("entries", [b"3"])
    again = pieces.take(100)
    assert (plain(again), again.left_out) == ({"entries": [1, 2, 3]}, 2)
    assert pieces.size == 0
