"""Finds the domains by listing their folder, so that a new one is only a new folder.

Each program loads its own files: `operations` for controller, SDK and CLI; `provider` and one file
of implementation for the agent. Nothing is remembered here; whoever needs the answer twice keeps it.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import osapi.domains
from osapi.contract.operation import Handler, Operation

_NO_NAME = re.compile(r"\W", re.ASCII)

Factory = Callable[[Any], Any]
"""`provider(host)` of an implementation: makes a provider for one job."""


def names() -> tuple[str, ...]:
    """The domains in alphabetical order."""
    return tuple(sorted(found.name for found in pkgutil.iter_modules(osapi.domains.__path__) if found.ispkg))


def operations() -> tuple[Operation[Any, Any], ...]:
    """Every operation of every domain."""
    return tuple(operation for name in names() for operation in _load(name, "operations").OPERATIONS)


def constants(domain: str) -> dict[str, Operation[Any, Any]]:
    """The operations of a domain by the names of their constants. Its cases and proofs are files of these names."""
    found = vars(_load(domain, "operations")).items()
    return {name: value for name, value in found if isinstance(value, Operation)}


def handlers(domain: str) -> tuple[Handler[Any], ...]:
    """Which method of the domain's port answers which operation."""
    found: tuple[Handler[Any], ...] = _load(domain, "provider").HANDLERS
    return found


def implementation(domain: str, families: Sequence[str]) -> Factory | None:
    """The factory of the first family that the domain has a file for; None when it has none.

    `families` goes from the particular to the general, for example `("ubuntu", "debian", "linux")`.
    """
    for family in families:
        module = f"osapi.domains.{domain}.{_NO_NAME.sub('_', family)}"
        if importlib.util.find_spec(module) is not None:
            factory: Factory | None = getattr(importlib.import_module(module), "provider", None)
            if factory is not None:
                return factory
    return None


def privileges(domain: str) -> tuple[Any, ...]:
    """What the domain needs to be granted where the agent is not root, as `host.grants`; none for one that needs nothing."""
    if importlib.util.find_spec(f"osapi.domains.{domain}.privileges") is None:
        return ()
    found: tuple[Any, ...] = _load(domain, "privileges").PRIVILEGES
    return found


def families(domain: str) -> tuple[str, ...]:
    """The families that the domain has a file for, in alphabetical order. Loads all of the domain's modules."""
    modules = pkgutil.iter_modules(importlib.import_module(f"osapi.domains.{domain}").__path__)
    return tuple(sorted(found.name for found in modules if implementation(domain, (found.name,)) is not None))


def _load(domain: str, module: str) -> ModuleType:
    return importlib.import_module(f"osapi.domains.{domain}.{module}")
