"""Tells the answers of hosts from what only claims to be one: signed by the host's key, for this job, under its own name."""

from __future__ import annotations

import msgspec

from osapi.contract.errors import Forbidden
from osapi.jobs import envelope, subjects
from osapi.jobs.quarantine import Doubt, Quarantine, Saying
from osapi.jobs.record import Response
from osapi.jobs.trust import AgentKeys, doubt

_decode = msgspec.json.Decoder(Response).decode


class Answers:
    """Reads stored answers."""

    def __init__(self, agents: AgentKeys, quarantine: Quarantine) -> None:
        self._agents = agents
        self._quarantine = quarantine

    def read(self, key: str, stored: bytes, *, verify: bool = True) -> Response | None:
        """The answer under this key; None for what is not believed, which goes into quarantine.

        `verify` False leaves the signature for later; what cannot be right is found all the same.
        """
        try:
            header, payload = envelope.parse(stored)
            response = _decode(payload)
        except (Forbidden, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._quarantine.put(Saying.RESULT, Doubt.UNREADABLE, key)
            return None
        job, machine = response.job_id, response.machine_id
        found: Doubt | None = None
        if subjects.response_key(job, machine) != key:
            found = Doubt.ELSEWHERE
        elif verify:
            found = doubt(header, payload, envelope.RESULT, self._agents.verifier(machine))
        if found is None:
            return response
        signed_by = "" if header is None else header.key
        self._quarantine.put(Saying.RESULT, found, key, machine=machine, job=job, signed_by=signed_by)
        return None
