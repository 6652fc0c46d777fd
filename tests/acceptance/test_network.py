"""The network of real Debian hosts: what is told and changed on a spare cable, looked at with ip(8) and resolvectl(1)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.acceptance.fleet import OUTSIDE, Answer, Bed, Fleet, eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

HOST = 1
NAME = "host1"
CABLE = "eth1"
BRIDGE = "br-lan.7"
FILES = "/etc/netplan"
VLAN = ("--address", "198.51.100.9/24")


def network(fleet: Fleet, *words: str) -> Answer:
    return fleet.client("node", "network", *words, "-T", NAME)


def entry(answer: Answer) -> dict[str, Any]:
    """The entry of the host, which did what was asked."""
    assert answer.status == 0, answer
    return answer.results[NAME]


def code(answer: Answer) -> str:
    """Why it did not."""
    assert answer.status != 0, answer
    found: str = (json.loads(answer.stderr) if answer.stderr.startswith("{") else answer.results[NAME])["code"]
    return found


def ip(bed: Bed, *words: str) -> Any:
    return json.loads(bed("enter", HOST, "ip", "-j", *words) or "[]")


def addresses(bed: Bed, interface: str) -> set[str]:
    """Without link-local ones."""
    (link,) = [one for one in ip(bed, "address", "show", "dev", interface) if one]
    return {f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"] if one["scope"] == "global"}


def routes(bed: Bed, family: str, interface: str) -> set[tuple[str, str, int]]:
    """Static ones: destination, gateway, metric."""
    found = ip(bed, family, "route", "show", "dev", interface, "proto", "static")
    return {(one["dst"], one["gateway"], one.get("metric", 0)) for one in found}


def resolver(bed: Bed, interface: str) -> str:
    return (
        bed("enter", HOST, "resolvectl", "dns", interface)
        + "\n"
        + bed("enter", HOST, "resolvectl", "domain", interface)
    )


def state(bed: Bed) -> str:
    """Everything that a change of the network may touch."""
    return bed(
        "enter", HOST, "sh", "-c",
        f"cd {FILES} && for f in *; do stat -c '%n %a %U %G' $f; cat $f; done; ip -br address; ip -br link; ip route; ip -6 route;"
        f" resolvectl dns; resolvectl domain; systemctl list-units --all --no-legend --plain 'osapi-undo*'",
    )  # fmt: skip


@pytest.fixture
def spare(fleet: Fleet) -> Iterator[Bed]:
    """A host with a spare cable, and a bridge that somebody made by hand, all of which is put back afterwards."""
    fleet.bed("enter", HOST, "ip", "link", "add", BRIDGE, "type", "bridge")
    yield fleet.bed
    clean = f"rm -f {FILES}/90-osapi-*; ip link delete {BRIDGE}; netplan apply 2>/dev/null; ip link set {CABLE} mtu 1500 down"
    fleet.bed("enter", HOST, "sh", "-c", clean)


def test_what_the_kernel_has_is_told(fleet: Fleet, spare: Bed) -> None:
    told = {one["name"]: one for one in entry(network(fleet, "interface", "list"))["interfaces"]}
    links = {one["ifname"]: one for one in ip(spare, "address", "show") if one["ifname"] != "lo"}
    assert set(told) == set(links)
    for name, link in links.items():
        assert (told[name]["mac_address"], told[name]["mtu"]) == (link["address"], link["mtu"])
        assert told[name]["state"] == link["operstate"].lower()
        assert set(told[name]["addresses"]) == {f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"]}
    assert told[BRIDGE]["kind"] == "bridge"
    assert entry(network(fleet, "interface", "get", "--name", BRIDGE))["interface"] == told[BRIDGE]
    assert code(network(fleet, "interface", "get", "--name", "eth7")) == "not_found"

    found = entry(network(fleet, "route", "list"))["routes"]
    kernel = [*ip(spare, "-4", "route", "show"), *ip(spare, "-6", "route", "show")]
    assert [(one["destination"], one["interface"]) for one in found] == [(one["dst"], one["dev"]) for one in kernel]
    dns = entry(network(fleet, "dns", "get", "--interface-name", "eth0"))
    assert (dns["servers"], dns["source"]) == ([OUTSIDE], "resolved")


def test_an_address_is_tried(fleet: Fleet) -> None:
    near = entry(network(fleet, "ping", "--address", OUTSIDE))
    assert (near["reachable"], near["packets_sent"], near["packets_received"], near["packet_loss"]) == (True, 3, 3, 0)
    assert near["min_rtt"].endswith("ms")
    far = entry(network(fleet, "ping", "--address", "2001:db8::1"))
    assert (far["reachable"], far["reason"]) == (False, "Network is unreachable")
    nobody = entry(network(fleet, "ping", "--address", f"{OUTSIDE}9"))
    assert (nobody["reachable"], nobody["packet_loss"]) == (False, 100)


STATIC = ("--address", "198.51.100.5/24", "--address", "2001:db8:7::5/64", "--mtu", "1400", "--no-accept-ra")
ODD = {
    "an interface is configured": ("interface", "create", "--name", BRIDGE, "--address", "198.51.100.6/24"),
    "routes are kept": ("route", "create", "--interface", BRIDGE, "--route", "203.0.113.0/24 via 198.51.100.9 onlink"),
}
"""With a name that has dots and dashes, of an interface that netplan has not made."""


@pytest.mark.parametrize("words", ODD.values(), ids=ODD)
def test_a_change_is_foretold_made_once_and_taken_back(fleet: Fleet, spare: Bed, words: tuple[str, ...]) -> None:
    before = state(spare)
    foretold = entry(network(fleet, *words, "--check"))
    assert foretold["changed"] is True
    assert f"+++ {FILES}/90-osapi-" in foretold["diff"]
    assert state(spare) == before

    made = entry(network(fleet, *words))
    assert made["changed"] is True
    assert made["diff"] == foretold["diff"]
    after = state(spare)
    assert after != before
    assert "600 root root" in after.split("90-osapi-")[1]
    assert entry(network(fleet, *words))["changed"] is False
    assert state(spare) == after

    away = (words[0], "delete", *words[2:4])
    assert entry(network(fleet, *away, "--check"))["changed"] is True
    assert state(spare) == after
    assert entry(network(fleet, *away))["changed"] is True
    assert "90-osapi" not in state(spare)
    assert entry(network(fleet, *away))["changed"] is False


def test_an_interface_is_configured_changed_and_given_back(fleet: Fleet, spare: Bed) -> None:
    entry(network(fleet, "interface", "create", "--name", CABLE, *STATIC))
    eventually(lambda: addresses(spare, CABLE) == {"198.51.100.5/24", "2001:db8:7::5/64"}, "no addresses")
    assert ip(spare, "link", "show", "dev", CABLE)[0]["mtu"] == 1400
    told = entry(network(fleet, "interface", "get", "--name", CABLE))["interface"]
    assert (told["managed"], told["ipv4"], told["ipv6"], told["family"]) == (
        True,
        "198.51.100.5",
        "2001:db8:7::5",
        "dual",
    )

    entry(network(fleet, "interface", "update", "--name", CABLE, "--mtu", "1300"))
    assert ip(spare, "link", "show", "dev", CABLE)[0]["mtu"] == 1300
    assert addresses(spare, CABLE) == {"198.51.100.5/24", "2001:db8:7::5/64"}
    assert code(network(fleet, "interface", "create", "--name", CABLE, "--mtu", "1300")) == "conflict"

    entry(network(fleet, "interface", "delete", "--name", CABLE))
    assert addresses(spare, CABLE) == set()
    assert ip(spare, "link", "show", "dev", CABLE)[0]["mtu"] == 1500
    assert code(network(fleet, "interface", "update", "--name", CABLE, "--mtu", "1300")) == "not_managed"


@pytest.mark.parametrize("name", ["eth1.100", "lan-a.100"])
def test_netplan_makes_a_vlan_of_what_is_asked(fleet: Fleet, spare: Bed, name: str) -> None:
    """What networkd is given, that is: the kernel of these hosts makes no VLAN."""
    told = entry(network(fleet, "interface", "create", "--name", name, "--vlan-id", "100", "--link", CABLE, *VLAN))
    assert told["changed"] is True
    given = spare("enter", HOST, "cat", f"/run/systemd/network/10-netplan-{name}.netdev")
    assert given.split() == ["[NetDev]", f"Name={name}", "Kind=vlan", "[VLAN]", "Id=100"]
    below = spare("enter", HOST, "cat", f"/run/systemd/network/10-netplan-{CABLE}.network")
    assert f"VLAN={name}" in below.splitlines()
    above = spare("enter", HOST, "cat", f"/run/systemd/network/10-netplan-{name}.network")
    assert "Address=198.51.100.9/24" in above.splitlines()
    assert entry(network(fleet, "interface", "delete", "--name", name))["changed"] is True
    assert spare("enter", HOST, "sh", "-c", f"ls /run/systemd/network | grep -c {name} || true") == "0"


def test_routes_of_both_families_are_kept_replaced_and_removed(fleet: Fleet, spare: Bed) -> None:
    entry(network(fleet, "interface", "create", "--name", CABLE, *STATIC))
    both = "203.0.113.0/24 via 198.51.100.1 metric 50, 2001:db8:9::/48 via 2001:db8:7::1"
    entry(network(fleet, "route", "create", "--interface", CABLE, "--route", both))
    eventually(lambda: routes(spare, "-4", CABLE) == {("203.0.113.0/24", "198.51.100.1", 50)}, "no route")
    assert routes(spare, "-6", CABLE) == {("2001:db8:9::/48", "2001:db8:7::1", 1024)}
    told = entry(network(fleet, "route", "get", "--interface", CABLE))["routes"]
    assert {(one["destination"], one["active"]) for one in told if one["managed"]} == {
        ("203.0.113.0/24", True),
        ("2001:db8:9::/48", True),
    }

    for everything in ("default via 198.51.100.1", "0.0.0.0/0 via 198.51.100.1", "1.2.3.4/0:198.51.100.1"):
        assert code(network(fleet, "route", "update", "--interface", CABLE, "--route", everything)) == "protected"
    entry(network(fleet, "route", "update", "--interface", CABLE, "--route", "10.0.0.0/8:198.51.100.1"))
    assert routes(spare, "-4", CABLE) == {("10.0.0.0/8", "198.51.100.1", 0)}
    assert routes(spare, "-6", CABLE) == set()

    entry(network(fleet, "route", "delete", "--interface", CABLE))
    assert routes(spare, "-4", CABLE) == set()


def test_name_servers_of_two_interfaces_are_both_in_force(fleet: Fleet, spare: Bed) -> None:
    entry(network(fleet, "interface", "create", "--name", CABLE, *STATIC))
    for interface, server in ((CABLE, "198.51.100.53"), ("eth0", "198.51.100.54")):
        words = ("dns", "update", "--interface-name", interface, "--servers", server, "--take-over")
        entry(network(fleet, *words))
    assert "198.51.100.53" in resolver(spare, CABLE)
    assert "198.51.100.54" in resolver(spare, "eth0")
    assert OUTSIDE not in resolver(spare, "eth0")

    entry(network(fleet, "dns", "update", "--interface-name", CABLE, "--search-domains", "a.example,b.example"))
    told = entry(network(fleet, "dns", "get", "--interface-name", CABLE))
    assert (told["servers"], told["search_domains"]) == (["198.51.100.53"], ["a.example", "b.example"])
    assert "a.example b.example" in resolver(spare, CABLE)

    for interface in (CABLE, "eth0"):
        entry(network(fleet, "dns", "delete", "--interface-name", interface))
    assert resolver(spare, "eth0").splitlines()[0].endswith(f": {OUTSIDE}")
    assert "198.51.100" not in resolver(spare, CABLE)


def test_what_netplan_does_not_take_never_gets_to_where_it_counts(fleet: Fleet, spare: Bed) -> None:
    """Two routes to one network are legal to us when their metrics differ; a broken foreign file is nobody's request."""
    bad = "network: {version: 2, ethernets: {eth9: {addresses: [nonsense]}}}\n"
    spare.write(HOST, f"{FILES}/95-bad.yaml", bad.encode(), mode="600")
    before = state(spare)
    try:
        answer = network(fleet, "interface", "create", "--name", CABLE, *STATIC)
        assert code(answer) == "invalid_config"
        assert "nonsense" in answer.results[NAME]["error"]
        assert state(spare) == before
    finally:
        spare("enter", HOST, "rm", f"{FILES}/95-bad.yaml")
