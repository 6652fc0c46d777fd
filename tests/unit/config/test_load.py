from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from osapi.config.keys import Key, all_keys, bare
from osapi.config.load import load, load_with_origin
from osapi.config.settings import Settings
from osapi.config.source import locate
from osapi.contract.errors import Invalid


def loaded(tmp_path: Path, text: str, **environ: str) -> Settings:
    file = tmp_path / "osapi.yaml"
    file.write_text(text)
    return load(file, environ)


def faults(tmp_path: Path, text: str, **environ: str) -> dict[str, str]:
    with pytest.raises(Invalid) as refusal:
        loaded(tmp_path, text, **environ)
    assert refusal.value.details is not None
    found = {fault["key"]: fault["text"] for fault in refusal.value.details["faults"]}
    for key, text in found.items():
        assert f"{key}: {text}" in refusal.value.message
    return found


def test_without_file_and_environment_everything_has_its_default() -> None:
    assert load(None, {}) == Settings()


@pytest.mark.parametrize("text", ["", "---\n", "# nothing\n", "controller:\nagent:\n  labels:\n"])
def test_an_empty_file_gives_the_defaults(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text) == Settings()


def test_environment_beats_file_beats_default(tmp_path: Path) -> None:
    text = "controller: {api: {port: 1000, host: 127.0.0.2}}"
    api = loaded(tmp_path, text, OSAPI_CONTROLLER_API_PORT="2000").controller.api
    assert (api.port, api.host, api.job_timeout) == (2000, "127.0.0.2", timedelta(seconds=30))


def test_an_empty_environment_variable_is_as_if_absent(tmp_path: Path) -> None:
    assert loaded(tmp_path, "debug: true", OSAPI_DEBUG="").debug


def test_keys_are_compared_without_case_and_map_keys_keep_theirs(tmp_path: Path) -> None:
    text = """
Controller: {API: {Port: 1234, Security: {Roles: {OnCall: {Permissions: [job:read], LABELS: {Group: Web}}}}}}
AGENT: {Labels: {Group: Web.Dev}}
"""
    settings = loaded(tmp_path, text, OSAPI_CONTROLLER_API_JOB_TIMEOUT="5s")
    assert settings.controller.api.port == 1234
    assert settings.controller.api.job_timeout == timedelta(seconds=5)
    assert settings.agent.labels == {"Group": "Web.Dev"}
    role = settings.controller.api.security.roles["OnCall"]
    assert (role.permissions, role.labels) == (["job:read"], {"Group": "Web"})


def test_lists_come_from_yaml_lists_or_from_text_with_commas(tmp_path: Path) -> None:
    text = "controller: {api: {security: {cors: {allow_origins: 'https://a.test, https://b.test'}}}}"
    settings = loaded(tmp_path, text, OSAPI_AGENT_CONSUMER_BACK_OFF="30s,2m")
    assert settings.controller.api.security.cors.allow_origins == ["https://a.test", "https://b.test"]
    assert settings.agent.consumer.back_off == [timedelta(seconds=30), timedelta(minutes=2)]


@pytest.mark.parametrize("text", ["true", "True", "1"])
def test_booleans_are_read_from_text(text: str) -> None:
    assert load(None, {"OSAPI_DEBUG": text}).debug


def test_numbers_are_read_from_text(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "controller: {api: {port: '99'}}", OSAPI_AGENT_CONDITIONS_HIGH_LOAD_MULTIPLIER="1.5")
    assert (settings.controller.api.port, settings.agent.conditions.high_load_multiplier) == (99, 1.5)


# Values other than the default for keys that not every value of their type fits.
SAMPLES: dict[str, tuple[str, Any]] = {
    "nats.server.auth.nkeys": ("U" + "A" * 55, ["U" + "A" * 55]),
    "nats.server.auth.type": ("none", "none"),
    "nats.server.sync_interval": ("10s", "10s"),
    "nats.stream.subjects": ("jobs.>", "jobs.>"),
    "controller.client.url": ("https://api.test", "https://api.test"),
    "controller.nats.auth.type": ("none", "none"),
    "controller.api.trusted_proxies": ("10.0.0.0/8, ::1", ["10.0.0.0/8", "::1"]),
    "controller.api.security.signing_key": ("x" * 40, "x" * 40),
    "agent.nats.auth.type": ("none", "none"),
    "controller.api.security.oidc.issuer": ("https://id.test", "https://id.test"),
    "controller.api.security.oidc.algorithms": ("ES256, EdDSA", ["ES256", "EdDSA"]),
    "telemetry.tracing.otlp_endpoint": ("http://collector:4318", "http://collector:4318"),
    "agent.fetch.paths": ("/var/log,/srv", ["/var/log", "/srv"]),
    "agent.heartbeat_interval": ("11s", timedelta(seconds=11)),
    "controller.notifications.notifier": ("log, log", "log, log"),
    "agent.consumer.back_off": ("5s, 7s", [timedelta(seconds=5), timedelta(seconds=7)]),
}
SAMPLES_OF_TYPES: dict[Any, tuple[str, Any]] = {
    timedelta: ("33s", timedelta(seconds=33)),
    float: ("7.5", 7.5),
    str: ("abc", "abc"),
    list: ("a,b", ["a", "b"]),
}


