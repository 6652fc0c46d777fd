"""Keeps the secrets of a job out of what is said about it, for programs like to repeat what they were told.

Found is the text itself, each of its lines, and what stands behind the first `=` of a line. Not found is what a program
makes of it: in another encoding, or cut in two.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, cast

import msgspec

from osapi.contract.kept import Kept
from osapi.contract.secret import MASK
from osapi.host.door import Keep, Live, Spool

SHORTEST = 4
"""Characters. Shorter ones would be found in half of all words, and every mask would tell one."""
_MASK = MASK.encode()


class Redactor:
    """Puts masks in the place of these secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        parts = {part for secret in secrets for part in _parts(secret) if len(part) >= SHORTEST}
        self._parts = sorted(parts, key=len, reverse=True)

    def __bool__(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._parts)

    def text(self, text: str) -> str:
        """The text with masks."""
        for part in self._parts:
            text = text.replace(part, MASK)
        return text

    def json(self, data: msgspec.Raw) -> msgspec.Raw:
        """A JSON value with masks in every text of it; names of fields stay."""
        if not self._parts:
            return data
        return msgspec.Raw(msgspec.json.encode(self.value(msgspec.json.decode(data))))

    def value(self, value: Any) -> Any:
        """What JSON is made of, with masks in every text of it; names of fields stay."""
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.value(one) for one in cast("Iterable[Any]", value)]
            case dict():
                return {name: self.value(one) for name, one in cast("dict[str, Any]", value).items()}
            case _:
                return value

    def stream(self) -> Stream:
        """For text that comes in pieces."""
        return Stream([part.encode() for part in self._parts])


class Stream:
    """Puts masks into text that comes in pieces. What may be the beginning of a secret waits until that is clear."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        self._parts = parts
        self._waiting = b""

    def feed(self, piece: bytes) -> bytes:
        """The next piece; what can be told by now."""
        text = self._waiting + piece
        told, told_to = self._masked(text, self._unclear(text, 0))
        self._waiting = text[told_to:]
        return told

    def rest(self) -> bytes:
        """That was all: what is left to be told."""
        text, self._waiting = self._waiting, b""
        return self._masked(text, len(text))[0]

    def _masked(self, text: bytes, unclear: int) -> tuple[bytes, int]:
        """The text with masks up to where it is unclear, and up to where that is."""
        told: list[bytes] = []
        at, places = 0, {part: text.find(part) for part in self._parts}
        while True:
            places = {
                part: place if place >= at else text.find(part, at) for part, place in places.items() if place >= 0
            }
            found = min(((place, -len(part)) for part, place in places.items() if place >= 0), default=None)
            if found is None or found[0] >= unclear:
                told.append(text[at:unclear])
                return b"".join(told), unclear
            told += [text[at : found[0]], _MASK]
            at = found[0] - found[1]
            if at > unclear:
                unclear = self._unclear(text, at)

    def _unclear(self, text: bytes, at: int) -> int:
        """Where the first secret may begin of which the end is missing."""
        first = len(text)
        for part in self._parts:
            first = min(first, _beginning(text, part, max(at, len(text) - len(part) + 1)))
        return first


@contextmanager
def redacted(redactor: Redactor, live: Live | None, keep: Keep | None) -> Generator[tuple[Live | None, Keep | None]]:
    """The ways out for what a job gives out, with masks in place of these secrets."""
    if not redactor:
        yield live, keep
        return
    masked = None if live is None else _RedactedLive(live, redactor)
    try:
        yield masked, None if keep is None else _RedactedKeep(keep, redactor)
    finally:
        if masked is not None:
            masked.end()


class _RedactedLive:
    def __init__(self, live: Live, redactor: Redactor) -> None:
        self._live = live
        self._redactor = redactor
        self._streams: dict[str, Stream] = {}

    def text(self, name: str, piece: bytes) -> None:
        if name not in self._streams:
            self._streams[name] = self._redactor.stream()
        self._tell(name, self._streams[name].feed(piece))

    def items(self, name: str, items: Sequence[Any]) -> Coroutine[Any, Any, None] | None:
        return self._live.items(name, [self._redactor.value(msgspec.to_builtins(item)) for item in items])

    def end(self) -> None:
        for name, stream in self._streams.items():
            self._tell(name, stream.rest())

    def _tell(self, name: str, piece: bytes) -> None:
        if piece:
            self._live.text(name, piece)


class _RedactedKeep:
    def __init__(self, keep: Keep, redactor: Redactor) -> None:
        self._keep = keep
        self._redactor = redactor

    def spool(self, name: str, most: int | None = None) -> Spool:
        return _RedactedSpool(self._keep.spool(name, most), self._redactor.stream())


class _RedactedSpool:
    def __init__(self, spool: Spool, stream: Stream) -> None:
        self._spool = spool
        self._stream = stream
        self.abandon = spool.abandon

    def add(self, piece: bytes) -> Coroutine[Any, Any, None] | None:
        told = self._stream.feed(piece)
        return self._spool.add(told) if told else None

    async def finish(self, within_s: float) -> Kept:
        told = self._stream.rest()
        waiting = self._spool.add(told) if told else None
        if waiting is not None:
            waiting.close()
        return await self._spool.finish(within_s)


def _beginning(text: bytes, part: bytes, at: int) -> int:
    """The first place from `at` on where the rest of the text is the beginning of this part; else its length."""
    head = part[:SHORTEST]
    place = text.find(head, at)
    while place >= 0:
        if part.startswith(text[place:]):
            return place
        place = text.find(head, place + 1)
    for place in range(max(at, len(text) - SHORTEST + 1), len(text)):
        if part.startswith(text[place:]):
            return place
    return len(text)


def _parts(secret: str) -> Iterable[str]:
    yield secret
    for line in secret.splitlines():
        yield line
        yield line.strip()
        yield line.partition("=")[2]
