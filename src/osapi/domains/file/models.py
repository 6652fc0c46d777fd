"""What the file operations take and answer."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from osapi.contract.files import ContentType, Variables
from osapi.contract.operation import Change

_PRINTABLE = r"[^\x00-\x1f\x7f]"

ObjectName = Annotated[
    str,
    Meta(
        description="Name of the uploaded file, 1 to 255 printable characters.",
        min_length=1,
        max_length=255,
        pattern=rf"^{_PRINTABLE}+$(?!\n)",
        examples=["app/nginx.conf"],
        extra={"flag": "object"},
    ),
]
Path = Annotated[
    str,
    Meta(
        description="Where it is on the host: an absolute path without `.`, `..`, empty parts and control characters.",
        min_length=2,
        max_length=4096,
        pattern=r"^(?:/(?!\.{1,2}(?:/|$))[^/\x00-\x1f\x7f]{1,255})+$(?!\n)",
        examples=["/etc/nginx/nginx.conf"],
    ),
]
Mode = Annotated[
    str,
    Meta(
        description="Permission bits as three or four octal digits; the first of four holds set-id and sticky bits.",
        pattern=r"^[0-7]{3,4}$(?!\n)",
        examples=["0644"],
    ),
]
Account = Annotated[
    str,
    Meta(
        description="Name or number of an account or group that the host knows.",
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@-]*\$?$(?!\n)",
        examples=["www-data"],
    ),
]


class FileDeploy(Struct, kw_only=True):
    """A file to put on a host, from the store of uploaded files."""

    object_name: ObjectName
    path: Path
    content_type: Annotated[
        ContentType,
        Meta(
            description="`template` is rendered on the host, `raw` goes there as it is.", extra={"flag_default": "raw"}
        ),
    ]
    mode: Mode = "0644"
    owner: Annotated[Account | None, Meta(description="Who owns it. Default: the agent's own account.")] = None
    group: Annotated[Account | None, Meta(description="Whose group it has. Default: the agent's own.")] = None
    variables: Variables = field(name="vars", default_factory=dict[str, Any])
    adopt: Annotated[
        bool,
        Meta(description="Take the place of a file that OSAPI did not write; it is kept, and undeploy restores it."),
    ] = False


class FilePath(Struct, kw_only=True):
    """Names one file on a host."""

    path: Path


class FileDeployed(Change, kw_only=True):
    """What became of a file."""

    path: Annotated[str, Meta(description="Where it is.")]
    sha256: Annotated[str, Meta(description="SHA-256 of its content, of a template of what it became.")]


class FileUndeployed(Change, kw_only=True):
    """What became of a file that OSAPI keeps no longer."""

    path: Annotated[str, Meta(description="Where it was.")]
    restored: Annotated[bool, Meta(description="Whether the file from before is back in its place.")] = False
    left: Annotated[list[str], Meta(description="What was left on purpose, in words; empty when nothing was.")] = []  # noqa: RUF012 - a Struct copies it


class FileCondition(enum.Enum):
    """How a deployed file fares."""

    IN_SYNC = "in-sync"
    DRIFTED = "drifted"
    MISSING = "missing"


class FileStatus(Struct, kw_only=True, omit_defaults=True):
    """A deployed file compared with what was deployed, by looking at it."""

    path: Annotated[str, Meta(description="Where it is.")]
    status: Annotated[
        FileCondition,
        Meta(
            description="`in-sync`, `drifted` (somebody changed content, mode, owner or group), or `missing`: it is not "
            "there, or OSAPI did not deploy it."
        ),
    ]
    changed: Annotated[bool, Meta(description="False: looking changes nothing.")]
    sha256: Annotated[str, Meta(description="SHA-256 of the content there is; absent when there is no file.")] = ""
    managed: Annotated[bool, Meta(description="Whether OSAPI keeps the file.")] = False
    deviations: Annotated[
        list[str], Meta(description="What differs: `content`, `mode`, `owner`, `group`; absent when nothing does.")
    ] = []
    deployed_sha256: Annotated[str, Meta(description="SHA-256 of the content that was deployed.")] = ""
    object_name: Annotated[str, Meta(description="The uploaded file that it was made from; absent for none.")] = ""
    deployed_at: Annotated[datetime | None, Meta(description="When it was deployed; absent when it was not.")] = None
    operation: Annotated[str, Meta(description="The operation that deployed it.")] = ""
