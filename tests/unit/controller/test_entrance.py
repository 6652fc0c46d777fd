"""Which requests leave a trail, and when; and who is let in how often."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from tests.unit.controller.kit import OPERATIONS, SECONDS, Stage, bearer, stage

from osapi.audit.ids import EntryIds
from osapi.audit.kind import Kind
from osapi.audit.question import OpenTrail, Question
from osapi.audit.record import Addition, Entry, Record
from osapi.audit.refusals import Refusals
from osapi.audit.trail import Desk, RequestTrail
from osapi.contract.endpoint import Call, Download, Endpoint, Reply
from osapi.contract.errors import NotFound, StoreFull
from osapi.contract.operation import Kind as Doing
from osapi.controller import asgi
from osapi.controller.client_address import ClientAddress
from osapi.controller.limits import UNLIMITED, Limits, Rate
from osapi.controller.node import NodeServices

pytestmark = pytest.mark.anyio


@dataclass
class Notebook:
    """An audit that keeps everything in one list, and refuses when it is told to."""

    records: list[Record] = field(default_factory=list[Record])
    events: list[str] = field(default_factory=list[str])
    refuses: Exception | None = None

    def __post_init__(self) -> None:
        ids = EntryIds(lambda: SECONDS)
        self._desk = Desk(self, Refusals(self.note, ids, lambda: SECONDS), ids, lambda: SECONDS)

    def begin(self, question: Question, /) -> OpenTrail:
        return RequestTrail(self._desk, question)

    async def keep(self, entry: Record, /) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.events.append("kept")
        self.records.append(entry)

    def note(self, entry: Record, /) -> None:
        self.events.append("noted")
        self.records.append(entry)

    @property
    def entry(self) -> Entry:
        """The only entry."""
        [found] = [one for one in self.records if isinstance(one, Entry)]
        return found

    @property
    def outcome(self) -> Any:
        """How the only request ended."""
        [found] = [one.outcome for one in self.records if one.outcome is not None]
        return found


class Thing(msgspec.Struct):
    id: int


def endpoint(method: str, name: str) -> Endpoint:
    return Endpoint(
        operation_id=f"{method}{name}",
        method=method,
        path=f"/api/{name}/{{id}}",
        permission="job:read",
        summary="Do a thing.",
        tag="Thing",
        request=Thing,
        response=None,
    )


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def played(notebook: Notebook) -> Stage:
    async def work(_: Call) -> Reply:
        notebook.events.append("worked")
        return Reply()

    async def miss(_: Call) -> Reply:
        raise NotFound("there is none", job_id="j")

    async def crash(_: Call) -> Reply:
        raise ZeroDivisionError

    async def parts() -> AsyncGenerator[bytes]:
        yield b"one"
        yield b"two"

    async def stream(_: Call) -> Reply:
        return Reply(file=Download(content=parts(), length=None, media="text/plain"))

    slices = [(endpoint(method, "thing"), work) for method in ("GET", "POST", "PUT", "DELETE")]
    slices += [(endpoint("POST", "miss"), miss), (endpoint("POST", "crash"), crash), (endpoint("GET", "parts"), stream)]
    return stage(slices=slices, audit=notebook)


ADMIN = {"authorization": bearer("admin")}


async def test_a_read_is_entered_when_it_is_answered(played: Stage, notebook: Notebook) -> None:
    answer = await played.call(
        "GET", "/api/thing/7?a=b", traceparent=f"00-{'ab' * 16}-{'cd' * 8}-01", x_request_id="r1", **ADMIN
    )
    assert answer.status == 200
    assert notebook.events == ["worked", "noted"]
    entry = notebook.entry
    assert (entry.kind, entry.user, entry.roles) == (Kind.READ, "anna", ("admin",))
    assert (entry.method, entry.path, entry.query) == ("GET", "/api/thing/7", "a=b")
    assert (entry.operation_id, entry.request_id, entry.trace_id) == ("GETthing", "r1", "ab" * 16)
    assert entry.token_id
    assert notebook.outcome.response_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_change_is_entered_before_anything_is_done(played: Stage, notebook: Notebook, method: str) -> None:
    assert (await played.call(method, "/api/thing/7", **ADMIN)).status == 200
    assert notebook.events == ["kept", "worked", "noted"]
    entry, addition = notebook.records
    assert isinstance(entry, Entry)
    assert isinstance(addition, Addition)
    assert (entry.kind, bytes(entry.request), entry.outcome) == (Kind.CHANGE, b'{"id":7}', None)
    assert addition.id == entry.id
    assert notebook.outcome.response_code == 200


async def test_a_change_that_cannot_be_entered_is_not_done(played: Stage, notebook: Notebook) -> None:
    notebook.refuses = StoreFull("there is no room", code="audit_full")
    answer = await played.call("POST", "/api/thing/7", **ADMIN)
    assert (answer.status, answer.json["code"]) == (507, "audit_full")
    assert "worked" not in notebook.events
    assert (await played.call("GET", "/api/thing/7", **ADMIN)).status == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/api/miss/1", b"", 404, "not_found"),
        ("/api/crash/1", b"", 500, "internal"),
        ("/api/thing/x", b"", 400, "invalid"),
        ("/api/thing/1", b"{", 400, "invalid"),
    ],
)
async def test_a_change_that_fails_tells_how(
    played: Stage, notebook: Notebook, path: str, body: bytes, status: int, code: str
) -> None:
    assert (await played.call("POST", path, body, **ADMIN)).status == status
    assert notebook.entry.kind is Kind.CHANGE
    assert (notebook.outcome.response_code, notebook.outcome.code) == (status, code)


async def test_what_is_read_in_pieces_is_entered_once(played: Stage, notebook: Notebook) -> None:
    answer = await played.call("GET", "/api/parts/1", **ADMIN)
    assert answer.body == b"onetwo"
    assert answer.headers["content-type"] == "text/plain"
    assert notebook.outcome.response_code == 200
    assert (await played.call("HEAD", "/api/parts/1", **ADMIN)).body == b""


async def test_whoever_lacks_a_permission_is_entered_by_name(played: Stage, notebook: Notebook) -> None:
    token = bearer(permissions=["node:read"])
    assert (await played.call("GET", "/api/thing/7", authorization=token)).status == 403
    assert (notebook.entry.kind, notebook.entry.user) == (Kind.REFUSAL, "anna")
    assert (notebook.outcome.response_code, notebook.outcome.code) == (403, "forbidden")


async def test_whoever_has_no_token_is_entered_without_a_name(played: Stage, notebook: Notebook) -> None:
    assert (await played.call("POST", "/api/thing/7")).status == 401
    assert (notebook.entry.kind, notebook.entry.user, notebook.entry.path) == (Kind.REFUSAL, "", "/api/thing/7")


async def test_paths_and_methods_that_do_not_exist_are_entered(played: Stage, notebook: Notebook) -> None:
    assert (await played.call("GET", "/api/nothing", **ADMIN)).status == 404
    assert (await played.call("PATCH", "/api/thing/7", **ADMIN)).status == 405
    assert [one.outcome.response_code for one in notebook.records if one.outcome] == [404, 405]


@pytest.mark.parametrize("path", ["/health", "/api/health", "/api/health/ready", "/api/openapi.json", "/"])
async def test_what_needs_no_token_is_not_entered(played: Stage, notebook: Notebook, path: str) -> None:
    await played.call("GET", path, **ADMIN)
    assert notebook.records == []


async def test_what_is_too_long_for_a_record_is_cut(played: Stage, notebook: Notebook) -> None:
    await played.call("GET", f"/api/{'x' * 50_000}?{'y' * 50_000}", **ADMIN)
    assert len(notebook.entry.path) < 2100
    assert len(notebook.entry.query) < 2100


async def test_the_address_is_the_one_that_a_trusted_proxy_tells(notebook: Notebook) -> None:
    played = stage(audit=notebook, address=ClientAddress(["10.0.0.0/8"]))
    scope_peer = "10.0.0.1"

    async def behind_proxy(scope: Any, receive: Any, send: Any) -> None:
        await played.app({**scope, "client": (scope_peer, 1)}, receive, send)

    from tests.unit.controller.kit import call

    await call(behind_proxy, "GET", "/api/nothing", x_forwarded_for="198.51.100.7", **ADMIN)
    assert notebook.entry.source_ip == "198.51.100.7"


def test_what_asks_for_a_change_follows_from_what_is_declared() -> None:
    services = NodeServices(jobs=None, fleet=None, wait_s=1, body_limit=1)  # type: ignore[arg-type] # not asked

    async def nothing(_: Call) -> Reply:
        return Reply()

    by_hand = [(fact, nothing) for fact in asgi.endpoints() if fact.permission is not None]
    routes = {route.operation_id: route for route in asgi.routes(OPERATIONS, services, by_hand, [])}
    for operation in OPERATIONS.values():
        assert routes[operation.operation_id].changes == (operation.kind is Doing.MODIFY)
    for fact, _ in by_hand:
        assert routes[fact.operation_id].changes == (fact.method != "GET")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limited(clock: Clock, notebook: Notebook, **rates: Rate) -> Stage:
    known = {"token": UNLIMITED, "anonymous": UNLIMITED, "guesses": UNLIMITED, **rates}
    return stage(audit=notebook, limits=Limits(clock, **known))


async def test_a_token_that_comes_too_often_waits(clock: Clock, notebook: Notebook) -> None:
    played = limited(clock, notebook, token=Rate(0.5, 2))
    statuses = [(await played.call("GET", "/api/nothing", **ADMIN)).status for _ in range(3)]
    assert statuses == [404, 404, 429]
    answer = await played.call("GET", "/api/nothing", **ADMIN)
    assert (answer.headers["retry-after"], answer.json["code"]) == ("2", "too_many_requests")
    clock.now += 2
    assert (await played.call("GET", "/api/nothing", **ADMIN)).status == 404
    assert [one.outcome.response_code for one in notebook.records if one.outcome] == [404, 404, 429, 429, 404]


async def test_an_address_without_a_token_waits(clock: Clock, notebook: Notebook) -> None:
    played = limited(clock, notebook, anonymous=Rate(1, 2))
    assert [(await played.call("GET", "/health")).status for _ in range(3)] == [200, 200, 429]
    assert (await played.call("GET", "/api/nothing", **ADMIN)).status == 404
    assert (await played.call("GET", "/nothing")).status == 429


async def test_an_address_that_guesses_waits_and_known_tokens_pass(clock: Clock, notebook: Notebook) -> None:
    played = limited(clock, notebook, guesses=Rate(1, 3))
    assert (await played.call("GET", "/api/nothing", **ADMIN)).status == 404
    statuses = [(await played.call("GET", "/api/nothing", authorization="Bearer a.b.c")).status for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert (await played.call("GET", "/api/nothing")).status == 429
    assert (await played.call("GET", "/api/nothing", **ADMIN)).status == 404
    unseen = {"authorization": bearer("read")}
    assert (await played.call("GET", "/api/nothing", **unseen)).status == 429
    clock.now += 1
    assert (await played.call("GET", "/api/nothing", **unseen)).status == 404
