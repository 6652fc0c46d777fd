"""The operations on the power of a host."""

from __future__ import annotations

from osapi.contract.operation import Column, Format, Kind, Nothing, Operation
from osapi.domains.power.models import PowerChange, PowerStatus, RebootRequest, ShutdownRequest

_CHANGE = (Column("ACTION", "action"), Column("DELAY", "delay"))
_REBOOT = (*_CHANGE, Column("AWAY (S)", "away_s"))
_LOCK = "power"

REBOOT = Operation(
    name="node.power.reboot",
    operation_id="PostNodePowerReboot",
    kind=Kind.MODIFY,
    request=RebootRequest,
    result=PowerChange,
    permission="power:execute",
    route=("POST", "/power/reboot"),
    command=("node", "power", "reboot"),
    summary="Reboot a host.",
    columns=_REBOOT,
    lock=_LOCK,
)

SHUTDOWN = Operation(
    name="node.power.shutdown",
    operation_id="PostNodePowerShutdown",
    kind=Kind.MODIFY,
    request=ShutdownRequest,
    result=PowerChange,
    permission="power:execute",
    route=("POST", "/power/shutdown"),
    command=("node", "power", "shutdown"),
    summary="Shut a host down and switch it off.",
    columns=_CHANGE,
    lock=_LOCK,
)

CANCEL = Operation(
    name="node.power.cancel",
    operation_id="DeleteNodePower",
    kind=Kind.MODIFY,
    request=Nothing,
    result=PowerChange,
    permission="power:execute",
    route=("DELETE", "/power"),
    command=("node", "power", "cancel"),
    summary="Cancel the reboot or shutdown that is pending.",
    columns=(Column("ACTION", "action"),),
    lock=_LOCK,
    idempotent=True,
)

GET = Operation(
    name="node.power.get",
    operation_id="GetNodePower",
    kind=Kind.QUERY,
    request=Nothing,
    result=PowerStatus,
    permission="node:read",
    route=("GET", "/power"),
    command=("node", "power", "get"),
    summary="Show whether a reboot or shutdown is pending.",
    columns=(Column("ACTION", "action"), Column("AT", "at", Format.MOMENT), Column("MESSAGE", "message")),
)

OPERATIONS = (REBOOT, SHUTDOWN, CANCEL, GET)
