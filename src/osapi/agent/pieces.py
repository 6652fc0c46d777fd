"""What a job has given out and nobody has been sent yet, in order. Pure.

Text is kept as characters, so that none is ever cut in two. Where more came than there is room for, a gap says
how much is missing, at the place where it is missing.
"""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec


@dataclass
class _Text:
    name: str
    text: str


@dataclass
class _Item:
    name: str
    item: bytes


@dataclass
class _Gap:
    missing: int


_Part = _Text | _Item | _Gap


@dataclass
class Piece:
    """What is sent at once: parts of fields, and how many bytes are missing before them."""

    data: dict[str, Any] = field(default_factory=dict[str, Any])
    left_out: int = 0
    parts: list[_Part] = field(default_factory=list[_Part])
    """What it was made of, for the case that it cannot be sent."""


class Pieces:
    """A queue of texts and items. `size` is what it holds, in characters and bytes of JSON; gaps count nothing."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: deque[_Part] = deque()
        self._decoders: dict[str, codecs.IncrementalDecoder] = {}
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self._parts)

    @property
    def is_full(self) -> bool:
        """Whether text that comes now is left out."""
        return self.size >= self._limit

    def add_text(self, name: str, piece: bytes) -> None:
        """More of a text in UTF-8; a character that is cut in two waits for its other half."""
        if self.is_full:
            self._miss(len(piece))
            self._decoders.pop(name, None)
        else:
            self._append(name, self._decoder(name).decode(piece))

    def add_items(self, name: str, items: Iterable[bytes]) -> None:
        """More items of a list, each as JSON. They are taken in however full the queue is."""
        for item in items:
            self._parts.append(_Item(name, item))
            self.size += len(item)

    def finish(self) -> None:
        """No more text comes: what is left of a character is shown as U+FFFD."""
        for name, decoder in self._decoders.items():
            self._append(name, decoder.decode(b"", final=True))

    def take(self, most: int) -> Piece:
        """Take the beginning of the queue, up to `most`, but at least one item, and up to the next gap."""
        piece, room = Piece(), most
        while self._parts and room > 0:
            part = self._parts[0]
            if isinstance(part, _Gap):
                if piece.data:
                    break
                piece.left_out += part.missing
                self._parts.popleft()
            else:
                room -= self._move(part, piece, room)
        return piece

    def give_back(self, piece: Piece) -> None:
        """The piece was not sent: its items are the first in the queue again, its text is missing."""
        missing = piece.left_out + sum(len(part.text.encode()) for part in piece.parts if isinstance(part, _Text))
        items = [part for part in piece.parts if isinstance(part, _Item)]
        self._parts.extendleft(reversed(items))
        self.size += sum(len(part.item) for part in items)
        if missing:
            self._parts.appendleft(_Gap(missing))

    def _move(self, part: _Text | _Item, piece: Piece, room: int) -> int:
        """Move a part, or as much of a text as there is room for, into the piece; returns its size."""
        self._parts.popleft()
        if isinstance(part, _Item):
            size = len(part.item)
            piece.data.setdefault(part.name, []).append(msgspec.Raw(part.item))
        else:
            part, rest = _Text(part.name, part.text[:room]), part.text[room:]
            size = len(part.text)
            piece.data[part.name] = piece.data.get(part.name, "") + part.text
            if rest:
                self._parts.appendleft(_Text(part.name, rest))
        piece.parts.append(part)
        self.size -= size
        return size

    def _append(self, name: str, text: str) -> None:
        last = self._parts[-1] if self._parts else None
        if isinstance(last, _Text) and last.name == name:
            last.text += text
        elif text:
            self._parts.append(_Text(name, text))
        self.size += len(text)

    def _miss(self, count: int) -> None:
        last = self._parts[-1] if self._parts else None
        if isinstance(last, _Gap):
            last.missing += count
        else:
            self._parts.append(_Gap(count))

    def _decoder(self, name: str) -> codecs.IncrementalDecoder:
        if name not in self._decoders:
            self._decoders[name] = codecs.getincrementaldecoder("utf-8")("replace")
        return self._decoders[name]
