"""The answer of a node operation: one entry per host, the fields of its result beside name and status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from osapi.audit.record import SILENT
from osapi.contract.errors import ErrorBody, NoAnswer
from osapi.contract.result import Outcome
from osapi.contract.trail import HostCounts
from osapi.controller.answer import Answer
from osapi.controller.errors import HOST_STATUS, failure
from osapi.jobs.dispatcher import Collected
from osapi.jobs.record import Ending, Response

_OUTCOMES = {Ending.COMPLETED: Outcome.OK.value, Ending.SKIPPED: Outcome.SKIPPED.value}
_SILENT = "timeout: agent did not respond"
_PAYLOAD_MAY_SAY = frozenset({"hostname", "changed"})
"""Fields of an entry that the result may hold too, and then does better: the name a host has from now on."""
_WITH_STATUS = _PAYLOAD_MAY_SAY | {"status"}
"""The same for a result that declares a `status` of its own, which says more than `ok`."""
_NAMED = 100
"""How many silent hosts the details of a failure name at most."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any] | list[dict[str, Any]] | None).decode

Entry = dict[str, Any]

_NOTHING: Sequence[Entry] = ({},)


def answer_of(collected: Collected, status: int, *, single: bool, waited_s: float, own_status: bool = False) -> Answer:
    """The whole answer. `single` says that one host was asked, whose failure may be that of the whole.

    `own_status` says that results have a field `status`, which takes the place of `ok`.

    Raises `NoAnswer` when there is nothing to show.
    """
    if not collected.responses:
        raise _nobody(collected, waited_s)
    if single and (refusal := _refusal(collected)) is not None:
        return refusal
    return Answer(status, _encode({"job_id": collected.job_id, "results": results(collected, own_status=own_status)}))


def results(collected: Collected, *, own_status: bool = False) -> list[Entry]:
    """The entries of all hosts by name, those that are silent included."""
    entries = [entry for response in collected.responses for entry in _entries(response, own_status=own_status)]
    entries += [
        {"hostname": name, "machine_id": machine, "status": "failed", "error": _SILENT, "code": "timeout"}
        for machine, name in collected.silent.items()
    ]
    return sorted(entries, key=lambda entry: (str(entry["hostname"]), entry["machine_id"]))


def counts(collected: Collected) -> HostCounts:
    """How the hosts fared, for the audit."""
    endings = Counter(response.ending.value for response in collected.responses)
    failed = [response.hostname for response in collected.responses if response.ending not in _OUTCOMES]
    states = {**endings, **({SILENT: len(collected.silent)} if collected.silent else {})}
    return HostCounts(states=states, failed=(*failed, *collected.silent.values()))


def accepted(job_id: str) -> Answer:
    """The answer to a caller who does not wait."""
    location = (b"location", f"/api/job/{job_id}".encode())
    return Answer(202, _encode({"job_id": job_id, "status": "submitted"}), (location,))


def _entries(response: Response, *, own_status: bool) -> Iterator[Entry]:
    head = _head(response)
    free = _WITH_STATUS if own_status and response.ending is Ending.COMPLETED else _PAYLOAD_MAY_SAY
    fixed = {name: value for name, value in head.items() if name not in free}
    for payload in _payloads(response):
        yield {**head, **payload, **fixed}


def _head(response: Response) -> Entry:
    status = _OUTCOMES.get(response.ending, Outcome.FAILED.value)
    head: Entry = {"hostname": response.hostname, "machine_id": response.machine_id, "status": status}
    if response.changed is not None:
        head["changed"] = response.changed
    if status != Outcome.OK.value:
        head["error"] = response.error or response.ending.value
        head["code"] = response.code or response.ending.value
    return head


def _payloads(response: Response) -> Sequence[Entry]:
    """The result as objects: one for a single result, one for each of a list, an empty one for nothing."""
    data: Entry | list[Entry] | None
    try:
        data = _decode(response.data)
    except (msgspec.DecodeError, RecursionError):
        data = None
    if isinstance(data, dict):
        return [data]
    return data or _NOTHING


def _refusal(collected: Collected) -> Answer | None:
    response = collected.responses[0]
    if response.ending is not Ending.FAILED or response.code not in HOST_STATUS:
        return None
    text = f"{response.hostname}: {response.error or response.code}"
    return failure(HOST_STATUS[response.code], ErrorBody(error=text, code=response.code, job_id=collected.job_id))


def _nobody(collected: Collected, waited_s: float) -> NoAnswer:
    silent = sorted(collected.silent.values())
    who = f"none of {len(silent)} hosts" if len(silent) > 1 else (silent[0] if silent else "no host")
    verb = "did not answer" if len(silent) == 1 else "answered"
    return NoAnswer(
        f"{who} {verb} within {waited_s:g} s; the job goes on, see GET /api/job/{collected.job_id}",
        details={"silent": silent[:_NAMED]} if silent else None,
        job_id=collected.job_id,
    )
