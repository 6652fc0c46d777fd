"""The operations on certificate authorities."""

from __future__ import annotations

from datetime import timedelta

from osapi.contract.operation import Column, Kind, Nothing, Operation
from osapi.domains.certificate.models import (
    CertificateChange,
    CertificateCreate,
    CertificateName,
    Certificates,
    CertificateUpdate,
)

_NAME = (Column("NAME", "name"),)
_REBUILD = timedelta(seconds=120)
"""The tools build every store anew, Java's too where there is one."""

LIST = Operation(
    name="node.certificate.list",
    operation_id="GetNodeCertificateCa",
    kind=Kind.QUERY,
    request=Nothing,
    result=Certificates,
    permission="certificate:read",
    route=("GET", "/certificate/ca"),
    command=("node", "certificate", "list"),
    summary="List the certificate authorities of the host.",
    columns=(Column("NAME", "certificates[].name"), Column("SOURCE", "certificates[].source")),
)

CREATE = Operation(
    name="node.certificate.create",
    operation_id="PostNodeCertificateCa",
    kind=Kind.MODIFY,
    request=CertificateCreate,
    result=CertificateChange,
    permission="certificate:write",
    route=("POST", "/certificate/ca"),
    command=("node", "certificate", "create"),
    summary="Trust an uploaded certificate authority.",
    columns=_NAME,
    deadline=_REBUILD,
    lock="certificate",
    idempotent=True,
)

UPDATE = Operation(
    name="node.certificate.update",
    operation_id="PutNodeCertificateCa",
    kind=Kind.MODIFY,
    request=CertificateUpdate,
    result=CertificateChange,
    permission="certificate:write",
    route=("PUT", "/certificate/ca/{name}"),
    command=("node", "certificate", "update"),
    summary="Replace a managed certificate authority.",
    columns=_NAME,
    deadline=_REBUILD,
    lock="certificate",
    idempotent=True,
)

DELETE = Operation(
    name="node.certificate.delete",
    operation_id="DeleteNodeCertificateCa",
    kind=Kind.MODIFY,
    request=CertificateName,
    result=CertificateChange,
    permission="certificate:write",
    route=("DELETE", "/certificate/ca/{name}"),
    command=("node", "certificate", "delete"),
    summary="Trust a managed certificate authority no longer.",
    columns=_NAME,
    deadline=_REBUILD,
    lock="certificate",
    idempotent=True,
)

OPERATIONS = (LIST, CREATE, UPDATE, DELETE)
