from hypothesis import given
from hypothesis import strategies as st

from osapi.contract.ids import MachineId
from osapi.jobs import roster

machines = st.lists(st.uuids().map(lambda one: MachineId(one.hex)), unique=True, max_size=50)


@given(machines, st.uuids())
def test_a_roster_contains_its_hosts_and_no_other(hosts: list[MachineId], stranger: object) -> None:
    expected = roster.prefixes(hosts)
    assert len(expected) == roster.SIZE * len(hosts)
    assert all(roster.contains(expected, host) for host in hosts)
    other = MachineId(f"stranger-{stranger}")
    assert not roster.contains(expected, other)


@given(machines)
def test_the_order_of_hosts_does_not_matter(hosts: list[MachineId]) -> None:
    assert roster.prefixes(hosts) == roster.prefixes(reversed(hosts))
