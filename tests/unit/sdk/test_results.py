from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.sdk.kit import JOB, failed, ok

from osapi.contract.result import Outcome
from osapi.domains.command import operations as command
from osapi.domains.node import operations as node
from osapi.domains.sysctl import operations as sysctl
from osapi.sdk import results
from osapi.sdk.errors import BadAnswer

ENTRY = {"value": "10", "desired": "10", "previous": "60", "in_sync": True}


def _body(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"job_id": JOB, "results": entries}).encode()


def test_the_fields_of_a_result_are_gathered_from_beside_the_host() -> None:
    parsed = results.parse(node.LOAD, 200, _body(ok(load_average={"1min": 0.1, "5min": 0.2, "15min": 0.3})))
    (answer,) = parsed
    assert (answer.hostname, answer.status, answer.changed) == ("web-01", Outcome.OK, None)
    assert answer.data is not None
    assert answer.data.load_average.fifteen == 0.3
    assert (parsed.job_id, parsed.status) == (JOB, 200)


def test_the_host_name_may_be_the_result() -> None:
    (answer,) = results.parse(node.HOSTNAME_UPDATE, 202, _body(ok(hostname="new", changed=True)))
    assert answer.changed
    assert answer.data is not None
    assert answer.data.hostname == "new"


def test_a_list_is_one_answer_per_host() -> None:
    parsed = results.parse(
        sysctl.LIST,
        200,
        _body(
            ok(key="vm.swappiness", **ENTRY),
            {"hostname": "web-02", "machine_id": "other", "status": "ok"},
            ok(key="kernel.sysrq", **ENTRY),
            failed("web-03", "timeout: agent did not respond", "timeout"),
        ),
    )
    found = {answer.hostname: answer.data and [entry.key for entry in answer.data] for answer in parsed}
    assert found == {"web-01": ["vm.swappiness", "kernel.sysrq"], "web-02": [], "web-03": None}


def test_a_failed_host_has_a_reason_and_no_data() -> None:
    parsed = results.parse(
        sysctl.CREATE, 200, _body(ok(key="a.b", changed=True), failed("web-02", "read only", "read_only"))
    )
    assert [answer.hostname for answer in parsed.failed] == ["web-02"]
    assert [answer.hostname for answer in parsed.ok] == ["web-01"]
    assert [answer.hostname for answer in parsed.changed] == ["web-01"]
    assert (parsed[1].error, parsed[1].code, parsed[1].data) == ("read only", "read_only", None)
    with pytest.raises(results.HostFailure, match=r"1 of 2 hosts failed \(web-02: read only\)"):
        parsed.require_success()


def test_a_command_that_ran_out_of_time_leaves_its_output() -> None:
    entry = {**failed("web-01", "timeout", "timeout"), "changed": True, "stdout": "so far", "stderr": ""}
    (answer,) = results.parse(command.EXEC, 202, _body(entry))
    assert answer.status is Outcome.FAILED
    assert answer.data is not None
    assert answer.data.stdout == "so far"


def test_a_skipped_host_is_no_failure() -> None:
    parsed = results.parse(
        node.OS, 200, _body({"hostname": "a", "status": "skipped", "error": "unsupported", "code": "unsupported"})
    )
    assert parsed.require_success() is parsed
    assert [answer.code for answer in parsed.skipped] == ["unsupported"]


def test_a_host_is_found_by_name_and_by_machine_id() -> None:
    parsed = results.parse(node.HOSTNAME_GET, 200, _body(ok()))
    assert parsed.host("web-01") is parsed.host(parsed[0].machine_id)
    with pytest.raises(KeyError):
        parsed.host("web-02")


def test_fields_that_are_new_are_no_trouble() -> None:
    (answer,) = results.parse(node.HOSTNAME_GET, 200, _body(ok(labels={"group": "web"}, invented=1)))
    assert answer.data is not None
    assert answer.data.labels == {"group": "web"}


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b'{"job_id":"a"}',
        b'{"results":[{"hostname":"a"}]}',
        b'{"results":[{"hostname":"a","status":"great"}]}',
        b'{"results":[{"hostname":"a","status":"ok","load_average":"high"}]}',
        b'{"results":[{"hostname":"a","status":"ok"}]}',
    ],
)
def test_an_answer_of_another_shape_is_told(body: bytes) -> None:
    with pytest.raises(BadAnswer, match=r"node\.load\.get"):
        results.parse(node.LOAD, 200, body)
