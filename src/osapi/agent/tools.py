"""What it takes to carry a job from accepted to answered, handed from the program to its parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from osapi.agent.catalogue import Catalogue
from osapi.agent.claims import Claims
from osapi.agent.execution import OpenSecrets
from osapi.agent.failpoints import FailPoints
from osapi.agent.ledger import Ledger
from osapi.agent.memory import Memory
from osapi.agent.nameplate import Nameplate
from osapi.agent.outlet import Outlet
from osapi.agent.reporter import Reporter
from osapi.agent.skew import Skew
from osapi.agent.slots import Slots
from osapi.contract.ids import MachineId
from osapi.host.door import Host
from osapi.telemetry import metrics
from osapi.telemetry.metrics import Metrics


@dataclass(frozen=True, kw_only=True)
class Tools:
    """The parts of one agent that a job passes through."""

    machine: MachineId
    nameplate: Nameplate
    host: Host
    catalogue: Catalogue
    slots: Slots
    listening_slots: Slots
    """For jobs that last as long as somebody listens, so that they never keep other work waiting."""
    ledger: Ledger
    memory: Memory
    claims: Claims
    reporter: Reporter
    outlet: Outlet
    open_secrets: OpenSecrets
    fail_points: FailPoints
    now: Callable[[], datetime]
    skew: Skew
    metrics: Metrics = metrics.OFF
