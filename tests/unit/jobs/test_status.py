from hypothesis import given
from hypothesis import strategies as st

from osapi.jobs.record import Ending
from osapi.jobs.status import (
    GRACE_S,
    HostNote,
    HostState,
    JobStatus,
    Window,
    any_state,
    host_state,
    job_status,
    settles_at,
)

times = st.floats(min_value=0, max_value=1000)
maybe = st.none() | times
windows = st.builds(Window, expires=times, deadline_s=st.floats(min_value=1, max_value=300), cancelled=maybe)
PENDING = {HostState.SUBMITTED, HostState.ACKNOWLEDGED, HostState.STARTED}


@st.composite
def notes(draw: st.DrawFn) -> HostNote:
    note = HostNote("host")
    note.acknowledged = draw(maybe)
    note.started = draw(maybe)
    note.ending = draw(st.none() | st.sampled_from(Ending))
    return note


@given(notes(), windows, times)
def test_a_host_s_own_word_is_final_whatever_the_time(note: HostNote, window: Window, now: float) -> None:
    state = host_state(note, window, now)
    if note.ending is not None:
        assert state.value == note.ending.value
        assert state.is_final


@given(notes(), windows)
def test_silence_ends_at_the_time_it_is_said_to_end(note: HostNote, window: Window) -> None:
    note.ending = None
    limit = settles_at(note, window)
    assert not host_state(note, window, limit - 0.001).is_final
    assert host_state(note, window, limit).is_final


@given(notes(), windows, times, times)
def test_silence_never_ends_and_begins_again(note: HostNote, window: Window, one: float, other: float) -> None:
    first, second = sorted((one, other))
    if host_state(note, window, first).is_final:
        assert host_state(note, window, second) is host_state(note, window, first)


@given(notes(), windows, times)
def test_a_silent_host_that_began_is_timed_out_and_one_that_did_not_is_expired(
    note: HostNote, window: Window, now: float
) -> None:
    note.ending = None
    state = host_state(note, window, now)
    if state is HostState.TIMEOUT:
        assert note.started is not None or note.acknowledged is not None
    if state is HostState.EXPIRED:
        assert note.started is None
        assert note.acknowledged is None
        assert now >= window.expires + GRACE_S
    if window.cancelled is not None and state.is_final:
        assert state is HostState.CANCELLED


@given(st.lists(st.sampled_from(HostState)))
def test_a_job_is_final_exactly_when_every_host_is(states: list[HostState]) -> None:
    status = job_status(states)
    assert status.is_final is (bool(states) and all(state.is_final for state in states))


@given(st.lists(st.sampled_from(HostState), min_size=1), st.randoms())
def test_the_order_of_hosts_does_not_matter(states: list[HostState], random: object) -> None:
    shuffled = list(states)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert job_status(shuffled) is job_status(states)


@given(st.lists(st.sampled_from(HostState), min_size=1))
def test_completed_means_that_nothing_went_wrong(states: list[HostState]) -> None:
    status = job_status(states)
    bad = set(states) - PENDING - {HostState.COMPLETED, HostState.SKIPPED}
    if status in (JobStatus.COMPLETED, JobStatus.SKIPPED):
        assert not bad
        assert not PENDING & set(states)
    if status is JobStatus.PARTIAL_FAILURE:
        assert bad
        assert HostState.COMPLETED in states


@given(st.sampled_from([state for state in HostState if state.is_final]), st.integers(1, 5))
def test_hosts_that_end_alike_give_the_job_their_name(state: HostState, count: int) -> None:
    assert job_status([state] * count).value == state.value


def test_only_skips_and_failures_are_a_failure() -> None:
    assert job_status([HostState.SKIPPED, HostState.FAILED]) is JobStatus.FAILED
    assert job_status([HostState.TIMEOUT, HostState.FAILED]) is JobStatus.FAILED


def test_no_host_yet_is_submitted() -> None:
    assert job_status([]) is JobStatus.SUBMITTED


@given(st.lists(notes(), max_size=4), windows, times)
def test_an_any_job_ends_with_the_host_that_took_it(taken: list[HostNote], window: Window, now: float) -> None:
    state = any_state(taken, window, now)
    states = [host_state(note, window, now) for note in taken]
    if any(one.is_final for one in states):
        assert state in states
        assert state.is_final
    elif states:
        assert state in PENDING
    else:
        assert state is host_state(HostNote(), window, now)
