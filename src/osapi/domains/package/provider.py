"""What an implementation of the package operations must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import Nothing, handle
from osapi.domains.package import operations
from osapi.domains.package.models import (
    ListsChange,
    PackageChange,
    PackageInstall,
    PackageList,
    PackageName,
    PackageRemove,
    PackageRepair,
    PackageUpgrade,
    PackageVersions,
    RepairChange,
    UpdateList,
    UpgradeChange,
)


class PackageProvider(Protocol):
    """Keeps the packages of a host."""

    async def packages(self, request: Nothing, /) -> PackageList: ...

    async def get(self, request: PackageName, /) -> PackageList: ...

    async def versions(self, request: PackageName, /) -> PackageVersions: ...

    async def install(self, request: PackageInstall, /) -> PackageChange: ...

    async def remove(self, request: PackageRemove, /) -> PackageChange: ...

    async def refresh(self, request: Nothing, /) -> ListsChange: ...

    async def updates(self, request: Nothing, /) -> UpdateList: ...

    async def upgrade(self, request: PackageUpgrade, /) -> UpgradeChange: ...

    async def hold(self, request: PackageName, /) -> PackageChange: ...

    async def unhold(self, request: PackageName, /) -> PackageChange: ...

    async def repair(self, request: PackageRepair, /) -> RepairChange: ...


HANDLERS = (
    handle(operations.LIST, PackageProvider.packages),
    handle(operations.GET, PackageProvider.get),
    handle(operations.VERSIONS, PackageProvider.versions),
    handle(operations.INSTALL, PackageProvider.install),
    handle(operations.REMOVE, PackageProvider.remove),
    handle(operations.UPDATE, PackageProvider.refresh),
    handle(operations.LIST_UPDATES, PackageProvider.updates),
    handle(operations.UPGRADE, PackageProvider.upgrade),
    handle(operations.HOLD, PackageProvider.hold),
    handle(operations.UNHOLD, PackageProvider.unhold),
    handle(operations.REPAIR, PackageProvider.repair),
)
