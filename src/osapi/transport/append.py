"""Publishing into a stream and reading the broker's word about it: one request, one decode.

Buckets and streams share this; it is the most travelled path of a job and does nothing else.
"""

from __future__ import annotations

import msgspec

from osapi.contract.errors import NoAnswer, Unavailable
from osapi.transport.link import Link
from osapi.transport.refusal import PublishAnswer, as_error

_decode = msgspec.json.Decoder(PublishAnswer).decode


async def append(link: Link, subject: str, payload: bytes, headers: bytes = b"", *, timeout_s: float) -> int:
    """Store `payload` under the broker's own `subject`; returns the sequence. Raises as `Broker.append`."""
    number, answered = link.storing.begin(), None
    try:
        answer = await link.request(subject, payload, headers, timeout_s=timeout_s)
        answered = True
    except NoAnswer as err:
        answered = False
        raise Unavailable(f"the broker did not store a message on {subject}: {err.message}") from err
    finally:
        link.storing.end(number, answered=answered)
    try:
        told = _decode(answer.data)
    except msgspec.DecodeError as err:
        raise Unavailable(f"no stream takes {subject}: something else answered") from err
    if told.error is not None:
        raise as_error(told.error, f"the broker refuses a message on {subject}")
    return told.seq
