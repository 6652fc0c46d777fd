"""What the agent shows of itself to Prometheus: from its very start, so that one waiting for its broker can be seen."""

from __future__ import annotations

from osapi.agent.worker import Worker
from osapi.fleet.heartbeat import Heartbeat
from osapi.telemetry.metrics import Check, Place, counting
from osapi.transport.broker import Broker

_AWAY = "the broker is not connected"


class Figures:
    """The metrics of one agent, and how its parts are. Raises `Invalid` when the address cannot be had."""

    def __init__(self, place: Place) -> None:
        self.metrics = counting(place)
        self._checks: dict[str, Check] = {"broker": lambda: _AWAY, "writes": lambda: "there was no heartbeat yet"}
        self.metrics.serve("agent.metrics", self._checks)

    def show(self, broker: Broker, worker: Worker, heartbeat: Heartbeat) -> None:
        """The agent has its parts now."""
        self._checks["broker"] = lambda: None if broker.is_connected else _AWAY
        self._checks["writes"] = lambda: heartbeat.trouble
        self.metrics.show("osapi_jobs_active", "Jobs that this agent has in hand.", lambda: len(worker.holding))
        heartbeat.show_age(self.metrics)

    def close(self) -> None:
        """Show nothing more."""
        self.metrics.close()