def sample(key: Key) -> tuple[str, Any]:
    """Some value for the key other than its default, as text and as it should arrive."""
    kind = bare(key.type)
    if key.name in SAMPLES:
        return SAMPLES[key.name]
    if kind is bool:
        return str(not key.default).lower(), not key.default
    if kind is int:
        number = 3 if key.name.endswith(("replicas", "threshold")) else key.default + 1
        return str(number), number
    if get_origin(kind) is Literal:
        word = next(word for word in get_args(kind) if word not in (key.default, ""))
        return word, word
    return SAMPLES_OF_TYPES[get_origin(kind) or kind]


@pytest.mark.parametrize("key", [key for key in all_keys() if key.variable], ids=lambda key: key.name)
def test_every_scalar_and_list_can_be_set_by_environment(key: Key) -> None:
    text, expected = sample(key)
    assert key.variable is not None
    found = load_with_origin(None, {key.variable: text})
    value: Any = found.settings
    for step in key.path:
        value = getattr(value, step)
    assert value == expected
    assert found.given == {key.name}


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        """
controller:
  api: {port: 0, job_timeout: 30, security: {roles: {ops: {}}}}
  nats: {port: none, auth: {type: kerberos}}
  ui: {enabled: perhaps}
agent:
  max_jobs: 0
  labels: [web]
  consumer: {back_off: [5s, soon]}
  conditions: {high_load_multiplier: 0}
nats: {stream: {name: 'a b'}, server: {auth: {users: [{username: me}]}}}
""",
        OSAPI_NATS_KV_TTL="1d",
        OSAPI_DEBUG="maybe",
    )
    assert found == {
        "controller.api.port": "0 is not allowed; use a whole number from 1 to 65535",
        "controller.api.job_timeout": "30 is not allowed; use a duration such as 30s, 5m, 1h30m or 0 "
        "(units ns, us, ms, s, m, h; a day is 24h)",
        "controller.api.security.roles.ops.permissions": "is missing; give a list",
        "controller.nats.port": '"none" is not allowed; use a whole number from 1 to 65535',
        "controller.nats.auth.type": '"kerberos" is not allowed; use "" or none or user_pass or nkey',
        "controller.ui.enabled": '"perhaps" is not allowed; use true or false',
        "agent.max_jobs": "0 is not allowed; use a whole number of 1 or more",
        "agent.labels": '["web"] is not allowed; use names with a value each, one per line below the key',
        "agent.consumer.back_off.2": '"soon" is not allowed; use a duration such as 30s, 5m, 1h30m or 0 '
        "(units ns, us, ms, s, m, h; a day is 24h)",
        "agent.conditions.high_load_multiplier": "0 is not allowed; use a number above 0",
        "nats.stream.name": '"a b" is not allowed; use text that fits ^[A-Za-z0-9_-]+$',
        "nats.server.auth.users.1.password": "is missing; give text that is not empty",
        "nats.kv.ttl": '"1d" is not allowed; use a duration such as 30s, 5m, 1h30m or 0 '
        "(units ns, us, ms, s, m, h; a day is 24h)",
        "debug": '"maybe" is not allowed; use true or false',
    }


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("controler: {}", "controler", "did you mean controller?"),
        ("controller: {api: {prot: 1}}", "controller.api.prot", "did you mean controller.api.port?"),
        ("nats: {api: {port: 1}}", "nats.api", "allowed here"),
        ("signing_key: x", "signing_key", "did you mean controller.api.security.signing_key?"),
        ("agent: {zzz: 1}", "agent.zzz", "allowed here"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_one(tmp_path: Path, text: str, key: str, hint: str) -> None:
    assert hint in faults(tmp_path, text)[key]


def test_a_section_with_a_value_is_refused_once(tmp_path: Path) -> None:
    assert faults(tmp_path, "controller: 5") == {
        "controller": "5 is not allowed; use keys with values below it",
    }


def test_a_section_with_a_value_is_refused_when_the_environment_reaches_below_it(tmp_path: Path) -> None:
    found = faults(tmp_path, "controller: 5", OSAPI_CONTROLLER_API_PORT="80")
    assert found == {"controller": "5 is not allowed; use keys with values below it"}


def test_numbers_and_words_where_text_is_wanted_must_be_quoted(tmp_path: Path) -> None:
    text = "agent: {hostname: 42, labels: {env: on, group: web}, machine_id: 0123}"
    found = faults(tmp_path, text)
    assert found["agent.hostname"] == '42 is not allowed; use text in quotes, as "42"'
    assert "text in quotes" in found["agent.labels.env"]
    assert "text in quotes" in found["agent.machine_id"]


@pytest.mark.parametrize("value", ["true", "3", "[x]"])
def test_no_value_of_another_kind_passes_for_a_number_or_a_word(tmp_path: Path, value: str) -> None:
    assert faults(tmp_path, f"nats: {{stream: {{discard: {value}}}}}")
    if value != "3":
        assert faults(tmp_path, f"agent: {{max_jobs: {value}}}")


def test_a_secret_is_never_repeated(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refusal:
        loaded(tmp_path, "controller: {api: {security: {signing_key: hunter2}}, nats: {auth: {password: 12345}}}")
    assert "hunter2" not in str(refusal.value.message) + str(refusal.value.details)
    with pytest.raises(Invalid) as refusal:
        loaded(tmp_path, "controller: {nats: {auth: {password: 12345}}}")
    assert "12345" not in str(refusal.value.message) + str(refusal.value.details)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("agent: {labels: {a: '1', b: '1', c: '1', d: '1', e: '1', f: '1'}}", "agent.labels"),
        ("agent: {labels: {group: web..dev}}", "agent.labels.group"),
        ("agent: {labels: {'a b': c}}", "agent.labels.a b"),
        ("agent: {consumer: {max_deliver: 1, back_off: [1s, 2s]}}", "agent.consumer.back_off"),
        ("agent: {heartbeat_interval: 20s}", "agent.heartbeat_interval"),
        ("agent: {facts: {interval: 0}}", "agent.facts.interval"),
        ("controller: {api: {security: {signing_key: short}}}", "controller.api.security.signing_key"),
        ("controller: {nats: {auth: {type: user_pass}}}", "controller.nats.auth.username"),
        ("nats: {server: {auth: {type: user_pass}}}", "nats.server.auth.users"),
        ("nats: {server: {sync_interval: sometimes}}", "nats.server.sync_interval"),
        ("nats: {server: {sync_interval: 0s}}", "nats.server.sync_interval"),
        ("nats: {server: {auth: {nkeys: [SUAB]}}}", "nats.server.auth.nkeys.1"),
        ("nats: {stream: {subjects: other.>}}", "nats.stream.subjects"),
    ],
)
def test_rules_between_values_are_kept(tmp_path: Path, text: str, key: str) -> None:
    assert list(faults(tmp_path, text)) == [key]


