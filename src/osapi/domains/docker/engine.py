"""The container engine of a host: found anew by each job, spoken to in a version that both sides know."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from osapi.contract.errors import MissingTool, Permanent, TooLarge, Unavailable, Unsupported
from osapi.domains.docker import answers, refusals
from osapi.host.door import Host
from osapi.host.files import FileKind
from osapi.host.service import ASK_S, Answered, Ask, Heard

T = TypeVar("T")

SOCKETS = ("/run/docker.sock", "/run/podman/podman.sock")
"""Where the engines listen; `/var/run` is `/run`. With the package podman-docker the first is a link to the second."""
OLDEST, NEWEST = (1, 40), (1, 47)
"""Versions of the API that we know: Docker 19.03 to 27, Podman 3 to 5."""
ANSWER_LIMIT = 16 * 1024 * 1024
"""Bytes of an answer that is read as a whole: a list of some thousand containers."""
_NOT_FOUND = 404
_OK = 300


class Engine:
    """An engine that answers. Made by `connect`."""

    def __init__(self, host: Host, socket: str, version: answers.Version) -> None:
        self._host = host
        self._socket = socket
        self._prefix = f"/v{_agreed(version)}"
        self.is_podman = any("podman" in one.name.lower() for one in version.components or ())

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, object] | None = None,
        body: Any = None,
        deadline_s: float = ASK_S,
        heard: Heard | None = None,
    ) -> Ask:
        """A request as data. `path` holds no other special characters than those of names and references."""
        words = {name: _word(value) for name, value in (query or {}).items() if value is not None}
        return Ask(
            socket=self._socket,
            method=method,
            target=f"{self._prefix}{quote(path, safe='/:@')}{'?' if words else ''}{urlencode(words)}",
            content=None if body is None else msgspec.json.encode(body),
            deadline_s=deadline_s,
            limit=ANSWER_LIMIT,
            heard=heard,
        )

    async def get(self, what: str, type_: type[T], path: str, **query: object) -> T:
        """What the engine knows. `what` is tried, for the message. Raises what `refusals.refusal` makes."""
        return read(await self._host.ask(self.ask("GET", path, query=query)), what, type_)

    async def container(self, key: str) -> answers.Container:
        """A container by name or id. Raises `NotFound`."""
        return await self.get(f"look at container {key}", answers.Container, f"/containers/{key}/json")

    async def find_container(self, key: str) -> answers.Container | None:
        """The same; None when there is none."""
        return await self._find(f"look for container {key}", answers.Container, f"/containers/{key}/json")

    async def find_image(self, key: str) -> answers.Image | None:
        """An image by name or id; None when there is none."""
        return await self._find(f"look for image {key}", answers.Image, f"/images/{key}/json")

    async def _find(self, what: str, type_: type[T], path: str) -> T | None:
        answered = await self._host.ask(self.ask("GET", path))
        return None if answered.status == _NOT_FOUND else read(answered, what, type_)


async def connect(host: Host) -> Engine:
    """The first engine that answers. Raises `MissingTool` when there is none, `Permanent` when none runs."""
    silent: Unavailable | None = None
    for path in SOCKETS:
        found = await host.stat(path)
        if found is None or found.kind is not FileKind.OTHER:
            continue
        try:
            answered = await host.ask(Ask(socket=path, target="/version"))
        except Unavailable as problem:
            silent = problem
            continue
        return Engine(host, path, read(answered, "ask the container engine for its version", answers.Version))
    if silent is not None:
        raise Permanent(
            f"the container engine does not answer ({silent.message}); start it, for example with systemctl start docker",
            code="not_running",
        )
    raise MissingTool(
        f"there is no container engine on this host, neither Docker nor Podman: no socket at {' or '.join(SOCKETS)}; "
        "install docker.io, or enable podman.socket"
    )


def read(answered: Answered, what: str, type_: type[T]) -> T:
    """An answer as what it ought to be. `what` is tried, for the message."""
    refuse(answered, what)
    if answered.truncated:
        raise TooLarge(f"cannot {what}: the answer of the engine is longer than {ANSWER_LIMIT} bytes")
    try:
        return msgspec.json.decode(answered.content, type=type_)
    except msgspec.DecodeError as fault:
        raise Permanent(f"cannot {what}: the engine answers in another form than its API says: {fault}") from fault


def refuse(answered: Answered, what: str) -> None:
    """Raise the failure that a refusal stands for."""
    if answered.status >= _OK and answered.status != 304:
        raise refusals.refusal(answered.status, answers.decode_problem(answered.content), what)


def _agreed(version: answers.Version) -> str:
    """The newest version of the API that both sides know. Raises `Unsupported` when there is none."""
    try:
        newest, oldest = _numbers(version.api_version), _numbers(version.min_api or version.api_version)
    except ValueError:
        newest, oldest = (0, 0), (0, 0)
    if newest < OLDEST or oldest > NEWEST:
        ours = f"{_text(OLDEST)} to {_text(NEWEST)}"
        theirs = f"{version.min_api or '?'} to {version.api_version}"
        raise Unsupported(f"the container engine {version.version} speaks API {theirs}, OSAPI {ours}")
    return _text(min(newest, NEWEST))


def _numbers(text: str) -> tuple[int, int]:
    major, minor = text.split(".")
    return int(major), int(minor)


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
