"""References to facts: where they end, how they are escaped, what replaces them, and what is refused."""

from __future__ import annotations

import re
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from osapi.contract import fact_keys, references
from osapi.contract.errors import Invalid, Permanent
from osapi.contract.facts import HostFacts, HostInterface
from osapi.contract.ids import MachineId

FACTS = HostFacts(
    machine_id=MachineId("m1"),
    hostname="web-01",
    architecture="x86_64",
    architecture_debian="amd64",
    containerized=False,
    cpu_count=4,
    cpu_model="Xeon(R) $(date)",
    primary_interface="eth0",
    interfaces=(
        HostInterface(name="lan", addresses=("10.0.0.1/8",)),
        HostInterface(
            name="eth0", ipv4="192.0.2.7", mac="02:00:00:00:00:01", addresses=("192.0.2.7/24", "2001:db8::7/64")
        ),
    ),
    facts={
        "role": "db",
        "my-role": "cache",
        "on": True,
        "none": None,
        "empty": "",
        "app": {"port": 8080, "name": "shop"},
        "tags": ["a"],
        "again": "@fact.hostname",
    },
)


class Request(Struct):
    text: str = ""
    entries: list[str] = []
    by_name: dict[str, Any] = {}
    script: Annotated[str, Meta(extra={"references": "plain"})] | None = None
    password: Annotated[str, Meta(extra={"references": "never"})] = ""


def replaced(text: str) -> str:
    found: str = references.resolve({"text": text}, Request, FACTS)["text"]
    return found


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("@fact.hostname", "web-01"),
        ("@fact.hostname/x", "web-01/x"),
        ("@fact.hostname.conf", "web-01.conf"),
        ("@fact.hostname.", "web-01."),
        ("@fact.hostname-old", "web-01-old"),
        ("/srv/@fact.hostname/@fact.arch", "/srv/web-01/x86_64"),
        ("@fact.arch.debian.deb", "amd64.deb"),
        ("@fact.arch.debian-x", "amd64-x"),
        ("@fact.containerized,@fact.cpu.count", "false,4"),
        ("@fact.interface.primary", "eth0"),
        ("@fact.interface", "eth0"),
        ("@fact.address.ipv4", "192.0.2.7"),
        ("@fact.address.ipv6", "2001:db8::7"),
        ("@fact.custom.role.conf", "db.conf"),
        ("@fact.custom.my-role-2", "cache-2"),
        ("@fact.custom.app.port.", "8080."),
        ("@fact.custom.on", "true"),
        ("[@fact.custom.empty]", "[]"),
        ("@fact.custom.again", "@fact.hostname"),
        ("@@fact.hostname", "@fact.hostname"),
        ("@@fact.nonsense", "@fact.nonsense"),
        ("root@@@fact.hostname", "root@web-01"),
        ("@@@@fact.hostname", "@@fact.hostname"),
        ("a@fact.example", None),
        ("x@factory.example @fact @facts.x", "x@factory.example @fact @facts.x"),
        ("é@fact.hostnameé", "éweb-01é"),
    ],
)
def test_a_reference_ends_with_the_longest_key(text: str, result: str | None) -> None:
    if result is None:
        with pytest.raises(Permanent):
            replaced(text)
    else:
        assert replaced(text) == result


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("@fact.fqdn", "@fact.fqdn cannot be replaced: this host does not tell it"),
        ("@fact.os.name", "@fact.os.name cannot be replaced: this host does not tell it"),
        ("@fact.hostnames", "@fact.hostnames cannot be replaced: this host has no such fact"),
        ("@fact.hostname_x", "@fact.hostname_x cannot be replaced: this host has no such fact"),
        ("@fact.", "@fact. cannot be replaced: this host has no such fact"),
        ("@fact.custom.shade", "this host has no such fact"),
        ("@fact.custom.none", "this host has no such fact"),
        ("@fact.custom.app", "it holds several values; name one of them"),
        ("@fact.custom.app.host", "it holds several values; name one of them"),
        ("@fact.custom.tags", "it holds several values; name one of them"),
    ],
)
def test_a_reference_to_nothing_names_field_and_fact(text: str, says: str) -> None:
    with pytest.raises(Permanent, match=r"^entries\[1\]: ") as refused:
        references.resolve({"entries": ["x", text]}, Request, FACTS)
    assert says in refused.value.message
    assert refused.value.error_code == "fact_unresolved"
    assert refused.value.details == {"field": "entries[1]", "fact": text.removeprefix("@fact.")}


