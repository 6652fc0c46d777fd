"""Counts with the Prometheus client library, whose import costs 2 MiB: only `metrics.counting` imports this.

Names are those of OSAPI's field; HTTP durations are named as OpenTelemetry's semantic conventions have them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from osapi.telemetry.exposition import Exposition
from osapi.telemetry.metrics import Checks, Metrics, Place

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Bounds in seconds that tell operations of milliseconds apart, and those of minutes too."""


class PrometheusMetrics(Metrics):
    """Counts in a registry of its own."""

    def __init__(self, place: Place, pid: Callable[[], int] | None = None) -> None:
        self._place = place
        self._exposition: Exposition | None = None
        disable_created_metrics()  # type: ignore[no-untyped-call] # one series more for each counter, of no use
        registry = self.registry = CollectorRegistry()
        ProcessCollector(pid=pid or (lambda: "self"), registry=registry)
        Gauge("osapi_component_up", "1 while the program runs.", registry=registry).set(1)
        self._requests = Histogram(
            "http_server_request_duration_seconds",
            "Time from a request to the end of its answer.",
            ["http_request_method", "http_route", "http_response_status_code"],
            buckets=BOUNDS_S,
            registry=registry,
        )
        self._created = Counter("osapi_jobs_created", "Jobs submitted.", ["operation"], registry=registry)
        self._processed = Counter("osapi_jobs_processed", "Jobs that ended.", ["status"], registry=registry)
        self._durations = Histogram(
            "osapi_job_duration_seconds",
            "Controller: from submission to the last answer. Agent: from the start of the work to its end.",
            ["status"],
            buckets=BOUNDS_S,
            registry=registry,
        )

    def request(self, method: str, route: str, status: int, duration_s: float) -> None:
        self._requests.labels(method, route, str(status)).observe(duration_s)

    def job_created(self, operation: str) -> None:
        self._created.labels(operation).inc()

    def job_processed(self, status: str, duration_s: float | None) -> None:
        self._processed.labels(status).inc()
        if duration_s is not None:
            self._durations.labels(status).observe(duration_s)

    def show(self, name: str, told: str, read: Callable[[], float]) -> None:
        Gauge(name, told, registry=self.registry).set_function(read)

    def serve(self, key: str, checks: Checks) -> None:
        self.registry.register(_Parts(checks))
        self._exposition = Exposition(key, self._place, self.registry, checks)
        self.address = self._exposition.address

    def close(self) -> None:
        exposition, self._exposition = self._exposition, None
        if exposition is not None:
            exposition.close()


class _Parts(Collector):
    """Asks the parts at the moment of the question."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily("osapi_subsystem_up", "1 while a part of the program works.", labels=["subsystem"])
        for name, check in self._checks.items():
            family.add_metric([name], float(check() is None))
        yield family
