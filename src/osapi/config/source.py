"""The settings file: where it is, and its YAML."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from osapi.contract.errors import Invalid

DEFAULT = Path("/etc/osapi/osapi.yaml")
VARIABLE = "OSAPI_OSAPIFILE"


def locate(flag: str | None, environ: Mapping[str, str], default: Path = DEFAULT) -> Path | None:
    """The file to read: the flag, else $OSAPI_OSAPIFILE, else the default one if it exists, else None.

    Raises `Invalid` when a file that was asked for does not exist.
    """
    asked = flag or environ.get(VARIABLE)
    if not asked:
        return default if default.exists() else None
    path = Path(asked).absolute()
    if not path.exists():
        raise Invalid(f"settings file {path} does not exist; name another one with --osapi-file")
    return path


def read_file(path: Path) -> dict[str, Any]:
    """The file's content as nested maps; an empty file is an empty map. Raises `Invalid` when it cannot be read."""
    try:
        content = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 - derived from the safe loader
    except OSError as problem:
        raise Invalid(f"settings file {path} cannot be read: {problem.strerror}") from problem
    except yaml.YAMLError as problem:
        raise Invalid(f"settings file {path} is no YAML: {' '.join(str(problem).split())}") from problem
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise Invalid(f"settings file {path} must hold keys with values, as in `controller:`")
    return cast("dict[str, Any]", content)


class _Loader(yaml.CSafeLoader):
    """The safe loader, which also refuses a key that stands twice at one level."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) < len(node.value):
            names = [key.value for key, _ in node.value]
            twice = next((name for name in names if names.count(name) > 1), names[0])
            raise yaml.constructor.ConstructorError(None, None, f"key {twice!r} stands twice", node.start_mark)
        return mapping
