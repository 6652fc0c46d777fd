"""The reference page of what can be done to a host, domain by domain: from the declarations."""

from __future__ import annotations

from typing import Any

from osapi.contract.operation import Kind, Operation
from osapi.domains import discovery
from tools.markdown import code, table

_HEAD = """# Operations on hosts

Written by `./dev gen` from the declarations; do not edit. Fields: [operations.md](operations.md). Commands follow `osapi client`; flags: [cli.md](cli.md).

A host of another family than those named is answered `skipped`, and so is one that lacks a program. A host belongs to its distribution and to all that
this descends from by os-release(5): Ubuntu to `debian` and `linux`. Check mode (`?dry_run=true`, `--check`) tells a diff and touches nothing. *Shown by* is what
proves the operation on a real Debian host, by other means than our own code.
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(_section(domain) for domain in discovery.names())


def _section(domain: str) -> str:
    families = ", ".join(code(family) for family in discovery.families(domain))
    rows = [_row(domain, constant, one) for constant, one in discovery.constants(domain).items()]
    head = ["Operation", "Route", "Command", "Permission", "Check mode", "Shown by"]
    return f"\n## {domain}\n\nFamilies: {families}\n\n" + table(head, rows)


def _row(domain: str, constant: str, operation: Operation[Any, Any]) -> list[str]:
    method, path = operation.route
    return [
        f"[{operation.name}](operations.md#{operation.operation_id.lower()})",
        f"{method} {code('/api/node/{hostname}' + path)}",
        code(" ".join(operation.command)),
        code(operation.permission),
        "yes" if operation.kind is Kind.MODIFY else "changes nothing",
        f"[{constant.lower()}](../../tests/domains/{domain}/acceptance/{constant.lower()}.json)",
    ]
