"""Every declared operation with the place of its declaration, so that generated code can refer to it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from osapi.contract.operation import Operation
from osapi.domains import discovery


@dataclass(frozen=True)
class Place:
    """An operation, and the module and name under which it is declared."""

    module: str
    name: str
    operation: Operation[Any, Any]


def places() -> list[Place]:
    """Every operation of every domain, in the order of their declaration."""
    return [place for domain in discovery.names() for place in _of_module(f"osapi.domains.{domain}.operations")]


def _of_module(module: str) -> list[Place]:
    declared = vars(importlib.import_module(module))
    operations: tuple[Operation[Any, Any], ...] = declared["OPERATIONS"]
    return [
        Place(module, next(name for name, value in declared.items() if value is operation), operation)
        for operation in operations
    ]
