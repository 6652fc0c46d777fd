"""Whom a target means, for every fleet and every caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osapi.contract.errors import Forbidden, Invalid, OsapiError
from osapi.contract.facts import HostFacts
from osapi.contract.ids import MachineId
from osapi.contract.target import AllTarget, AnyTarget, HostTarget, LabelTarget, Target, parse
from osapi.fleet.models import AgentRecord, AgentState, DrainOrder
from osapi.fleet.resolution import Reach, Resolution, find, resolve
from osapi.jobs.record import Actor

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class Fleet:
    """A fleet as a table: records, and which of them are ready."""

    records: dict[MachineId, AgentRecord]
    ready: set[MachineId]
    told: dict[MachineId, HostFacts] = field(default_factory=dict[MachineId, HostFacts])
    orders: dict[MachineId, DrainOrder] = field(default_factory=dict[MachineId, DrainOrder])

    def machines(self) -> Mapping[MachineId, AgentRecord]:
        return self.records

    def named(self, hostname: str) -> frozenset[MachineId]:
        return frozenset(m for m, record in self.records.items() if record.hostname == hostname)

    def is_ready(self, machine: MachineId) -> bool:
        return machine in self.ready

    def facts(self, machine: MachineId) -> HostFacts | None:
        return self.told.get(machine)

    def order(self, machine: MachineId) -> DrainOrder | None:
        return self.orders.get(machine)


def record(machine: str, hostname: str, labels: dict[str, str] | None = None, **more: object) -> AgentRecord:
    return AgentRecord(
        machine_id=MachineId(machine),
        hostname=hostname,
        labels=labels or {},
        version="1",
        registered_at=NOW,
        started_at=NOW,
        heartbeat_at=NOW,
        **more,  # type: ignore[arg-type]
    )


def fleet_of(*records: AgentRecord, away: Sequence[str] = ()) -> Fleet:
    known = {each.machine_id: each for each in records}
    return Fleet(known, {machine for machine in known if machine not in away})


def first(machines: Sequence[MachineId]) -> MachineId:
    return machines[0]


WEB = record("a1", "web-01", {"group": "web.dev"})
DB = record("b2", "db-01", {"group": "db"})
names = st.sampled_from(["web", "web-01", "db", "x"])
label_values = st.sampled_from(["web", "web.dev", "web.dev.eu", "db", "webber"])


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    ids = draw(st.sets(st.sampled_from([f"m{n}" for n in range(6)])))
    records = [
        record(each, draw(names), draw(st.dictionaries(st.sampled_from(["group", "site"]), label_values)))
        for each in ids
    ]
    ready = draw(st.sets(st.sampled_from(sorted(ids)))) if ids else set()
    return Fleet({each.machine_id: each for each in records}, {MachineId(each) for each in ready})


targets: st.SearchStrategy[Target] = st.one_of(
    st.just(AnyTarget()),
    st.just(AllTarget()),
    st.builds(LabelTarget, st.sampled_from(["group", "site", "rack"]), label_values),
    st.builds(HostTarget, st.one_of(names, st.sampled_from([f"m{n}" for n in range(6)]))),
    st.sampled_from(["web*", "not web", "web,db", "group:web or site:*", "group:w* and not m1", "not @fact.os:x"]).map(
        parse
    ),
)
reaches: st.SearchStrategy[Reach | None] = st.one_of(
    st.none(),
    st.sampled_from(["web", "db"]).map(lambda group: lambda labels: labels.get("group", "").startswith(group)),
    st.just(lambda _: False),
    st.just(lambda _: True),
)


@given(fleets(), targets, reaches)
def test_only_ready_hosts_within_reach_are_ever_expected(fleet: Fleet, target: Target, reach: Reach | None) -> None:
    try:
        resolution = resolve(target, fleet, reach, first)
    except (Invalid, Forbidden):
        return
    for machine, hostname in resolution.hosts.items():
        assert fleet.is_ready(machine)
        assert fleet.records[machine].hostname == hostname
        assert reach is None or reach(fleet.records[machine].labels)


@given(fleets(), targets, reaches)
def test_nobody_is_expected_only_for_a_job_that_every_ready_host_may_take(
    fleet: Fleet, target: Target, reach: Reach | None
) -> None:
    try:
        resolution = resolve(target, fleet, reach, first)
    except (Invalid, Forbidden):
        return
    if not resolution.hosts:
        assert resolution.machine is None
        assert fleet.ready
        assert reach is None or all(reach(fleet.records[machine].labels) for machine in fleet.ready)


@given(fleets(), st.builds(LabelTarget, st.sampled_from(["group", "site"]), label_values))
def test_a_label_means_all_ready_hosts_at_or_below_it(fleet: Fleet, target: LabelTarget) -> None:
    meant = {m for m in fleet.ready if target.matches(fleet.records[m].labels)}
    if meant:
        assert set(resolve(target, fleet, None, first).hosts) == meant
    else:
        with pytest.raises(Invalid, match=r"no ready host has this label|no agent has joined"):
            resolve(target, fleet, None, first)


@given(fleets())
def test_everybody_means_all_ready_hosts(fleet: Fleet) -> None:
    if fleet.ready:
        assert set(resolve(AllTarget(), fleet, None, first).hosts) == fleet.ready
    else:
        with pytest.raises(Invalid):
            resolve(AllTarget(), fleet, None, first)


@given(fleets(), st.builds(HostTarget, names))
def test_a_host_is_routed_by_its_machine_id(fleet: Fleet, target: HostTarget) -> None:
    try:
        resolution = resolve(target, fleet, None, first)
    except OsapiError:
        return
    assert resolution.machine is not None
    assert list(resolution.hosts) == [resolution.machine]


def test_a_host_is_found_by_name_and_by_machine_id() -> None:
    fleet = fleet_of(WEB, DB)
    expected = Resolution(MachineId("a1"), {MachineId("a1"): "web-01"})
    assert resolve(HostTarget("web-01"), fleet, None, first) == expected
    assert resolve(HostTarget("a1"), fleet, None, first) == expected


def test_a_machine_id_wins_over_an_equal_host_name() -> None:
    fleet = fleet_of(WEB, record("c3", "a1"))
    assert find("a1", fleet) == "a1"


def test_an_unknown_host_is_refused_with_similar_names() -> None:
    with pytest.raises(Invalid, match=r"no host 'web-1' in the fleet; did you mean web-01"):
        resolve(HostTarget("web-1"), fleet_of(WEB, DB), None, first)


def test_two_ready_hosts_of_one_name_are_refused_with_both_ids() -> None:
    fleet = fleet_of(WEB, record("z9", "web-01"))
    with pytest.raises(Invalid, match="2 hosts are named 'web-01'; use a machine id instead: a1, z9"):
        resolve(HostTarget("web-01"), fleet, None, first)


def test_of_two_hosts_of_one_name_the_only_ready_one_is_meant() -> None:
    fleet = fleet_of(WEB, record("z9", "web-01"), away=["a1"])
    assert resolve(HostTarget("web-01"), fleet, None, first).machine == "z9"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "last heartbeat is of 2026-01-02 03:04:05"),
        ({"stopped": True}, "its agent was stopped at"),
        ({"state": AgentState.CORDONED}, "it is Cordoned"),
    ],
)
def test_a_host_that_is_not_ready_is_refused_with_the_reason(more: dict[str, object], why: str) -> None:
    fleet = fleet_of(record("a1", "web-01", **more), away=["a1"])
    with pytest.raises(Invalid, match=f"host web-01 \\(a1\\) is not ready: .*{why}"):
        resolve(HostTarget("web-01"), fleet, None, first)


def test_a_drained_host_is_refused_with_who_drained_it_and_what_ends_it() -> None:
    fleet = fleet_of(record("a1", "web-01"), away=["a1"])
    order = DrainOrder(
        machine_id=MachineId("a1"), drained=True, issued=NOW, actor=Actor(subject="anna"), reason="new disk"
    )
    fleet.orders[MachineId("a1")] = order
    with pytest.raises(Invalid) as refused:
        resolve(HostTarget("web-01"), fleet, None, first)
    assert "anna drained it at 2026-01-02 03:04:05 UTC (new disk)" in refused.value.message
    assert "osapi client agent undrain --hostname web-01" in refused.value.message


def test_an_empty_fleet_says_how_to_join_it() -> None:
    with pytest.raises(Invalid, match="osapi agent start"):
        resolve(AnyTarget(), fleet_of(), None, first)


def test_an_unknown_label_names_the_known_values() -> None:
    with pytest.raises(Invalid, match=r"known values of 'group': db, web\.dev"):
        resolve(LabelTarget("group", "mail"), fleet_of(WEB, DB), None, first)


def test_any_of_a_limited_caller_becomes_one_host_within_reach() -> None:
    resolution = resolve(AnyTarget(), fleet_of(WEB, DB), lambda labels: labels["group"] == "db", first)
    assert resolution == Resolution(MachineId("b2"), {MachineId("b2"): "db-01"})


@pytest.mark.parametrize("target", [AnyTarget(), AllTarget(), LabelTarget("group", "web"), HostTarget("web-01")])
def test_a_caller_who_reaches_nobody_is_forbidden(target: Target) -> None:
    with pytest.raises(Forbidden):
        resolve(target, fleet_of(WEB, DB), lambda _: False, first)


def fleet_with_facts() -> Fleet:
    fleet = fleet_of(WEB, DB, record("c3", "web-02", {"group": "web.dev"}), record("d4", "db-02"), away=["c3"])
    for machine, colour in (("a1", "blue"), ("b2", "red"), ("c3", "blue")):
        fleet.told[MachineId(machine)] = HostFacts(
            machine_id=MachineId(machine), hostname=fleet.records[MachineId(machine)].hostname, facts={"colour": colour}
        )
    return fleet


def of_group(group: str) -> Reach:
    return lambda labels: labels.get("group", "").startswith(group)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("@fact.custom.colour:blue", {"a1"}),
        ("not @fact.custom.colour:blue", {"b2"}),
        ("@fact.custom.colour:*", {"a1", "b2"}),
        ("web-*,db-02", {"a1", "d4"}),
        ("not web-02", {"a1", "b2", "d4"}),
        ("a1,b2", {"a1", "b2"}),
    ],
)
def test_a_query_means_the_ready_hosts_that_fit(text: str, meant: set[str]) -> None:
    resolution = resolve(parse(text), fleet_with_facts(), None, first)
    assert set(resolution.hosts) == meant
    assert resolution.machine is None


def test_a_host_that_has_not_told_its_facts_is_left_out_and_named() -> None:
    fleet = fleet_with_facts()
    assert resolve(parse("not @fact.custom.colour:blue"), fleet, None, first).undecided == {"d4": "db-02"}
    assert resolve(parse("web-*"), fleet, None, first).undecided == {}
    assert resolve(parse("@fact.custom.colour:red"), fleet, of_group("db"), first).undecided == {}
    with pytest.raises(Invalid, match="ready hosts without facts so far: 1"):
        resolve(parse("@fact.custom.colour:green"), fleet, None, first)


@pytest.mark.parametrize(
    ("text", "reach", "kind", "says"),
    [
        ("web-01,web-99", None, Invalid, "; did you mean web-0"),
        ("group:web and not web-99", None, Invalid, "there is no host 'web-99'"),
        ("web-01,web-02", None, Invalid, "host web-02 (c3) is not ready"),
        ("web-9*", None, Invalid, "no ready host fits, of 4 that are known"),
        ("web-01,db-01", of_group("web"), Forbidden, "do not reach host db-01"),
        ("db-*", of_group("web"), Forbidden, "reach no host of target db-*"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(
    text: str, reach: Reach | None, kind: type[OsapiError], says: str
) -> None:
    with pytest.raises(kind) as refused:
        resolve(parse(text), fleet_with_facts(), reach, first)
    assert says in refused.value.message


def test_a_name_that_two_hosts_bear_is_no_part_of_a_query() -> None:
    fleet = fleet_of(WEB, record("c3", "web-01"))
    with pytest.raises(Invalid, match="2 hosts are named 'web-01'"):
        resolve(parse("web-01,a1"), fleet, None, first)
    assert set(resolve(parse("web-0*"), fleet, None, first).hosts) == {"a1", "c3"}
