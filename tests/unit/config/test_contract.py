"""Every setting of the field is there, under its name and with its meaning."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from osapi.config import duration
from osapi.config.keys import Key, all_keys, bare

CONTRACT: dict[str, Any] = {
    entry["key"]: entry
    for entry in json.loads((Path(__file__).parents[2] / "contract" / "config.json").read_text())["keys"]
}
OURS = {key.name: key for key in all_keys()}

# Where our default is another, and why. Everything else has the default of the field.
OTHER_DEFAULTS: dict[str, tuple[Any, str]] = {
    "controller.client.url": ("", "the client context comes first; then http://127.0.0.1:8080"),
    "controller.nats.host": ("localhost", "an empty file starts"),
    "controller.nats.port": (4222, "an empty file starts"),
    "controller.nats.client_name": ("osapi-controller", "the broker's list of connections tells who is who"),
    "controller.metrics.host": ("127.0.0.1", "loopback only"),
    "controller.notifications.notifier": ("log", "the only one"),
    "controller.pki.key_dir": ("", "below the data folder, so that an empty file starts without root"),
    "agent.pki.key_dir": ("", "below the data folder, so that an empty file starts without root"),
    "agent.consumer.ack_wait": ("5s", "an agent claims a job at once; when it dies before, another one takes over"),
    "agent.consumer.back_off": ([], "its first entry replaces ack_wait: long jobs would be handed out twice"),
    "agent.metrics.host": ("127.0.0.1", "loopback only"),
    "agent.metrics.port": (9091, "a port of its own"),
    "nats.server.host": ("127.0.0.1", "loopback only"),
    "nats.server.port": (4222, "the usual port, named"),
    "nats.server.metrics.host": ("127.0.0.1", "loopback only"),
    "nats.server.metrics.port": (9092, "a port of its own"),
    "nats.stream.max_age": ("24h", "the stream does not grow for ever"),
    "nats.stream.discard": ("new", "accepted jobs are never dropped"),
    "nats.kv.ttl": ("168h", "finished jobs are kept for a week"),
    "nats.dlq.max_age": ("168h", "dead letters are kept for a week"),
    "nats.audit.stream": ("AUDIT", "audit is on"),
    "nats.audit.subject": ("audit", "audit is on"),
    "nats.audit.max_age": ("720h", "audit is kept for 30 days"),
    "nats.facts.bucket": ("agent-facts", "facts are on"),
    "nats.facts.ttl": ("5m", "facts of a host that is away are forgotten"),
    "nats.state.bucket": ("agent-state", "draining works"),
    "nats.objects.bucket": ("file-objects", "file operations work"),
    "nats.file_state.bucket": ("file-state", "file operations work"),
    **{
        f"nats.{section}.{key}": (value, "written out; 0 and empty mean the same")
        for section in ("stream", "kv", "dlq", "audit", "registry", "facts", "state", "objects", "file_state")
        for key, value in (("storage", "file"), ("replicas", 1))
    },
}
OWN_KEYS = {
    *(
        f"controller.api.security.oidc.{name}"
        for name in (
            "issuer",
            "audience",
            "claim",
            "rules",
            "algorithms",
            "refresh",
            "keep_keys",
            "clock_skew",
            "ca_file",
        )
    ),
    *(
        f"controller.notifications.{name}"
        for name in (
            "notifiers",
            "schemes",
            "conditions",
            "group_window",
            "hosts_shown",
            "rate_limit",
            "rate_interval",
            "attempts",
            "title",
            "body",
        )
    ),
    *(f"nats.notifications.{name}" for name in ("bucket", "storage", "replicas")),
    *(
        f"{section}.tls.{name}"
        for section, names in (
            ("controller.client", ("ca", "pin")),
            ("controller.api", ("cert", "key", "redirect_port")),
            ("controller.nats", ("ca", "server_name", "cert", "key")),
            ("controller.metrics", ("cert", "key")),
            ("agent.nats", ("ca", "server_name", "cert", "key")),
            ("agent.metrics", ("cert", "key")),
            ("nats.server", ("cert", "key", "ca")),
            ("nats.server.metrics", ("cert", "key")),
        )
        for name in names
    ),
    "data_dir",
    "insecure",
    "agent.join",
    "controller.api.host",
    "controller.pki.max_pending",
    "controller.api.job_expiry",
    "controller.api.body_limit_bytes",
    "controller.api.trusted_proxies",
    "controller.api.forwarded_header",
    "controller.api.limits.token_per_second",
    "controller.api.limits.token_burst",
    "controller.api.limits.anonymous_per_second",
    "controller.api.limits.anonymous_burst",
    "controller.api.limits.guesses_per_second",
    "controller.api.limits.guesses_burst",
    "controller.api.upload_limit_bytes",
    "agent.machine_id",
    "agent.state_dir",
    "agent.heartbeat_interval",
    "agent.keep_output_bytes",
    "agent.privilege_escalation.without",
    "agent.fetch.paths",
    "agent.fetch.max_bytes",
    "nats.replicas",
    "nats.output.bucket",
    "nats.output.ttl",
    "nats.output.max_bytes",
    "nats.output.storage",
    "nats.output.replicas",
    "nats.live.stream",
    "nats.live.max_age",
    "nats.live.max_bytes",
    "agent.facts.folder",
    "controller.process_conditions.memory_pressure_bytes",
    "controller.process_conditions.high_cpu_percent",
    "nats.server.process_conditions.memory_pressure_bytes",
    "nats.server.process_conditions.high_cpu_percent",
    "nats.server.binary",
    "nats.server.sync_interval",
    "nats.server.max_payload_bytes",
    "telemetry.log.format",
}
TYPES: dict[str, tuple[Any, ...]] = {
    "string": (str, timedelta, Literal),
    "int": (int,),
    "int64": (int,),
    "float": (float,),
    "bool": (bool,),
    "list[string]": (list,),
    "map[string,string]": (dict,),
    "map[string,{permissions:list[string]}]": (dict,),
    "list[{username:string,password:string}]": (list,),
}


@pytest.mark.parametrize("name", CONTRACT)
def test_a_setting_of_the_field_exists_with_its_type(name: str) -> None:
    kind = bare(OURS[name].type)
    assert (get_origin(kind) or kind) in TYPES[CONTRACT[name]["type"]]


@pytest.mark.parametrize("name", CONTRACT)
def test_a_setting_of_the_field_has_its_default_or_a_safer_one(name: str) -> None:
    expected = OTHER_DEFAULTS[name][0] if name in OTHER_DEFAULTS else CONTRACT[name]["default"]
    assert OURS[name].default == in_our_type(OURS[name], expected)


@pytest.mark.parametrize("name", OTHER_DEFAULTS)
def test_a_default_is_listed_as_another_only_when_it_is(name: str) -> None:
    assert CONTRACT[name]["default"] != OTHER_DEFAULTS[name][0]


@pytest.mark.parametrize("name", CONTRACT)
def test_a_setting_of_the_field_has_its_environment_name(name: str) -> None:
    assert OURS[name].variable == CONTRACT[name]["env"]


@pytest.mark.parametrize("name", [name for name, entry in CONTRACT.items() if entry.get("values")])
def test_every_word_of_the_field_is_allowed(name: str) -> None:
    kind = bare(OURS[name].type)
    assert get_origin(kind) is Literal
    assert set(CONTRACT[name]["values"]) <= set(get_args(kind))


@pytest.mark.parametrize("name", [name for name, entry in CONTRACT.items() if entry.get("secret")])
def test_a_secret_of_the_field_is_marked(name: str) -> None:
    assert OURS[name].secret


def test_only_the_listed_settings_are_our_own() -> None:
    assert set(OURS) - set(CONTRACT) == OWN_KEYS


def test_no_two_settings_share_an_environment_name() -> None:
    variables = [key.variable for key in all_keys() if key.variable]
    assert len(variables) == len(set(variables))


def test_no_setting_takes_the_name_of_another_variable() -> None:
    assert {"OSAPI_OSAPIFILE", "OSAPI_CONTEXT"}.isdisjoint({key.variable for key in all_keys()})


@pytest.mark.parametrize("key", all_keys(), ids=lambda key: key.name)
def test_every_setting_is_described(key: Key) -> None:
    assert key.description.endswith(".")


def in_our_type(key: Key, value: Any) -> Any:
    kind = bare(key.type)
    if kind is timedelta:
        return duration.parse(str(value))
    return value
