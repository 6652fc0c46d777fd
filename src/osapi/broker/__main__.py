"""The program `python -m osapi.broker`: the embedded broker in the foreground until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator

from osapi.broker import door, room
from osapi.broker.accounts import Guests
from osapi.broker.certificates import Certificates, own_trust
from osapi.broker.door import Door
from osapi.broker.prepare import Prepared, prepare, write
from osapi.broker.reporting import Reporting
from osapi.broker.server import Server
from osapi.broker.supervisor import STOP_S, Supervisor
from osapi.config import source, tls
from osapi.config.fields import KEYLESS
from osapi.config.load import load
from osapi.config.paths import Paths, paths
from osapi.config.settings import Settings
from osapi.contract.errors import OsapiError, Unavailable
from osapi.telemetry.log import configure, get_logger
from osapi.telemetry.metrics import counting
from osapi.telemetry.readiness import announce_ready
from osapi.tls.trust import context

_READY_S = 60.0
"""A large store takes a while to be read at the start."""

_log = get_logger("osapi.broker")


def main() -> int:
    """Run; the exit status is 0 after a stop that was asked for, else 1 with one line on standard error."""
    parser = argparse.ArgumentParser(prog="osapi.broker", description="The embedded broker.")
    parser.add_argument("-f", "--osapi-file", help="settings file")
    arguments = parser.parse_args()
    try:
        settings = load(source.locate(arguments.osapi_file, os.environ), os.environ)
        configure(log_format=settings.telemetry.log.format, debug=settings.debug, program="broker")
        places = paths(settings)
        asyncio.run(_serve(settings, places, prepare(settings, places)))
    except OsapiError as problem:
        sys.stderr.write(f"osapi broker: {problem.message}\n")
        return 1
    return 0


async def _serve(settings: Settings, places: Paths, prepared: Prepared) -> None:
    async def launch() -> Server:
        trust = own_trust(settings)
        tls = None if trust is None else context(trust)  # made before: the file may be replaced meanwhile
        server = await Server.start(
            prepared.binary, prepared.configuration, _log, inherited=(prepared.lock.descriptor,)
        )
        try:
            await server.wait_ready(prepared.host, prepared.port, _READY_S, tls)
        except Unavailable:
            await server.stop(STOP_S)
            raise
        return server

    supervisor = Supervisor(launch)
    metrics = counting(settings.nats.server.metrics, lambda: supervisor.pid)
    reporting = Reporting(settings, places, prepared.host, prepared.room, lambda: supervisor.pid, metrics)
    metrics.serve(
        "nats.server.metrics",
        {"server": lambda: None if supervisor.serving else "nats-server is not running", "writes": reporting.trouble},
    )
    supervisor.before_stop = reporting.stop
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup(1)
            loop.add_signal_handler(number, supervisor.stop)
    _watch_the_door(settings, places, prepared.room, reporting, supervisor)
    if words := room.warning(places.nats_store, settings.nats):
        _log.warning("broker.small_disk", error=words)
    beside = [asyncio.create_task(reporting.run()), *_certificates(settings, lambda: supervisor.pid)]
    await supervisor.run(lambda: _ready(prepared))
    for task in beside:
        task.cancel()
    metrics.close()
    _log.info("broker.stopped")


def _watch_the_door(settings: Settings, places: Paths, most: int, reporting: Reporting, supervisor: Supervisor) -> None:
    """Let in who is enrolled, where the broker knows its users by their keys; warn where it does not."""
    kind = settings.nats.server.auth.type
    if kind in KEYLESS:
        told = {"none": "whoever reaches the port", "user_pass": "whoever has one of the passwords, agents included,"}
        _log.warning("broker.open", error=f"nats.server.auth.type is {kind}: {told[kind]} may do everything")
        return

    async def apply(guests: Guests) -> None:
        write(settings, places, guests, most)
        supervisor.reload()

    bucket, key, kept = settings.nats.enrollment.bucket, places.pki / "controller.pub", places.nats_guests
    reporting.door = Door(bucket, key, kept, apply, door.read(kept)).run


def _certificates(settings: Settings, pid: Callable[[], int]) -> Iterator[asyncio.Task[None]]:
    """The watch over the certificate, if there is one."""
    section = settings.nats.server.tls
    pair = tls.pair("nats.server.tls", section)
    if pair is not None:
        yield asyncio.create_task(Certificates(pair, section.ca, pid).run())


def _ready(prepared: Prepared) -> None:
    _log.info("broker.ready", address=f"{prepared.host}:{prepared.port}")
    announce_ready()


if __name__ == "__main__":
    sys.exit(main())
