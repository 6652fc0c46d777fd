"""What becomes of a message, for every way in which it can be wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.agent.kit import ME, NOW, SIGNER, job, payload_of, seal, unseal

from osapi.agent import intake
from osapi.agent.intake import Again, Answer, Arrival, Decision, Drop, Identity, Leave, Reason, Run, Standing
from osapi.contract.operation import Kind
from osapi.jobs import envelope, subjects
from osapi.jobs.record import Ending, Job
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.signing import Signer

IDENTITY = Identity(ME, NOW - timedelta(days=1))
STRANGER = Signer(PrivateKey.generate())


def own_subject(job: Job) -> str:
    stored = subjects.submission(job.kind, job.route)
    return stored if job.route == "_any" else subjects.live(stored)


def arrival_of(job: Job, *, subject: str | None = None, delivered: int | None = None) -> Arrival:
    if job.route == "_any" and delivered is None:
        delivered = 1
    return Arrival(subject or own_subject(job), seal(job), delivered)


def decide(
    arrival: Arrival,
    *,
    standing: Standing = Standing.NEW,
    me: Identity = IDENTITY,
    after_s: float = 0,
    ahead_s: float = 0,
) -> Decision:
    now, ahead = NOW + timedelta(seconds=after_s), timedelta(seconds=ahead_s)
    return intake.decide(arrival, me, unseal, lambda _: standing, now, ahead)


ROUTES = ["host.me", "_all", "label.group.web", "_any"]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("route", ROUTES)
def test_a_job_that_is_ours_new_and_in_time_is_run(route: str, kind: Kind) -> None:
    mine = job(route=route, kind=kind)
    assert decide(arrival_of(mine)) == Run(mine, payload_of(mine))


@given(st.binary(max_size=200))
def test_bytes_that_are_no_signed_job_are_dropped(noise: bytes) -> None:
    assert decide(Arrival("live.jobs.query._all", noise)) == Drop(Reason.SIGNATURE)


@pytest.mark.parametrize(
    "head", [b'{"key":"\xff"}', b'{"key":' + b"[" * 10**5, b"{}", b"[]", b'{"key":"","signature":""}']
)
def test_a_signature_line_that_cannot_be_read_is_no_signature(head: bytes) -> None:
    assert decide(Arrival("live.jobs.query._all", head + b"\n" + payload_of(job()))) == Drop(Reason.SIGNATURE)


@given(st.integers(min_value=0), st.integers(0, 255))
def test_no_changed_byte_of_the_signed_part_is_run(position: int, value: int) -> None:
    mine = job()
    sealed = bytearray(seal(mine))
    position %= len(sealed)
    changed = sealed[position] != value
    sealed[position] = value
    decision = decide(Arrival(own_subject(mine), bytes(sealed)))
    if changed and isinstance(decision, Run):
        # JSON of the header line allows some changes, such as other blanks; the payload allows none.
        assert decision.payload == payload_of(mine)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("standing", Standing)
def test_a_job_signed_by_a_stranger_is_dropped_whatever_is_known_of_it(route: str, standing: Standing) -> None:
    forged = job(route=route)
    arrival = replace(arrival_of(forged), sealed=seal(forged, STRANGER))
    assert decide(arrival, standing=standing) == Drop(Reason.SIGNATURE)


def test_a_signature_for_another_purpose_does_not_count() -> None:
    mine = job()
    arrival = Arrival(own_subject(mine), seal(mine, purpose=envelope.CANCEL))
    assert decide(arrival) == Drop(Reason.SIGNATURE)


@pytest.mark.parametrize("content", [b"{}", b"[]", b"null", b'{"id":"x"}'])
def test_what_is_signed_but_no_job_is_dropped(content: bytes) -> None:
    arrival = Arrival("live.jobs.query.host.me", envelope.seal(SIGNER, envelope.JOB, content))
    assert decide(arrival) == Drop(Reason.UNREADABLE)


@pytest.mark.parametrize("route", ["_all", "host.me", "label.group.web"])
def test_a_job_may_be_sent_again_to_us_alone(route: str) -> None:
    mine = job(route=route)
    again = arrival_of(mine, subject=subjects.direct(mine.kind, ME))
    assert isinstance(decide(again), Run)


@given(
    st.sampled_from(ROUTES),
    st.sampled_from(["host.me", "host.other", "_all", "_any", "label.group.web", "label.group.db"]),
    st.sampled_from(Kind),
    st.sampled_from(Kind),
    st.sampled_from([None, 1]),
)
def test_a_job_is_heard_on_its_own_subject_or_our_direct_one_only(
    route: str, heard: str, kind: Kind, heard_kind: Kind, delivered: int | None
) -> None:
    sent = job(route=route, kind=kind)
    stored = subjects.submission(heard_kind, heard)
    arrival = Arrival(stored if delivered else subjects.live(stored), seal(sent), delivered)
    decision = decide(arrival)
    if delivered:
        right = kind is heard_kind and route == heard == "_any"
    else:
        right = kind is heard_kind and route != "_any" and heard in (route, "host.me")
    assert isinstance(decision, Run) if right else decision == Drop(Reason.MISDIRECTED)


@pytest.mark.parametrize("route", ["_all", "label.group.web", "host.me"])
@pytest.mark.parametrize("standing", Standing)
def test_a_job_for_other_hosts_is_neither_run_nor_answered(route: str, standing: Standing) -> None:
    others = job(route=route, expected=["a", "b", "c"])
    assert decide(arrival_of(others), standing=standing, after_s=3600) == Drop(Reason.NOT_EXPECTED)


@pytest.mark.parametrize("standing", [Standing.IN_HAND, Standing.FINISHED])
@pytest.mark.parametrize("after_s", [0, 3600])
@pytest.mark.parametrize("route", ROUTES)
def test_a_known_job_is_never_run_again_nor_expires(route: str, after_s: float, standing: Standing) -> None:
    mine = job(route=route)
    assert decide(arrival_of(mine), standing=standing, after_s=after_s) == Again(mine, standing)


@pytest.mark.parametrize("route", ROUTES)
def test_a_job_that_was_cancelled_before_it_came_is_answered_so(route: str) -> None:
    decision = decide(arrival_of(job(route=route)), standing=Standing.CANCELLED)
    assert isinstance(decision, Answer)
    assert decision.ending is Ending.CANCELLED


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(("after_s", "expired"), [(59.999, False), (60, True), (7200, True)])
def test_no_job_begins_after_it_expired(route: str, after_s: float, *, expired: bool) -> None:
    decision = decide(arrival_of(job(route=route)), after_s=after_s)
    assert isinstance(decision, Answer) is expired
    if isinstance(decision, Answer):
        assert decision.ending is Ending.EXPIRED


@pytest.mark.parametrize(("after_s", "rejected"), [(-120, False), (-121, True), (-7200, True)])
def test_a_job_from_the_future_is_rejected_for_clock_skew(after_s: float, *, rejected: bool) -> None:
    decision = decide(arrival_of(job()), after_s=after_s)
    assert isinstance(decision, Answer) is rejected
    if isinstance(decision, Answer):
        assert (decision.ending, decision.code) == (Ending.REJECTED, "clock_skew")


def test_a_job_for_anybody_from_the_future_is_left_to_better_clocks_first() -> None:
    mine = job(route="_any")
    decisions = [decide(arrival_of(mine, delivered=count), after_s=-7200) for count in range(1, 6)]
    assert [type(each) for each in decisions] == [Leave, Leave, Leave, Answer, Answer]


@pytest.mark.parametrize("route", ["host.me", "_all"])
@pytest.mark.parametrize(
    ("ahead_s", "side"), [(7200, "ahead of"), (121, "ahead of"), (-121, "behind"), (-7200, "behind")]
)
def test_nothing_is_run_while_the_clock_is_known_to_be_wrong(route: str, ahead_s: float, side: str) -> None:
    """Not even an old job that has expired and is sent again to a host whose clock is behind."""
    for issued_s in (0.0, ahead_s):
        late = job(route=route, issued=NOW + timedelta(seconds=issued_s))
        decision = decide(arrival_of(late), after_s=ahead_s, ahead_s=ahead_s)
        assert isinstance(decision, Answer)
        assert (decision.ending, decision.code) == (Ending.REJECTED, "clock_skew")
        assert f"{abs(ahead_s):g} s {side} the controller's" in decision.error


def test_a_clock_that_is_a_little_wrong_does_no_harm() -> None:
    for ahead_s in (-120, 120):
        assert isinstance(decide(arrival_of(job(lasts_s=600)), after_s=ahead_s, ahead_s=ahead_s), Run)


def test_a_job_for_anybody_is_left_to_better_clocks_first() -> None:
    mine = job(route="_any")
    decisions = [decide(arrival_of(mine, delivered=count), after_s=7200, ahead_s=7200) for count in range(1, 6)]
    assert [type(each) for each in decisions] == [Leave, Leave, Leave, Answer, Answer]


def test_a_job_of_another_version_is_rejected() -> None:
    decision = decide(arrival_of(job(version=2)))
    assert isinstance(decision, Answer)
    assert (decision.ending, decision.code) == (Ending.REJECTED, "version")


def test_a_job_for_anybody_from_before_we_joined_is_left_to_others() -> None:
    late = Identity(ME, NOW + timedelta(seconds=10))
    mine = job(route="_any")
    decision = decide(arrival_of(mine), me=late, after_s=20)
    assert isinstance(decision, Leave)
    assert decision.pause_s == 40, "until it has expired, the others have the queue to themselves"


def test_a_clock_that_was_set_back_does_not_keep_us_out() -> None:
    ahead = Identity(ME, NOW + timedelta(hours=2))
    assert isinstance(decide(arrival_of(job(route="_any")), me=ahead), Run)


@pytest.mark.parametrize("route", ["_all", "host.me", "label.group.web"])
def test_a_job_that_expects_us_is_run_even_if_issued_before_we_joined(route: str) -> None:
    late = Identity(ME, NOW + timedelta(seconds=1))
    assert isinstance(decide(arrival_of(job(route=route)), me=late, after_s=2), Run)


def test_the_payload_is_exactly_what_was_signed() -> None:
    mine = job(request={"text": "ä\n"})
    decision = decide(arrival_of(mine))
    assert isinstance(decision, Run)
    assert msgspec.json.decode(decision.payload, type=Job) == mine


def test_only_forgery_and_redirection_are_suspicious() -> None:
    assert {reason for reason in Reason if reason.is_suspicious} == {Reason.SIGNATURE, Reason.MISDIRECTED}
