"""What an agent tells about a file that OSAPI keeps on its host: one entry of the bucket `file-state`."""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec

from osapi.contract import moments
from osapi.contract.files import ContentType
from osapi.contract.ids import MachineId
from osapi.jobs.subjects import token


class FileState(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One file on one host. `undeployed_at` is set once OSAPI keeps it no longer.

    `sha256` is that of the content put there, `source_sha256` that of the object it was made from, and
    `rendered_sha256` that of what a template would become now; empty when it is that already. Domains that make
    their files from no object leave `object_name` empty. The variables of a template stay on the host.
    """

    machine_id: MachineId
    hostname: str
    path: str
    sha256: str
    operation: str
    job_id: str
    deployed_at: datetime
    object_name: str = ""
    content_type: ContentType = ContentType.RAW
    source_sha256: str = ""
    rendered_sha256: str = ""
    mode: str = ""
    owner: str = ""
    group: str = ""
    undeployed_at: datetime | None = None
    metadata: dict[str, str] = {}

    def __post_init__(self) -> None:
        moments.check(self.deployed_at, self.undeployed_at)

    @property
    def provider(self) -> str:
        """The domain that keeps it: the second word of the operation's name."""
        words = self.operation.split(".")
        return words[1] if len(words) > 1 else self.operation


def key(machine: MachineId, path: str) -> str:
    """Where the entry stands in the bucket."""
    return f"{token(machine)}.{hashlib.sha256(path.encode()).hexdigest()}"
