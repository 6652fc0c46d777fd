"""What the certificate operations take and answer."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, field

from osapi.contract.operation import Change

Name = Annotated[
    str,
    Meta(
        description="Name of the certificate: letters, digits, `.`, `_` and `-`.",
        min_length=1,
        max_length=100,
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$(?!\n)",
        examples=["corporate-root"],
    ),
]
ObjectName = Annotated[
    str,
    Meta(
        description="Uploaded file with exactly one certificate in PEM (RFC 7468).",
        min_length=1,
        max_length=255,
        pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)",
        examples=["ca/corporate-root.pem"],
        extra={"flag": "object"},
    ),
]
Adopt = Annotated[
    bool, Meta(description="Take the place of a file that OSAPI did not write; it is kept, and delete restores it.")
]


class CertificateName(Struct, kw_only=True):
    """Names one certificate."""

    name: Name


class CertificateCreate(Struct, kw_only=True):
    """A certificate authority to trust."""

    name: Name
    object_name: ObjectName = field(name="object")
    adopt: Adopt = False


class CertificateUpdate(Struct, kw_only=True):
    """Another certificate in place of a managed one."""

    name: Name
    object_name: ObjectName = field(name="object")


class CertificateSource(enum.Enum):
    """Where a certificate comes from."""

    SYSTEM = "system"
    CUSTOM = "custom"


class Certificate(Struct, kw_only=True, omit_defaults=True):
    """One certificate. What follows `source` is told of custom ones."""

    name: Annotated[str, Meta(description="Name; of the system's own, the path below /usr/share/ca-certificates.")]
    source: Annotated[CertificateSource, Meta(description="`custom` when OSAPI keeps it, `system` otherwise.")]
    trusted: Annotated[bool, Meta(description="Whether programs that use the system's store trust it.")]
    object: Annotated[str, Meta(description="Uploaded file that it was made from.")] = ""
    subject: Annotated[str, Meta(description="Whom it names (RFC 4514).")] = ""
    issuer: Annotated[str, Meta(description="Who signed it (RFC 4514).")] = ""
    fingerprint: Annotated[str, Meta(description="SHA-256 of it, in hexadecimal with colons.")] = ""
    not_after: Annotated[datetime | None, Meta(description="When it expires.")] = None
    in_sync: Annotated[bool, Meta(description="Whether its file is as OSAPI wrote it.")] = True


class Certificates(Struct, kw_only=True):
    """All certificates of a host, those of OSAPI first."""

    certificates: Annotated[list[Certificate], Meta(description="The certificates.")]


class CertificateChange(Change, kw_only=True, omit_defaults=True):
    """What became of a certificate."""

    name: Annotated[str, Meta(description="Name of the certificate.")]
    fingerprint: Annotated[str, Meta(description="SHA-256 of it; absent once it is deleted.")] = ""
