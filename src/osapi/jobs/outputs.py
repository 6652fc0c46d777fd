"""Output that jobs have kept whole: what there is, and its content as long as the store holds it.

What a host has kept is what its answer says, name, size and digest. The store is asked for just that, so nothing
that somebody else has put there is ever taken for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from osapi.contract.endpoint import Download
from osapi.contract.errors import NotFound, Unavailable
from osapi.contract.ids import MachineId
from osapi.contract.kept import Kept, object_name
from osapi.jobs.api import JobOutput, JobOutputs
from osapi.jobs.record import Response
from osapi.jobs.store import JobFacts
from osapi.transport.objects import ObjectStore


@dataclass(frozen=True)
class Found:
    """One output that is there to be had."""

    kept: Kept
    download: Download


class Outputs:
    """Reads kept output. `store` None: there is none."""

    def __init__(self, store: ObjectStore | None) -> None:
        self._store = store

    async def find(self, facts: JobFacts, host: str, name: str) -> Found:
        """One output of one host, by its name or machine id. Raises `NotFound`, and `Unavailable` (`corrupt`)."""
        machine, kept = _find(facts, host, name)
        store = self._store
        info = None if store is None else await store.head(object_name(facts.job.id, machine, name))
        if store is None or info is None:
            raise NotFound(f"{name} of {host} is no longer kept; see the setting nats.output.ttl", job_id=facts.job.id)
        if (info.size, info.sha256) != (kept.size, kept.sha256):
            raise Unavailable(
                f"what is kept as {name} of {host} is not what the host has kept", code="corrupt", job_id=facts.job.id
            )
        return Found(kept, Download(content=store.read(info), length=info.size))

    async def delete(self, facts: JobFacts) -> None:
        """Remove all kept output of a job."""
        for _, response in facts.responses:
            for kept in response.kept:
                if self._store is not None and not kept.error:
                    await self._store.delete(object_name(facts.job.id, response.machine_id, kept.name))


def listed(facts: JobFacts) -> JobOutputs:
    """What the hosts of a job have kept, as far as they have answered."""
    items = [_output(response, kept) for _, response in facts.responses for kept in response.kept]
    items.sort(key=lambda one: (one.hostname, one.machine_id, one.name))
    return JobOutputs(items=items, total=len(items))


def _find(facts: JobFacts, host: str, name: str) -> tuple[MachineId, Kept]:
    for _, response in facts.responses:
        if host in (response.hostname, response.machine_id):
            for kept in response.kept:
                if kept.name == name and not kept.error:
                    return response.machine_id, kept
                if kept.name == name:
                    raise NotFound(f"{name} of {host} was not kept: {kept.error}", job_id=facts.job.id)
    raise NotFound(f"{host} has kept no {name} of job {facts.job.id}", job_id=facts.job.id)


def _output(response: Response, kept: Kept) -> JobOutput:
    return JobOutput(
        hostname=response.hostname,
        machine_id=response.machine_id,
        name=kept.name,
        size=kept.size,
        sha256=kept.sha256,
        truncated=kept.truncated,
        error=kept.error,
    )
