"""Builds the parts of one agent from its settings, in the order in which they need one another."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime

from osapi.agent import keys
from osapi.agent.catalogue import Catalogue, Domains
from osapi.agent.claims import Claims
from osapi.agent.description import Description
from osapi.agent.duty import Duty
from osapi.agent.fact_reporter import FactReporter
from osapi.agent.failpoints import FailPoints
from osapi.agent.file_states import FileStatesTeller
from osapi.agent.greeting import Greeting
from osapi.agent.intake import Identity
from osapi.agent.keys import Keys
from osapi.agent.ledger import Ledger
from osapi.agent.listener import Listener
from osapi.agent.memory import Memory
from osapi.agent.nameplate import Nameplate
from osapi.agent.outlet import Outlet
from osapi.agent.pressure import Pressure
from osapi.agent.puller import Puller
from osapi.agent.pulse import Pulse
from osapi.agent.reach import Reach
from osapi.agent.rechecking import Rechecking
from osapi.agent.reporter import Reporter
from osapi.agent.slots import Slots
from osapi.agent.statedir import StateDir
from osapi.agent.tools import Tools
from osapi.agent.worker import Worker
from osapi.config import connection
from osapi.config.paths import Paths
from osapi.config.settings import Settings
from osapi.contract.errors import Invalid, Unavailable
from osapi.contract.ids import MachineId
from osapi.fleet.heartbeat import Heartbeat
from osapi.fleet.models import AgentState
from osapi.host import identity, trial
from osapi.host.fetchable import Fetchable
from osapi.host.local import LocalHost, open_host
from osapi.host.objects import BrokerObjects
from osapi.jobs import sealing
from osapi.pki.keys import load_public_key
from osapi.pki.signing import Verifier
from osapi.telemetry.log import get_logger
from osapi.transport.address import Address, Credentials
from osapi.transport.broker import Broker
from osapi.transport.queue import PullQueue

_CONNECT_S = 2.0
_LISTENERS = 10
"""Jobs at once that last as long as somebody listens, beside `agent.max_jobs` others."""
_LONGEST_PAUSE_S = 5.0
_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What an agent is made from. `domains` says where its operations are found."""

    settings: Settings
    paths: Paths
    domains: Domains
    fail_points: FailPoints
    now: Callable[[], datetime]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What parts ask of one another: to say hello now, to beat now, and to try again what the broker did not take."""

    hello: asyncio.Event
    beat: asyncio.Event
    returned: Pulse


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts that the program starts and stops."""

    broker: Broker
    tools: Tools
    worker: Worker
    listener: Listener
    puller: Puller
    greeting: Greeting
    heartbeat: Heartbeat
    facts: FactReporter | None
    """None: the settings say that nobody tells facts."""
    description: Description
    queue: PullQueue
    file_states: FileStatesTeller | None
    rechecking: Rechecking
    wanted: Wanted


async def build(setup: Setup, stack: AsyncExitStack) -> Parts:
    """Build everything and connect, for as long as that takes. `stack` closes what was opened.

    Raises `Invalid`, `Conflict` or `Permanent` when the agent cannot run as it is set up, and
    `Unavailable` when its ledger cannot be opened.
    """
    wanted = Wanted(hello=asyncio.Event(), beat=asyncio.Event(), returned=Pulse())
    verifier = _verifier(setup.paths)
    state = StateDir(setup.paths.agent_state)
    stack.callback(state.release)
    own = keys.load_or_create(state.path)
    reach = Reach()
    host = await _host(setup, state, reach)
    stack.callback(host.managed.close)
    await _undo_leftovers(host)
    ledger = await Ledger.open(state.ledger, setup.now())
    stack.push_async_callback(ledger.close)
    names = await host.names()
    nameplate = Nameplate(host, names.hostname, wanted.beat.set)
    address = _address(setup, names.machine_id)
    broker = await _connect(setup, address, names.machine_id, wanted)
    stack.push_async_callback(broker.close)
    reach.use(address, broker)
    host = _with_objects(host, broker, setup.settings)
    duty = Duty(state.drain_order, names.machine_id, verifier, wanted.beat.set)
    pressure = Pressure(state.conditions, setup.settings.agent, setup.now)
    return _assemble(
        setup, host, own, ledger, nameplate, names.machine_id, broker, verifier, duty, pressure, wanted, stack
    )


