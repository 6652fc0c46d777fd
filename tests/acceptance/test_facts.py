"""Facts of real Debian hosts, compared with what the hosts' own tools say; references and queries by them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.fleet import OUTSIDE, Fleet, eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

FOLDER = "/etc/osapi/facts.d"
COLOURS = {1: "blue", 2: "green", 3: "blue"}


def name(fleet: Fleet, host: int) -> str:
    """What a host is called now; other tests rename one."""
    return fleet.bed("enter", host, "hostname")


def agent(fleet: Fleet, host: int) -> dict[str, Any]:
    found: dict[str, Any] = fleet.client("agent", "get", "--hostname", name(fleet, host)).json
    return found


def said(fleet: Fleet, target: str, *words: str) -> dict[str, str]:
    """What `echo` prints on each host."""
    arguments = [word for one in words for word in ("--args", one)]
    answer = fleet.client("node", "command", "exec", "--command", "echo", *arguments, "-T", target, "--yes")
    assert answer.status == 0, answer
    return {host: entry["stdout"].strip() for host, entry in answer.results.items()}


@pytest.fixture(scope="module")
def coloured(fleet: Fleet) -> Iterator[Fleet]:
    """Every host has custom facts, from a file and a program, and a default route."""
    for host, colour in COLOURS.items():
        fleet.bed("enter", host, "ip", "route", "add", "default", "via", OUTSIDE)
        fleet.bed.write(host, f"{FOLDER}/colour.yaml", f"colour: {colour}\n".encode())
        fleet.bed.write(
            host, f"{FOLDER}/boot", b'#!/bin/sh\necho "boot=$(cat /proc/sys/kernel/random/boot_id)"\n', "755"
        )
        fleet.bed("enter", host, "systemctl", "restart", "osapi-agent")
    eventually(lambda: all(agent(fleet, host).get("facts", {}).get("boot") for host in COLOURS), "no custom facts")
    yield fleet
    for host in COLOURS:
        fleet.bed("enter", host, "rm", "-r", FOLDER)
        fleet.bed("enter", host, "ip", "route", "del", "default")


def test_facts_are_what_the_tools_of_the_host_say(coloured: Fleet) -> None:
    found, bed = agent(coloured, 1), coloured.bed
    assert found["kernel_version"] == bed("enter", 1, "uname", "-r")
    assert found["architecture_debian"] == bed("enter", 1, "dpkg", "--print-architecture")
    assert (found["container"], found["containerized"]) == ("systemd-nspawn", True)
    assert (found["service_mgr"], found["package_mgr"], found["os_release"]["codename"]) == (
        "systemd",
        "apt",
        "bookworm",
    )
    assert found["memory_total"] == int(bed("enter", 1, "sh", "-c", "free -b | awk '/^Mem/ {print $2}'"))
    assert found["cpu_count"] == int(bed("enter", 1, "nproc"))
    root = next(mount for mount in found["mounts"] if mount["path"] == "/")
    assert root["type"] == bed("enter", 1, "findmnt", "-no", "FSTYPE", "/")


def test_interfaces_and_routes_are_those_of_ip(coloured: Fleet) -> None:
    found, bed = agent(coloured, 2), coloured.bed
    links = json.loads(bed("enter", 2, "ip", "-j", "address", "show", "up"))
    expected = {
        link["ifname"]: [f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"]]
        for link in links
        if "LOOPBACK" not in link.get("flags", ["LOOPBACK"])
    }
    assert {one["name"]: one.get("addresses", []) for one in found["interfaces"]} == expected
    (default,) = json.loads(bed("enter", 2, "ip", "-j", "-4", "route", "show", "default"))
    assert found["primary_interface"] == default["dev"]
    told = next(route for route in found["routes"] if route["destination"] == "0.0.0.0")
    assert (told["gateway"], told["mask"]) == (default["gateway"], "/0")


def test_custom_facts_come_from_files_and_programs(coloured: Fleet) -> None:
    for host, colour in COLOURS.items():
        boot = coloured.bed("enter", host, "cat", "/proc/sys/kernel/random/boot_id")
        assert agent(coloured, host)["facts"] == {"colour": colour, "boot": boot}
    keys = {entry["key"] for entry in coloured.client("facts", "keys").json["keys"]}
    assert {"hostname", "custom.colour", "custom.boot"} <= keys


def test_a_reference_is_replaced_on_each_host_by_what_is_true_there(coloured: Fleet) -> None:
    names = {name(coloured, host): colour for host, colour in COLOURS.items()}
    told = said(
        coloured, "_all", "@fact.hostname/x", "@fact.custom.colour.conf", "@@fact.hostname", "@fact.os.codename"
    )
    assert told == {host: f"{host}/x {colour}.conf @fact.hostname bookworm" for host, colour in names.items()}
    bed, second = coloured.bed, name(coloured, 2)
    (way,) = json.loads(bed("enter", 2, "ip", "-j", "-4", "route", "get", OUTSIDE))
    told = said(coloured, second, "@fact.interface.primary", "@fact.address.ipv4")
    assert told == {second: f"{way['dev']} {way['prefsrc']}"}


def test_a_change_by_reference_has_its_effect_on_each_host(coloured: Fleet) -> None:
    words = ("--key", "net.ipv4.conf.@fact.interface.primary.accept_local", "--value", "1")
    made = coloured.client("node", "sysctl", "create", *words, "-T", "@fact.custom.colour:blue", "--yes")
    assert made.status == 0, made
    for host, colour in COLOURS.items():
        device = json.loads(coloured.bed("enter", host, "ip", "-j", "route", "show", "default"))[0]["dev"]
        value = coloured.bed("enter", host, "sysctl", "-n", f"net.ipv4.conf.{device}.accept_local")
        assert value == ("1" if colour == "blue" else "0")
    gone = coloured.client("node", "sysctl", "delete", *words[:2], "-T", "@fact.custom.colour:blue", "--yes")
    assert {entry["changed"] for entry in gone.results.values()} == {True}


def test_what_a_shell_would_read_does_not_come_into_its_text(coloured: Fleet) -> None:
    coloured.bed.write(1, f"{FOLDER}/evil.json", b'{"evil": "$(touch /root/was-here)"}')
    said(coloured, name(coloured, 1), "a change, so that facts are read again")
    shell = ("node", "command", "shell", "-T", name(coloured, 1), "--command")
    refused = coloured.client(*shell, 'echo "@fact.custom.evil"')
    assert "characters that a shell reads" in refused.results[name(coloured, 1)]["error"], refused
    passed = coloured.client(*shell, 'echo "$EVIL"', "--env", "EVIL=@fact.custom.evil")
    assert passed.results[name(coloured, 1)]["stdout"] == "$(touch /root/was-here)\n"
    assert coloured.bed("enter", 1, "ls", "/root/was-here", check=False) == ""
    coloured.bed("enter", 1, "rm", f"{FOLDER}/evil.json")


@pytest.mark.parametrize(
    ("query", "hosts"),
    [
        ("@fact.custom.colour:blue", {1, 3}),
        ("group:web and not @fact.custom.colour:blue", {2}),
        ("group:web.dev or @fact.custom.colour:green", {1, 2}),
        ("@fact.container:systemd-* and not group:*.dev", {2, 3}),
        ("host1,host3", {1, 3}),
        ("not (host1,host3)", {2}),
    ],
)
def test_a_query_reaches_the_hosts_that_fit(coloured: Fleet, query: str, hosts: set[int]) -> None:
    names = {name(coloured, host) for host in hosts}
    assert set(said(coloured, query, "x")) == names
    assert {one["hostname"] for one in coloured.client("agent", "list", "--target", query).json["agents"]} == names


def test_templates_and_their_variables_speak_of_facts(coloured: Fleet, tmp_path: Path) -> None:
    template = tmp_path / "page"
    template.write_text("{{ facts.facts.colour }} {{ facts.primary_interface }} {{ vars.kernel }}\n")
    words = ("--name", "facts-page", "--file", str(template), "--content-type", "template", "--force")
    assert coloured.client("file", "upload", *words).status == 0
    place = ("--path", "/root/@fact.custom.colour.txt", "--content-type", "template", "--var", "kernel=@fact.kernel")
    try:
        made = coloured.client("node", "file", "deploy", "--object", "facts-page", *place, "-T", "host1,host3", "--yes")
        assert made.status == 0, made
        bed = coloured.bed
        assert (
            bed("enter", 3, "cat", "/root/blue.txt")
            == f"blue {agent(coloured, 3)['primary_interface']} {bed('enter', 3, 'uname', '-r')}"
        )
        gone = coloured.client(
            "node", "file", "undeploy", "--path", "/root/@fact.custom.colour.txt", "-T", "host1,host3", "--yes"
        )
        assert {entry["changed"] for entry in gone.results.values()} == {True}
    finally:
        coloured.client("file", "delete", "--name", "facts-page")


def test_a_broken_fact_is_told_and_spoils_nothing(coloured: Fleet) -> None:
    bed = coloured.bed
    bed.write(3, f"{FOLDER}/broken", b"#!/bin/sh\necho half; exit 3\n", "755")
    bed.write(3, f"{FOLDER}/slow", b"#!/bin/sh\nsleep 4716\n", "755")
    bed.write(3, f"{FOLDER}/open.json", b'{"open": true}', "666")
    bed("enter", 3, "systemctl", "restart", "osapi-agent")
    eventually(lambda: len(agent(coloured, 3).get("fact_problems", [])) == 3, "the broken facts are not told")
    problems = {one["source"]: one["error"] for one in agent(coloured, 3)["fact_problems"]}
    assert "status 3" in problems[f"{FOLDER}/broken"]
    assert "took longer than 5 s" in problems[f"{FOLDER}/slow"]
    assert "writable by nobody else" in problems[f"{FOLDER}/open.json"]
    assert set(agent(coloured, 3)["facts"]) == {"colour", "boot"}
    assert "facts.broken" in bed("enter", 3, "journalctl", "-u", "osapi-agent", "-o", "cat")
    assert bed("enter", 3, "sh", "-c", "pgrep -fc '^sleep 4716' || true") == "0"
    bed("enter", 3, "rm", f"{FOLDER}/broken", f"{FOLDER}/slow", f"{FOLDER}/open.json")
