"""Whether an agent has said what is said in its name. Who knows the keys of agents is `fleet`, which is a stranger here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from osapi.contract.errors import Forbidden
from osapi.contract.ids import MachineId
from osapi.jobs.envelope import Header
from osapi.jobs.quarantine import Doubt
from osapi.pki.signing import Verifier


class AgentKeys(Protocol):
    """The keys of agents, as they were first announced or have been accepted since."""

    def verifier(self, machine: MachineId) -> Verifier | None:
        """Who knows what this agent has signed; None while it has announced no key, as agents of old do not."""
        ...

    def sealing_keys(self, hosts: Mapping[MachineId, str]) -> dict[MachineId, bytes]:
        """What secrets for these hosts (machine id to name) are sealed to.

        Raises `Invalid` (`no_sealing_key`) that names those whose agents have announced no key.
        """
        ...


def doubt(header: Header | None, payload: bytes, purpose: str, verifier: Verifier | None) -> Doubt | None:
    """Why not to believe a message of an agent; None to believe it.

    Who has no key is believed as it is. Once a key is known, nothing counts without it.
    """
    if verifier is None:
        return None
    if header is None:
        return Doubt.UNSIGNED
    try:
        verifier.verify(purpose, header.key, payload, header.signature)
    except Forbidden:
        return Doubt.SIGNATURE
    return None
