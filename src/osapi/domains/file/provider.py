"""What an implementation of the file operations must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import handle
from osapi.domains.file import operations
from osapi.domains.file.models import FileDeploy, FileDeployed, FilePath, FileStatus, FileUndeployed


class FileProvider(Protocol):
    """Keeps uploaded files on a host."""

    async def deploy(self, request: FileDeploy, /) -> FileDeployed: ...

    async def undeploy(self, request: FilePath, /) -> FileUndeployed: ...

    async def status(self, request: FilePath, /) -> FileStatus: ...


HANDLERS = (
    handle(operations.DEPLOY, FileProvider.deploy),
    handle(operations.UNDEPLOY, FileProvider.undeploy),
    handle(operations.STATUS, FileProvider.status),
)
