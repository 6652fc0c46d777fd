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
    PackageRepair,
    PackageUpgrade,
    PackageVersions,
    RepairChange,
    UpdateList,
    UpgradeChange,
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

VERSIONS = Operation(
    name="node.package.versions",
    operation_id="GetNodePackageVersion",
    kind=Kind.QUERY,
    request=PackageName,
    result=PackageVersions,
    permission="package:read",
    route=("GET", "/package/{name}/version"),
    command=("node", "package", "versions"),
    summary="List the versions of a package that the host could have.",
    columns=(
        Column("VERSION", "versions[].version"),
        Column("INSTALLED", "versions[].installed"),
        Column("CANDIDATE", "versions[].candidate"),
    ),
)

UPGRADE = Operation(
    name="node.package.upgrade",
    operation_id="PostNodePackageUpgrade",
    kind=Kind.MODIFY,
    request=PackageUpgrade,
    result=UpgradeChange,
    permission="package:write",
    route=("POST", "/package/upgrade"),
    command=("node", "package", "upgrade"),
    summary="Bring one package, or all of them, to newer versions.",
    columns=(
        Column("NAME", "updates[].name"),
        Column("FROM", "updates[].current_version"),
        Column("TO", "updates[].new_version"),
    ),
    deadline=_WRITE_DEADLINE,
    lock=_LOCK,
    idempotent=True,
)

HOLD = Operation(
    name="node.package.hold",
    operation_id="PutNodePackageHold",
    kind=Kind.MODIFY,
    request=PackageName,
    result=PackageChange,
    permission="package:write",
    route=("PUT", "/package/{name}/hold"),
    command=("node", "package", "hold"),
    summary="Keep an installed package at its version.",
    columns=_NAME,
    lock=_LOCK,
    idempotent=True,
)

UNHOLD = Operation(
    name="node.package.unhold",
    operation_id="DeleteNodePackageHold",
    kind=Kind.MODIFY,
    request=PackageName,
    result=PackageChange,
    permission="package:write",
    route=("DELETE", "/package/{name}/hold"),
    command=("node", "package", "unhold"),
    summary="Let a package change its version again.",
    columns=_NAME,
    lock=_LOCK,
    idempotent=True,
)

REPAIR = Operation(
    name="node.package.repair",
    operation_id="PostNodePackageRepair",
    kind=Kind.MODIFY,
    request=PackageRepair,
    result=RepairChange,
    permission="package:write",
    route=("POST", "/package/repair"),
    command=("node", "package", "repair"),
    summary="Bring to an end what an interrupted change of packages has left.",
    columns=(Column("BROKEN", "broken"),),
    deadline=_WRITE_DEADLINE,
    lock=_LOCK,
    idempotent=True,
)

OPERATIONS = (LIST, GET, VERSIONS, INSTALL, REMOVE, UPDATE, LIST_UPDATES, UPGRADE, HOLD, UNHOLD, REPAIR)
