"""What comes in pieces: frames, lines, progress. And that none of it grows without bound."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osapi.domains.docker.frames import Frames
from osapi.domains.docker.lines import KEPT, LINE_LIMIT, LOG_LIMIT, Lines
from osapi.domains.docker.output import JSON_LIMIT, Output
from osapi.domains.docker.pulling import Progress
from osapi.host.program import Stream

STAMP = b"2026-11-25T07:14:01.049035463Z "


def frame(stream: int, piece: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(piece).to_bytes(4, "big") + piece


def heard(content: bytes, cuts: list[int]) -> dict[Stream, bytes]:
    """What is told when the content comes in pieces that end at `cuts`."""
    told: dict[Stream, bytes] = {"stdout": b"", "stderr": b""}

    def note(stream: Stream, piece: bytes) -> None:
        told[stream] += piece

    frames = Frames(note)
    ends = [*sorted(cut % (len(content) + 1) for cut in cuts), len(content)]
    for start, end in zip([0, *ends], ends, strict=False):
        frames.add(content[start:end])
    return told


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40)), max_size=8),
    st.lists(st.integers(min_value=0), max_size=8),
)
def test_pieces_come_out_whole_wherever_the_stream_was_cut(pieces: list[tuple[int, bytes]], cuts: list[int]) -> None:
    content = b"".join(frame(stream, piece) for stream, piece in pieces)
    assert heard(content, cuts) == {
        "stdout": b"".join(piece for stream, piece in pieces if stream == 1),
        "stderr": b"".join(piece for stream, piece in pieces if stream == 2),
    }


def test_a_frame_that_breaks_off_is_told_as_far_as_it_came() -> None:
    assert heard(frame(1, b"whole") + frame(2, b"broken off")[:12], [])["stderr"] == b"brok"


@pytest.mark.parametrize("text", [b"x" * 800 + b"\n", b"\x1b" * 800 + b"\n", b"\xff" * 100_000, b"\n" * 1000])
def test_any_amount_of_output_fits_into_a_message(text: bytes) -> None:
    output = Output(None)
    for _ in range(3_000_000 // len(text)):
        output.add("stdout", text)
        output.add("stderr", text)
    result = output.result(0)
    assert result.truncated
    assert len(msgspec.json.encode(result.stdout)) <= JSON_LIMIT
    assert len(msgspec.json.encode(result)) < 1_000_000


def test_the_latest_lines_stay_when_not_all_fit() -> None:
    lines = Lines()
    for number in range(100_000):
        lines.add("stdout", STAMP + b"%06d %s\n" % (number, b"x" * 100))
    told = lines.told()
    assert told.truncated
    assert len(msgspec.json.encode(told)) <= LOG_LIMIT + 64
    assert told.lines[-1].message.startswith("099999 ")
    assert len(told.lines) > 3000


def test_a_line_without_end_takes_bounded_room() -> None:
    lines = Lines()
    for _ in range(2 * KEPT // 1000):
        lines.add("stderr", b"x" * 1000)
    told = lines.told()
    assert told.truncated
    assert max(len(msgspec.json.encode(line)) for line in told.lines) < LINE_LIMIT + 1024


def test_lines_of_two_streams_do_not_run_into_one_another() -> None:
    lines = Lines()
    lines.add("stdout", STAMP + b"o")
    lines.add("stderr", STAMP + b"e")
    lines.add("stdout", b"ut\n")
    lines.add("stderr", b"rr\n")
    assert [(line.stream, line.message) for line in lines.told().lines] == [("stdout", "out"), ("stderr", "err")]


def test_progress_tells_each_step_once() -> None:
    told: list[str] = []
    progress = Progress(told.append)
    steps = [
        {"status": "Pulling from team/probe", "id": "1"},
        {"status": "Downloading", "id": "4e9c", "progressDetail": {"current": 1}},
        {"status": "Downloading", "id": "4e9c", "progressDetail": {"current": 2}},
        {"status": "Pull complete", "id": "4e9c"},
        {"status": "Status: Image is up to date"},
    ]
    for step in steps:
        progress.add(json.dumps(step).encode() + b"\r\n")
    progress.end()
    assert told == [
        "1: Pulling from team/probe",
        "4e9c: Downloading",
        "4e9c: Pull complete",
        "Status: Image is up to date",
    ]
    assert progress.failure == ""


def test_noise_in_the_progress_takes_bounded_room_and_does_no_harm() -> None:
    progress = Progress(lambda _: None)
    for _ in range(1000):
        progress.add(b"x" * 10_000)
    progress.add(b'\n[]\n"x"\n{"error": "late"}')
    progress.end()
    assert progress.failure == "late"
