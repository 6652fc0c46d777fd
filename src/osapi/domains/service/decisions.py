"""What to do so that a service is as it should be, given what systemd says of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from osapi.contract.errors import Conflict, Invalid, NotFound, Protected
from osapi.host.plan import Action, Plan, Run

RELOAD = Run(argv=("systemctl", "daemon-reload"), privileged=True)
_DEADLINE_S = 110.0
_UP = ("active", "reloading")
_DOWN = ("inactive", "failed")
_ENABLED = ("enabled", "enabled-runtime")
_CANNOT_ENABLE = ("static", "alias", "generated", "transient", "indirect", "linked", "linked-runtime")
_NEEDED = frozenset(
    f"{name}.service"
    for name in (
        "dbus", "dbus-broker", "systemd-journald", "systemd-logind", "systemd-networkd", "systemd-udevd", "NetworkManager",
        "networking", "ssh", "sshd", "osapi", "osapi-agent", "osapi-controller", "osapi-nats",
    )
)  # fmt: skip
"""Without these nobody reaches the host any more, OSAPI included."""
_SECTION = re.compile(r"\[[A-Za-z][A-Za-z0-9-]*\]")


@dataclass(frozen=True)
class Seen:
    """What systemd says of one unit."""

    unit: str
    shown: Mapping[str, str]

    @property
    def state(self) -> str:
        return self.shown.get("ActiveState", "")

    @property
    def file_state(self) -> str:
        return self.shown.get("UnitFileState", "")

    @property
    def load(self) -> str:
        return self.shown.get("LoadState", "")


def start(seen: Seen) -> Plan:
    """Start it; nothing when it is up."""
    refuse_unknown(seen)
    _refuse_masked(seen)
    return Plan() if seen.state in _UP else _acting("start", seen, f"{seen.state} -> active")


def stop(seen: Seen, *, force: bool) -> Plan:
    """Stop it, also while it starts; nothing when it is down."""
    refuse_unknown(seen)
    if seen.state in _DOWN:
        return Plan()
    _refuse_needed(seen, force=force)
    return _acting("stop", seen, f"{seen.state} -> inactive")


def restart(seen: Seen, *, force: bool) -> Plan:
    """Restart it, or start it when it is down."""
    refuse_unknown(seen)
    _refuse_masked(seen)
    _refuse_needed(seen, force=force)
    return _acting("restart", seen, "restarted")


def reload(seen: Seen) -> Plan:
    """Let it read its configuration. Raises `Conflict` when it does not run, `Invalid` when it cannot."""
    refuse_unknown(seen)
    if seen.state not in _UP:
        raise Conflict(f"{seen.unit} is {seen.state}, so it cannot be reloaded; start it")
    if seen.shown.get("CanReload") != "yes":
        raise Invalid(f"{seen.unit} cannot reload its configuration; restart it")
    return _acting("reload", seen, "reloaded")


def enable(seen: Seen) -> Plan:
    """Start it at boot; nothing when it is enabled. Raises `Invalid` when the unit does not say how."""
    refuse_unknown(seen)
    _refuse_masked(seen)
    if seen.file_state in _ENABLED:
        return Plan()
    if seen.file_state in _CANNOT_ENABLE:
        raise Invalid(f"{seen.unit} is {seen.file_state}: its unit has no [Install] section, so it cannot be enabled")
    return _acting("enable", seen, f"{seen.file_state} -> enabled")


def disable(seen: Seen, *, force: bool) -> Plan:
    """Start it at boot no longer; nothing when it is not enabled."""
    refuse_unknown(seen)
    if seen.file_state not in _ENABLED:
        return Plan()
    _refuse_needed(seen, force=force)
    return _acting("disable", seen, f"{seen.file_state} -> disabled")


def mask(seen: Seen, *, force: bool) -> Plan:
    """Link it to /dev/null; nothing when it is masked. What runs goes on running."""
    if seen.load == "masked":
        return Plan()
    refuse_unknown(seen)
    _refuse_needed(seen, force=force)
    return _acting("mask", seen, f"{seen.file_state or seen.load} -> masked")


def unmask(seen: Seen) -> Plan:
    """Remove the link; nothing when it is not masked."""
    return _acting("unmask", seen, "masked -> not masked") if seen.load == "masked" else Plan()


def before_delete(seen: Seen) -> tuple[list[Action], str]:
    """What is done before a unit of ours is removed, and how that is told."""
    actions: list[Action] = []
    told: list[str] = []
    if seen.load == "loaded" and seen.state not in _DOWN:
        actions.append(_run("stop", seen.unit))
        told.append(f"{seen.unit}: {seen.state} -> inactive")
    if seen.file_state in _ENABLED:
        actions.append(_run("disable", seen.unit))
        told.append(f"{seen.unit}: {seen.file_state} -> disabled")
    return actions, "\n".join(told)


def check_unit(content: bytes, name: str) -> None:
    """Raise `Invalid` (code `invalid_object`), naming the line, unless this can be the unit of a service."""
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError as problem:
        raise _invalid(name, f"it is no text: byte {problem.start} is not UTF-8") from problem
    section, continued = "", False
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not continued and text and not text.startswith(("#", ";")):
            if _SECTION.fullmatch(text):
                section += text
            elif "=" not in text or not section:
                raise _invalid(name, f"line {number} is neither a section nor a setting: {text[:80]!r}")
        continued = text.endswith("\\") and not text.startswith(("#", ";"))
    if "[Service]" not in section:
        raise _invalid(name, "it has no [Service] section")


def restart_run(unit: str) -> Run:
    """Restarts a unit if it runs."""
    return _run("try-restart", unit)


def _acting(verb: str, seen: Seen, told: str) -> Plan:
    return Plan((_run(verb, seen.unit),), f"{seen.unit}: {told}")


def _run(verb: str, unit: str) -> Run:
    return Run(argv=("systemctl", verb, "--", unit), privileged=True, deadline_s=_DEADLINE_S)


def refuse_unknown(seen: Seen) -> None:
    """Raise `NotFound` when the host has no such unit, `Invalid` when systemd cannot read it."""
    if seen.load == "not-found":
        raise NotFound(f"there is no service {seen.unit} on this host")
    if seen.load in ("error", "bad-setting"):
        raise Invalid(f"the unit {seen.unit} cannot be loaded: {seen.shown.get('LoadError') or seen.load}")


def _refuse_masked(seen: Seen) -> None:
    if seen.load == "masked":
        raise Conflict(f"{seen.unit} is masked; unmask it first")


def _refuse_needed(seen: Seen, *, force: bool) -> None:
    if seen.unit in _NEEDED and not force:
        raise Protected(f"{seen.unit} is needed to reach this host; use force if that is meant")


def _invalid(name: str, text: str) -> Invalid:
    return Invalid(f"object {name}: {text}", code="invalid_object")
