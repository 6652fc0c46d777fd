"""Names of units, and what systemctl(1) prints about them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from osapi.contract.errors import Permanent
from osapi.domains.service.models import ServiceInfo

SUFFIX = ".service"
FOLDER = "/etc/systemd/system"
OWN = "osapi-"
"""Begins the names of the units that OSAPI keeps."""
PROPERTIES = (
    "Id", "LoadState", "LoadError", "ActiveState", "SubState", "UnitFileState", "Description", "MainPID", "Result",
    "ExecMainStatus", "NRestarts", "MemoryCurrent", "TasksCurrent", "ActiveEnterTimestamp", "FragmentPath", "CanReload",
)  # fmt: skip
_UNKNOWN = ("", "[not set]", "18446744073709551615")
_ENABLED = ("enabled", "enabled-runtime")


def unit_of(name: str) -> str:
    """The unit that a name stands for."""
    return name if name.endswith(SUFFIX) else name + SUFFIX


def own_unit(name: str) -> str:
    """The unit of a service that OSAPI keeps."""
    return f"{OWN}{name.removesuffix(SUFFIX)}{SUFFIX}"


def own_path(name: str) -> str:
    """Its file."""
    return f"{FOLDER}/{own_unit(name)}"


def question(unit: str) -> tuple[str, ...]:
    """Asks for one unit; the answer is one property a line, with the timestamp in seconds since 1970."""
    return ("systemctl", "show", "--no-pager", "--timestamp=unix", f"--property={','.join(PROPERTIES)}", "--", unit)


LOADED = ("systemctl", "list-units", "--type=service", "--all", "--no-pager", "--output=json")
FILES = ("systemctl", "list-unit-files", "--type=service", "--no-pager", "--output=json")


def properties(text: str) -> dict[str, str]:
    """The answer to `question`."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def info(shown: Mapping[str, str], *, managed: bool) -> ServiceInfo:
    """One service from its properties."""
    return ServiceInfo(
        name=shown.get("Id", ""),
        status=shown.get("ActiveState", ""),
        enabled=shown.get("UnitFileState", "") in _ENABLED,
        description=shown.get("Description", ""),
        pid=_number(shown.get("MainPID", "")) or 0,
        load=shown.get("LoadState", ""),
        sub_state=shown.get("SubState", ""),
        unit_file_state=shown.get("UnitFileState", ""),
        result=shown.get("Result", ""),
        exit_status=_number(shown.get("ExecMainStatus", "")),
        restarts=_number(shown.get("NRestarts", "")) or 0,
        memory_bytes=_number(shown.get("MemoryCurrent", "")),
        tasks=_number(shown.get("TasksCurrent", "")),
        since=_moment(shown.get("ActiveEnterTimestamp", "")),
        path=shown.get("FragmentPath", ""),
        managed=managed,
    )


def merged(loaded: bytes, files: bytes, managed: frozenset[str]) -> list[ServiceInfo]:
    """Every service that is loaded or has a file. `managed` are the units that OSAPI keeps."""
    states = {str(one["unit_file"]): str(one["state"]) for one in _entries(files)}
    found = {str(one["unit"]): one for one in _entries(loaded) if one.get("load") != "not-found"}
    names = sorted({*found, *(name for name in states if "@." not in name)})
    return [_listed(name, found.get(name, {}), states.get(name, ""), name in managed) for name in names]


def _listed(name: str, loaded: Mapping[str, Any], state: str, managed: bool) -> ServiceInfo:
    return ServiceInfo(
        name=name,
        status=str(loaded.get("active", "inactive")),
        enabled=state in _ENABLED,
        description=str(loaded.get("description", "")),
        load=str(loaded.get("load", "")),
        sub_state=str(loaded.get("sub", "")),
        unit_file_state=state,
        managed=managed,
    )


def _entries(text: bytes) -> list[dict[str, Any]]:
    try:
        return msgspec.json.decode(text or b"[]", type=list[dict[str, Any]])
    except msgspec.DecodeError as problem:
        raise Permanent(f"systemctl printed no JSON; systemd 246 or newer is needed: {problem}") from problem


def _number(text: str) -> int | None:
    return None if text in _UNKNOWN or not text.isdigit() else int(text)


def _moment(text: str) -> datetime | None:
    seconds = text.removeprefix("@")
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(seconds)) if seconds.isdigit() else None
