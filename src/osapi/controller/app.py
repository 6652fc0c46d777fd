"""The controller program: builds its parts, hands them to one another, starts and stops them in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp

from osapi.config import connection
from osapi.config.listening import refuse_exposed
from osapi.config.paths import Paths
from osapi.config.settings import Settings
from osapi.contract.endpoint import Caller, Routes
from osapi.contract.errors import OsapiError
from osapi.contract.ids import MachineId
from osapi.contract.operation import Operation
from osapi.contract.target import Target
from osapi.controller import asgi, auditing, enrolling, entrance, layout, notifying, secured, tokens, vigil
from osapi.controller.authenticate import Authenticator
from osapi.controller.node import NodeServices
from osapi.controller.observed import observed
from osapi.controller.rotating import Rotating
from osapi.controller.serve import HttpServer, bind
from osapi.controller.status import http as status_routes
from osapi.controller.status.look import Sources
from osapi.files import http as file_routes
from osapi.files.seed import seed
from osapi.files.states import FileStates
from osapi.files.sweeping import keep_tidy
from osapi.fleet import discovery as discovery_routes
from osapi.fleet import http as fleet_routes
from osapi.fleet import suspicions
from osapi.fleet import target_http as target_routes
from osapi.fleet.enrolment import http as enrolment_routes
from osapi.fleet.heartbeat import Heartbeat
from osapi.fleet.models import ComponentKind
from osapi.fleet.program import Program
from osapi.fleet.registry import Registry
from osapi.fleet.resolution import Resolution
from osapi.fleet.service import FleetService, Keys
from osapi.jobs import http as job_routes
from osapi.jobs.quarantine import Quarantine
from osapi.jobs.service import JobNames, JobService
from osapi.telemetry import metrics as telemetry
from osapi.telemetry.log import get_logger
from osapi.telemetry.metrics import Checks, Metrics
from osapi.telemetry.process import ProcessMeter
from osapi.telemetry.readiness import announce_ready
from osapi.transport.address import Address, Credentials
from osapi.transport.broker import Broker
from osapi.transport.objects import ObjectStore
from osapi.transport.provision import provision

CONNECT_S = 30.0
"""How long the broker may be away when the controller starts."""

_PROVISION_AGAIN_S = 0.5

_log = get_logger(__name__)


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


class Controller:
    """One controller. `run` returns when it has stopped; `stop` may be called at any time, and twice."""

    def __init__(self, settings: Settings, paths: Paths, operations: Mapping[str, Operation[Any, Any]]) -> None:
        self._settings = settings
        self._paths = paths
        self._operations = operations
        self._stopping = asyncio.Event()
        self._server: HttpServer | None = None
        self._broker: Broker | None = None

    async def run(self) -> None:
        """Start every part, serve until `stop` is called, then end every part.

        Raises `Invalid` for settings or keys that cannot be used and `Unavailable` when the address is taken
        or the broker is away; then nothing is left open.
        """
        api = self._settings.controller.api
        tls = secured.context_of(api)
        refuse_exposed("controller.api.host", api.host, insecure=self._settings.insecure, tls=tls is not None)
        async with AsyncExitStack() as opened:
            sockets = bind(api.host, api.port)
            for listener in sockets:
                opened.callback(listener.close)
            app = await self._build(opened)
            await opened.enter_async_context(secured.redirecting(api))
            self._server = HttpServer(app, sockets, self._stopping, tls=tls)
            _log.info("controller.ready", address=f"{'http' if tls is None else 'https'}://{api.host}:{api.port}")
            announce_ready()
            await self._server.run()
        _log.info("controller.stopped")

    @property
    def is_serving(self) -> bool:
        """Whether requests are answered, be it the last ones."""
        return self._server is not None

    def stop(self) -> None:
        """Take no new requests and end when those under way are answered."""
        if not self._stopping.is_set():
            _log.info("controller.stopping")
        self._stopping.set()
        if self._server is not None:
            self._server.stop()

    async def _build(self, opened: AsyncExitStack) -> ASGIApp:
        """Every part in the order of what it needs; `opened` ends them in the opposite order."""
        settings = self._settings
        metrics = telemetry.counting(settings.controller.metrics)
        known = tokens.Tokens(settings, self._paths)
        opened.push_async_callback(known.stop)
        self._broker = broker = await self._connect()
        opened.push_async_callback(broker.close)
        vigil.begin(broker, opened)
        wanted = layout.of_settings(settings)
        await provision(broker, wanted)
        await known.start(broker)
        rotating = Rotating(self._paths.pki)
        opened.push_async_callback(rotating.stop)
        await rotating.start(broker, settings.nats.enrollment.bucket)
        audit = auditing.service(settings, self._paths, broker, rotating)
        if audit is not None:
            opened.push_async_callback(audit.stop)
            await audit.start()
        keys = Keys(rotating.signer, rotating.verifier, enrolling.accepts(settings), rotating.told)
        quarantine = Quarantine(time.time)
        fleet = FleetService(broker, settings.nats, keys, quarantine)
        opened.push_async_callback(fleet.stop)
        jobs = self._jobs(broker, keys, fleet, quarantine, metrics)
        if audit is not None:
            jobs.on_end.append(auditing.teller(audit))
        opened.push_async_callback(jobs.stop)
        enrolment = await enrolling.begin(settings, self._paths, broker, keys)
        opened.push_async_callback(enrolment.stop)
        await fleet.keybook.start()
        await asyncio.gather(fleet.start(), jobs.start())
        notify = await notifying.service(settings, broker, fleet, jobs, audit, enrolment, opened)
        heartbeat = self._report(broker, opened, metrics)
        services = NodeServices(
            jobs=jobs,
            fleet=fleet.registry,
            wait_s=settings.controller.api.job_timeout.total_seconds(),
            body_limit=settings.controller.api.body_limit_bytes,
        )
        checks = {**_checks(broker, jobs, heartbeat), **auditing.checks(audit), "signing key": rotating.problem}
        seen = {**checks, **auditing.findings(audit), **notifying.findings(notify)}
        opened.callback(metrics.close)
        _show(metrics, checks, jobs, heartbeat)
        notifying.show(metrics, notify)
        sources = Sources(survey=broker.survey(), layout=wanted, jobs=jobs, fleet=fleet, checks=seen)
        slices = [
            *status_routes.routes(sources),
            *job_routes.routes(jobs, self._operations, FleetView(fleet.registry), time.time),
            *suspicions.routes(fleet.registry, quarantine),
            *enrolment_routes.routes(enrolment, fleet.registry),
            *fleet_routes.routes(fleet.registry, fleet.drains, fleet.timelines, enrolment.forget),
            *discovery_routes.routes(fleet.registry, fleet.components),
            *auditing.routes(audit, rotating),
            *notifying.routes(notify, fleet.registry),
            *await self._files(broker, FleetView(fleet.registry), opened),
            *target_routes.routes(fleet.registry),
            *known.routes(broker),
        ]
        upload_limit = settings.controller.api.upload_limit_bytes or None
        app = asgi.application(
            asgi.routes(self._operations, services, slices, list(checks.values()), upload_limit),
            entrance.of_settings(settings.controller.api, Authenticator(known.verifier, time.time), audit),
            self._stopping,
            settings.controller.api.security.cors.allow_origins,
        )
        return observed(app, metrics)

    async def _files(self, broker: Broker, fleet: FleetView, opened: AsyncExitStack) -> Routes:
        """The file routes, unless the settings name no place for files."""
        nats = self._settings.nats
        if not (nats.objects.bucket and nats.file_state.bucket):
            return []
        store = broker.objects(nats.objects.bucket)
        states = FileStates(broker.bucket(nats.file_state.bucket))
        opened.push_async_callback(states.stop)
        await states.start()
        await _seed(store)
        keeping = asyncio.create_task(keep_tidy(store))
        opened.callback(keeping.cancel)
        return file_routes.routes(store, states, fleet)

    async def _connect(self) -> Broker:
        found = connection.of(self._settings.controller.nats, self._paths.seed("controller"))
        credentials = Credentials(found.username, found.password, found.nkey_file)
        address = Address(found.servers, found.namespace, credentials, tls=found.tls)
        return await Broker.connect(
            address, name=found.client_name, timeout_s=CONNECT_S, on_connected=self._on_reconnect
        )

    async def _on_reconnect(self) -> None:
        """A broker that was started again has lost what it kept in memory, streams included."""
        while self._broker is not None:
            try:
                await provision(self._broker, layout.of_settings(self._settings))
            except OsapiError as problem:
                _log.warning("broker.not_provisioned", error=problem.message)
                await asyncio.sleep(_PROVISION_AGAIN_S)
            else:
                return

    def _report(self, broker: Broker, opened: AsyncExitStack, metrics: Metrics) -> Heartbeat:
        """Keep telling the registry that this controller lives, and at the end that it ended in good order."""
        controller, beat = self._settings.controller, self._settings.agent.heartbeat_interval
        program = Program(
            ComponentKind.CONTROLLER,
            str(controller.api.port),
            controller.process_conditions,
            ProcessMeter().read,
            lambda: {"api": "serving" if self.is_serving else "starting"},
            lambda: datetime.now(UTC),
        )
        program.metrics = lambda: metrics.address
        registry = broker.bucket(self._settings.nats.registry.bucket)
        heartbeat = Heartbeat(registry, program.entry, beat, asyncio.Event())
        beating = asyncio.create_task(heartbeat.run(), name="heartbeat")

        async def end() -> None:
            beating.cancel()
            program.stopped = True
            await heartbeat.register()

        opened.push_async_callback(end)
        return heartbeat

    def _jobs(
        self, broker: Broker, keys: Keys, fleet: FleetService, quarantine: Quarantine, metrics: Metrics
    ) -> JobService:
        nats = self._settings.nats
        return JobService(
            broker,
            keys.signer,
            keys.verifier,
            fleet.registry,
            quarantine,
            names=JobNames(
                nats.kv.bucket,
                nats.kv.response_bucket,
                f"{nats.stream.name}-DLQ",
                nats.live.stream,
                nats.output.bucket,
            ),
            expiry=self._settings.controller.api.job_expiry,
            retention=nats.kv.ttl or None,
            standing=fleet.drains.standing,
            clock=time.time,
            metrics=metrics,
        )


async def _seed(store: ObjectStore) -> None:
    """A store that is full keeps nobody from being served."""
    try:
        await seed(store)
    except OsapiError as problem:
        _log.error("file.not_seeded", error=problem.message)


def _checks(broker: Broker, jobs: JobService, heartbeat: Heartbeat) -> Checks:
    """What the controller cannot work without, by the name under which the status tells it."""
    return {
        "broker": lambda: _connected(broker),
        "jobs": lambda: _caught_up(jobs),
        "writes": lambda: heartbeat.trouble,
    }


def _show(metrics: Metrics, checks: Checks, jobs: JobService, heartbeat: Heartbeat) -> None:
    """Show the figures of this controller, if anybody wants them."""
    metrics.show("osapi_jobs_active", "Jobs of the fleet that have not ended.", lambda: jobs.index.active)
    heartbeat.show_age(metrics)
    metrics.serve("controller.metrics", checks)


def _connected(broker: Broker) -> str | None:
    return None if broker.is_connected else "the broker is not connected"


def _caught_up(jobs: JobService) -> str | None:
    return None if jobs.is_ready else "the jobs have not all been read yet"