def test_an_empty_word_means_the_default_and_an_empty_name_switches_off(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "nats: {stream: {storage: '', max_age: ''}, audit: {stream: ''}}")
    assert settings.nats.stream.storage == "file"
    assert settings.nats.stream.max_age == timedelta(0)
    assert settings.nats.audit.stream == ""


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("controller: [", "is no YAML"),
        ("- a\n- b\n", "must hold keys with values"),
        ("debug: true\ndebug: false\n", "key 'debug' stands twice"),
        ("!!python/object/apply:os.system ['true']", "is no YAML"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, text: str, part: str) -> None:
    with pytest.raises(Invalid, match=part) as refusal:
        loaded(tmp_path, text)
    assert "\n" not in refusal.value.message
    assert str(tmp_path) in refusal.value.message


def test_the_same_key_in_other_case_is_refused(tmp_path: Path) -> None:
    assert faults(tmp_path, "debug: true\nDebug: true\n")["Debug"].startswith(
        '"Debug" is not allowed; use each key once'
    )


def test_yaml_anchors_and_merges_work(tmp_path: Path) -> None:
    text = "x: &x {port: 4333}\n"
    assert "x" in faults(tmp_path, text)
    settings = loaded(tmp_path, "controller: {nats: &n {port: 4333}}\nagent: {nats: {<<: *n, host: h}}\n")
    assert (settings.agent.nats.port, settings.agent.nats.host) == (4333, "h")


def test_the_file_is_the_flag_then_the_variable_then_the_default_if_it_exists(tmp_path: Path) -> None:
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    for path in (one, two):
        path.touch()
    assert locate(str(one), {"OSAPI_OSAPIFILE": str(two)}, three) == one
    assert locate(None, {"OSAPI_OSAPIFILE": str(two)}, three) == two
    assert locate(None, {}, three) is None
    three.touch()
    assert locate(None, {}, three) == three


def test_a_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="does not exist; name another one with --osapi-file"):
        locate(str(tmp_path / "missing.yaml"), {})


def test_a_notifier_that_does_not_exist_is_refused_and_no_url_is_repeated(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        "controller: {notifications: {notifier: 'log,opps', notifiers: {ops: {url: 'json://anna:hunter2@example.org'}}}}",
    )
    assert found == {"controller.notifications.notifier": '"opps" is not allowed; use one of log, ops'}
