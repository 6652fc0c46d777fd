"""Shows on standard error how many hosts of a broadcast have answered, while a person waits.

The first second is an ordinary request, so that a quick broadcast costs nothing more. Only what is not
finished then is followed by the job's events, and its answers are read from the job at the end.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

from osapi.cli import asking
from osapi.cli.asking import Answer, Entry
from osapi.sdk import calls, errors
from osapi.sdk.events import LAST_OF_A_JOB, EventReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from osapi.cli.node import Call
    from osapi.cli.terminal import Terminal
    from osapi.sdk.events import ServerEvent
    from osapi.sdk.raw import RawClient

FIRST_WAIT_S = 1.0
SILENT = "timeout: agent did not respond"
"""How a controller words the entry of a host that has not answered."""
_OUTCOMES = {"completed": "ok", "skipped": "skipped"}
_ENDINGS = frozenset({"completed", "failed", "skipped", "timeout", "cancelled", "interrupted", "rejected", "expired"})


def follow(call: Call, client: RawClient, term: Terminal) -> Answer:
    """Run a broadcast and return its answers. Raises `NoAnswer` when no host has answered in the time there is."""
    wait_s = asking.waiting_time(call) or asking.USUAL_WAIT_S
    until = time.monotonic() + wait_s
    try:
        answer = asking.read(client.send(asking.to_request(call, min(FIRST_WAIT_S, wait_s))).body)
        if not answer.job_id or not any(_is_silent(entry) for entry in answer.entries):
            return answer
        job_id = answer.job_id
    except errors.NoAnswer as nobody:
        if nobody.job_id is None or time.monotonic() >= until:
            raise
        job_id = nobody.job_id
    _watch(job_id, client, term, until)
    return _collect(client, job_id, wait_s)


def _watch(job_id: str, client: RawClient, term: Terminal, until: float) -> None:
    """Follow the job to its end, or until the time is over, and draw the count."""
    detail = asking.json_object(client.send(calls.job_get(job_id)).body)
    expected, answered = int(detail.get("hosts") or 0), 0
    try:
        _draw(0, expected, term)
        for event in _events(client, job_id, until):
            if event.event in LAST_OF_A_JOB:
                return
            if event.event in _ENDINGS:
                answered += 1
                _draw(answered, expected, term)
    finally:
        term.err.write("\r\x1b[K")
        term.err.flush()


def _draw(answered: int, expected: int, term: Terminal) -> None:
    term.err.write(f"\r{answered} of {expected} hosts answered")
    term.err.flush()


def _events(client: RawClient, job_id: str, until: float) -> Iterator[ServerEvent]:
    reader = EventReader()
    try:
        for block in client.stream(calls.job_events(job_id), until=until):
            yield from reader.feed(block)
    except errors.Unreachable as problem:
        if not problem.timed_out:
            raise


def _collect(client: RawClient, job_id: str, wait_s: float) -> Answer:
    """The answers as they would stand in the answer of a controller that had waited for all of them."""
    detail = asking.json_object(client.send(calls.job_get(job_id)).body)
    responses = cast("dict[str, Entry]", detail.get("responses") or {})
    silent = cast("list[str]", detail.get("silent") or [])
    if not responses:
        raise errors.NoAnswer(
            f"none of {len(silent)} hosts answered within {wait_s:g} s; the job goes on", status=504, job_id=job_id
        )
    entries = [entry for response in responses.values() for entry in _flat(response)]
    entries += [{"hostname": name, "status": "failed", "error": SILENT, "code": "timeout"} for name in silent]
    return Answer(job_id, sorted(entries, key=lambda entry: str(entry["hostname"])))


def _flat(response: Entry) -> list[Entry]:
    head = {name: value for name, value in response.items() if name != "data"}
    status = _OUTCOMES.get(str(head["status"]), "failed")
    if status == "failed":
        head.setdefault("error", str(head["status"]))
        head.setdefault("code", str(head["status"]))
    same = {"machine_id": head.get("machine_id", "")}
    if status == "ok":
        head["status"] = status  # the result may have a status of its own
    else:
        same["status"] = status
    return [{**head, **payload, **same} for payload in _payloads(response.get("data"))]


def _payloads(data: Any) -> list[Entry]:
    if isinstance(data, list):
        return cast("list[Entry]", data) or [{}]
    return [cast("Entry", data)] if isinstance(data, dict) else [{}]


def _is_silent(entry: Entry) -> bool:
    return entry.get("code") == "timeout" and str(entry.get("error")).startswith(SILENT)
