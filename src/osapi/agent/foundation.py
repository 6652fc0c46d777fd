"""What one agent stands on: its settings, state and keys, the host, and the connection to the broker."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime

from osapi.agent import keys, preflight, trust
from osapi.agent.catalogue import Domains
from osapi.agent.duty import Duty
from osapi.agent.failpoints import FailPoints
from osapi.agent.figures import Figures
from osapi.agent.joining import Joining, joined
from osapi.agent.keys import Keys
from osapi.agent.ledger import Ledger
from osapi.agent.nameplate import Nameplate
from osapi.agent.pressure import Pressure
from osapi.agent.pulse import Pulse
from osapi.agent.reach import Reach
from osapi.agent.statedir import StateDir
from osapi.agent.trust import Trust
from osapi.config import connection
from osapi.config.agent import Nats
from osapi.config.fields import KEYLESS
from osapi.config.paths import Paths
from osapi.config.settings import Settings
from osapi.contract.errors import Invalid, Unavailable
from osapi.contract.ids import MachineId
from osapi.host import capabilities, identity, trial
from osapi.host.fetchable import Fetchable
from osapi.host.local import LocalHost, open_host
from osapi.host.objects import BrokerObjects
from osapi.jobs import subjects
from osapi.telemetry.log import get_logger
from osapi.transport.address import Address, Credentials
from osapi.transport.broker import Broker

_CONNECT_S = 2.0
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
class Foundation:
    """All of it, opened and connected."""

    setup: Setup
    own: Keys
    trust: Trust
    """Knows what the controller has signed."""
    host: LocalHost
    machine: MachineId
    nameplate: Nameplate
    ledger: Ledger
    broker: Broker
    duty: Duty
    pressure: Pressure
    figures: Figures
    wanted: Wanted

    @property
    def settings(self) -> Settings:
        return self.setup.settings


async def lay(setup: Setup, stack: AsyncExitStack) -> Foundation:
    """Open everything and connect, for as long as that takes. `stack` closes what was opened.

    Raises what `parts.build` does.
    """
    wanted = Wanted(hello=asyncio.Event(), beat=asyncio.Event(), returned=Pulse())
    figures = Figures(setup.settings.agent.metrics)
    stack.callback(figures.close)
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
    await _joining(setup, own, names.machine_id, names.hostname).run()
    trusted = _trust(setup)
    address = _address(setup, names.machine_id)
    broker = await _connect(setup, address, names.machine_id, wanted)
    stack.push_async_callback(broker.close)
    reach.use(address, broker)
    return Foundation(
        setup=setup,
        own=own,
        trust=trusted,
        host=_with_objects(host, broker, setup.settings),
        machine=names.machine_id,
        nameplate=nameplate,
        ledger=ledger,
        broker=broker,
        duty=Duty(state.drain_order, names.machine_id, trusted.verifier, wanted.beat.set),
        pressure=Pressure(state.conditions, setup.settings.agent, setup.now),
        figures=figures,
        wanted=wanted,
    )


def _trust(setup: Setup) -> Trust:
    path = setup.paths.controller_public_key
    if not path.exists():
        raise Invalid(
            f"{path} is missing, so this agent could trust no job; join with a token of its controller"
            " (`osapi agent start --join TOKEN`; on one machine, start the controller first)"
        )
    return trust.of(setup.paths, setup.now)


async def _host(setup: Setup, state: StateDir, reach: Reach) -> LocalHost:
    agent, paths = setup.settings.agent, setup.paths
    escalate = preflight.escalation(setup.settings)
    if escalate is not None:
        await asyncio.to_thread(preflight.require, setup.settings)
        capabilities.keep_to_ourselves()
    claims = identity.Claims(machine_id=agent.machine_id, hostname=agent.hostname, labels=agent.labels)
    return await open_host(
        state.path,
        claims=claims,
        reach=reach,
        escalate=escalate,
        fetchable=Fetchable(paths=tuple(agent.fetch.paths), max_bytes=agent.fetch.max_bytes),
        private_places=[str(place) for place in (paths.data_dir, paths.pki, paths.agent_pki, paths.nats_store)],
        facts_folder=agent.facts.folder,
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


def _joining(setup: Setup, own: Keys, machine: MachineId, hostname: str) -> Joining:
    agent = setup.settings.agent
    given = agent.nats.auth.type in KEYLESS or agent.nats.auth.nkey_file
    auth = _address(setup, machine).auth if given else None
    trust = connection.trusted(agent.nats)
    return Joining(
        paths=setup.paths, said=agent.join, own=own, machine=machine, hostname=hostname, auth=auth, trust=trust
    )


def _address(setup: Setup, machine: MachineId) -> Address:
    """Where the broker is: as the settings say, else as the join token said."""
    nats = setup.settings.agent.nats
    way = connection.of(nats, setup.paths.agent_seed)
    done = joined(setup.paths) if nats.host == Nats().host else None
    return Address(
        servers=way.servers if done is None else done.servers,
        namespace=way.namespace or ("" if done is None else done.namespace),
        auth=Credentials(username=way.username, password=way.password, nkey_file=way.nkey_file),
        inbox=subjects.inbox(machine),
        tls=way.tls,
    )
