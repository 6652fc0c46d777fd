"""From raw values to settings: every fault is collected, none hides another.

msgspec stops at the first fault, so this walks the models itself and lets msgspec judge one value at
a time. Where raw values come from (file, environment) is left to `config.load`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal, cast, get_args, get_origin

import msgspec

from osapi.config import duration
from osapi.config.faults import Fault, allowed, missing, refused, unknown
from osapi.config.keys import bare, default_of, is_secret, is_section

Path = tuple[str, ...]


class Builder:
    """Builds a model from raw values; `faults` tells what was wrong, and the result has defaults there."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def section(self, model: type[msgspec.Struct], raw: object, path: Path = ()) -> Any:
        """An instance of the model. Keys are compared without case; a key without a value is as if absent."""
        given = self._folded(raw, path)
        fields = msgspec.structs.fields(model)
        names = {field.name for field in fields}
        self.faults += [unknown((*path, name), names) for name in given if name not in names]
        return model(**{field.name: self._field(field, given.get(field.name), path) for field in fields})

    def _field(self, field: msgspec.structs.FieldInfo, raw: object, above: Path) -> Any:
        path, default = (*above, field.name), default_of(field)
        if raw is not None:
            return self._value(field.type, raw, path, default)
        if default is msgspec.NODEFAULT:
            self.faults.append(missing(path, field.type))
        return default

    def _value(self, annotation: Any, raw: object, path: Path, default: Any) -> Any:
        kind = bare(annotation)
        if is_section(kind):
            return self.section(kind, raw, path)
        if get_origin(kind) is dict:
            return self._map(get_args(kind)[1], raw, path)
        if get_origin(kind) is list:
            return self._list(get_args(kind)[0], raw, path)
        try:
            return converted(annotation, raw, default)
        except ValueError:  # msgspec.ValidationError is one
            self.faults.append(refused(path, raw, allowed(annotation, raw), secret=is_secret(annotation)))
            return default

    def _map(self, annotation: Any, raw: object, path: Path) -> dict[str, Any]:
        if not isinstance(raw, Mapping):
            self.faults.append(refused(path, raw, allowed(dict[str, str], raw)))
            return {}
        entries = cast("Mapping[object, object]", raw)
        return {str(name): self._value(annotation, value, (*path, str(name)), None) for name, value in entries.items()}

    def _list(self, annotation: Any, raw: object, path: Path) -> list[Any]:
        if isinstance(raw, str) and not is_section(annotation):
            raw = [part.strip() for part in raw.split(",") if part.strip()]
        if not isinstance(raw, list):
            self.faults.append(refused(path, raw, f"a list; each entry {allowed(annotation, raw)}"))
            return []
        entries = cast("list[object]", raw)
        return [self._value(annotation, value, (*path, str(n)), None) for n, value in enumerate(entries, start=1)]

    def _folded(self, raw: object, path: Path) -> dict[str, object]:
        if not isinstance(raw, Mapping):
            self.faults.append(refused(path, raw, "keys with values below it"))
            return {}
        folded: dict[str, object] = {}
        for name, value in cast("Mapping[object, object]", raw).items():
            lowered = str(name).lower()
            if lowered in folded:
                self.faults.append(refused((*path, str(name)), name, "each key once, upper and lower case being one"))
            folded[lowered] = value
        return folded


def converted(annotation: Any, raw: object, default: Any) -> Any:
    """One value in its own type. Text is read as numbers and booleans where those are wanted. Raises `ValueError`."""
    kind = bare(annotation)
    if kind is timedelta:
        if isinstance(raw, str) or (raw == 0 and not isinstance(raw, bool)):
            return duration.parse(str(raw))
        raise ValueError("a duration needs a unit")
    if get_origin(kind) is Literal and raw == "" and "" not in get_args(kind):
        return default
    if isinstance(raw, bool) is not (kind is bool) and not isinstance(raw, str):
        raise ValueError("true and false are no numbers")
    return msgspec.convert(raw, annotation, strict=False)
