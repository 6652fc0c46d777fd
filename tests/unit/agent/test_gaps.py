"""Whether a missed message is noticed, for every series of messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from osapi.agent.gaps import LAST_SEQUENCE, SEQUENCE, Gaps


def headers(sequence: int, before: int) -> dict[str, str]:
    return {SEQUENCE: str(sequence), LAST_SEQUENCE: str(before)}


@st.composite
def streams(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    """Messages of a stream as the broker repeats them: subject, sequence, last sequence of that subject."""
    last: dict[str, int] = {}
    messages: list[tuple[str, int, int]] = []
    for sequence, subject in enumerate(draw(st.lists(st.sampled_from("abc"), max_size=30)), start=1):
        messages.append((subject, sequence, last.get(subject, 0)))
        last[subject] = sequence
    return messages


@given(streams())
def test_a_stream_heard_whole_shows_no_gap(stream: list[tuple[str, int, int]]) -> None:
    gaps = Gaps()
    assert not any(gaps.shows(subject, headers(sequence, before)) for subject, sequence, before in stream)


@given(streams(), st.data())
def test_a_gap_shows_at_the_next_message_of_its_subject(
    stream: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    missed = set(data.draw(st.lists(st.sampled_from([s for _, s, _ in stream]), max_size=5))) if stream else set()
    gaps, heard = Gaps(), dict[str, int]()
    for subject, sequence, before in stream:
        if sequence in missed:
            continue
        expected = subject in heard and heard[subject] != before
        assert gaps.shows(subject, headers(sequence, before)) is expected
        heard[subject] = sequence


def test_messages_that_expired_in_the_stream_are_no_gap() -> None:
    gaps = Gaps()
    gaps.shows("a", headers(5, 0))
    assert not gaps.shows("a", headers(9, 0))


def test_a_stream_made_anew_is_a_gap_once() -> None:
    gaps = Gaps()
    gaps.shows("a", headers(900, 899))
    assert gaps.shows("a", headers(1, 0))
    assert not gaps.shows("a", headers(2, 1))


def test_a_job_sent_again_by_a_controller_shows_nothing() -> None:
    gaps = Gaps()
    gaps.shows("a", headers(5, 0))
    assert not gaps.shows("a", {})
    assert not gaps.shows("a", {SEQUENCE: "x", LAST_SEQUENCE: "-1"})
    assert not gaps.shows("a", headers(6, 5))
