"""Output that jobs have kept whole, through the synchronous client."""

from __future__ import annotations

import os
from collections.abc import Iterator

from osapi.jobs.api import JobOutput, JobOutputs
from osapi.sdk import calls
from osapi.sdk.raw import RawClient
from osapi.sdk.saving import NewFile, checked
from osapi.sdk.wire import decode


class Outputs:
    """What commands wrote, and files of hosts. Of output of any length only a piece is in memory."""

    def __init__(self, raw: RawClient) -> None:
        self._raw = raw

    def list(self, job_id: str) -> JobOutputs:
        """What the hosts of a job have kept, as far as they have answered."""
        answer: JobOutputs = decode(self._raw.send(calls.job_outputs(job_id)), JobOutputs)
        return answer

    def read(self, job_id: str, hostname: str, name: str) -> Iterator[bytes]:
        """One output of one host, piece by piece; at the end raises `SdkError` when it is not what the host kept.

        `name` is `stdout`, `stderr`, or `content` of a file. Raises `NotFound`, also when it is no longer kept.
        """
        digest = digest_of(self.list(job_id), hostname, name)
        return checked(f"{name} of {hostname}", digest, self._raw.stream(calls.job_output(job_id, hostname, name)))

    def save(self, job_id: str, hostname: str, name: str, path: str | os.PathLike[str]) -> None:
        """Download one to a file, which takes its place when it is whole and right."""
        with NewFile(path) as file:
            for piece in self.read(job_id, hostname, name):
                file.write(piece)


def digest_of(outputs: JobOutputs, hostname: str, name: str) -> str:
    """The digest of an output; empty when there is none, which its download will tell."""
    return next((one.sha256 for one in outputs.items if _is(one, hostname, name)), "")


def _is(output: JobOutput, hostname: str, name: str) -> bool:
    return output.name == name and hostname in (output.hostname, output.machine_id)
