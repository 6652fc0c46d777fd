"""Builds the parts of one agent on what `foundation` has opened, in the order in which they need one another."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from osapi.agent import foundation
from osapi.agent.catalogue import Catalogue
from osapi.agent.claims import Claims
from osapi.agent.description import Description
from osapi.agent.duty import Duty
from osapi.agent.fact_reporter import FactReporter
from osapi.agent.file_states import FileStatesTeller
from osapi.agent.foundation import Foundation, Setup, Wanted
from osapi.agent.greeting import Greeting
from osapi.agent.intake import Identity
from osapi.agent.listener import Listener
from osapi.agent.memory import Memory
from osapi.agent.outlet import Outlet
from osapi.agent.puller import Puller
from osapi.agent.rechecking import Rechecking
from osapi.agent.reporter import Reporter
from osapi.agent.skew import Skew
from osapi.agent.slots import Slots
from osapi.agent.tools import Tools
from osapi.agent.trust import Trust
from osapi.agent.worker import Worker
from osapi.fleet.heartbeat import Heartbeat
from osapi.fleet.models import AgentState
from osapi.jobs import sealing
from osapi.transport.broker import Broker
from osapi.transport.queue import PullQueue

_LISTENERS = 10
"""Jobs at once that last as long as somebody listens, beside `agent.max_jobs` others."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts that the program starts and stops."""

    broker: Broker
    tools: Tools
    trust: Trust
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
    base = await foundation.lay(setup, stack)
    reporter = _reporter(base)
    stack.push_async_callback(reporter.close)
    parts = _assemble(base, _tools(base, reporter))
    base.figures.show(base.broker, parts.worker, parts.heartbeat)
    return parts


def _reporter(base: Foundation) -> Reporter:
    kv, broker = base.settings.nats.kv, base.broker
    answers, queue = broker.bucket(kv.response_bucket), broker.bucket(kv.bucket)
    return Reporter(answers, queue, base.own.signer, base.machine, base.nameplate, base.wanted.returned)


def _tools(base: Foundation, reporter: Reporter) -> Tools:
    settings, broker, machine = base.settings, base.broker, base.machine
    queue = broker.bucket(settings.nats.kv.bucket)
    return Tools(
        machine=machine,
        nameplate=base.nameplate,
        host=base.host,
        catalogue=Catalogue(base.setup.domains, base.host.family.chain),
        slots=Slots(settings.agent.max_jobs),
        listening_slots=Slots(_LISTENERS),
        ledger=base.ledger,
        memory=Memory(),
        claims=Claims(queue, machine, base.nameplate, base.wanted.returned, base.setup.now),
        reporter=reporter,
        outlet=Outlet(
            broker,
            broker.objects(settings.nats.output.bucket) if settings.nats.output.bucket else None,
            machine,
            base.nameplate,
            base.setup.now,
            keep_bytes=settings.agent.keep_output_bytes,
        ),
        open_secrets=lambda job: sealing.open_for(job, machine, base.own.sealing),
        fail_points=base.setup.fail_points,
        now=base.setup.now,
        skew=Skew(),
        metrics=base.figures.metrics,
    )


def _assemble(base: Foundation, tools: Tools) -> Parts:
    settings, labels, now = base.settings, base.settings.agent.labels, base.setup.now
    machine, broker, duty, wanted, trust = base.machine, base.broker, base.duty, base.wanted, base.trust
    worker = Worker(tools, on_idle=lambda: _beat_if_drained(duty, wanted))
    me = Identity(machine, base.ledger.joined)
    description = Description(
        machine, labels, base.host, base.own, base.nameplate, base.pressure, state=lambda: _state(duty, worker),
        parts=lambda: _told(duty, worker), joined=base.ledger.joined, now=now, metrics=base.figures.metrics.address,
    )  # fmt: skip
    registry, interval = broker.bucket(settings.nats.registry.bucket), settings.agent.heartbeat_interval
    return Parts(
        broker=broker,
        tools=tools,
        trust=trust,
        worker=worker,
        listener=Listener(me, labels, trust.verifier, worker, tools, duty, wanted.hello.set, trust.meet),
        puller=Puller(me, trust.verifier, worker, tools, duty, trust.meet),
        greeting=Greeting(machine, lambda: worker.holding, now, wanted.hello, duty.take, tools.skew),
        heartbeat=Heartbeat(registry, description.entry, interval, wanted.beat, base.own.signer),
        facts=_facts(base),
        description=description,
        queue=broker.pull_queue(settings.nats.stream.name, settings.agent.consumer.durable),
        file_states=_file_states(base),
        rechecking=Rechecking(base.host, settings.agent.facts.interval),
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


def _file_states(base: Foundation) -> FileStatesTeller | None:
    """None where the settings name no bucket for it."""
    name = base.settings.nats.file_state.bucket
    if not name:
        return None
    bucket, returned = base.broker.bucket(name), base.wanted.returned
    return FileStatesTeller(bucket, base.host.managed, base.machine, base.nameplate, returned)


def _facts(base: Foundation) -> FactReporter | None:
    """None where the settings name no bucket for them."""
    section, interval = base.settings.nats.facts, base.settings.agent.facts.interval
    if not section.bucket:
        return None
    bucket = base.broker.bucket(section.bucket)
    return FactReporter(bucket, base.host, base.own.signer, interval, section.ttl, base.wanted.returned)