@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        ("@fact.hostname.conf", False),
        ("@fact.custom.whatever.it-is", False),
        ("@fact.os.codename", False),
        ("@@fact.nonsense", False),
        ("@fact.nonsense", True),
        ("@fact.hostnamex", True),
        ("@fact.custom.", True),
        ("@fact.custom", True),
        ("@fact.", True),
        ("a@fact.example.org", True),
    ],
)
def test_a_controller_refuses_what_no_host_can_have(text: str, is_refused: bool) -> None:
    request = {"by_name": {"deep": [{"er": text}]}}
    if not is_refused:
        references.check(request, Request)
        return
    with pytest.raises(Invalid, match=r"^by_name\.deep\[0\]\.er: there is no fact") as refused:
        references.check(request, Request)
    assert refused.value.details == {"field": "by_name.deep[0].er", "fact": text.partition("@fact.")[2]}


def test_all_texts_at_any_depth_are_replaced_and_names_are_not() -> None:
    request = {"by_name": {"@fact.hostname": ["@fact.hostname", {"x": "@fact.arch"}, 1, None, True]}, "entries": []}
    found = references.resolve(request, Request, FACTS)
    assert found == {"by_name": {"@fact.hostname": ["web-01", {"x": "x86_64"}, 1, None, True]}, "entries": []}


def test_a_secret_is_left_alone() -> None:
    request = {"password": "a@fact.hostname@fact.nonsense"}
    references.check(request, Request)
    assert references.resolve(request, Request, FACTS) == request


def test_text_for_a_shell_takes_plain_values_only() -> None:
    found = references.resolve({"script": "echo '@fact.hostname' > /srv/@fact.address.ipv6"}, Request, FACTS)
    assert found["script"] == "echo 'web-01' > /srv/2001:db8::7"
    with pytest.raises(Permanent, match=r"@fact\.cpu\.model cannot be replaced: its value has characters") as refused:
        references.resolve({"script": "echo @fact.cpu.model"}, Request, FACTS)
    assert refused.value.error_code == "fact_unresolved"
    assert "$(" not in refused.value.message
    assert replaced("@fact.cpu.model") == "Xeon(R) $(date)"


def test_a_short_request_does_not_become_a_giant_one() -> None:
    facts = HostFacts(machine_id=MachineId("m"), hostname="h", facts={"long": "x" * 4096})
    with pytest.raises(Permanent, match="together stand for more than"):
        references.resolve({"text": "@fact.custom.long " * 1000}, Request, facts)


@pytest.mark.parametrize("work", [references.check, lambda *given: references.resolve(*given, FACTS)])
def test_what_is_nested_without_end_is_refused(work: Any) -> None:
    deep: Any = "@fact.hostname"
    for _ in range(5000):
        deep = [deep]
    assert references.holds(deep)
    with pytest.raises(Invalid, match="50 deep"):
        work({"by_name": {"x": deep}}, Request)


@given(st.text())
def test_text_without_the_sign_stays_as_it_is(text: str) -> None:
    if "@fact." not in text:
        assert replaced(text) == text
        assert not references.holds({"a": [text]})


@given(st.text(alphabet="@fact.hosnme-_ x", max_size=60))
def test_any_text_is_replaced_or_refused(text: str) -> None:
    try:
        found = replaced(text)
    except Permanent:
        return
    references.check({"text": text}, Request)
    assert isinstance(found, str)


@given(st.text(alphabet="@fact.hosnme-_ x", max_size=60))
def test_a_text_whose_signs_are_doubled_is_that_text(text: str) -> None:
    assert replaced(re.sub(r"(@+)(?=fact\.)", r"\1\1", text)) == text


def test_every_key_can_be_read_from_a_host_that_tells_nothing() -> None:
    nothing = HostFacts(machine_id=MachineId("m"), hostname="h")
    told = {key for key in fact_keys.BUILT_IN if fact_keys.values(nothing, key)}
    assert told == {"hostname", "machine_id"}


def test_keys_of_custom_facts_go_into_groups() -> None:
    assert list(fact_keys.custom_keys(FACTS)) == [
        "custom.role", "custom.my-role", "custom.on", "custom.none", "custom.empty", "custom.app.port",
        "custom.app.name", "custom.tags", "custom.again",
    ]  # fmt: skip