def _assemble(
    setup: Setup,
    host: LocalHost,
    own: Keys,
    ledger: Ledger,
    nameplate: Nameplate,
    machine: MachineId,
    broker: Broker,
    verifier: Verifier,
    duty: Duty,
    pressure: Pressure,
    wanted: Wanted,
    stack: AsyncExitStack,
) -> Parts:
    settings, labels = setup.settings, setup.settings.agent.labels
    kv = settings.nats.kv
    queue = broker.bucket(kv.bucket)
    reporter = Reporter(broker.bucket(kv.response_bucket), queue, own.signer, machine, nameplate, wanted.returned)
    stack.push_async_callback(reporter.close)
    tools = Tools(
        machine=machine,
        nameplate=nameplate,
        host=host,
        catalogue=Catalogue(setup.domains, host.family.chain),
        slots=Slots(settings.agent.max_jobs),
        listening_slots=Slots(_LISTENERS),
        ledger=ledger,
        memory=Memory(),
        claims=Claims(queue, machine, nameplate, wanted.returned, setup.now),
        reporter=reporter,
        open_secrets=lambda job: sealing.open_for(job, machine, own.sealing),
        outlet=Outlet(
            broker,
            broker.objects(settings.nats.output.bucket) if settings.nats.output.bucket else None,
            machine,
            nameplate,
            setup.now,
            keep_bytes=settings.agent.keep_output_bytes,
        ),
        fail_points=setup.fail_points,
        now=setup.now,
    )
    worker, me = Worker(tools, on_idle=lambda: _beat_if_drained(duty, wanted)), Identity(machine, ledger.joined)
    description = Description(
        machine, labels, host, own, nameplate, pressure, state=lambda: _state(duty, worker),
        parts=lambda: _told(duty, worker), joined=ledger.joined, now=setup.now,
    )  # fmt: skip
    registry = broker.bucket(settings.nats.registry.bucket)
    return Parts(
        broker=broker,
        tools=tools,
        worker=worker,
        listener=Listener(me, labels, verifier, worker, tools, duty, wanted.hello.set),
        puller=Puller(me, verifier, worker, tools, duty),
        greeting=Greeting(machine, lambda: worker.holding, setup.now, wanted.hello, duty.take),
        heartbeat=Heartbeat(registry, description.entry, settings.agent.heartbeat_interval, wanted.beat, own.signer),
        facts=_facts(settings, broker, host, own, wanted),
        description=description,
        queue=broker.pull_queue(settings.nats.stream.name, settings.agent.consumer.durable),
        file_states=_file_states(broker, settings, host, machine, nameplate, wanted),
        rechecking=Rechecking(host, settings.agent.facts.interval),
        wanted=wanted,
    )


def _state(duty: Duty, worker: Worker) -> AgentState:
    if not duty.is_drained:
        return AgentState.READY
    return AgentState.DRAINING if worker.holding else AgentState.CORDONED


def _told(duty: Duty, worker: Worker) -> dict[str, str]:
    """How the parts of this agent are, for people."""
    return {"queue": "paused" if duty.is_drained else "taking jobs", "jobs": f"{len(worker.holding)} in hand"}


def _beat_if_drained(duty: Duty, wanted: Wanted) -> None:
    """The last job of a drained agent has ended: tell at once that it is cordoned."""
    if duty.is_drained:
        wanted.beat.set()


def _file_states(
    broker: Broker, settings: Settings, host: LocalHost, machine: MachineId, nameplate: Nameplate, wanted: Wanted
) -> FileStatesTeller | None:
    """None where the settings name no bucket for it."""
    name = settings.nats.file_state.bucket
    if not name:
        return None
    return FileStatesTeller(broker.bucket(name), host.managed, machine, nameplate, wanted.returned)


def _verifier(paths: Paths) -> Verifier:
    path = paths.controller_public_key
    if not path.exists():
        raise Invalid(
            f"{path} is missing, so this agent could trust no job; copy controller.pub there from the controller"
            f" (on one machine, start the controller first)"
        )
    return Verifier.of(load_public_key(path))


async def _host(setup: Setup, state: StateDir, reach: Reach) -> LocalHost:
    agent, paths = setup.settings.agent, setup.paths
    claims = identity.Claims(machine_id=agent.machine_id, hostname=agent.hostname, labels=agent.labels)
    return await open_host(
        state.path,
        claims=claims,
        reach=reach,
        sudo=agent.privilege_escalation.enabled,
        fetchable=Fetchable(paths=tuple(agent.fetch.paths), max_bytes=agent.fetch.max_bytes),
        private_places=[str(place) for place in (paths.data_dir, paths.pki, paths.agent_pki, paths.nats_store)],
        facts_folder=agent.facts.folder,
    )


def _facts(settings: Settings, broker: Broker, host: LocalHost, own: Keys, wanted: Wanted) -> FactReporter | None:
    section = settings.nats.facts
    if not section.bucket:
        return None
    return FactReporter(
        broker.bucket(section.bucket), host, own.signer, settings.agent.facts.interval, section.ttl, wanted.returned
    )


def _with_objects(host: LocalHost, broker: Broker, settings: Settings) -> LocalHost:
    store = settings.nats.objects.bucket
    return host.with_objects(BrokerObjects(broker.objects(store))) if store else host


async def _undo_leftovers(host: LocalHost) -> None:
    """Before anything else: a change that was on trial when the agent ended may be why nobody can be reached."""
    job_id = await trial.settle(host)
    if job_id is not None:
        aftermath = await trial.aftermath(host, job_id)
        _log.warning("host.change_undone", job_id=job_id, code=None if aftermath is None else aftermath.code)


async def _connect(setup: Setup, address: Address, machine: MachineId, wanted: Wanted) -> Broker:
    """Connect, however long it takes; the pauses grow and are random, for a fleet that comes back at once."""

    async def on_connected() -> None:
        wanted.hello.set()
        wanted.beat.set()
        wanted.returned.beat()

    longest = 0.5
    while True:
        try:
            return await Broker.connect(
                address, name=f"{setup.settings.agent.nats.client_name} {machine}", on_connected=on_connected,
                timeout_s=_CONNECT_S,
            )  # fmt: skip
        except Unavailable as problem:
            _log.warning("broker.unreachable", error=problem.message)
        await asyncio.sleep(random.uniform(longest / 2, longest))  # noqa: S311 - jitter is no secret
        longest = min(longest * 2, _LONGEST_PAUSE_S)


def _address(setup: Setup, machine: MachineId) -> Address:
    way = connection.of(setup.settings.agent.nats, setup.paths.seed("agent"))
    return Address(
        servers=way.servers,
        namespace=way.namespace,
        auth=Credentials(username=way.username, password=way.password, nkey_file=way.nkey_file),
        inbox=f"_INBOX.{machine}",
    )
