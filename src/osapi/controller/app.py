"""The controller program: builds its parts, hands them to one another, starts and stops them in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from osapi.auth import keyring, revocation, roles
from osapi.auth.revocation import Revocations
from osapi.auth.verifier import TokenVerifier
from osapi.config import connection
from osapi.config.listening import refuse_exposed
from osapi.config.paths import Paths
from osapi.config.settings import Settings
from osapi.contract.endpoint import Caller
from osapi.contract.ids import MachineId
from osapi.contract.operation import Operation
from osapi.contract.target import Target
from osapi.controller import asgi, layout
from osapi.controller.authenticate import Authenticator
from osapi.controller.node import NodeServices
from osapi.controller.serve import HttpServer, bind
from osapi.fleet import http as fleet_routes
from osapi.fleet.keys import KeyBook
from osapi.fleet.registry import Registry
from osapi.fleet.resolution import Resolution
from osapi.jobs import http as job_routes
from osapi.jobs.quarantine import Quarantine
from osapi.jobs.service import JobNames, JobService
from osapi.pki.keys import load_or_create_keypair
from osapi.pki.signing import Signer, Verifier
from osapi.telemetry.log import get_logger
from osapi.transport.address import Address, Credentials
from osapi.transport.broker import Broker
from osapi.transport.bucket import Entry
from osapi.transport.provision import provision

CONNECT_S = 30.0
"""How long the broker may be away when the controller starts."""

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


class Controller:
    """One controller. `run` returns when it has stopped; `stop` may be called at any time, and twice."""

    def __init__(self, settings: Settings, paths: Paths, operations: Mapping[str, Operation[Any, Any]]) -> None:
        self._settings = settings
        self._paths = paths
        self._operations = operations
        self._stopping = asyncio.Event()
        self._server: HttpServer | None = None

    async def run(self) -> None:
        """Start every part, serve until `stop` is called, then end every part.

        Raises `Invalid` for settings or keys that cannot be used and `Unavailable` when the address is taken
        or the broker is away; then nothing is left open.
        """
        api = self._settings.controller.api
        refuse_exposed("controller.api.host", api.host, insecure=self._settings.insecure)
        async with AsyncExitStack() as opened:
            sockets = bind(api.host, api.port)
            for listener in sockets:
                opened.callback(listener.close)
            app = await self._build(opened)
            self._server = HttpServer(app, sockets, self._stopping)
            _log.info("controller.ready", address=f"http://{api.host}:{api.port}")
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
        verifier, revoked = self._tokens()
        broker = await self._connect()
        opened.push_async_callback(broker.close)
        await provision(broker, layout.of_settings(settings))
        await _follow(broker, revoked)
        quarantine = Quarantine(time.time)
        registry = self._registry(broker, quarantine)
        opened.push_async_callback(registry.stop)
        jobs = self._jobs(broker, registry, quarantine)
        opened.push_async_callback(jobs.stop)
        await registry.start()
        await jobs.start()
        services = NodeServices(
            jobs=jobs.dispatcher,
            fleet=registry,
            wait_s=settings.controller.api.job_timeout.total_seconds(),
            body_limit=settings.controller.api.body_limit_bytes,
        )
        slices = [
            *job_routes.routes(jobs, self._operations, FleetView(registry), time.time),
            *fleet_routes.routes(registry, quarantine),
        ]
        return asgi.application(
            asgi.routes(self._operations, services, slices, [lambda: _connected(broker), lambda: _caught_up(jobs)]),
            Authenticator(verifier, time.time),
            self._stopping,
            settings.controller.api.security.cors.allow_origins,
        )

    def _tokens(self) -> tuple[TokenVerifier, Revocations]:
        security = self._settings.controller.api.security
        key = security.signing_key
        ring = keyring.of_setting(key) if key else keyring.load_or_create(self._paths.tokens)
        revoked = Revocations()
        return TokenVerifier(ring, roles.from_settings(security.roles), revoked), revoked

    async def _connect(self) -> Broker:
        found = connection.of(self._settings.controller.nats, self._paths.seed("controller"))
        credentials = Credentials(found.username, found.password, found.nkey_file)
        address = Address(found.servers, found.namespace, credentials)
        return await Broker.connect(address, name=found.client_name, timeout_s=CONNECT_S)

    def _registry(self, broker: Broker, quarantine: Quarantine) -> Registry:
        nats = self._settings.nats
        keys = KeyBook(broker.bucket(nats.enrollment.bucket))
        return Registry(broker.bucket(nats.registry.bucket), keys, quarantine, ttl=nats.registry.ttl)

    def _jobs(self, broker: Broker, registry: Registry, quarantine: Quarantine) -> JobService:
        nats = self._settings.nats
        key = load_or_create_keypair(self._paths.pki, "controller")
        return JobService(
            broker,
            Signer(key),
            Verifier.of(key.public_key),
            registry,
            quarantine,
            names=JobNames(nats.kv.bucket, nats.kv.response_bucket, f"{nats.stream.name}-DLQ"),
            expiry=self._settings.controller.api.job_expiry,
            retention=nats.kv.ttl or None,
            clock=time.time,
        )


async def _follow(broker: Broker, revoked: Revocations) -> None:
    """Keep the list of revoked tokens as the bucket has it; return when all that is stored is known."""
    known = asyncio.Event()

    def note(entry: Entry) -> None:
        revoked.apply(entry.key, deleted=entry.deleted)

    await broker.bucket(revocation.BUCKET).watch(revocation.FILTER, note, on_ready=known.set)
    await known.wait()


def _connected(broker: Broker) -> str | None:
    return None if broker.is_connected else "the broker is not connected"


def _caught_up(jobs: JobService) -> str | None:
    return None if jobs.is_ready else "the jobs have not all been read yet"
