"""What fetching a file takes and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from osapi.contract.operation import Timed


class FileFetch(Timed, kw_only=True):
    """Which file to fetch."""

    path: Annotated[
        str,
        Meta(
            description="The file, as an absolute path. The setting `agent.fetch.paths` of its host has to allow it.",
            min_length=2,
            max_length=4096,
            pattern=r"^/[^\x00-\x1f\x7f]+$(?!\n)",
            examples=["/var/log/syslog"],
        ),
    ]
    timeout: Annotated[int, Meta(description="Seconds it may take until the file is stored.", ge=1, le=3600)] = 300


class FetchedFile(Struct, kw_only=True, omit_defaults=True):
    """A file as it was when it was read. Its content is had from `/api/job/{id}/output/{hostname}/content`."""

    path: Annotated[str, Meta(description="Where it is on the host.")]
    size: Annotated[int, Meta(description="Length in bytes.")]
    sha256: Annotated[str, Meta(description="Digest of its content, in hexadecimal.")]
    mode: Annotated[str, Meta(description="Permission bits in octal, for example `0644`.")]
    uid: Annotated[int, Meta(description="User id of its owner.")]
    gid: Annotated[int, Meta(description="Id of its group.")]
    modified: Annotated[datetime, Meta(description="When its content was last changed, by the host's clock.")]
