"""Draws the health of everything for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from osapi.cli import table
from osapi.cli.cells import cell, size
from osapi.cli.report import pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from osapi.cli.terminal import Terminal


def status(told: Mapping[str, Any], term: Terminal) -> None:
    """Everything: a line for each figure, tables of consumers and programs."""
    for label, text in _lines(told):
        pair(term, label, text)
    held = cast("dict[str, Any]", told.get("consumers") or {})
    consumers = cast("list[dict[str, Any]]", held.get("consumers") or [])
    headers = ("NAME", "PENDING", "ACK PENDING", "REDELIVERED")
    fields = ("name", "pending", "ack_pending", "redelivered")
    table.draw(term, headers, [[cell(one[name]) for name in fields] for one in consumers])
    programs(told, term)


def programs(told: Mapping[str, Any], term: Terminal) -> None:
    """A line for each program that reports."""
    found = cast("list[dict[str, Any]]", told.get("registry") or [])
    headers = ("TYPE", "HOSTNAME", "STATUS", "CONDITIONS", "AGE", "CPU", "MEM")
    table.draw(term, headers, [_row(one) for one in found])


def _row(one: Mapping[str, Any]) -> list[str]:
    plain = [cell(one.get(name)) for name in ("type", "hostname", "status", "conditions", "age")]
    return [*plain, cell(one.get("cpu_percent"), "percent"), size(one.get("mem_bytes") or 0)]


def _lines(told: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield "Status", cell(told.get("status"))
    for name, component in cast("dict[str, dict[str, Any]]", told.get("components") or {}).items():
        if component.get("status") != "ok":
            yield f"Degraded {cell(name)}", cell(component.get("error"))
    yield "Version", cell(told.get("version"))
    yield "Uptime", cell(told.get("uptime"))
    nats = cast("dict[str, Any]", told.get("nats") or {})
    if nats:
        yield "NATS", f"{cell(nats.get('url'))} {cell(nats.get('version'))}"
    yield from _held(told)
    jobs = cast("dict[str, Any]", told.get("jobs") or {})
    if jobs:
        yield (
            "Jobs",
            ", ".join(
                f"{jobs.get(name)} {name}"
                for name in ("total", "unprocessed", "processing", "completed", "failed", "dlq")
            ),
        )
    agents = cast("dict[str, Any]", told.get("agents") or {})
    if agents:
        yield "Agents", f"{agents.get('ready')} of {agents.get('total')} ready, {agents.get('unreachable')} unreachable"


def _held(told: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    store = cast("dict[str, Any]", told.get("store") or {})
    if store:
        limit = f" of {size(store['limit_bytes'])}" if store.get("limit_bytes") else ""
        yield "Store", f"{size(store['used_bytes'])}{limit}"
    for one in cast("list[dict[str, Any]]", told.get("streams") or []):
        yield (
            "Stream",
            f"{cell(one['name'])}: {one['messages']} messages, {size(one['bytes'])}, {one['consumers']} consumers",
        )
    for one in cast("list[dict[str, Any]]", told.get("kv_buckets") or []):
        yield "Bucket", f"{cell(one['name'])}: {one['keys']} keys, {size(one['bytes'])}"
    for one in cast("list[dict[str, Any]]", told.get("object_stores") or []):
        yield "Object Store", f"{cell(one['name'])}: {size(one['size'])}"
