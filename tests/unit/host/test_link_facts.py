"""Interfaces and routes, in the shapes that real kernels and ip(8) print."""

from __future__ import annotations

import json

import msgspec
import pytest

from osapi.contract.errors import Permanent
from osapi.contract.facts import AddressFamily, HostInterface, HostRoute
from osapi.host import link_facts


def address(family: str, local: str, prefix: int, scope: str) -> dict[str, object]:
    return {"family": family, "local": local, "prefixlen": prefix, "scope": scope, "label": "eth0", "dynamic": True}


def link(name: str, flags: str, *addresses: dict[str, object], mac: str = "02:00:00:00:00:01") -> dict[str, object]:
    return {
        "ifindex": 2, "ifname": name, "flags": flags.split(","), "mtu": 1500, "qdisc": "noqueue", "operstate": "UP",
        "link_type": "ether", "address": mac, "addr_info": list(addresses),
    }  # fmt: skip


LINK_LOCAL = address("inet6", "fe80::1", 64, "link")
LINKS = [
    link("lo", "LOOPBACK,UP,LOWER_UP", address("inet", "127.0.0.1", 8, "host")),
    link("down0", "BROADCAST,MULTICAST"),
    link("eth0", "BROADCAST,UP", LINK_LOCAL, address("inet", "192.0.2.7", 24, "global"), address("inet", "192.0.2.8", 24, "global"), address("inet6", "2001:db8::7", 64, "global")),
    link("br-lan", "NO-CARRIER,UP", LINK_LOCAL),
    link("vlan.5", "UP", address("inet", "10.0.0.1", 8, "site")),
    link("bare", "UP", mac=""),
    {"ifname": "wg0", "flags": ["POINTOPOINT", "UP"], "addr_info": [{}, {"family": "inet", "local": "10.9.0.1", "prefixlen": 32}]},
]  # fmt: skip


def test_interfaces_that_are_up_are_told_with_their_widest_addresses() -> None:
    found = link_facts.interfaces(json.dumps(LINKS).encode())
    assert [one.name for one in found] == ["eth0", "br-lan", "vlan.5", "bare", "wg0"]
    assert found[0] == HostInterface(
        name="eth0",
        ipv4="192.0.2.7",
        ipv6="2001:db8::7",
        mac="02:00:00:00:00:01",
        family=AddressFamily.DUAL,
        addresses=("fe80::1/64", "192.0.2.7/24", "192.0.2.8/24", "2001:db8::7/64"),
        mtu=1500,
    )
    assert [one.family for one in found[1:]] == [AddressFamily.INET6, AddressFamily.INET, None, AddressFamily.INET]
    assert (found[1].ipv6, found[1].ipv4) == ("fe80::1", "")
    assert (found[4].ipv4, found[4].mac, found[4].mtu, found[4].addresses) == ("10.9.0.1", "", None, ("10.9.0.1/32",))


def test_what_does_not_apply_is_left_out_on_the_wire() -> None:
    (bare,) = link_facts.interfaces(json.dumps([{"ifname": "x", "flags": ["UP"]}]).encode())
    assert msgspec.to_builtins(bare) == {"name": "x"}


@pytest.mark.parametrize("output", [b"", b'Object "adress" is unknown', b"{}", b'[{"flags": "UP"}]'])
def test_other_output_of_ip_is_a_failure(output: bytes) -> None:
    with pytest.raises(Permanent, match="ip -j address"):
        link_facts.interfaces(output)


IPV4 = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
*\t0000000A\t00000000\t0200\t0\t0\t0\t000000FF\t0\t0\t0
eth0\t0000FEA9\t00000000\t0000\t0\t0\t1000\t0000FFFF\t0\t0\t0
short line
"""
NOWHERE = "0" * 32
IPV6 = f"""\
20010db8000000000000000000000000 40 {NOWHERE} 00 {NOWHERE} 00000100 00000001 00000000 00000001     eth0
fe800000000000000000000000000000 40 {NOWHERE} 00 {NOWHERE} 00000100 00000001 00000000 00000001     eth0
{NOWHERE} 00 {NOWHERE} 00 20010db8000000000000000000000001 00000400 00000001 00000000 00000003     eth1
{NOWHERE} 00 {NOWHERE} 00 {NOWHERE} ffffffff 00000001 00000000 00200200       lo
20010db8000000000000000000000007 80 {NOWHERE} 00 {NOWHERE} 00000000 00000002 00000000 80200001     eth0
ff000000000000000000000000000000 08 {NOWHERE} 00 {NOWHERE} 00000100 00000001 00000000 00000001     eth0
"""


def test_routes_of_ipv4_are_those_in_use() -> None:
    assert list(link_facts.ipv4_routes(IPV4)) == [
        HostRoute(destination="0.0.0.0", gateway="192.168.2.1", interface="wlan0", mask="/0", metric=600, flags="0003"),
        HostRoute(destination="0.0.0.0", gateway="192.0.2.1", interface="eth0", mask="/0", metric=100, flags="0003"),
        HostRoute(destination="192.0.2.0", gateway="0.0.0.0", interface="eth0", mask="/24", metric=100, flags="0001"),
    ]


def test_routes_of_ipv6_are_those_that_somebody_set() -> None:
    network, default = link_facts.ipv6_routes(IPV6)
    assert network == HostRoute(
        destination="2001:db8::", gateway="::", interface="eth0", mask="/64", metric=256, flags="00000001"
    )
    assert (default.destination, default.gateway, default.mask, default.metric) == ("::", "2001:db8::1", "/0", 1024)


def test_the_primary_interface_has_the_default_route_that_is_preferred() -> None:
    ipv4, ipv6 = list(link_facts.ipv4_routes(IPV4)), list(link_facts.ipv6_routes(IPV6))
    assert link_facts.primary([*ipv6, *ipv4]) == "eth0"
    assert link_facts.primary(ipv6) == "eth1"
    assert link_facts.primary(ipv4[2:]) == ""
    assert link_facts.primary([]) == ""


@pytest.mark.parametrize("read", [link_facts.ipv4_routes, link_facts.ipv6_routes])
def test_a_kernel_without_a_protocol_has_no_routes_of_it(read: object) -> None:
    assert list(read("")) == []  # type: ignore[operator]
