"""`osapi start`: broker, controller and agent as children of one process.

They start in this order, each when the one before is ready, and stop in the opposite one, so that work
under way can still be reported. A child that dies later is started again; one that does not get ready at
the first start ends everything. The programs themselves know nothing of this.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click

from osapi.cli import first_start, local_tls
from osapi.cli.main import Globals
from osapi.cli.programs import command_line, insecure_option, prepared, variable
from osapi.cli.readiness import Notifications, healthy
from osapi.config.keys import all_keys
from osapi.config.lifeline import tied_to_parent
from osapi.config.listening import refuse_exposed, refuse_taken
from osapi.config.load import Loaded
from osapi.config.lock import Lock
from osapi.config.paths import Paths, paths
from osapi.config.private import private_dir
from osapi.config.settings import Settings
from osapi.contract.errors import Invalid
from osapi.telemetry.log import configure, get_logger
from osapi.telemetry.readiness import VARIABLE, announce_ready

READY_S = 60.0
"""How long a program may take to get ready at the first start."""
DRAIN_S = 30.0
"""How long controller and agent may take to finish what runs."""
STOP_S = 20.0
"""How long the broker may take to stop."""
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_STABLE_S = 60.0
_TOLD = 1
"""Exit status of a program that has said itself, in one line, why it cannot run."""

_log = get_logger("osapi.start")


@click.command()
@insecure_option
@click.pass_obj
def start(said: Globals, insecure: bool) -> None:
    """Run broker, controller and agent on this machine until SIGTERM or Ctrl-C.

    The first start makes keys and an admin token, and sets up `osapi client` for this user.
    """
    file, environ, loaded = prepared(said, insecure=insecure)
    settings, places = loaded.settings, paths(loaded.settings)
    configure(log_format=settings.telemetry.log.format, debug=settings.debug, program="start")
    shared = {**broker_address(loaded), **broker_tls(loaded, places)}
    lock = _checked(settings, places)
    found = first_start.controller(settings, places, environ)
    children = _children(settings, file, {**environ, **shared}, lock)

    def ready() -> None:
        first_start.announce(found, environ, as_json=said.json)
        announce_ready()

    try:
        asyncio.run(Family(children).run(ready))
    except NotReady as problem:
        if problem.status != _TOLD:
            click.echo(f"osapi start: {problem}", err=True)
        raise click.exceptions.Exit(1) from problem
    finally:
        lock.release()


def broker_address(loaded: Loaded) -> dict[str, str]:
    """The broker's address for controller and agent, as environment. Raises `Invalid` when theirs is another."""
    server = loaded.settings.nats.server
    wanted = {"host": server.host or "127.0.0.1", "port": str(server.port or 4222), "namespace": server.namespace}
    found: dict[str, str] = {}
    for role, section in (("controller", loaded.settings.controller.nats), ("agent", loaded.settings.agent.nats)):
        for name, value in wanted.items():
            key, own = f"{role}.nats.{name}", str(getattr(section, name))
            if key not in loaded.given:
                found[variable(key)] = value
            elif own != value and not (name == "host" and own == "localhost"):
                raise Invalid(
                    f"{key}: {own!r} is another broker than nats.server.{name} ({value!r}); leave it out, "
                    "or start the programs one by one"
                )
    return found


def broker_tls(loaded: Loaded, places: Paths) -> dict[str, str]:
    """How controller and agent trust a broker with TLS, as environment; theirs stays where it is set.

    Where the broker asks for certificates they show the broker's own. Raises `Invalid` for files that cannot be used.
    """
    server = loaded.settings.nats.server
    seen = local_tls.seen("nats.server.tls", server.tls, first_start.reachable(server.host or "127.0.0.1"), places)
    if seen is None:
        return {}
    wanted = {"ca": seen.ca, "server_name": seen.name}
    if server.tls.ca:
        wanted |= {"cert": server.tls.cert, "key": server.tls.key}
    return {
        variable(f"{role}.nats.tls.{name}"): value
        for role in ("controller", "agent")
        if not any(key.startswith(f"{role}.nats.tls.") for key in loaded.given)
        for name, value in wanted.items()
    }


