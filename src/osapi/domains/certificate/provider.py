"""What an implementation of the certificate operations must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import Nothing, handle
from osapi.domains.certificate import operations
from osapi.domains.certificate.models import (
    CertificateChange,
    CertificateCreate,
    CertificateName,
    Certificates,
    CertificateUpdate,
)


class CertificateProvider(Protocol):
    """Keeps certificate authorities."""

    async def entries(self, request: Nothing, /) -> Certificates: ...

    async def create(self, request: CertificateCreate, /) -> CertificateChange: ...

    async def update(self, request: CertificateUpdate, /) -> CertificateChange: ...

    async def delete(self, request: CertificateName, /) -> CertificateChange: ...


HANDLERS = (
    handle(operations.LIST, CertificateProvider.entries),
    handle(operations.CREATE, CertificateProvider.create),
    handle(operations.UPDATE, CertificateProvider.update),
    handle(operations.DELETE, CertificateProvider.delete),
)
