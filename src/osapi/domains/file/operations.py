"""The operations on deployed files."""

from __future__ import annotations

from datetime import timedelta

from osapi.contract.operation import Column, Kind, Operation
from osapi.domains.file.models import FileDeploy, FileDeployed, FilePath, FileStatus, FileUndeployed

_LOCK = "files"
_BRINGING = timedelta(seconds=300)
"""A large file has to come all the way from the broker."""

DEPLOY = Operation(
    name="node.file.deploy",
    operation_id="PostNodeFileDeploy",
    kind=Kind.MODIFY,
    request=FileDeploy,
    result=FileDeployed,
    permission="file:write",
    route=("POST", "/file/deploy"),
    command=("node", "file", "deploy"),
    summary="Put an uploaded file in place, with owner, group and mode.",
    columns=(Column("PATH", "path"), Column("SHA256", "sha256")),
    status=202,
    deadline=_BRINGING,
    lock=_LOCK,
    idempotent=True,
)

UNDEPLOY = Operation(
    name="node.file.undeploy",
    operation_id="PostNodeFileUndeploy",
    kind=Kind.MODIFY,
    request=FilePath,
    result=FileUndeployed,
    permission="file:write",
    route=("POST", "/file/undeploy"),
    command=("node", "file", "undeploy"),
    summary="Take a deployed file away, or put back what was there before.",
    columns=(Column("PATH", "path"), Column("RESTORED", "restored"), Column("LEFT", "left")),
    status=202,
    lock=_LOCK,
    idempotent=True,
)

STATUS = Operation(
    name="node.file.status",
    operation_id="PostNodeFileStatus",
    kind=Kind.QUERY,
    request=FilePath,
    result=FileStatus,
    permission="file:read",
    route=("POST", "/file/status"),
    command=("node", "file", "status"),
    summary="Compare a deployed file with what was deployed.",
    columns=(Column("PATH", "path"), Column("STATUS", "status"), Column("DEVIATIONS", "deviations")),
)

OPERATIONS = (DEPLOY, UNDEPLOY, STATUS)
