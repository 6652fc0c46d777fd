"""The operations on the journal."""

from __future__ import annotations

from osapi.contract.operation import Column, Format, Kind, Nothing, Operation
from osapi.domains.log.models import LogEntries, LogQuery, LogSources, LogUnitEntries, LogUnitQuery

_ENTRIES = (
    Column("TIMESTAMP", "entries[].timestamp", Format.MOMENT),
    Column("UNIT", "entries[].unit"),
    Column("MESSAGE", "entries[].message"),
)

QUERY = Operation(
    name="node.log.query",
    operation_id="GetNodeLog",
    kind=Kind.QUERY,
    request=LogQuery,
    result=LogEntries,
    permission="log:read",
    route=("GET", "/log"),
    command=("node", "log", "query"),
    summary="Show the latest entries of the journal.",
    columns=_ENTRIES,
)

UNIT = Operation(
    name="node.log.queryUnit",
    operation_id="GetNodeLogUnit",
    kind=Kind.QUERY,
    request=LogUnitQuery,
    result=LogUnitEntries,
    permission="log:read",
    route=("GET", "/log/unit/{name}"),
    command=("node", "log", "unit"),
    summary="Show the latest entries of one unit.",
    columns=_ENTRIES,
)

SOURCE = Operation(
    name="node.log.sources",
    operation_id="GetNodeLogSource",
    kind=Kind.QUERY,
    request=Nothing,
    result=LogSources,
    permission="log:read",
    route=("GET", "/log/source"),
    command=("node", "log", "source"),
    summary="List who has written to the journal.",
    columns=(Column("SOURCE", "sources[]"),),
)

OPERATIONS = (QUERY, UNIT, SOURCE)
