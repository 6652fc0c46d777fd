"""P2: how many jobs are done per second, every one stored, when many ask at once."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count

from bench import original
from bench.client import connections
from bench.load import CALLERS, per_second
from bench.logins import Login
from bench.report import Line
from bench.setting import Setting
from bench.stack import Stack, running
from bench.stats import in_turns
from bench.wire import connect
from osapi.contract.operation import Nothing
from osapi.contract.target import HostTarget
from osapi.domains.node import operations
from osapi.fleet.keys import KeyBook
from osapi.fleet.registry import Registry
from osapi.jobs.dispatcher import Submission
from osapi.jobs.quarantine import Quarantine
from osapi.jobs.record import Actor
from osapi.jobs.service import JobNames, JobService
from osapi.pki.signing import Signer, Verifier
from osapi.transport.broker import Broker

AGENTS = 1


async def measure(setting: Setting) -> list[Line]:
    """32 callers over HTTP, 32 in the controller's core, 32 of ORIGINAL, and what the broker alone could do."""
    seconds = setting.count(3, 1)
    async with (
        running(setting.folder / "p2", agents=AGENTS) as stack,
        original.prepared(stack.login, update_bucket=False) as plain,
        connections(CALLERS, stack.api, stack.token) as callers,
        _core(stack) as submit,
        _storing(stack.login) as store,
    ):
        paths = [f"/api/node/{agent.machine}/hostname" for agent in stack.agents]
        samples = await in_turns(
            {
                "http": lambda: per_second(lambda n: callers[n].ok(paths[n % AGENTS]), seconds),
                "core": lambda: per_second(submit, seconds),
                "original": lambda: per_second(lambda _: plain.once(), seconds),
                "broker": lambda: per_second(store, seconds),
            },
            rounds=setting.count(5, 2), warm_up=1,
        )  # fmt: skip
    held = samples["original"].median
    against = "ORIGINAL without bucket update"
    note = (
        f"{CALLERS} callers, {AGENTS} agent; the broker alone stores the three messages of a job "
        f"{samples['broker'].median:,.0f} times a second"
    )
    lines: list[Line] = []
    for name, figure in (("http", "jobs per second over HTTP"), ("core", "jobs per second, controller core")):
        measured = samples[name].median
        lines += [
            Line(number="P2", figure=figure, measured=measured, unit="/s", goal=1000, at_least=True, note=note),
            Line(
                number="P2", figure=figure, measured=measured, unit="/s",
                against=against, held=held, goal=4, at_least=True,
            ),
        ]  # fmt: skip
        note = "jobs.Dispatcher in the bench's own process, beside the idle controller"
    return lines


@asynccontextmanager
async def _core(stack: Stack) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """What a controller does for a job without HTTP, as a function to call."""
    login, key = stack.login, stack.controller_key()
    broker = await Broker.connect(replace(login.address, inbox="_INBOX_bench"), name="bench")
    quarantine = Quarantine(time.time)
    registry = Registry(broker.bucket("agent-registry"), KeyBook(broker.bucket("agent-enrollment")), quarantine)
    await registry.start()
    jobs = JobService(
        broker, Signer(key), Verifier.of(key.public_key), registry, quarantine,
        names=JobNames(), expiry=timedelta(seconds=60), retention=None, clock=time.time,
    )  # fmt: skip
    await jobs.start()

    async def submit(number: int) -> None:
        agent = stack.agents[number % len(stack.agents)]
        submission = Submission(
            operation=operations.HOSTNAME_GET, request=Nothing(), target=HostTarget(agent.machine),
            machine=agent.machine, hosts={agent.machine: agent.hostname}, actor=Actor("bench"),
        )  # fmt: skip
        ticket = await jobs.dispatcher.submit(submission)
        collected = await jobs.dispatcher.wait(ticket, 10.0)
        if collected.silent or not collected.responses:
            raise RuntimeError(f"job {ticket.job_id} was not answered")

    yield submit
    await jobs.stop()
    await registry.stop()
    await broker.close()


@asynccontextmanager
async def _storing(login: Login) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """The three messages that every job stores, in three streams one after the other, and nothing else."""
    wire = await connect(login)
    wire.listen_for_answers()
    numbers = count()
    kinds = ("record", "job", "answer")
    for kind in kinds:
        await wire.ask(
            f"$JS.API.STREAM.CREATE.BENCH-{kind}", {"name": f"BENCH-{kind}", "subjects": [f"bench.{kind}.>"]}
        )

    async def store(_: int) -> None:
        number = next(numbers)
        for kind in kinds:
            await wire.request(f"bench.{kind}.{number}", b"x" * 600)

    yield store
    for kind in kinds:
        await wire.ask(f"$JS.API.STREAM.DELETE.BENCH-{kind}", {})
    await wire.close()
