from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osapi.jobs import endpoints
from osapi.sdk import calls
from osapi.sdk.request import Request, fill, node_request, quote, with_query


@given(st.text())
def test_quoting_is_undone_by_any_url_reader(text: str) -> None:
    assert unquote(quote(text)) == text
    assert "/" not in quote(text)


@given(st.dictionaries(st.text(min_size=1), st.lists(st.text(), min_size=1)))
def test_a_query_holds_every_value(fields: dict[str, list[str]]) -> None:
    query = urlsplit(with_query("/api/job", fields)).query
    assert parse_qs(query, keep_blank_values=True) == fields


def test_none_is_left_out_of_a_query() -> None:
    assert with_query("/api/job", {"status": None, "limit": 10, "all": True}) == "/api/job?limit=10&all=true"
    assert with_query("/api/job", {"status": None}) == "/api/job"


def test_path_fields_are_taken_out_of_the_rest() -> None:
    fields: dict[str, Any] = {"name": "root", "fingerprint": "SHA256:a/b", "force": True}
    assert fill("/user/{name}/ssh-key/{fingerprint}", fields) == "/user/root/ssh-key/SHA256%3Aa%2Fb"
    assert fields == {"force": True}


def _ask(method: str, path: str, fields: dict[str, Any], **more: Any) -> Request:
    return node_request(method, path, "group:web", fields, modifies=method != "GET", **more)


def test_a_query_travels_in_the_path_and_the_query() -> None:
    asked = _ask("GET", "/log/unit/{name}", {"name": "a b", "lines": 5}, wait_s=2.5)
    assert asked.path == "/api/node/group%3Aweb/log/unit/a%20b?lines=5&wait=2.5"
    assert (asked.body, asked.safe, asked.idempotency_key) == (None, True, None)


def test_a_change_travels_in_the_body_with_a_key_of_its_own() -> None:
    one, other = (_ask("PUT", "/sysctl/{key}", {"key": "vm.swappiness", "value": "10"}) for _ in range(2))
    assert one.path == "/api/node/group%3Aweb/sysctl/vm.swappiness"
    assert one.body == b'{"value":"10"}'
    assert one.safe
    assert one.idempotency_key
    assert one.idempotency_key != other.idempotency_key


def test_a_delete_has_no_body() -> None:
    asked = _ask("DELETE", "/container/docker/{id}", {"id": "a", "force": True}, dry_run=True, idempotency_key="mine")
    assert asked.path == "/api/node/group%3Aweb/container/docker/a?force=true&dry_run=true"
    assert asked.body is None
    assert asked.idempotency_key == "mine"


def test_not_waiting_is_asked_for_by_a_header() -> None:
    assert _ask("GET", "/os", {}, respond_async=True).headers == {"prefer": "respond-async"}


@pytest.mark.parametrize(
    ("call", "endpoint"),
    [
        (calls.job_list(limit=1), endpoints.LIST),
        (calls.job_get("a"), endpoints.GET),
        (calls.job_delete("a"), endpoints.DELETE),
        (calls.job_retry("a", None), endpoints.RETRY),
        (calls.job_cancel("a"), endpoints.CANCEL),
        (calls.job_events("a"), endpoints.JOB_EVENTS),
        (calls.job_events(None), endpoints.EVENTS),
        (calls.dead_letter_list(), endpoints.LIST_DEAD_LETTERS),
        (calls.dead_letter_replay(7), endpoints.REPLAY_DEAD_LETTER),
        (calls.dead_letter_purge(), endpoints.PURGE_DEAD_LETTERS),
    ],
    ids=lambda value: getattr(value, "operation_id", ""),
)
def test_every_call_goes_where_the_controller_listens(call: Request, endpoint: Any) -> None:
    fixed = endpoint.path.partition("{")[0]
    shape = endpoint.path.replace("{id}", "7" if "dead-letter" in endpoint.path else "a")
    assert call.method == endpoint.method
    assert call.path.partition("?")[0] == shape
    assert call.path.startswith(fixed)


def test_only_reading_calls_are_sent_twice() -> None:
    assert calls.job_get("a").safe
    assert not calls.job_retry("a", None).safe
    assert not calls.job_delete("a").safe
    assert not calls.dead_letter_replay(1).safe


def test_a_name_of_dots_alone_does_not_climb() -> None:
    assert (quote("."), quote(".."), quote("a.b")) == ("%2E", "%2E%2E", "a.b")
