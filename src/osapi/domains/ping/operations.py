"""The operation that tries an address."""

from __future__ import annotations

from osapi.contract.operation import Column, Format, Kind, Operation
from osapi.domains.ping.models import Ping, PingResult

DO = Operation(
    name="network.ping.do",
    operation_id="PostNodeNetworkPing",
    kind=Kind.QUERY,
    request=Ping,
    result=PingResult,
    permission="network:write",
    route=("POST", "/network/ping"),
    command=("node", "network", "ping"),
    summary="Try whether a host reaches an address.",
    columns=(
        Column("AVG", "avg_rtt"),
        Column("MIN", "min_rtt"),
        Column("MAX", "max_rtt"),
        Column("LOSS", "packet_loss", Format.PERCENT),
    ),
)

OPERATIONS = (DO,)
