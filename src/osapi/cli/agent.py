"""The commands below `osapi client agent`: the hosts of the fleet, as their agents describe them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from osapi.cli import agent_enrolment, asking, exit_status
from osapi.cli.option import BadUsage, Option
from osapi.cli.plain import Plain, leaf, show
from osapi.sdk import calls

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from osapi.cli.plain import Values
    from osapi.cli.terminal import Terminal
    from osapi.cli.tree import Leaf
    from osapi.sdk.raw import RawClient

_NAME = Option(("--hostname",), "hostname", help="Host name or machine id.", required=True, completes="target")
_FILTERS = (
    Option(
        ("--status",),
        "status",
        help="Only agents that can be given work now, or the others.",
        choices=("Ready", "NotReady"),
    ),
    Option(
        ("--state",), "state", help="Only agents in this state.", choices=("Ready", "Draining", "Cordoned", "Pending")
    ),
    Option(("--pending",), "pending", "switch", "Those that wait to be accepted instead."),
    Option(("--barred",), "barred", "switch", "Keys that were rejected or revoked instead."),
    Option(("--unreachable",), "unreachable", "switch", "Only agents that are no longer heard of."),
    Option(("--condition",), "condition", help="Only agents on which this condition holds, for example HighLoad."),
    Option(("--label",), "label", help="Only agents with this label or one below it, as group:web."),
    Option(("--target", "-T"), "target", help="Only agents that this target means now.", completes="target"),
)
_LOOK_S = 0.5
_FINGERPRINT = "Show the fingerprint of the agent's key on this machine."


def find(words: str) -> Leaf | None:
    """The command of these words, for example `agent list`."""
    if words == "agent key fingerprint":
        from osapi.cli import key_report

        return key_report.leaf(words, _FINGERPRINT, lambda places: (places.agent_state, "agent"))
    return leaf(words, _COMMANDS.get(words))


def lines() -> dict[str, str]:
    """Every group and command by its words, with a line of help."""
    told = {words: command.summary for words, command in _COMMANDS.items()}
    return {**told, "agent key": "The agent's key.", "agent key fingerprint": _FINGERPRINT}


def _list(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import agent_report

    if known.get("pending") and known.get("barred"):
        raise BadUsage("--pending and --barred exclude one another; give one of them")
    if known.get("pending"):
        return agent_enrolment.pending(known, client, term)
    if known.get("barred"):
        return agent_enrolment.barred(known, client, term)
    filters = {name: known.get(name) for name in ("status", "state", "condition", "label", "target")}
    reachable = False if known.get("unreachable") else None
    return show(known, client.send(calls.agent_list(**filters, reachable=reachable)).body, term, agent_report.agents)


def _get(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import agent_report

    return show(known, client.send(calls.agent_get(known["hostname"])).body, term, agent_report.agent)


def _drain(known: Values, client: RawClient, term: Terminal) -> int:
    """With --wait the exit status is 4 when jobs are still in hand at the end of the time-out."""
    from osapi.cli import agent_report

    name = known["hostname"]
    answer = client.send(calls.agent_drain(name, known.get("reason") or "")).body
    if known.get("wait") and not _idle(client, name, known.get("timeout")):
        term.tell(f"osapi: {name} still has jobs in hand; it takes nothing new")
        return exit_status.TIMED_OUT
    return show(known, answer, term, agent_report.said)


def _idle(client: RawClient, name: str, timeout_s: float | None) -> bool:
    """Look until the agent has nothing in hand any more; None waits for ever."""
    end = None if timeout_s is None else time.monotonic() + timeout_s
    while not _is_cordoned(client, name):
        if end is not None and time.monotonic() >= end:
            return False
        time.sleep(_LOOK_S)
    return True


def _is_cordoned(client: RawClient, name: str) -> bool:
    told: Mapping[str, Any] = asking.json_object(client.send(calls.agent_get(name)).body)
    return told.get("state") == "Cordoned"


def _undrain(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import agent_report

    return show(known, client.send(calls.agent_undrain(known["hostname"])).body, term, agent_report.said)


def _delete(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import agent_report

    request = calls.agent_delete(known["hostname"], force=known.get("force", False))
    return show(known, client.send(request).body, term, agent_report.said)


def _quarantine(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import agent_report

    return show(known, client.send(calls.agent_quarantine(known.get("limit"))).body, term, agent_report.quarantine)


def _status(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import health, health_report

    return health.show_status(known, client, term, health_report.programs)


_COMMANDS = {
    **agent_enrolment.COMMANDS,
    "agent list": Plain("List agents, ready or not.", _FILTERS, _list),
    "agent get": Plain("Show one agent and its host.", (_NAME,), _get),
    "agent drain": Plain(
        "Let an agent finish what it has in hand and take nothing new.",
        (
            _NAME,
            Option(("--reason",), "reason", help="Why, for those who wonder later."),
            Option(("--wait",), "wait", "switch", "Return when it has nothing in hand any more."),
            Option(("--timeout",), "timeout", "float", "Seconds to wait at most.", default="without end"),
        ),
        _drain,
    ),
    "agent undrain": Plain("Let a drained agent take work again.", (_NAME,), _undrain),
    "agent delete": Plain(
        "Remove an agent that is gone from the inventory, and the key by which it is known.",
        (
            _NAME,
            Option(
                ("--force",), "force", "switch", "Also when it is reachable; it is cut off and must be enrolled again."
            ),
        ),
        _delete,
    ),
    "agent quarantine": Plain(
        "Show what was said in the name of agents and not believed.",
        (Option(("--limit",), "limit", "int", "Most messages to show, up to 1000.", default=100),),
        _quarantine,
    ),
    "agent status": Plain("Show every program: controllers, brokers, agents.", (), _status),
}
