"""Services behind sockets that answer what a script says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from osapi.contract.errors import DeadlineExceeded, NotFound, Unavailable
from osapi.host.failures import unsafe
from osapi.host.files import FileKind
from osapi.host.output import Capture
from osapi.host.service import Answered, Ask, check
from osapi.testing.files import FakeFile


class UnexpectedRequestError(AssertionError):
    """A service was asked for something that no script foresees."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """What the service at `socket` answers to exactly this request; `sends` is its body, compared as JSON.

    `hangs` lets it answer in part and then be silent until the deadline, without real time going by. `sets` and
    `when` are files as in `programs.Script`: with them, an answer can depend on what was asked before.
    """

    socket: str
    method: str = "GET"
    target: str
    sends: bytes | None = None
    status: int = 200
    content: bytes = b""
    hangs: bool = False
    sets: Mapping[str, bytes | None] = field(default_factory=dict[str, bytes | None])
    when: Mapping[str, bytes | None] = field(default_factory=dict[str, bytes | None])

    def answers(self, ask: Ask) -> bool:
        """Whether this is what was asked."""
        return (self.socket, self.method, self.target) == (ask.socket, ask.method, ask.target) and (
            _decoded(self.sends) == _decoded(ask.content)
        )


class FakeServices:
    """All services of a fake host, and what they were asked so far."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._exchanges = exchanges
        self.asked: list[Ask] = []

    @property
    def sockets(self) -> Iterable[str]:
        """Where somebody listens."""
        return {exchange.socket for exchange in self._exchanges}

    async def ask(
        self, ask: Ask, found: FakeFile | None, contents: Callable[[str], bytes | None]
    ) -> tuple[Exchange, Answered]:
        """`found` is the file at the socket's path. Raises as `Host.ask` does."""
        check(ask)
        self._connect(ask, found)
        self.asked.append(ask)
        exchange = self._exchange(ask, contents)
        answered = await _answered(exchange, ask)
        if exchange.hangs:
            raise DeadlineExceeded(f"{ask.method} {ask.target} took longer than {ask.deadline_s:g} s")
        return exchange, answered

    def _connect(self, ask: Ask, found: FakeFile | None) -> None:
        doing = f"cannot connect to {ask.socket}"
        if found is None:
            raise NotFound(f"{doing}: No such file or directory")
        if found.kind is not FileKind.OTHER:
            raise unsafe(f"{doing}: it is no socket")
        if ask.socket not in self.sockets:
            raise Unavailable(f"{doing}: nobody listens there; is its service running?")

    def _exchange(self, ask: Ask, contents: Callable[[str], bytes | None]) -> Exchange:
        for exchange in self._exchanges:
            if exchange.answers(ask) and all(contents(path) == held for path, held in exchange.when.items()):
                return exchange
        raise UnexpectedRequestError(f"no script for {ask.method} {ask.target} with {ask.content!r}")


async def _answered(exchange: Exchange, ask: Ask) -> Answered:
    capture = Capture(ask.limit)
    sink = ask.heard if ask.heard is not None and exchange.status < 300 else capture.add
    if exchange.content and (room := sink(exchange.content)) is not None:
        await room
    return Answered(status=exchange.status, content=capture.content(), truncated=bool(capture.left_out))


def _decoded(content: bytes | None) -> object:
    return None if content is None else msgspec.json.decode(content)
