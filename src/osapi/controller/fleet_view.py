"""The fleet as a caller may see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osapi.contract.endpoint import Caller
from osapi.contract.ids import MachineId
from osapi.contract.target import Target
from osapi.fleet.registry import Registry
from osapi.fleet.resolution import Resolution


@dataclass(frozen=True)
class FleetView:
    """The fleet as a caller may see it, for the routes of slices."""

    registry: Registry

    def resolve(self, target: Target, caller: Caller, *, with_secrets: bool) -> Resolution:
        """The hosts that `target` means and `caller` reaches. Raises `Invalid` or `Forbidden`."""
        reach = None if caller.reaches({}) else caller.reaches
        return self.registry.resolve(target, reach, with_secrets=with_secrets)

    def labels(self, machine: MachineId) -> Mapping[str, str] | None:
        """The labels of a host; None when it is not known."""
        record = self.registry.machines().get(machine)
        return None if record is None else record.labels

    def name(self, machine: MachineId) -> str | None:
        """The present name of a host; None when it is not known."""
        record = self.registry.machines().get(machine)
        return None if record is None else record.hostname
