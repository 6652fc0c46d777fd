"""Draws audit entries for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from osapi.cli import table
from osapi.cli.cells import cell
from osapi.cli.report import pair

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osapi.cli.terminal import Terminal

_HEADERS = ("ID", "TIMESTAMP", "USER", "METHOD", "PATH", "STATUS", "DURATION", "TRACE ID")


def page(answer: Mapping[str, Any], term: Terminal) -> None:
    """One page of entries below how many there are in all."""
    items = cast("list[dict[str, Any]]", answer.get("items") or [])
    term.say()
    pair(term, "Total", str(answer.get("total_items", 0)))
    if answer.get("next_cursor"):
        pair(term, "Next", f"--cursor {answer['next_cursor']}")
    if not items:
        return
    term.say()
    rows = [[cell(value) for value in _row(item)] for item in items]

    def paint(row: int, column: int, text: str) -> str:
        if row < 0:
            return term.paint(text, "header")
        return term.paint(text, _colour(items[row])) if _HEADERS[column] == "STATUS" else text

    for line in table.lines(_HEADERS, rows, width=term.width, paint=paint):
        term.say(line)


def detail(answer: Mapping[str, Any], term: Terminal) -> None:
    """Everything about one entry."""
    entry = cast("dict[str, Any]", answer.get("entry") or {})
    term.say()
    for label, value in (
        ("ID", entry.get("id")),
        ("Timestamp", _time(entry.get("timestamp"))),
        ("User", entry.get("user")),
        ("Roles", entry.get("roles")),
        ("Method", entry.get("method")),
        ("Path", entry.get("path")),
        ("Query", entry.get("query")),
        ("Status", _status(entry)),
        ("Code", entry.get("code")),
        ("Duration", _duration(entry)),
        ("Source IP", entry.get("source_ip")),
        ("Operation", entry.get("operation") or entry.get("operation_id")),
        ("Dry Run", "yes" if entry.get("dry_run") else None),
        ("Target", entry.get("target")),
        ("Hosts", _hosts(entry)),
        ("Host States", entry.get("host_states")),
        ("Failed Hosts", entry.get("failed_hosts")),
        ("Job ID", entry.get("job_id")),
        ("Count", entry.get("count")),
        ("Until", _time(entry.get("until"))),
        ("Request ID", entry.get("request_id")),
        ("Trace ID", entry.get("trace_id")),
        ("Remark", entry.get("remark")),
        ("Message", entry.get("sequence")),
    ):
        if value:
            pair(term, label, cell(value))
    if entry.get("request"):
        term.say()
        term.say(f"  {term.paint('Request:', 'label')}")
        for line in json.dumps(entry["request"], indent=2, ensure_ascii=False).splitlines():
            term.say(f"    {line}")


def _row(entry: Mapping[str, Any]) -> list[Any]:
    return [
        entry.get("id"),
        _time(entry.get("timestamp")),
        entry.get("user"),
        entry.get("method"),
        entry.get("remark") or entry.get("path"),
        _status(entry) + (f" ×{entry['count']}" if entry.get("count") else ""),
        _duration(entry),
        str(entry.get("trace_id") or "")[:16],
    ]


def _status(entry: Mapping[str, Any]) -> str:
    return str(entry.get("response_code") or ("" if entry.get("remark") else "unknown"))


def _duration(entry: Mapping[str, Any]) -> str:
    return f"{entry.get('duration_ms', 0)}ms" if entry.get("response_code") else ""


def _hosts(entry: Mapping[str, Any]) -> str:
    named = cast("list[str]", entry.get("hosts") or [])
    more = int(entry.get("host_count") or 0) - len(named)
    return ", ".join([*named, *([f"and {more} more"] if more > 0 else [])])


def _time(text: str | None) -> str:
    return str(text or "").partition(".")[0].replace("T", " ").removesuffix("Z")


def _colour(entry: Mapping[str, Any]) -> str:
    status = int(entry.get("response_code") or 0)
    return "green" if 200 <= status < 300 else "yellow" if status < 500 else "red"
