"""The program `python -m osapi.broker.authorization`: keeps the users of a nats-server that somebody else runs.

It writes what that server includes in its configuration, and with `--follow` writes it again and lets the server read it
whenever somebody is accepted or revoked.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from osapi.broker import door, reaching, reloading
from osapi.broker.accounts import Guests
from osapi.broker.life import Life
from osapi.broker.reloading import Reload
from osapi.broker.users import Target, Users
from osapi.config import private, source
from osapi.config.load import load
from osapi.config.paths import Paths, paths
from osapi.config.settings import Settings
from osapi.contract.errors import Invalid, OsapiError
from osapi.fleet.models import ComponentKind
from osapi.fleet.program import Program
from osapi.telemetry.log import configure, get_logger
from osapi.telemetry.process import ProcessMeter
from osapi.telemetry.readiness import announce_ready

_log = get_logger("osapi.broker")


def main() -> int:
    """Run; the exit status is 0 when it is done or was told to stop, else 1 with one line on standard error."""
    arguments = _arguments()
    try:
        settings = load(source.locate(arguments.osapi_file, os.environ), os.environ)
        configure(log_format=settings.telemetry.log.format, debug=settings.debug, program="broker")
        asyncio.run(_run(arguments, settings, paths(settings)))
    except OsapiError as problem:
        sys.stderr.write(f"osapi nats server authorization: {problem.message}\n")
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="osapi.broker.authorization")
    parser.add_argument("-f", "--osapi-file")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--mode", type=lambda text: int(text, 8), default=0o600)
    parser.add_argument("--offline", action="store_true")
    parser.add_argument("--follow", action="store_true")
    parser.add_argument("--pid-file", type=Path)
    parser.add_argument("command", nargs="*")
    return parser.parse_args()


async def _run(arguments: argparse.Namespace, settings: Settings, places: Paths) -> None:
    if not arguments.offline:
        _require_controller(places)
    target = Target(arguments.output, arguments.mode) if arguments.output else None
    if arguments.follow:
        assert target is not None  # noqa: S101 - the command line asks for one
        reload = (
            reloading.by_command(arguments.command) if arguments.command else reloading.by_pid_file(arguments.pid_file)
        )
        await _until_told(_follow(settings, places, target, reload))
        return
    users = Users(settings, places)
    text = users.text(door.read(places.nats_guests) if arguments.offline else await _now(settings, places))
    if target is None:
        sys.stdout.buffer.write(text)
    else:
        target.write(text)


def _require_controller(places: Paths) -> None:
    """Raise `Invalid` when this machine cannot know what to believe, and must not make identities of its own."""
    for path in (places.pki / "controller.pub", places.nkeys / "controller.nkey", places.seed("broker")):
        if not path.exists():
            raise Invalid(
                f"{path} does not exist; copy it from the controller's machine, or before the first start of a "
                "controller use --offline there"
            )


async def _now(settings: Settings, places: Paths) -> Guests:
    """Who is enrolled, asked of the broker. Raises `Unavailable` and whatever the broker answers."""
    broker = await reaching.once(reaching.external(settings, places))
    try:
        book = await door.open_book(broker, settings.nats.enrollment.bucket, places.pki / "controller.pub")
        found = door.guests(book)
        await book.stop()
    finally:
        await broker.close()
    door.keep(private.private_dir(places.nats_runtime) / places.nats_guests.name, found)
    return found


async def _follow(settings: Settings, places: Paths, target: Target, reload: Reload) -> None:
    """Write at each change, for ever. Raises `Invalid` for what is wrong from the start."""
    users, address = Users(settings, places), reaching.external(settings, places)
    private.private_dir(places.nats_runtime)
    target.begin(users.text(door.read(places.nats_guests)))

    parts = {"users": "behind"}

    async def apply(guests: Guests) -> None:
        parts["users"] = "behind"
        target.write(users.text(guests))
        await reload()
        parts["users"] = "kept"
        announce_ready()

    life = Life(settings, _program(settings, parts))
    broker = await reaching.connected(address, _missed)
    try:
        follower = door.Door(
            settings.nats.enrollment.bucket, places.pki / "controller.pub", places.nats_guests, apply, None
        )
        await asyncio.gather(follower.run(broker), life.run(broker))
    finally:
        await life.end(broker)
        await broker.close()


def _program(settings: Settings, parts: Mapping[str, str]) -> Program:
    """This program as others see it, beside the controllers and brokers."""
    return Program(
        ComponentKind.NATS, "users", settings.nats.server.process_conditions, ProcessMeter(os.getpid()).read,
        lambda: parts, lambda: datetime.now(UTC),
    )  # fmt: skip


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    """Run it until SIGTERM, SIGINT or SIGHUP."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup(1)
            loop.add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


def _missed(problem: OsapiError) -> None:
    _log.warning("broker.unreachable", error=problem.message)


if __name__ == "__main__":
    sys.exit(main())
