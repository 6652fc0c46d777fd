"""Draws jobs, their timeline, events and dead letters for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from osapi.cli import table
from osapi.cli.cells import cell, clean_lines, moment
from osapi.cli.report import pair
from osapi.cli.terminal import Terminal

_COUNTS = (("Submitted", "submitted"), ("Completed", "completed"), ("Failed", "failed"), ("Partial", "partial_failure"))
_FILTERS = ("status", "operation", "target", "actor", "since", "until")
_COLOURS = {
    "completed": "green",
    "ok": "green",
    "partial_failure": "yellow",
    "skipped": "yellow",
    "submitted": "value",
    "processing": "value",
    "acknowledged": "value",
    "started": "value",
    "output": "value",
}


def list_object(page: Mapping[str, Any], query: Mapping[str, Any]) -> dict[str, Any]:
    """What `job list --json` prints: the page, and what it leaves out."""
    items = cast("list[dict[str, Any]]", page.get("items") or [])
    told: dict[str, Any] = {
        "total_jobs": page.get("total_items", 0),
        "displayed_jobs": len(items),
        "status_counts": page.get("status_counts") or {},
        "filter_applied": any(query.get(name) for name in _FILTERS),
        "limit_applied": len(items) == query["limit"],
        "offset_applied": query["offset"],
        "jobs": items,
    }
    if page.get("next_cursor"):
        told["next_cursor"] = page["next_cursor"]
    return told


def page(page: Mapping[str, Any], query: Mapping[str, Any], term: Terminal) -> None:
    """One page of jobs below what there is in all."""
    items = cast("list[dict[str, Any]]", page.get("items") or [])
    counts = cast("dict[str, int]", page.get("status_counts") or {})
    term.say()
    pair(term, "Total", str(page.get("total_items", 0)))
    pair(term, "Showing", str(len(items)))
    for label, name in _COUNTS:
        pair(term, label, str(counts.get(name, 0)))
    for name in sorted(counts.keys() - {name for _, name in _COUNTS}):
        pair(term, name.capitalize(), str(counts[name]))
    filters = [f"{name}={query[name]}" for name in _FILTERS if query.get(name)]
    if filters:
        pair(term, "Filter", ", ".join(filters))
    if page.get("next_cursor"):
        pair(term, "Next", f"--cursor {page['next_cursor']}")
    rows = [
        [item["id"], item["status"], moment(item.get("created")), item.get("target"), item["operation"]["type"]]
        for item in items
    ]
    _draw("", ("JOB ID", "STATUS", "CREATED", "TARGET", "OPERATION"), rows, term)


def detail(job: Mapping[str, Any], term: Terminal) -> None:
    """Everything about one job."""
    term.say()
    operation = cast("dict[str, Any]", job.get("operation") or {})
    pair(term, "Job ID", cell(job.get("id")))
    pair(term, "Status", cell(job.get("status")))
    for label, value in (
        ("Operation", operation.get("type")),
        ("Target", job.get("target")),
        ("Actor", job.get("actor")),
        ("Hostname", job.get("hostname")),
        ("Created", moment(job.get("created"))),
        ("Updated At", moment(job.get("updated_at"))),
        ("Agents", f"{job.get('answered', 0)} of {job.get('hosts', 0)} answered"),
        ("Silent", job.get("silent")),
        ("Retry Of", job.get("retry_of")),
        ("Trace ID", job.get("trace_id")),
        ("Dry Run", "yes" if job.get("dry_run") else None),
        ("Error", job.get("error")),
    ):
        if value:
            pair(term, label, cell(value))
    _json_block("Job Request", operation.get("data"), term)
    _json_block("Job Result", job.get("result"), term)
    responses = cast("dict[str, dict[str, Any]]", job.get("responses") or {})
    rows = [
        [
            name,
            one.get("status"),
            json.dumps(one["data"], ensure_ascii=False) if one.get("data") else "",
            one.get("error"),
        ]
        for name, one in responses.items()
    ]
    _draw("Agent Responses", ("HOSTNAME", "STATUS", "DATA", "ERROR"), rows, term)
    states = cast("dict[str, dict[str, Any]]", job.get("agent_states") or {})
    rows = [[name, one.get("status"), one.get("duration"), one.get("error")] for name, one in states.items()]
    _draw("Agent States", ("HOSTNAME", "STATUS", "DURATION", "ERROR"), rows, term)
    timeline = cast("list[dict[str, Any]]", job.get("timeline") or [])
    rows = [
        [moment(one.get("timestamp")), one.get("event"), one.get("hostname"), one.get("message"), one.get("error")]
        for one in timeline
    ]
    _draw("Timeline", ("TIMESTAMP", "EVENT", "HOSTNAME", "MESSAGE", "ERROR"), rows, term)


def created(answer: Mapping[str, Any], term: Terminal) -> None:
    """What became of a request about a job."""
    pair(term, "Job ID", cell(answer.get("job_id")))
    pair(term, "Status", cell(answer.get("status")))
    if answer.get("revision") is not None:
        pair(term, "Revision", cell(answer["revision"]))


def event(name: str, told: Mapping[str, Any], term: Terminal, *, with_job: bool) -> None:
    """One line for one event."""
    parts = [moment(told.get("timestamp"), form="%H:%M:%S")]
    if with_job:
        parts.append(cell(told.get("job_id")))
    status = cell(told.get("status"))
    word = f"done: {status}" if name == "done" else name
    parts += [term.paint(word, _COLOURS.get(status if name == "done" else name, "red")), cell(told.get("hostname"))]
    if with_job:
        parts.append(cell(told.get("operation")))
    if told.get("changed"):
        parts.append("changed")
    parts += [cell(told.get("error")), cell(told.get("reason"))]
    data = cast("dict[str, Any]", told.get("data") or {})
    if name == "output":
        parts.append(f"{told['left_out']} bytes left out before" if told.get("left_out") else "")
    elif data:
        parts.append(cell(data))
    term.say("  ".join(part for part in parts if part))
    for line in _output_lines(data) if name == "output" else ():
        term.say(f"    {line}")


def _output_lines(data: Mapping[str, Any]) -> Iterator[str]:
    """What a job gave out: the lines of texts, and a line for each entry of a list."""
    for value in data.values():
        if isinstance(value, str):
            yield from clean_lines(value)
        else:
            yield from (cell(one) for one in value)


def letters(answer: Mapping[str, Any], term: Terminal) -> None:
    """The dead letters."""
    items = cast("list[dict[str, Any]]", answer.get("items") or [])
    term.say()
    pair(term, "Total", str(answer.get("total_items", 0)))
    rows = [
        [
            one["id"],
            one["job_id"],
            one["operation"],
            one.get("hostname") or one["target"],
            moment(one["timestamp"]),
            one["reason"],
        ]
        for one in items
    ]
    _draw("", ("ID", "JOB ID", "OPERATION", "HOST", "TIMESTAMP", "REASON"), rows, term)


def outputs(answer: Mapping[str, Any], term: Terminal) -> None:
    """The output that is kept whole."""
    items = cast("list[dict[str, Any]]", answer.get("items") or [])
    term.say()
    pair(term, "Total", str(answer.get("total", 0)))
    rows = [
        [
            one["hostname"],
            one["name"],
            cell(one.get("size"), "bytes"),
            one.get("sha256"),
            one.get("error") or ("the beginning only" if one.get("truncated") else ""),
        ]
        for one in items
    ]
    _draw("", ("HOSTNAME", "NAME", "SIZE", "SHA256", "NOTE"), rows, term)


def purged(answer: Mapping[str, Any], term: Terminal) -> None:
    """How many dead letters were deleted."""
    pair(term, "Purged", str(answer.get("purged", 0)))


def _draw(title: str, headers: Sequence[str], rows: Sequence[Sequence[Any]], term: Terminal) -> None:
    if not rows:
        return
    term.say()
    if title:
        term.say(f"  {term.paint(f'{title}:', 'label')}")

    def paint(row: int, column: int, text: str) -> str:
        if row < 0:
            return term.paint(text, "header")
        return term.paint(text, _COLOURS.get(text, "red")) if headers[column] == "STATUS" else text

    texts = [[cell(value) for value in row] for row in rows]
    for line in table.lines(headers, texts, width=term.width, paint=paint):
        term.say(line)


def _json_block(title: str, value: Any, term: Terminal) -> None:
    if value in (None, {}, []):
        return
    term.say()
    term.say(f"  {term.paint(f'{title}:', 'label')}")
    for line in json.dumps(value, indent=2).splitlines():
        term.say(f"    {line}")