def environ_of(program: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for one program, without the secrets that are another's."""
    section = {"broker": "nats"}.get(program, program)
    foreign = {
        key.variable
        for key in all_keys()
        if key.secret and (key.path[0] != section or key.path[:2] == ("controller", "client"))
    }
    return {name: value for name, value in environ.items() if name not in foreign}


class NotReady(Exception):
    """A child did not get ready. `status` is its exit status; None when it still runs but takes too long."""

    def __init__(self, name: str, status: int | None) -> None:
        reason = f"is not ready after {READY_S:g} s" if status is None else f"ended with status {status} at its start"
        super().__init__(f"the {name} {reason}; everything is stopped")
        self.status = status


@dataclass
class Child:
    """One program. `ready` returns when it can be used; `deadline_s` is the time it has to stop.

    It keeps the descriptor `lock` open, so that the data folder stays locked until the last program is gone.
    """

    name: str
    line: Sequence[str]
    environ: Mapping[str, str]
    ready: Callable[[], Awaitable[None]]
    deadline_s: float
    lock: int
    process: asyncio.subprocess.Process | None = None

    async def launch(self) -> asyncio.subprocess.Process:
        """Start it, in a session of its own: Ctrl-C in the terminal reaches the parent only, which stops in order."""
        self.process = await asyncio.create_subprocess_exec(
            *self.line,
            env=dict(self.environ),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=(self.lock,),
            start_new_session=True,
            preexec_fn=tied_to_parent(signal.SIGTERM),
        )
        return self.process

    async def first(self) -> None:
        """Start it and return when it is ready. Raises `NotReady`."""
        process = await self.launch()
        ended = asyncio.ensure_future(process.wait())
        ready = asyncio.ensure_future(self.ready())
        try:
            await asyncio.wait((ended, ready), timeout=READY_S, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                raise NotReady(self.name, process.returncode)
            ready.result()
        finally:
            for task in (ended, ready):
                task.cancel()

    async def keep(self) -> None:
        """Start it again whenever it ends, after growing pauses, until cancelled."""
        pause, began = _FIRST_PAUSE_S, time.monotonic()
        while self.process is not None:
            status = await self.process.wait()
            pause = _FIRST_PAUSE_S if time.monotonic() - began > _STABLE_S else pause
            _log.error("start.program_died", program=self.name, status=status, again_in_s=pause)
            await asyncio.sleep(pause)
            began, pause = time.monotonic(), min(pause * 2, _LONGEST_PAUSE_S)
            await self.launch()

    async def stop(self) -> None:
        """Ask it to stop and wait; kill it when its time is over. Does nothing when it does not run."""
        if self.process is None:
            return
        self.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), self.deadline_s)
        except TimeoutError:
            _log.error("start.program_killed", program=self.name, error=f"did not stop within {self.deadline_s:g} s")
            self.signal(signal.SIGKILL)
            await self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; does nothing when it does not run."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)


class Family:
    """The children, in the order in which they start. The first one is stopped last, alone."""

    def __init__(self, children: Sequence[Child]) -> None:
        self._children = children
        self._keeping: list[asyncio.Task[None]] = []
        self._told = asyncio.Event()

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Run until SIGTERM, SIGINT or SIGHUP; a second signal kills. Raises `NotReady`; nothing runs then."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup(1)
                loop.add_signal_handler(number, self._signalled)
        rising = asyncio.ensure_future(self._rise())
        told = asyncio.ensure_future(self._told.wait())
        try:
            await asyncio.wait((rising, told), return_when=asyncio.FIRST_COMPLETED)
            if rising.done():
                rising.result()
                on_ready()
                await told
        finally:
            for task in (rising, told, *self._keeping):
                task.cancel()
            await asyncio.gather(rising, told, *self._keeping, return_exceptions=True)
            await self._fall()

    async def _rise(self) -> None:
        for child in self._children:
            await child.first()
            self._keeping.append(asyncio.create_task(child.keep()))

    async def _fall(self) -> None:
        base, *others = self._children
        await asyncio.gather(*(child.stop() for child in others))
        await base.stop()

    def _signalled(self) -> None:
        if self._told.is_set():
            for child in self._children:
                child.signal(signal.SIGKILL)
        self._told.set()


def _checked(settings: Settings, places: Paths) -> Lock:
    """Whether everything can start, and the lock on the data folder. Raises `Invalid` or `Conflict`."""
    api, server = settings.controller.api, settings.nats.server
    refuse_exposed("controller.api.host", api.host, insecure=settings.insecure, tls=bool(api.tls.cert))
    refuse_exposed("nats.server.host", server.host, insecure=settings.insecure, tls=bool(server.tls.cert))
    private_dir(places.data_dir)
    lock = Lock(places.lock, f"data folder {places.data_dir}", patience_s=DRAIN_S)
    refuse_taken("controller.api", api.host, api.port)
    return lock


def _children(settings: Settings, file: Path | None, environ: Mapping[str, str], lock: Lock) -> list[Child]:
    """The three programs, in the order in which they need one another."""
    host, port = first_start.reachable(settings.controller.api.host), settings.controller.api.port

    def child(name: str, ready: Callable[[], Awaitable[None]], deadline_s: float, **more: str) -> Child:
        inherited = {name: value for name, value in environ_of(name, environ).items() if name != VARIABLE}
        return Child(name, command_line(name, file), {**inherited, **more}, ready, deadline_s, lock.descriptor)

    def telling(name: str, deadline_s: float) -> Child:
        heard = Notifications()
        return child(name, heard.ready, deadline_s, **{VARIABLE: heard.address})

    return [
        telling("broker", STOP_S),
        child("controller", lambda: healthy(host, port, settings.controller.api.tls.cert), DRAIN_S),
        telling("agent", DRAIN_S),
    ]
