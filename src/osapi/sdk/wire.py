"""From an operation and its request to an HTTP request: what both clients do before they differ."""

from __future__ import annotations

from typing import Any

import msgspec

from osapi.contract import masking
from osapi.contract.errors import Invalid
from osapi.contract.ids import JobId
from osapi.contract.operation import Kind, Operation, deadline_of, is_followed
from osapi.sdk.calls import LONGEST_WAIT_S, STREAM_SILENCE_S
from osapi.sdk.errors import BadAnswer
from osapi.sdk.request import Request, Response, node_request

USUAL_WAIT_S = 30.0
"""How long a controller waits for hosts unless told otherwise. Work that may take longer is waited for."""
_MARGIN_S = 5.0
_ANSWER_MARGIN_S = 30.0


class _Accepted(msgspec.Struct):
    job_id: JobId


def to_request(
    operation: Operation[Any, Any],
    request: msgspec.Struct,
    *,
    target: str,
    wait_s: float | None = None,
    respond_async: bool = False,
    as_events: bool = False,
    dry_run: bool = False,
    idempotency_key: str | None = None,
) -> Request:
    """Make the HTTP request. Raises `Invalid` when `request` is not the model of the operation."""
    if is_followed(request) and not (respond_async or as_events):
        raise Invalid(f"{operation.name} with `follow` has no single answer; use `follow` of the client")
    if wait_s is not None and wait_s <= 0:
        raise Invalid(f"wait_s is {wait_s}; it is more than 0 seconds, and `submit` does not wait at all")
    if not isinstance(request, operation.request):
        raise Invalid(f"{operation.name} takes a {operation.request.__name__}, not a {type(request).__name__}")
    method, path = operation.route
    if not as_events:
        wait_s = waiting_time(wait_s, deadline_of(operation, request).total_seconds())
    return node_request(
        method,
        path,
        target,
        msgspec.to_builtins(request, enc_hook=masking.reveal),
        modifies=operation.kind is Kind.MODIFY,
        wait_s=None if respond_async else wait_s,
        respond_async=respond_async,
        as_events=as_events,
        dry_run=dry_run,
        idempotency_key=idempotency_key,
        timeout_s=STREAM_SILENCE_S if as_events else None if respond_async else answer_timeout_s(wait_s),
    )


def waiting_time(wait_s: float | None, deadline_s: float) -> float | None:
    """How long to ask the controller to wait; None leaves it to the controller."""
    if wait_s is None and deadline_s > USUAL_WAIT_S:
        return min(deadline_s + _MARGIN_S, LONGEST_WAIT_S)
    return wait_s


def answer_timeout_s(wait_s: float | None) -> float | None:
    """How long to wait for the controller that waits `wait_s` seconds; None leaves it to the client."""
    return None if wait_s is None else wait_s + _ANSWER_MARGIN_S


def decode(response: Response, model: Any) -> Any:
    """Read a JSON body as `model`. Raises `BadAnswer`."""
    try:
        return msgspec.json.decode(response.body, type=model)
    except msgspec.DecodeError as problem:
        raise BadAnswer(f"the answer has another shape than this version of the SDK knows: {problem}") from problem


def job_id_of(response: Response) -> JobId:
    """The job id in the answer to a request that was not waited for. Raises `BadAnswer`."""
    accepted: _Accepted = decode(response, _Accepted)
    return accepted.job_id
