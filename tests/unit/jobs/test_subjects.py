import re
import string

from hypothesis import given
from hypothesis import strategies as st

from osapi.contract.ids import JobId, MachineId
from osapi.contract.operation import Kind
from osapi.contract.target import AllTarget, AnyTarget, HostTarget, LabelTarget, parse
from osapi.jobs import subjects

part = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=8)
values = st.lists(part, min_size=1, max_size=4).map(".".join)
machines = st.text(string.hexdigits.lower(), min_size=8, max_size=32).map(MachineId)
kinds = st.sampled_from(Kind)


def hears(machine: MachineId, labels: dict[str, str], subject: str) -> bool:
    """Match a subject against an agent's subscriptions the way NATS does."""
    patterns = (re.escape(one).replace(r"\*", r"[^.]+") for one in subjects.for_agent(machine, labels))
    return any(re.fullmatch(pattern, subject) for pattern in patterns)


@given(kinds, machines, machines)
def test_a_direct_job_reaches_its_host_alone(kind: Kind, machine: MachineId, other: MachineId) -> None:
    subject = subjects.live(subjects.submission(kind, subjects.route_of(HostTarget("web-01"), machine)))
    assert hears(machine, {}, subject)
    assert hears(other, {}, subject) is (other == machine)
    assert subject == subjects.direct(kind, machine)


@given(kinds, machines, part, values, part, values)
def test_a_label_job_is_heard_exactly_by_the_hosts_it_means(
    kind: Kind, machine: MachineId, key: str, wanted: str, own_key: str, own: str
) -> None:
    target = LabelTarget(key, wanted)
    subject = subjects.live(subjects.submission(kind, subjects.route_of(target, None)))
    assert hears(machine, {own_key: own}, subject) is target.matches({own_key: own})


@given(kinds, machines, part, values, st.integers(1, 4))
def test_every_level_of_a_label_is_heard(kind: Kind, machine: MachineId, key: str, value: str, depth: int) -> None:
    prefix = ".".join(value.split(".")[:depth])
    subject = subjects.live(subjects.submission(kind, subjects.route_of(LabelTarget(key, prefix), None)))
    assert hears(machine, {key: value}, subject)


@given(kinds, machines)
def test_everybody_hears_all_and_nobody_hears_any(kind: Kind, machine: MachineId) -> None:
    everybody = subjects.live(subjects.submission(kind, subjects.route_of(AllTarget(), None)))
    anybody = subjects.submission(kind, subjects.route_of(AnyTarget(), None))
    assert hears(machine, {}, everybody)
    assert not hears(machine, {}, subjects.live(anybody))
    assert anybody in subjects.ANY_FILTERS


@given(kinds, machines)
def test_nobody_hears_the_job_of_a_query_unless_it_is_sent_to_him(kind: Kind, machine: MachineId) -> None:
    route = subjects.route_of(parse("web-* and not db-01"), None)
    assert route == subjects.EACH
    assert not hears(machine, {"_each": "_each"}, subjects.live(subjects.submission(kind, route)))


@given(st.text(max_size=20))
def test_a_token_is_always_one_token(text: str) -> None:
    assert not set(subjects.token(text)) & set(". *>\t\n")
    assert len(subjects.token(text)) == len(text)


@given(st.uuids(), machines, st.integers(0, 2**63))
def test_keys_of_one_job_match_its_filters(job: object, machine: MachineId, nanoseconds: int) -> None:
    one = JobId(str(job))
    assert subjects.event_key(one, "started", machine, nanoseconds).startswith(
        subjects.event_key_filter(one).removesuffix(">")
    )
    assert subjects.response_key(one, machine).startswith(subjects.response_key_filter(one).removesuffix(">"))
