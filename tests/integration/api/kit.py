"""One installation as its users see it: plain HTTP, streams of events, and the command line."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

import httpx2
from bench.client import Api as Place
from bench.stack import RunningAgent, Stack
from tests.halting import halted

from osapi.auth import keyring, tokens
from osapi.domains.sysctl.keys import file_path
from osapi.host.managed import ManagedFile, ManagedFiles
from osapi.sdk.aio import AsyncClient
from osapi.tls.trust import Trust, context
from osapi.transport.broker import Broker

T = TypeVar("T")
ENOUGH_S = 30.0
_naps = itertools.count(1000)
OSAPI = str(Path(sys.executable).with_name("osapi"))


async def eventually(ask: Callable[[], Awaitable[T]], within_s: float = ENOUGH_S) -> T:
    """The first true answer to a question that is asked again and again."""
    deadline = time.monotonic() + within_s
    while not (found := await ask()):
        assert time.monotonic() < deadline, f"not within {within_s:g} s; the last answer was {found!r}"
        await asyncio.sleep(0.02)
    return found


class Event(NamedTuple):
    """One server-sent event as it came."""

    id: str
    name: str
    data: dict[str, Any]


class Spoken(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Api:
    """The REST API as one caller uses it. Answers are httpx2 responses, whatever their status."""

    def __init__(self, place: Place, token: str) -> None:
        self.url = place.url
        self.ca_file = place.ca_file
        self.token = token
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._http = httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=90, verify=self.tls or True)

    @property
    def tls(self) -> ssl.SSLContext | None:
        """For connections of one's own: whom to trust; None: no TLS."""
        return context(Trust(ca=self.ca_file)) if self.ca_file else None

    async def close(self) -> None:
        await self._http.aclose()

    async def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        """One request; header names are written with underscores, bytes are sent as they are."""
        lines = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        return await self._http.request(method, path, content=content, headers=lines)

    async def get(self, path: str, params: dict[str, str] | None = None, **headers: str) -> httpx2.Response:
        query = f"?{urlencode(params)}" if params else ""
        return await self("GET", path + query, **headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        return await self("POST", path, body, **headers)

    async def job(self, job_id: str) -> dict[str, Any]:
        """A job that must exist."""
        answer = await self.get(f"/api/job/{job_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def job_in(self, job_id: str, *states: str, within_s: float = ENOUGH_S) -> dict[str, Any]:
        """The job, once it is in one of these states."""

        async def arrived() -> dict[str, Any] | None:
            found = await self.job(job_id)
            return found if found["status"] in states else None

        return await eventually(arrived, within_s)  # type: ignore[return-value] # it is true

    async def shell(self, target: str, command: str, query: str = "", **more: Any) -> httpx2.Response:
        """Run text in a shell."""
        return await self.post(f"/api/node/{target}/command/shell{query}", {"command": command, **more})

    async def submit(self, target: str, command: str, **more: Any) -> str:
        """Run text in a shell and do not wait. Returns the job id."""
        answer = await self.shell(target, command, "?wait=0", **more)
        assert answer.status_code == 202, answer.text
        job_id: str = answer.json()["job_id"]
        return job_id

    @asynccontextmanager
    async def events(self, path: str, last_id: str = "") -> AsyncIterator[AsyncIterator[Event]]:
        """A stream of events, open and answered."""
        headers = {"last-event-id": last_id} if last_id else {}
        async with self._http.stream("GET", path, headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield _events(answer.aiter_lines())

    @asynccontextmanager
    async def attached(self, method: str, path: str, body: Any = None) -> AsyncIterator[AsyncIterator[Event]]:
        """An operation that is answered as it happens."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"accept": "text/event-stream"}
        async with self._http.stream(method, path, content=content, headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            yield _events(answer.aiter_lines())

    async def all_events(self, path: str, last_id: str = "") -> list[Event]:
        """Every event of a stream that ends by itself."""
        async with asyncio.timeout(ENOUGH_S), self.events(path, last_id) as stream:
            return [event async for event in stream]


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    fields: dict[str, str] = {}
    async for line in lines:
        name, _, value = line.partition(": ")
        if line and name:
            fields[name] = value
        elif "data" in fields:
            yield Event(fields.get("id", ""), fields["event"], json.loads(fields["data"]))
            fields = {}


@dataclass
class Installation:
    """A running stack, and everybody who speaks to it."""

    stack: Stack
    folder: Path
    admin: Api

    def agent(self, hostname: str) -> RunningAgent:
        return next(agent for agent in self.stack.agents if agent.hostname == hostname)

    def token(
        self, *roles: str, subject: str = "anna", permissions: tuple[str, ...] = (), age: timedelta = timedelta(0)
    ) -> str:
        """A token that this controller accepts; one of an hour ago and older has expired."""
        ring = keyring.load_or_create(self.stack.paths.tokens)
        return tokens.issue(ring, subject, roles, permissions, timedelta(hours=1), datetime.now(UTC) - age)

    @asynccontextmanager
    async def caller(self, token: str) -> AsyncIterator[Api]:
        """The API as the bearer of this token uses it."""
        api = Api(self.stack.api, token)
        try:
            yield api
        finally:
            await api.close()

    @asynccontextmanager
    async def sdk(self) -> AsyncIterator[AsyncClient]:
        async with AsyncClient(self.admin.url, self.stack.token, ca_file=self.admin.ca_file) as client:
            yield client

    @asynccontextmanager
    async def broker(self) -> AsyncIterator[Broker]:
        """The broker as a controller sees it."""
        broker = await Broker.connect(self.stack.login.address, name="test")
        try:
            yield broker
        finally:
            await broker.close()

    async def cli(self, *words: str, token: str | None = None, url: str | None = None, **environ: str) -> Spoken:
        """Run `osapi client …` to its end, with nobody at the keyboard."""
        process = await self.spawn_cli(*words, token=token, url=url, **environ)
        try:
            async with asyncio.timeout(ENOUGH_S):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        assert process.returncode is not None
        return Spoken(process.returncode, out.decode(), err.decode())

    async def spawn_cli(
        self,
        *words: str,
        token: str | None = None,
        url: str | None = None,
        stdin: int = asyncio.subprocess.DEVNULL,
        stdout: int = asyncio.subprocess.PIPE,
        stderr: int = asyncio.subprocess.PIPE,
        **environ: str,
    ) -> asyncio.subprocess.Process:
        """Start `osapi client …`. An empty `url` or `token` leaves it to the saved context."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("OSAPI_", "XDG_"))}
        known = {
            "OSAPI_CONTROLLER_CLIENT_URL": self.admin.url if url is None else url,
            "OSAPI_CONTROLLER_CLIENT_TLS_CA": self.admin.ca_file,
            "OSAPI_CONTROLLER_CLIENT_SECURITY_BEARER_TOKEN": self.stack.token if token is None else token,
        }
        return await asyncio.create_subprocess_exec(
            OSAPI,
            "client",
            *words,
            env={**plain, "HOME": str(self.folder / "stack"), **known, **environ},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )

    async def restart_controller(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the controller by this signal and start it again."""
        os.kill(self.stack.controller_pid, number)
        await self.stack.gone(self.stack.controller_pid)
        await self.stack.start_controller()


@contextmanager
def paused(*agents: RunningAgent) -> Iterator[None]:
    """Agents that are still there but say nothing, as on a host that hangs."""
    with halted(*(agent.pid for agent in agents)):
        yield


@asynccontextmanager
async def managed(fleet: Installation, hostname: str, key: str, value: str) -> AsyncIterator[None]:
    """Let one agent believe that it manages a kernel parameter; neither kernel nor /etc is touched."""
    number = fleet.stack.agents.index(fleet.agent(hostname))
    files = ManagedFiles(fleet.folder / "stack" / f"agent-{number}" / "managed.db")
    path = file_path(key)
    note = {"key": key, "value": value, "previous": value}
    await files.put(
        ManagedFile(
            path=path, sha256="", operation="node.sysctl.create", job_id="", recorded=datetime.now(UTC), metadata=note
        )
    )
    try:
        yield
    finally:
        await files.forget(path, datetime.now(UTC))
        files.close()


def nap() -> str:
    """A command that takes longer than any test, and that nobody else on this machine has begun."""
    return f"sleep {next(_naps)}.{os.getpid()}"


def running(words: str) -> list[int]:
    """The processes of this machine whose command line holds these words; see proc(5)."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if words in line and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return found


def by_host(answer: httpx2.Response) -> dict[str, dict[str, Any]]:
    """The entries of an answer by host name."""
    return {entry["hostname"]: entry for entry in answer.json()["results"]}


def lines_of(path: Path) -> list[str]:
    """What effects have been noted; none when nothing has happened."""
    return path.read_text().split() if path.exists() else []
