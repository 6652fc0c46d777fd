"""The one endpoint behind all operations: what is submitted, and what is answered."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.controller.kit import BODY_LIMIT, JOB, OPERATIONS, Answer, Stage, bearer, response, stage

from osapi.config.controller import Role
from osapi.contract.errors import Conflict, Unavailable
from osapi.contract.operation import Kind
from osapi.contract.target import AllTarget, AnyTarget, HostTarget, LabelTarget, parse
from osapi.jobs.record import Ending

pytestmark = pytest.mark.anyio

CREATE = "/api/node/{}/sysctl"
ENTRY = b'{"key":"vm.swappiness","value":"10"}'
DONE = {"key": "vm.swappiness", "changed": True, "diff": "", "note": ""}


@pytest.fixture
def played() -> Stage:
    return stage(custom={"web": Role(permissions=["sysctl:write", "node:read"], labels={"group": "web"})})


async def create(played: Stage, target: str = "host-a", query: str = "", role: str = "admin", **headers: str) -> Answer:
    return await played.call("POST", CREATE.format(target) + query, ENTRY, authorization=bearer(role), **headers)


# -- what is submitted -------------------------------------------------------------------------


async def test_the_request_becomes_a_submission(played: Stage) -> None:
    await create(played, "host-a")
    submission = played.jobs.submitted[0]
    assert submission.operation.name == "node.sysctl.create"
    assert msgspec.to_builtins(submission.request)["key"] == "vm.swappiness"
    assert (submission.actor.subject, submission.actor.roles) == ("anna", ("admin",))
    assert (submission.machine, submission.hosts) == ("a", {"a": "host-a"})
    assert submission.dry_run is False


@pytest.mark.parametrize(
    ("typed", "target", "hosts"),
    [
        ("_any", AnyTarget(), {}),
        ("_all", AllTarget(), {"a": "host-a", "b": "host-b"}),
        ("group:web", LabelTarget("group", "web"), {"a": "host-a"}),
        ("group%3Aweb", LabelTarget("group", "web"), {"a": "host-a"}),
        ("b", HostTarget("b"), {"b": "host-b"}),
        ("host-b", HostTarget("host-b"), {"b": "host-b"}),
        ("host-*%20and%20not%20b", parse("host-* and not b"), {"a": "host-a"}),
        ("a,b", parse("a,b"), {"a": "host-a", "b": "host-b"}),
        ("@fact.custom.group:web", parse("@fact.custom.group:web"), {"a": "host-a"}),
        ("%40fact.custom.group%3Aw%2A", parse("@fact.custom.group:w*"), {"a": "host-a"}),
    ],
)
async def test_the_target_is_submitted_as_typed_with_the_hosts_it_means(
    played: Stage, typed: str, target: Any, hosts: dict[str, str]
) -> None:
    await create(played, typed)
    submission = played.jobs.submitted[0]
    assert (submission.target, submission.hosts) == (target, hosts)


@pytest.mark.parametrize(
    "typed", ["nobody", "group:none", "group:", ":x", "_some", "a%20b", "..", "a%2Fb", "%00", "%ff"]
)
async def test_a_target_that_means_nobody_is_refused_before_there_is_a_job(played: Stage, typed: str) -> None:
    answer = await create(played, typed)
    assert (answer.status, answer.json["code"]) == (400, "invalid")
    assert "job_id" not in answer.json
    assert played.jobs.submitted == []


async def test_a_path_name_is_a_field_of_the_request(played: Stage) -> None:
    await played.call("PUT", "/api/node/a/sysctl/vm.swappiness", b'{"value":"1"}', authorization=bearer("admin"))
    assert msgspec.to_builtins(played.jobs.submitted[0].request) == {"key": "vm.swappiness", "value": "1"}


async def test_references_pass_where_the_rules_of_a_field_would_not_let_them(played: Stage) -> None:
    path = "/api/node/a/sysctl/@fact.custom.key"
    await played.call("PUT", path, b'{"value":"@fact.cpu.count"}', authorization=bearer("admin"))
    submitted = msgspec.to_builtins(played.jobs.submitted[0].request)
    assert submitted == {"key": "@fact.custom.key", "value": "@fact.cpu.count"}


@pytest.mark.parametrize(
    ("key", "body", "field"),
    [
        ("vm.swappiness", b'{"value":"@fact.cpus"}', "value"),
        ("@fact.nothing", b'{"value":"1"}', "key"),
        ("no%20key", b'{"value":"@fact.cpu.count"}', "key"),
        ("@fact.custom.key", b'{"value":""}', "value"),
    ],
)
async def test_beside_a_reference_everything_is_checked(played: Stage, key: str, body: bytes, field: str) -> None:
    answer = await played.call("PUT", f"/api/node/a/sysctl/{key}", body, authorization=bearer("admin"))
    assert (answer.status, answer.json["code"], answer.json["details"]["field"]) == (400, "invalid", field)
    assert played.jobs.submitted == []


async def test_the_path_wins_over_the_body(played: Stage) -> None:
    body = b'{"key":"kernel.panic","value":"1"}'
    await played.call("PUT", "/api/node/a/sysctl/vm.swappiness", body, authorization=bearer("admin"))
    assert msgspec.to_builtins(played.jobs.submitted[0].request)["key"] == "vm.swappiness"


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", b'{"interface_name":"eth0"}'),
        ("?interface_name=eth0", b""),
        ("?interface_name=x", b'{"interface_name":"eth0"}'),
    ],
)
async def test_a_deletion_whose_path_names_nothing_takes_a_body_or_the_query(
    played: Stage, query: str, body: bytes
) -> None:
    await played.call("DELETE", f"/api/node/a/network/dns{query}", body, authorization=bearer("admin"))
    assert msgspec.to_builtins(played.jobs.submitted[0].request) == {"interface_name": "eth0"}


async def test_a_deletion_that_says_nothing_is_told_what_is_missing(played: Stage) -> None:
    answer = await played.call("DELETE", "/api/node/a/network/dns", b"", authorization=bearer("admin"))
    assert (answer.status, answer.json["error"]) == (400, "interface_name: missing; it is required")


async def test_a_deletion_whose_path_names_all_has_no_body(played: Stage) -> None:
    body = b'{"key":"kernel.panic"'
    await played.call("DELETE", "/api/node/a/sysctl/vm.swappiness", body, authorization=bearer("admin"))
    assert msgspec.to_builtins(played.jobs.submitted[0].request) == {"key": "vm.swappiness"}


async def test_a_field_may_have_the_name_of_the_target(played: Stage) -> None:
    """PUT /api/node/{hostname}/hostname takes the new name in the body."""
    await played.call("PUT", "/api/node/a/hostname", b'{"hostname":"web-02"}', authorization=bearer("admin"))
    submission = played.jobs.submitted[0]
    assert (submission.machine, msgspec.to_builtins(submission.request)) == ("a", {"hostname": "web-02"})


async def test_a_slash_in_a_name_is_part_of_the_name(played: Stage) -> None:
    path = "/api/node/a/sysctl/net.ipv4.conf.eth0%2F100.rp_filter"
    await played.call("GET", path, authorization=bearer("admin"))
    assert msgspec.to_builtins(played.jobs.submitted[0].request) == {"key": "net.ipv4.conf.eth0/100.rp_filter"}


async def test_unknown_names_in_query_and_body_are_ignored(played: Stage) -> None:
    for path, method, body in (
        ("/api/node/a/os?colour=red", "GET", b""),
        ("/api/node/a/sysctl?colour=red", "POST", b'{"key":"vm.swappiness","value":"1","colour":"red"}'),
    ):
        await played.call(method, path, body, authorization=bearer("admin"))
    assert len(played.jobs.submitted) == 2


async def test_a_dry_run_and_a_key_are_passed_on(played: Stage) -> None:
    await create(played, query="?dry_run=true", idempotency_key="k-1")
    submission = played.jobs.submitted[0]
    assert (submission.dry_run, submission.idempotency_key) == (True, "k-1")


async def test_a_query_has_no_idempotency_key(played: Stage) -> None:
    await played.call("GET", "/api/node/a/os", authorization=bearer("admin"), idempotency_key="k-1")
    assert played.jobs.submitted[0].idempotency_key is None


@pytest.mark.parametrize(
    ("query", "headers", "waited"),
    [
        ("", {}, 35.0),
        ("?wait=2.5", {}, 2.5),
        ("", {"prefer": "wait=7"}, 7.0),
        ("", {"prefer": "return=minimal, wait=7"}, 7.0),
        ("?wait=3", {"prefer": "respond-async"}, 3.0),
        ("", {"prefer": "handling=strict"}, 35.0),
    ],
)
async def test_the_caller_says_how_long_to_wait(
    played: Stage, query: str, headers: dict[str, str], waited: float
) -> None:
    await create(played, query=query, **headers)
    assert played.jobs.waited_s == [waited]


@pytest.mark.parametrize(("timeout", "waited"), [(10, 30.0), (300, 305.0)])
async def test_who_does_not_say_waits_at_least_as_long_as_the_work_may_take(
    played: Stage, timeout: int, waited: float
) -> None:
    body = b'{"command":"true","timeout":%d}' % timeout
    await played.call("POST", "/api/node/a/command/shell", body, authorization=bearer("admin"))
    assert played.jobs.waited_s == [waited]


@pytest.mark.parametrize(("query", "headers"), [("?wait=0", {}), ("", {"prefer": "respond-async"})])
async def test_who_does_not_wait_gets_the_job_at_once(played: Stage, query: str, headers: dict[str, str]) -> None:
    answer = await create(played, query=query, **headers)
    assert (answer.status, answer.json) == (202, {"job_id": JOB, "status": "submitted"})
    assert answer.headers["location"] == f"/api/job/{JOB}"
    assert played.jobs.waited_s == []


@pytest.mark.parametrize(
    ("query", "headers", "word"),
    [
        ("?wait=-1", {}, "wait"),
        ("?wait=nan", {}, "wait"),
        ("?wait=inf", {}, "wait"),
        ("?wait=3601", {}, "from 0 to 3600"),
        ("?wait=soon", {}, "'soon'"),
        ("?dry_run=maybe", {}, "dry_run: 'maybe'"),
        ("", {"prefer": "wait=soon"}, "wait"),
        ("", {"idempotency_key": "a b"}, "Idempotency-Key"),
        ("", {"idempotency_key": "x" * 256}, "Idempotency-Key"),
        ("?wait=%ff", {}, "query"),
        ("?" + "a=1&" * 300, {}, "query"),
    ],
)
async def test_an_option_that_makes_no_sense_is_refused(
    played: Stage, query: str, headers: dict[str, str], word: str
) -> None:
    answer = await create(played, query=query, **headers)
    assert answer.status == 400
    assert word in answer.json["error"]
    assert played.jobs.submitted == []


# -- what is answered --------------------------------------------------------------------------


async def test_the_fields_of_the_result_stand_beside_the_host(played: Stage) -> None:
    played.jobs.answers = [response("a", DONE, changed=True)]
    answer = await create(played)
    assert answer.status == 200
    assert answer.json == {
        "job_id": JOB,
        "results": [{"hostname": "host-a", "machine_id": "a", "status": "ok", **DONE}],
    }


async def test_a_list_is_one_entry_each(played: Stage) -> None:
    played.jobs.answers = [response("a", [{"key": "x.y"}, {"key": "x.z"}]), response("b", [])]
    answer = await played.call("GET", "/api/node/_all/sysctl", authorization=bearer("read"))
    assert [(entry["hostname"], entry.get("key")) for entry in answer.json["results"]] == [
        ("host-a", "x.y"),
        ("host-a", "x.z"),
        ("host-b", None),
    ]


async def test_the_result_says_the_name_of_the_host_but_not_how_it_fared(played: Stage) -> None:
    forged = {"hostname": "new-name", "status": "failed", "machine_id": "z", "error": "x"}
    played.jobs.answers = [response("a", forged)]
    entry = (await create(played)).json["results"][0]
    assert (entry["hostname"], entry["status"], entry["machine_id"]) == ("new-name", "ok", "a")


async def test_a_result_that_declares_a_status_tells_it_in_place_of_ok(played: Stage) -> None:
    found = {"path": "/x", "status": "drifted", "changed": False}
    played.jobs.answers = [response("a", found), response("b", found, Ending.FAILED, error="no", code="failed")]
    answer = await played.call("POST", "/api/node/_all/file/status", b'{"path":"/x"}', authorization=bearer("read"))
    assert [entry["status"] for entry in answer.json["results"]] == ["drifted", "failed"]


async def test_the_status_of_success_is_that_of_the_operation(played: Stage) -> None:
    played.jobs.answers = [response("a", {"stdout": "", "stderr": "", "exit_code": 1, "changed": True})]
    answer = await played.call(
        "POST", "/api/node/a/command/exec", b'{"command":"false"}', authorization=bearer("admin")
    )
    assert (answer.status, answer.json["results"][0]["exit_code"]) == (202, 1)


@pytest.mark.parametrize(
    ("ending", "status", "code"),
    [
        (Ending.FAILED, "failed", "failed"),
        (Ending.SKIPPED, "skipped", "skipped"),
        (Ending.TIMEOUT, "failed", "timeout"),
        (Ending.CANCELLED, "failed", "cancelled"),
        (Ending.INTERRUPTED, "failed", "interrupted"),
        (Ending.REJECTED, "failed", "rejected"),
        (Ending.EXPIRED, "failed", "expired"),
    ],
)
async def test_a_host_that_did_not_do_it_is_an_entry_with_the_reason(
    played: Stage, ending: Ending, status: str, code: str
) -> None:
    played.jobs.answers = [response("a", ending=ending, error="why")]
    for target in ("host-a", "_all"):
        answer = await create(played, target)
        entry = answer.json["results"][0]
        assert answer.status == 200
        assert (entry["status"], entry["error"], entry["code"]) == (status, "why", code)


async def test_what_a_host_had_when_its_time_ran_out_is_shown(played: Stage) -> None:
    played.jobs.answers = [response("a", {"stdout": "so far"}, Ending.TIMEOUT, error="30 s are over", code="timeout")]
    entry = (await create(played)).json["results"][0]
    assert (entry["status"], entry["stdout"], entry["error"]) == ("failed", "so far", "30 s are over")


@pytest.mark.parametrize(
    ("code", "status"), [("not_found", 404), ("not_managed", 404), ("conflict", 409), ("protected", 403)]
)
async def test_the_refusal_of_the_only_host_is_that_of_the_whole(played: Stage, code: str, status: int) -> None:
    played.jobs.answers = [response("a", ending=Ending.FAILED, error="no such key", code=code)]
    for target in ("host-a", "_any"):
        answer = await create(played, target)
        assert answer.status == status
        assert answer.json == {"error": "host-a: no such key", "code": code, "job_id": JOB}
    broadcast = await create(played, "_all")
    assert (broadcast.status, broadcast.json["results"][0]["code"]) == (200, code)


async def test_other_failures_of_the_only_host_are_entries(played: Stage) -> None:
    played.jobs.answers = [response("a", ending=Ending.FAILED, error="exit 1", code="command_failed")]
    answer = await create(played)
    assert (answer.status, answer.json["results"][0]["code"]) == (200, "command_failed")


async def test_hosts_that_stay_silent_are_named(played: Stage) -> None:
    played.jobs.answers = [response("b", DONE, changed=True)]
    answer = await create(played, "_all")
    silent, loud = answer.json["results"]
    assert (answer.status, loud["status"]) == (200, "ok")
    assert silent == {
        "hostname": "host-a",
        "machine_id": "a",
        "status": "failed",
        "error": "timeout: agent did not respond",
        "code": "timeout",
    }


@pytest.mark.parametrize(("target", "silent"), [("_all", ["host-a", "host-b"]), ("host-a", ["host-a"]), ("_any", None)])
async def test_when_nobody_answers_the_job_is_told(played: Stage, target: str, silent: list[str] | None) -> None:
    answer = await create(played, target, "?wait=0.5")
    assert (answer.status, answer.json["code"], answer.json["job_id"]) == (504, "no_answer", JOB)
    assert "0.5 s" in answer.json["error"]
    assert (answer.json.get("details") or {}).get("silent") == silent


@pytest.mark.parametrize("data", [b"{", b"nul", b"17", b'"x"', b"[1]", b"[" * 5000])
async def test_an_answer_that_is_nonsense_harms_nobody(played: Stage, data: bytes) -> None:
    bad = msgspec.structs.replace(response("a"), data=msgspec.Raw(data))
    played.jobs.answers = [bad, response("b", DONE)]
    answer = await create(played, "_all")
    assert [entry["hostname"] for entry in answer.json["results"]] == ["host-a", "host-b"]


async def test_a_broker_that_is_away_is_503(played: Stage) -> None:
    played.jobs.refuses = Unavailable("the broker is away", job_id=JOB)
    answer = await create(played)
    assert (answer.status, answer.json["job_id"], answer.headers["retry-after"]) == (503, JOB, "1")


async def test_a_key_that_was_used_for_something_else_is_409(played: Stage) -> None:
    played.jobs.refuses = Conflict("used before", job_id=JOB)
    assert (await create(played, idempotency_key="k")).status == 409


async def test_every_failure_after_the_submission_tells_the_job(played: Stage) -> None:
    played.jobs.breaks = Unavailable("lost")
    assert (await create(played)).json["job_id"] == JOB


# -- bodies ------------------------------------------------------------------------------------


async def test_a_body_over_the_limit_is_refused_before_it_is_read(played: Stage) -> None:
    answer = await played.call("POST", CREATE.format("a"), b"x" * (BODY_LIMIT + 1), authorization=bearer("admin"))
    assert (answer.status, answer.json["code"]) == (413, "too_large")
    assert "controller.api.body_limit_bytes" in answer.json["error"]


async def test_a_body_of_unknown_length_is_cut_off_at_the_limit(played: Stage) -> None:
    from tests.unit.controller.kit import Wire, answer_of

    wire = Wire("POST", CREATE.format("a"), [b"x" * 1000] * 100, {"authorization": bearer("admin")})
    await played.app(wire.scope, wire.receive, wire.send)
    assert (await answer_of(wire)).status == 413
    assert wire.taken == BODY_LIMIT // 1000 + 1, "nothing is taken in beyond the limit"


async def test_a_body_in_pieces_is_put_together(played: Stage) -> None:
    pieces = [ENTRY[:5], b"", ENTRY[5:20], ENTRY[20:]]
    await played.call("POST", CREATE.format("a"), pieces, authorization=bearer("admin"))
    assert len(played.jobs.submitted) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"1",
        b'"x"',
        b"null",
        b"\xff",
        b"{}{}",
        b'{"key":',
        b"[" * 2000,
        b'{"a":' * 700,
        b"\x1f\x8b\x08\x00",
    ],
)
async def test_a_body_that_is_no_object_is_400(played: Stage, body: bytes) -> None:
    for path, method in ((CREATE.format("a"), "POST"), ("/api/node/a/sysctl/vm.swappiness", "PUT")):
        answer = await played.call(method, path, body, authorization=bearer("admin"))
        assert (answer.status, answer.json["code"]) == (400, "invalid")
        assert answer.json["error"].startswith("body:")


# -- limits of roles ---------------------------------------------------------------------------


async def test_a_limited_role_reaches_its_hosts_only(played: Stage) -> None:
    await create(played, "_all", role="web")
    await create(played, "group:web", role="web")
    await create(played, "host-a", role="web")
    assert [submission.hosts for submission in played.jobs.submitted] == [{"a": "host-a"}] * 3


async def test_a_limited_role_reaches_of_a_query_its_own(played: Stage) -> None:
    await create(played, "host-*", role="web")
    assert played.jobs.submitted[0].hosts == {"a": "host-a"}


@pytest.mark.parametrize("target", ["host-b", "b", "group:db", "a,b", "host-b*", "@fact.custom.group:db"])
async def test_hosts_beyond_the_limit_are_forbidden(played: Stage, target: str) -> None:
    answer = await create(played, target, role="web")
    assert (answer.status, answer.json["code"]) == (403, "forbidden")
    assert played.jobs.submitted == []


async def test_any_host_of_a_limited_role_is_one_of_its_own(played: Stage) -> None:
    await create(played, "_any", role="web")
    submission = played.jobs.submitted[0]
    assert (submission.target, submission.machine, submission.hosts) == (AnyTarget(), "a", {"a": "host-a"})


# -- secrets -----------------------------------------------------------------------------------

PASSWORD = "/api/node/{}/user/alice/password"


async def test_anybody_with_a_secret_is_one_host_from_the_start(played: Stage) -> None:
    token = bearer("admin")
    await played.call("POST", PASSWORD.format("_any"), b'{"password":"x"}', authorization=token)
    await played.call("POST", "/api/node/_any/user", b'{"name":"alice"}', authorization=token)
    with_secret, without = played.jobs.submitted
    assert (with_secret.target, with_secret.hosts) == (
        AnyTarget(),
        {with_secret.machine: f"host-{with_secret.machine}"},
    )
    assert (without.machine, without.hosts) == (None, {})
    assert "********" in repr(with_secret)


@pytest.mark.parametrize(
    "body",
    [
        b'{"password":"hunter2\\n"}',
        b'{"password":["hunter2"]}',
        b'{"password":{"x":"hunter2"}}',
        b'{"password":"hunter2"',
    ],
)
async def test_what_does_not_fit_is_refused_without_telling_it(played: Stage, body: bytes) -> None:
    answer = await played.call("POST", PASSWORD.format("a"), body, authorization=bearer("admin"))
    assert (answer.status, b"hunter2" in answer.body) == (400, False)
    assert played.jobs.submitted == []


async def test_a_list_that_holds_secrets_is_not_told_either(played: Stage) -> None:
    body = b'{"command":"x","secret_env":"A=hunter2"}'
    answer = await played.call("POST", "/api/node/a/command/shell", body, authorization=bearer("admin"))
    assert answer.json["error"] == (
        "secret_env: what was sent (not shown, for it may hold a secret) is not allowed; expected a list"
    )


async def test_the_limit_is_that_of_the_permission_used(played: Stage) -> None:
    """`read` reaches every host, `web` writes on web alone."""
    token = bearer("read", "web")
    await played.call("GET", "/api/node/_all/os", authorization=token)
    await played.call("POST", CREATE.format("_all"), ENTRY, authorization=token)
    assert [list(submission.hosts) for submission in played.jobs.submitted] == [["a", "b"], ["a"]]


def test_no_request_uses_a_name_that_is_an_option() -> None:
    from osapi.controller.options import RESERVED

    taken = [
        (operation.name, field.encode_name)
        for operation in OPERATIONS.values()
        for field in msgspec.structs.fields(operation.request)
        if field.encode_name in RESERVED and operation.kind in (Kind.QUERY, Kind.MODIFY)
    ]
    assert taken == []
