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
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from osapi.broker import configuration, door, reaching, reloading
from osapi.broker.configuration import Guests, Identities
from osapi.broker.reloading import Reload
from osapi.config import private, source
from osapi.config.load import load
from osapi.config.paths import Paths, paths
from osapi.config.settings import Settings
from osapi.contract.errors import Invalid, OsapiError
from osapi.pki import nkeys
from osapi.telemetry.log import configure, get_logger
from osapi.telemetry.readiness import announce_ready

_log = get_logger("osapi.broker")


class Users:
    """The users of one installation, as the file for nats-server."""

    def __init__(self, settings: Settings, places: Paths) -> None:
        """Raises `Invalid` where users have no keys of their own, for namespaces that differ, and for keys that cannot be read or made."""
        _check(settings)
        self._settings = settings
        self._identities = identities(settings, places)

    def text(self, guests: Guests) -> bytes:
        """What nats-server includes."""
        return configuration.text(configuration.access(self._settings, self._identities, guests))


class Target:
    """The file that nats-server includes; `mode` are its permissions."""

    def __init__(self, path: Path, mode: int) -> None:
        self._path = path
        self._mode = mode

    def begin(self, text: bytes) -> None:
        """Show that the file can be written: as it is, or with `text` when it is missing. Raises `Invalid`."""
        self.write(self._path.read_bytes() if self._path.is_file() else text)

    def write(self, text: bytes) -> None:
        """Replace the file, whole. Raises `Invalid`; the file is then as before."""
        private.replace(self._path, text, self._mode)


def _check(settings: Settings) -> None:
    kind, rights = settings.nats.server.auth.type, settings.nats.server.namespace
    if kind in ("none", "user_pass"):
        raise Invalid(f"nats.server.auth.type is {kind}: users are kept only where they have keys (nkey)")
    if rights != settings.controller.nats.namespace:
        raise Invalid(
            f"nats.server.namespace is {rights!r} and controller.nats.namespace {settings.controller.nats.namespace!r}; "
            "set both alike, for rights are written for the former"
        )


def identities(settings: Settings, places: Paths) -> Identities:
    """The public nkeys of controller and broker, made when they are missing. Raises `Invalid`.

    A machine that follows, and has no controller, needs of the controller's key only the public half.
    """
    private.private_dir(places.data_dir)
    return Identities(controller=_controller(settings, places), broker=nkeys.load_or_create(places.nkeys, "broker"))


def _controller(settings: Settings, places: Paths) -> str:
    chosen, shown = settings.controller.nats.auth.nkey_file, places.nkeys / "controller.nkey"
    if chosen and Path(chosen).exists():
        return nkeys.public_of(Path(chosen))
    if shown.exists() and not places.seed("controller").exists():
        return nkeys.read_public(shown)
    return nkeys.load_or_create(places.nkeys, "controller")


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

    async def apply(guests: Guests) -> None:
        target.write(users.text(guests))
        await reload()
        announce_ready()

    broker = await reaching.connected(address, _missed)
    try:
        follower = door.Door(
            settings.nats.enrollment.bucket, places.pki / "controller.pub", places.nats_guests, apply, None
        )
        await follower.run(broker)
    finally:
        await broker.close()


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
