"""What the file routes take and give, as the REST API shows it."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from osapi.contract.endpoint import Endpoint
from osapi.contract.files import ContentType
from osapi.contract.operation import Nothing

_TAG = "File"

Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)",
        description="Name of the file, 1 to 255 printable characters. A slash in it is `%2F` in a path.",
        examples=["app/nginx.conf"],
    ),
]
Digest = Annotated[str, Meta(description="SHA-256 of the content in hexadecimal.")]
Size = Annotated[int, Meta(description="Length of the content in bytes.")]


class FileSource(enum.Enum):
    """Who put a file into the store."""

    OSAPI = "osapi"
    USER = "user"


class StaleReason(enum.Enum):
    """Why a deployed file is not what would be deployed now."""

    OBJECT = "object"
    FACTS = "facts"
    GONE = "gone"


class FileRequest(msgspec.Struct, kw_only=True):
    """Names one file."""

    name: Name


class FileUploadRequest(msgspec.Struct, kw_only=True):
    """How to take an upload."""

    force: Annotated[bool, Meta(description="Replace a file of that name whose content is another.")] = False


class FileForm(msgspec.Struct, kw_only=True):
    """The fields of an upload."""

    name: Name
    content_type: Annotated[
        ContentType, Meta(description="`template` is rendered on each host, `raw` goes there as it is.")
    ] = ContentType.RAW


class FileInfo(msgspec.Struct, kw_only=True):
    """One file in the store."""

    name: Annotated[str, Meta(description="Its name.")]
    sha256: Digest
    size: Size
    content_type: Annotated[ContentType, Meta(description="Whether hosts render it.")]
    source: Annotated[FileSource, Meta(description="`osapi` for files that OSAPI brings along, else `user`.")]


class FileList(msgspec.Struct, kw_only=True):
    """Every file in the store, by name."""

    files: Annotated[list[FileInfo], Meta(description="The files.")]
    total: Annotated[int, Meta(description="How many they are.")]


class FileUpload(msgspec.Struct, kw_only=True):
    """What became of an upload."""

    name: Annotated[str, Meta(description="Its name.")]
    sha256: Digest
    size: Size
    changed: Annotated[bool, Meta(description="False when the store held just this already.")]
    content_type: Annotated[ContentType, Meta(description="Whether hosts render it.")]


class FileDeleted(msgspec.Struct, kw_only=True):
    """What became of a file."""

    name: Annotated[str, Meta(description="Its name.")]
    deleted: Annotated[bool, Meta(description="True; a file that is not there is 404.")]
    deployments: Annotated[
        int, Meta(description="On how many hosts and places it is deployed, as far as the caller's roles reach.")
    ] = 0


class StaleDeployment(msgspec.Struct, kw_only=True):
    """A deployed file that is not what would be deployed now."""

    object_name: Annotated[str, Meta(description="The file in the store.")]
    hostname: Annotated[str, Meta(description="Name of the host.")]
    machine_id: Annotated[str, Meta(description="Permanent id of the host.")]
    provider: Annotated[str, Meta(description="Which domain deployed it: `file`, `cron`, `service`, `certificate`.")]
    path: Annotated[str, Meta(description="Where it is on the host.")]
    deployed_sha: Annotated[
        str, Meta(description="SHA-256 of what was deployed; of the template, for reason `object`.")
    ]
    current_sha: Annotated[str, Meta(description="SHA-256 of what would be now; empty when the file is gone.")]
    deployed_at: Annotated[datetime, Meta(description="When it was deployed, by the clock of the host.")]
    reason: Annotated[
        StaleReason,
        Meta(
            description="`object`: another content was uploaded; `facts`: the facts of the host would now make "
            "something else of the template; `gone`: the file is not in the store any more."
        ),
    ]


class StaleList(msgspec.Struct, kw_only=True):
    """Every stale deployment on hosts that the caller reaches, by file, host and path."""

    stale: Annotated[list[StaleDeployment], Meta(description="The deployments.")]
    total: Annotated[int, Meta(description="How many they are.")]


LIST = Endpoint(
    operation_id="GetFiles",
    method="GET",
    path="/api/file",
    permission="file:read",
    summary="List all files in the store.",
    tag=_TAG,
    request=Nothing,
    response=FileList,
)
UPLOAD = Endpoint(
    operation_id="PostFile",
    method="POST",
    path="/api/file",
    permission="file:write",
    summary="Upload a file of any length.",
    tag=_TAG,
    request=FileUploadRequest,
    form=FileForm,
    response=FileUpload,
    status=201,
)
STALE = Endpoint(
    operation_id="GetFileStale",
    method="GET",
    path="/api/file/stale",
    permission="file:read",
    summary="List the deployed files that are not what would be deployed now.",
    tag=_TAG,
    request=Nothing,
    response=StaleList,
)
GET = Endpoint(
    operation_id="GetFileByName",
    method="GET",
    path="/api/file/{name}",
    permission="file:read",
    summary="Show what is known of a file in the store.",
    tag=_TAG,
    request=FileRequest,
    response=FileInfo,
)
DOWNLOAD = Endpoint(
    operation_id="GetFileContent",
    method="GET",
    path="/api/file/{name}/content",
    permission="file:read",
    summary="Download a file from the store.",
    tag=_TAG,
    request=FileRequest,
    response=bytes,
)
DELETE = Endpoint(
    operation_id="DeleteFileByName",
    method="DELETE",
    path="/api/file/{name}",
    permission="file:write",
    summary="Delete a file from the store; where it is deployed it stays.",
    tag=_TAG,
    request=FileRequest,
    response=FileDeleted,
)
