"""The operations on packages."""

from __future__ import annotations

from datetime import timedelta

from osapi.contract.operation import Column, Kind, Nothing, Operation
from osapi.domains.package.models import (
    ListsChange,
    PackageChange,
    PackageInstall,
    PackageList,
    PackageName,
    PackageRemove,
    UpdateList,
)

_LOCK = "packages"
_WRITE_DEADLINE = timedelta(minutes=30)
_NAME = (Column("NAME", "name"),)
_PACKAGES = (
    Column("NAME", "packages[].name"),
    Column("VERSION", "packages[].version"),
    Column("STATUS", "packages[].status"),
)

LIST = Operation(
    name="node.package.list",
    operation_id="GetNodePackage",
    kind=Kind.QUERY,
    request=Nothing,
    result=PackageList,
    permission="package:read",
    route=("GET", "/package"),
    command=("node", "package", "list"),
    summary="List the installed packages.",
    columns=_PACKAGES,
)

GET = Operation(
    name="node.package.get",
    operation_id="GetNodePackageByName",
    kind=Kind.QUERY,
    request=PackageName,
    result=PackageList,
    permission="package:read",
    route=("GET", "/package/{name}"),
    command=("node", "package", "get"),
    summary="Show an installed package.",
    columns=_PACKAGES,
)

INSTALL = Operation(
    name="node.package.install",
    operation_id="PostNodePackage",
    kind=Kind.MODIFY,
    request=PackageInstall,
    result=PackageChange,
    permission="package:write",
    route=("POST", "/package"),
    command=("node", "package", "install"),
    summary="Install a package, or bring it up to date.",
    columns=_NAME,
    deadline=_WRITE_DEADLINE,
    lock=_LOCK,
    idempotent=True,
)

REMOVE = Operation(
    name="node.package.remove",
    operation_id="DeleteNodePackage",
    kind=Kind.MODIFY,
    request=PackageRemove,
    result=PackageChange,
    permission="package:write",
    route=("DELETE", "/package/{name}"),
    command=("node", "package", "remove"),
    summary="Remove a package and leave its configuration.",
    columns=_NAME,
    deadline=_WRITE_DEADLINE,
    lock=_LOCK,
    idempotent=True,
)

UPDATE = Operation(
    name="node.package.update",
    operation_id="PostNodePackageUpdate",
    kind=Kind.MODIFY,
    request=Nothing,
    result=ListsChange,
    permission="package:write",
    route=("POST", "/package/update"),
    command=("node", "package", "update"),
    summary="Refresh the lists of packages from their sources.",
    deadline=_WRITE_DEADLINE,
    lock=_LOCK,
    idempotent=True,
)

LIST_UPDATES = Operation(
    name="node.package.listUpdates",
    operation_id="GetNodePackageUpdate",
    kind=Kind.QUERY,
    request=Nothing,
    result=UpdateList,
    permission="package:read",
    route=("GET", "/package/update"),
    command=("node", "package", "updates"),
    summary="List the installed packages that could be newer.",
    columns=(
        Column("NAME", "updates[].name"),
        Column("CURRENT", "updates[].current_version"),
        Column("NEW", "updates[].new_version"),
    ),
    deadline=timedelta(seconds=60),
)

OPERATIONS = (LIST, GET, INSTALL, REMOVE, UPDATE, LIST_UPDATES)
