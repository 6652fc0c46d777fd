"""Reads the settings: environment over file over default. Flags are passed on as environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from osapi.config import rules
from osapi.config.building import Builder
from osapi.config.faults import Fault, invalid, refused
from osapi.config.keys import Key, all_keys
from osapi.config.settings import Settings
from osapi.config.source import read_file


@dataclass(frozen=True)
class Loaded:
    """The settings, and which keys somebody set (in file or environment), by dotted name."""

    settings: Settings
    given: frozenset[str]


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings of this file and environment; without a file those of the environment alone.

    Raises `Invalid` whose message lists every fault: key, value, and what is allowed.
    """
    return load_with_origin(path, environ).settings


def load_with_origin(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """As `load`, and tells which keys were set."""
    raw = read_file(path) if path is not None else {}
    builder = Builder()
    builder.faults += [
        fault for key in all_keys() if (value := _variable(key, environ)) and (fault := _overlay(raw, key, value))
    ]
    settings: Settings = builder.section(Settings, raw)
    faults = builder.faults or rules.faults(settings)
    if faults:
        raise invalid(faults, f"file {path}" if path is not None else "no file, environment only")
    return Loaded(settings, frozenset(key.name for key in all_keys() if _present(raw, key.path)))


def _variable(key: Key, environ: Mapping[str, str]) -> str:
    """The value in the environment; an empty one is as if absent."""
    return environ.get(key.variable, "") if key.variable else ""


def _overlay(raw: dict[str, Any], key: Key, value: str) -> Fault | None:
    """Put a value of the environment in its place among those of the file."""
    here = raw
    for depth, step in enumerate(key.path[:-1], start=1):
        below = _replace(here, step, {} if _find(here, step) is None else _find(here, step))
        if not isinstance(below, dict):
            return refused(key.path[:depth], below, "keys with values below it")
        here = cast("dict[str, Any]", below)
    _replace(here, key.path[-1], value)
    return None


def _find(level: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in level.items() if str(key).lower() == name), None)


def _replace(level: dict[str, Any], name: str, value: Any) -> Any:
    existing = next((key for key in level if str(key).lower() == name), name)
    level[existing] = value
    return value


def _present(raw: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    here: Any = raw
    for step in path:
        here = _find(cast("Mapping[str, Any]", here), step) if isinstance(here, Mapping) else None
    return here is not None
