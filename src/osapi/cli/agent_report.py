"""Draws agents for people: the list, one agent, and what was told of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from osapi.cli import agent_facts, table
from osapi.cli.cells import cell, size
from osapi.cli.report import pair

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from osapi.cli.table import Paint
    from osapi.cli.terminal import Terminal

_SUSPICION = ("timestamp", "machine_id", "saying", "doubt", "job_id", "signed_by")
_SUSPICION_HEADERS = ("TIME", "MACHINE ID", "SAYING", "DOUBT", "JOB ID", "SIGNED BY")
_HEADERS = ("MACHINE ID", "HOSTNAME", "STATUS", "CONDITIONS", "LABELS", "AGE", "LOAD (1M)", "OS")


def agents(told: Mapping[str, Any], term: Terminal) -> None:
    """A line for each agent."""
    now = datetime.now(UTC)
    found = cast("list[dict[str, Any]]", told.get("agents") or [])
    rows = [
        [
            agent.get("machine_id"),
            agent.get("hostname"),
            status(agent),
            _held(agent),
            agent.get("labels"),
            age(agent.get("registered_at"), now),
            _load(agent)[:1],
            _system(agent),
        ]
        for agent in found
    ]

    def paint(row: int, column: int, text: str) -> str:
        if row < 0:
            return term.paint(text, "header")
        return term.paint(text, "green" if text == "Ready" else "yellow") if _HEADERS[column] == "STATUS" else text

    _table(term, _HEADERS, rows, paint)


def agent(told: Mapping[str, Any], term: Terminal) -> None:
    """Everything about one agent."""
    now = datetime.now(UTC)
    for label, value in _pairs(told, now):
        if value:
            pair(term, label, cell(value, "decimal" if label == "Load" else "text"))
    agent_facts.draw(told, term)
    conditions = cast("list[dict[str, Any]]", told.get("conditions") or [])
    if conditions:
        rows = [
            [one.get("type"), one.get("status"), one.get("reason"), one.get("last_transition_time")]
            for one in conditions
        ]
        _table(term, ("TYPE", "STATUS", "REASON", "SINCE"), rows)
    timeline = cast("list[dict[str, Any]]", told.get("timeline") or [])
    if timeline:
        rows = [[one.get(name) for name in ("timestamp", "event", "hostname", "message", "error")] for one in timeline]
        _table(term, ("TIMESTAMP", "EVENT", "HOSTNAME", "MESSAGE", "ERROR"), rows)


def quarantine(told: Mapping[str, Any], term: Terminal) -> None:
    """A line for each message that was not believed."""
    items = cast("list[dict[str, Any]]", told.get("items") or [])
    _table(term, _SUSPICION_HEADERS, [[item.get(field) for field in _SUSPICION] for item in items])
    term.say(f"\n  {told.get('total', 0)} not believed since this controller began")


def said(told: Mapping[str, Any], term: Terminal) -> None:
    """What the controller has to say about an order."""
    pair(term, "Message", cell(told.get("message")))


def _pairs(told: Mapping[str, Any], now: datetime) -> list[tuple[str, Any]]:
    memory, disk = cast("dict[str, int]", told.get("memory") or {}), cast("dict[str, Any]", told.get("disk") or {})
    process = cast("dict[str, Any]", told.get("process") or {})
    return [
        ("Hostname", told.get("hostname")),
        ("Machine ID", told.get("machine_id")),
        ("State", status(told)),
        ("Drained By", told.get("drained_by")),
        ("Drain Reason", told.get("drain_reason")),
        ("Labels", told.get("labels")),
        ("OS", _system(told)),
        ("Uptime", told.get("uptime")),
        ("Age", age(told.get("registered_at"), now)),
        ("Last Seen", f"{age(told.get('heartbeat_at'), now)} ago"),
        ("Arch", told.get("architecture")),
        ("Kernel", told.get("kernel_version")),
        ("CPUs", told.get("cpu_count")),
        ("Load", _load(told)),
        ("Memory", f"{size(memory['used'])} of {size(memory['total'])} used" if memory else None),
        ("Disk", f"{disk['path']}: {size(disk['used'])} of {size(disk['total'])} used" if disk else None),
        ("Agent", _process(process)),
        ("Parts", told.get("parts")),
        ("Version", told.get("version")),
        ("Key", told.get("fingerprint")),
    ]


def _process(process: Mapping[str, Any]) -> str:
    if not process:
        return ""
    return f"{process['cpu_percent']:.1f}% of a core, {size(process['rss_bytes'])}, {process['threads']} threads"


def _table(term: Terminal, headers: Sequence[str], rows: Sequence[Sequence[Any]], paint: Paint | None = None) -> None:
    table.draw(term, headers, [[cell(value, "decimal") for value in row] for row in rows], paint)


def _held(told: Mapping[str, Any]) -> list[str]:
    return [
        str(one.get("type")) for one in cast("list[dict[str, Any]]", told.get("conditions") or []) if one.get("status")
    ]


def status(told: Mapping[str, Any]) -> str:
    """The state, unless it says `Ready` of an agent that no longer is."""
    if told.get("reachable") is False:
        return "Unreachable"
    state, ready = str(told.get("state") or ""), str(told.get("status") or "")
    return state if state not in ("", "Ready") else ready


def _load(told: Mapping[str, Any]) -> list[float]:
    load = cast("dict[str, float]", told.get("load_average") or {})
    return [load[name] for name in ("1min", "5min", "15min") if name in load]


def _system(told: Mapping[str, Any]) -> str:
    system = cast("dict[str, str]", told.get("os_info") or {})
    return " ".join(part for part in (system.get("distribution"), system.get("version")) if part)


def age(text: str | None, now: datetime) -> str:
    """How long before `now` a time of the API was: `3d 4h`, `5m 2s`. Empty for what is no time."""
    from datetime import datetime

    try:
        seconds = max(0, int((now - datetime.fromisoformat(text or "")).total_seconds()))
    except (ValueError, TypeError):
        return ""
    units = (("d", seconds // 86400), ("h", seconds // 3600 % 24), ("m", seconds // 60 % 60), ("s", seconds % 60))
    shown = [f"{count}{unit}" for unit, count in units]
    first = next((place for place, (_, count) in enumerate(units) if count > 0), 3)
    return " ".join(shown[first : first + 2])
