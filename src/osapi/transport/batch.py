"""Reading a stream by direct get, one message or many in one round trip (NATS ADR-31).

No consumer is made. To a batch the broker answers with one message per subject and ends with a status.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from osapi.contract.errors import Invalid, NoAnswer, Unavailable
from osapi.transport import headers as header_lines
from osapi.transport.link import Link, Reply

_CHUNK = 1000
"""nats-server refuses a batch that matches more than 1,024 subjects."""
_ANSWER_BYTES = 8 * 1024 * 1024
"""The broker cuts off a client to which more than 64 MB are on their way, so no answer is as large as that."""
_TIMEOUT_S = 10.0
_END, _NONE, _TOO_MANY = 204, 404, 413


class Stored(NamedTuple):
    """A message as the stream holds it; `stamp` is the time of storing in nanoseconds since 1970."""

    subject: str
    data: bytes
    headers: bytes
    sequence: int
    stamp: int


def stored(answer: Reply) -> Stored:
    """Read one answer to a direct get."""
    raw = answer.headers or b""
    moment = datetime.fromisoformat(_field(raw, b"\r\nNats-Time-Stamp: ").decode())
    return Stored(
        subject=_field(raw, b"\r\nNats-Subject: ").decode(),
        data=answer.data,
        headers=raw,
        sequence=int(_field(raw, b"\r\nNats-Sequence: ")),
        stamp=round(moment.timestamp() * 1e6) * 1000,
    )


def _field(raw: bytes, name: bytes) -> bytes:
    """The value of one header. The broker's own come last, behind what the publisher wrote."""
    start = raw.rindex(name) + len(name)
    return raw[start : raw.index(b"\r\n", start)]


async def last(link: Link, stream: str, subject: str) -> Stored | None:
    """The last message of one subject; None when there is none. Raises `Unavailable`.

    The right to ask this can be limited to single subjects, that to all other questions here cannot.
    """
    try:
        answer = await link.request(f"$JS.API.DIRECT.GET.{stream}.{subject}", b"", timeout_s=_TIMEOUT_S)
    except NoAnswer as err:
        raise Unavailable(f"stream {stream} cannot be read: {err.message}") from err
    status = header_lines.status(answer.headers)
    if status == _NONE:
        return None
    if status:
        raise Unavailable(f"stream {stream} cannot be read: {header_lines.description(answer.headers or b'')}")
    return stored(answer)


async def last_of(link: Link, stream: str, subjects: Sequence[str]) -> list[Stored]:
    """The last message of every subject; subjects may be filters. Raises `Unavailable`, `Invalid`."""
    found: list[Stored] = []
    for start in range(0, len(subjects), _CHUNK):
        found += await _last_of_chunk(link, stream, list(subjects[start : start + _CHUNK]))
    return found


async def _last_of_chunk(link: Link, stream: str, subjects: list[str]) -> list[Stored]:
    found: list[Stored] = []
    question: dict[str, Any] = {"multi_last": subjects}
    while True:
        messages, end = await _ask(link, stream, question)
        found += messages
        status = header_lines.status(end.headers)
        if status == _TOO_MANY:
            return await _divided(link, stream, subjects)
        fields = header_lines.decode(end.headers)
        if status == _NONE or fields.get("Nats-Num-Pending", "0") == "0":
            return found
        # The broker bounds the bytes of one answer; go on where it stopped, within the same moment.
        question |= {
            "seq": int(fields["Nats-Last-Sequence"]) + 1,
            "up_to_seq": int(fields["Nats-UpTo-Sequence"]),
        }


async def _divided(link: Link, stream: str, subjects: list[str]) -> list[Stored]:
    """Ask for half of them at a time; a single filter that matches too much is read page by page."""
    if len(subjects) == 1:
        return await _pages(link, stream, subjects[0])
    middle = len(subjects) // 2
    first = await _last_of_chunk(link, stream, subjects[:middle])
    return first + await _last_of_chunk(link, stream, subjects[middle:])


async def _pages(link: Link, stream: str, subject: str) -> list[Stored]:
    found: list[Stored] = []
    sequence = 1
    while True:
        messages, end = await _ask(link, stream, {"seq": sequence, "next_by_subj": subject, "batch": _CHUNK})
        found += messages
        fields = header_lines.decode(end.headers)
        if not messages or fields.get("Nats-Num-Pending", "0") == "0":
            return found
        sequence = messages[-1].sequence + 1


async def _ask(link: Link, stream: str, question: dict[str, Any]) -> tuple[list[Stored], Reply]:
    subject = f"$JS.API.DIRECT.GET.{stream}"
    try:
        bounded = {**question, "max_bytes": _ANSWER_BYTES}
        answers = await link.request_many(subject, msgspec.json.encode(bounded), timeout_s=_TIMEOUT_S)
    except NoAnswer as err:
        raise Unavailable(f"stream {stream} cannot be read: {err.message}") from err
    end = answers.pop()
    if header_lines.status(end.headers) not in (_END, _NONE, _TOO_MANY):
        raise Invalid(f"stream {stream} cannot be read: {header_lines.description(end.headers or b'')}")
    return [stored(answer) for answer in answers], end


async def between(link: Link, stream: str, first: int, last: int) -> list[Stored]:
    """Every message from sequence `first` to `last`, oldest first; deleted ones are left out."""
    found: list[Stored] = []
    while first <= last:
        question = {"seq": first, "next_by_subj": ">", "batch": min(last - first + 1, _CHUNK)}
        messages, _ = await _ask(link, stream, question)
        found += [message for message in messages if message.sequence <= last]
        if not messages or messages[-1].sequence >= last:
            return found
        first = messages[-1].sequence + 1
    return found
