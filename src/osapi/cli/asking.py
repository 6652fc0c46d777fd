"""From a call to its HTTP request, and from the answer to what the rest of the CLI works with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from osapi.sdk.calls import LONGEST_WAIT_S, STREAM_SILENCE_S
from osapi.sdk.errors import BadAnswer
from osapi.sdk.request import Request, node_request

if TYPE_CHECKING:
    from osapi.cli.node import Call

Entry = dict[str, Any]
"""What one host answered, as it stands on the wire: the fields of its result beside name and status."""

USUAL_WAIT_S = 30.0
"""How long a controller waits for hosts unless told otherwise."""
_SIGNS = frozenset(":,*?[ (")
"""What no name of a host has: signs of labels, lists, globs and queries."""
_MARGIN_S = 5.0
_ANSWER_MARGIN_S = 30.0


class Answer(NamedTuple):
    """What hosts answered. `body` is the HTTP body as it came; empty when it was put together here."""

    job_id: str
    entries: list[Entry]
    body: bytes = b""


def to_request(call: Call, wait_s: float | None, *, as_events: bool = False) -> Request:
    """The HTTP request; `wait_s` None leaves the wait to the controller. `as_events`: see `sdk.request`."""
    command = call.command
    return node_request(
        command.method,
        command.path,
        call.target,
        call.fields,
        modifies=command.modifies,
        wait_s=wait_s,
        respond_async=call.respond_async,
        as_events=as_events,
        dry_run=call.dry_run,
        idempotency_key=call.idempotency_key,
        timeout_s=STREAM_SILENCE_S if as_events else None if wait_s is None else wait_s + _ANSWER_MARGIN_S,
    )


def waiting_time(call: Call) -> float | None:
    """How long to ask the controller to wait: as asked, or as long as the work may take when that is long."""
    if call.wait_s is not None:
        return call.wait_s
    deadline_s = _deadline_s(call)
    return min(deadline_s + _MARGIN_S, LONGEST_WAIT_S) if deadline_s > USUAL_WAIT_S else None


def _deadline_s(call: Call) -> float:
    """How long the work may take on a host; as `contract.operation.deadline_of`."""
    if call.command.lasts:
        when, fields = call.command.lasts
        if not when or call.fields.get(when):
            return float(sum(call.fields.get(name, default) for name, default in fields))
    return call.command.deadline_s


def is_broadcast(target: str) -> bool:
    """Whether the target can mean more than one host; the grammar is that of `contract.target`."""
    return target == "_all" or not _SIGNS.isdisjoint(target)


def read(body: bytes) -> Answer:
    """The answer to a node operation. Raises `BadAnswer`."""
    content = json_object(body)
    results = content.get("results")
    if not isinstance(results, list):
        raise BadAnswer("the answer holds no results of hosts")
    return Answer(str(content.get("job_id") or ""), cast("list[Entry]", results), body)


def json_object(body: bytes) -> dict[str, Any]:
    """A JSON body. Raises `BadAnswer` when it is no object."""
    try:
        content = json.loads(body)
    except ValueError as problem:
        raise BadAnswer("the answer is not JSON") from problem
    if not isinstance(content, dict):
        raise BadAnswer("the answer is not a JSON object")
    return cast("dict[str, Any]", content)
