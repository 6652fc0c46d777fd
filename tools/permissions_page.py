"""The reference page of permissions and built-in roles."""

from __future__ import annotations

from typing import Any

from osapi.auth.permissions import PERMISSIONS
from osapi.auth.roles import BUILT_IN
from tools.markdown import code, table
from tools.operations_page import permission

_HEAD = """# Permissions and roles

Written by `./dev gen` from the declarations; do not edit.

A permission is `resource:verb`: `read` looks, `write` changes, `execute` runs what the caller wrote or stops what others run. Roles are sets of
permissions. Your own are set below `controller.api.security.roles`, see [how to](../howto/roles-and-tokens.md).
"""


def page(document: dict[str, Any]) -> str:
    """The whole page; `document` is the OpenAPI document."""
    needing: dict[str, list[str]] = {}
    for item in document["paths"].values():
        for facts in item.values():
            needing.setdefault(permission(facts) or "", []).append(facts["operationId"])
    roles = list(BUILT_IN.values())
    rows = [
        [
            code(name),
            *("yes" if name in role.permissions else "" for role in roles),
            ", ".join(f"[{each}](operations.md#{each.lower()})" for each in needing.get(name, [])),
        ]
        for name in PERMISSIONS
    ]
    return _HEAD + "\n" + table(["Permission", *(role.name for role in roles), "Operations"], rows)
