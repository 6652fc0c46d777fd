"""The reference page of what can be done to a host, domain by domain: from the declarations and the folders of tests."""

from __future__ import annotations

from pathlib import Path
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


def page(root: Path) -> str:
    """The whole page; `root` is the checkout."""
    return _HEAD + "".join(_section(root, domain) for domain in discovery.names())


def _section(root: Path, domain: str) -> str:
    families = ", ".join(code(family) for family in discovery.families(domain))
    rows = [_row(root, domain, constant, one) for constant, one in discovery.constants(domain).items()]
    head = ["Operation", "Route", "Command", "Permission", "Check mode", "Shown by"]
    return f"\n## {domain}\n\nFamilies: {families}\n\n" + table(head, rows)


def _row(root: Path, domain: str, constant: str, operation: Operation[Any, Any]) -> list[str]:
    method, path = operation.route
    return [
        f"[{operation.name}](operations.md#{operation.operation_id.lower()})",
        f"{method} {code('/api/node/{hostname}' + path)}",
        code(" ".join(operation.command)),
        code(operation.permission),
        "yes" if operation.kind is Kind.MODIFY else "changes nothing",
        _proof(root, domain, constant),
    ]


def _proof(root: Path, domain: str, constant: str) -> str:
    """Its own proof, or else the tests of its domain on hosts."""
    own = Path("tests", "domains", domain, "acceptance", f"{constant.lower()}.json")
    shared = Path("tests", "acceptance", f"test_{domain}.py")
    found = next((path for path in (own, shared) if (root / path).exists()), None)
    return f"[{found.stem}](../../{found})" if found else ""
