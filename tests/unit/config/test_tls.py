"""What the settings may say of TLS, and how they reach whoever uses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from osapi.config import client, connection
from osapi.config.agent import Nats as AgentNats
from osapi.config.client import Context
from osapi.config.controller import Nats
from osapi.config.fields import ClientTls
from osapi.config.load import load
from osapi.contract.errors import Invalid
from osapi.tls.pair import Pair
from osapi.tls.trust import Trust

PIN = "ab" * 32


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"CONTROLLER_API_TLS_CERT": "c"}, "controller.api.tls.key: "),
        ({"NATS_SERVER_TLS_KEY": "k"}, "nats.server.tls.cert: "),
        ({"AGENT_NATS_TLS_CERT": "c"}, "agent.nats.tls.key: "),
        ({"AGENT_METRICS_TLS_KEY": "k"}, "agent.metrics.tls.cert: "),
        ({"NATS_SERVER_TLS_CA": "ca"}, "nats.server.tls.cert: "),
        ({"CONTROLLER_API_TLS_REDIRECT_PORT": "80"}, "controller.api.tls.cert: "),
        ({"CONTROLLER_CLIENT_TLS_PIN": "00"}, 'controller.client.tls.pin: "00" is not allowed; use a SHA-256'),
        (
            {"CONTROLLER_API_TLS_CERT": "c", "CONTROLLER_API_TLS_KEY": "k", "CONTROLLER_API_TLS_REDIRECT_PORT": "8080"},
            "controller.api.tls.redirect_port: 8080 is not allowed; use another port than controller.api.port",
        ),
    ],
)
def test_what_does_not_fit_together_is_named(given: dict[str, str], fault: str) -> None:
    with pytest.raises(Invalid) as raised:
        load(None, {f"OSAPI_{name}": value for name, value in given.items()})
    assert [line.strip() for line in raised.value.message.splitlines()][1].startswith(fault)


@pytest.mark.parametrize(
    ("host", "tls", "servers", "trust"),
    [
        ("a", ClientTls(), ("nats://a:4222",), None),
        ("tls://a", ClientTls(), ("tls://a:4222",), Trust(section="agent.nats.tls")),
        ("tls://a, b:1", ClientTls(), ("tls://a:4222", "tls://b:1"), Trust(section="agent.nats.tls")),
        ("tls://[::1]:1", ClientTls(), ("tls://[::1]:1",), Trust(section="agent.nats.tls")),
        ("a", ClientTls(ca="/ca"), ("tls://a:4222",), Trust("/ca", section="agent.nats.tls")),
        ("a", ClientTls(server_name="b"), ("tls://a:4222",), Trust("", "b", section="agent.nats.tls")),
        (
            "a",
            ClientTls(cert="/c", key="/k"),
            ("tls://a:4222",),
            Trust(identity=Pair("agent.nats.tls", Path("/c"), Path("/k")), section="agent.nats.tls"),
        ),
    ],
)
def test_the_way_to_the_broker_is_one_with_tls_when_anything_asks_for_it(
    host: str, tls: ClientTls, servers: tuple[str, ...], trust: Trust | None, tmp_path: Path
) -> None:
    found = connection.of(AgentNats(host=host, tls=tls), tmp_path / "none")
    assert (found.servers, found.tls) == (servers, trust)
    ours = connection.of(Nats(host=host, tls=tls), tmp_path / "none")
    assert ours.servers == servers
    assert ours.tls is None or ours.tls.section == "controller.nats.tls"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, Context("https://saved", "token", "/saved", "")),
        ({"url": "https://saved/"}, Context("https://saved/", "token", "/saved", "")),
        ({"url": "https://other"}, Context("https://other")),
        ({"pin": PIN}, Context("https://saved", "token", "", PIN)),
        ({"ca_file": "/flag"}, Context("https://saved", "token", "/flag")),
        ({"url": "https://other", "token": "t", "ca_file": "/flag"}, Context("https://other", "t", "/flag")),
    ],
)
def test_the_saved_trust_belongs_to_the_saved_address(said: dict[str, Any], expected: Context, tmp_path: Path) -> None:
    environ = {"OSAPI_CONTEXT": str(tmp_path / "context.json")}
    client.save(Context("https://saved", "token", "/saved"), environ)
    assert client.resolve(**said, environ=environ) == expected


def test_whom_to_trust_is_flag_then_variable_then_file(tmp_path: Path) -> None:
    file = tmp_path / "osapi.yaml"
    file.write_text(f"controller:\n  client:\n    url: https://x\n    tls:\n      ca: /file\n      pin: {PIN}\n")
    environ = {"OSAPI_CONTEXT": str(tmp_path / "none"), "OSAPI_OSAPIFILE": str(file)}
    assert client.resolve(environ=environ)[2:] == ("/file", PIN)
    environ["OSAPI_CONTROLLER_CLIENT_TLS_CA"] = "/variable"
    assert client.resolve(environ=environ)[2:] == ("/variable", "")
    assert client.resolve(pin=PIN, environ=environ)[2:] == ("", PIN)
