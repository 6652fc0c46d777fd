"""The commands below `osapi client agent`: the hosts of the fleet as their agents describe them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from osapi.cli.option import Option
from osapi.cli.plain import Plain, leaf, show
from osapi.sdk import calls

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from osapi.cli.plain import Values
    from osapi.cli.terminal import Terminal
    from osapi.cli.tree import Leaf
    from osapi.sdk.raw import RawClient

_SUSPICION = ("timestamp", "machine_id", "saying", "doubt", "job_id", "signed_by")
_SUSPICION_HEADERS = ("TIME", "MACHINE ID", "SAYING", "DOUBT", "JOB ID", "SIGNED BY")
_HEADERS = ("MACHINE ID", "HOSTNAME", "STATUS", "LABELS", "AGE", "LOAD (1M)", "OS")


def find(words: str) -> Leaf | None:
    """The command of these words, for example `agent list`."""
    return leaf(words, _COMMANDS.get(words))


def lines() -> dict[str, str]:
    """Every command by its words, with a line of help."""
    return {words: command.summary for words, command in _COMMANDS.items()}


def _list(known: Values, client: RawClient, term: Terminal) -> int:
    return show(known, client.send(calls.agent_list()).body, term, _draw_list)


def _get(known: Values, client: RawClient, term: Terminal) -> int:
    return show(known, client.send(calls.agent_get(known["hostname"])).body, term, _draw_agent)


def _forget(known: Values, client: RawClient, term: Terminal) -> int:
    client.send(calls.agent_forget(known["hostname"]))
    told = {"status": "forgotten", "hostname": known["hostname"]}
    return show(known, json.dumps(told).encode(), term, _draw_forgotten)


def _quarantine(known: Values, client: RawClient, term: Terminal) -> int:
    return show(known, client.send(calls.agent_quarantine(known.get("limit"))).body, term, _draw_quarantine)


def _draw_forgotten(told: Mapping[str, Any], term: Terminal) -> None:
    term.say(f"{told['hostname']} is forgotten; if its agent lives on, it joins anew with the key it has.")


def _draw_quarantine(told: Mapping[str, Any], term: Terminal) -> None:
    from osapi.cli import table
    from osapi.cli.cells import cell

    items = cast("list[dict[str, Any]]", told.get("items") or [])
    rows = [[cell(item.get(field), "text") for field in _SUSPICION] for item in items]
    term.say()
    for line in table.lines(
        _SUSPICION_HEADERS, rows, width=term.width, paint=lambda row, _, text: _bold(row, text, term)
    ):
        term.say(line)
    term.say(f"\n  {told.get('total', 0)} not believed since this controller began")


def _bold(row: int, text: str, term: Terminal) -> str:
    return term.paint(text, "header") if row < 0 else text


def _draw_list(told: Mapping[str, Any], term: Terminal) -> None:
    from datetime import UTC, datetime

    from osapi.cli import table
    from osapi.cli.cells import cell

    now = datetime.now(UTC)
    agents = cast("list[dict[str, Any]]", told.get("agents") or [])
    rows = [
        [
            agent.get("machine_id"),
            agent.get("hostname"),
            _status(agent),
            agent.get("labels"),
            age(agent.get("registered_at"), now),
            _load(agent)[:1],
            _system(agent),
        ]
        for agent in agents
    ]
    texts = [[cell(value, "decimal") for value in row] for row in rows]

    def paint(row: int, column: int, text: str) -> str:
        if row < 0:
            return term.paint(text, "header")
        return term.paint(text, "green" if text == "Ready" else "yellow") if _HEADERS[column] == "STATUS" else text

    term.say()
    for line in table.lines(_HEADERS, texts, width=term.width, paint=paint):
        term.say(line)


def _draw_agent(agent: Mapping[str, Any], term: Terminal) -> None:
    from datetime import UTC, datetime

    from osapi.cli.cells import cell, size
    from osapi.cli.report import pair

    now = datetime.now(UTC)
    memory = cast("dict[str, int]", agent.get("memory") or {})
    for label, value in (
        ("Hostname", agent.get("hostname")),
        ("Machine ID", agent.get("machine_id")),
        ("State", _status(agent)),
        ("Labels", agent.get("labels")),
        ("OS", _system(agent)),
        ("Uptime", agent.get("uptime")),
        ("Age", age(agent.get("registered_at"), now)),
        ("Last Seen", f"{age(agent.get('heartbeat_at'), now)} ago"),
        ("Arch", agent.get("architecture")),
        ("Kernel", agent.get("kernel_version")),
        ("CPUs", agent.get("cpu_count")),
        ("Load", _load(agent)),
        ("Memory", f"{size(memory['used'])} of {size(memory['total'])} used" if memory else None),
        ("Version", agent.get("version")),
        ("Key", agent.get("fingerprint")),
    ):
        if value:
            pair(term, label, cell(value, "decimal" if label == "Load" else "text"))


def _status(agent: Mapping[str, Any]) -> str:
    """The state, unless it says `Ready` of an agent that no longer is."""
    state, status = str(agent.get("state") or ""), str(agent.get("status") or "")
    return state if state not in ("", "Ready") else status


def _load(agent: Mapping[str, Any]) -> list[float]:
    load = cast("dict[str, float]", agent.get("load_average") or {})
    return [load[name] for name in ("1min", "5min", "15min") if name in load]


def _system(agent: Mapping[str, Any]) -> str:
    system = cast("dict[str, str]", agent.get("os_info") or {})
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


_HOSTNAME = Option(("--hostname",), "hostname", help="Host name or machine id.", required=True, completes="target")
_COMMANDS = {
    "agent list": Plain("List all agents, ready or not.", (), _list),
    "agent get": Plain("Show one agent and its host.", (_HOSTNAME,), _get),
    "agent forget": Plain(
        "Forget an agent and the key by which it is known, so that it may join with another.", (_HOSTNAME,), _forget
    ),
    "agent quarantine": Plain(
        "Show what was said in the name of agents and not believed.",
        (Option(("--limit",), "limit", "int", "Most messages to show, up to 1000.", default=100),),
        _quarantine,
    ),
}
