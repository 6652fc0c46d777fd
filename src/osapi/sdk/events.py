"""Server-sent events: from bytes to events, and on again after a pause where the last one ended.

The format is that of the HTML standard, 9.2. Reading is the same for both clients; only who waits differs.
"""

from __future__ import annotations

import json
import time
from contextlib import closing
from typing import TYPE_CHECKING

from osapi.sdk import calls
from osapi.sdk.errors import ServerError, Unreachable, from_response
from osapi.sdk.request import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from osapi.sdk.raw import RawClient
    from osapi.sdk.request import Request

ANSWER = "answer"
"""Name of the event behind those of a job, when an operation is answered as it happens."""
LAST_OF_A_JOB = frozenset({"done", "deleted"})
"""Names of the events after which nothing more happens to a job."""
FIRST_PATIENCE_S = 2.0
"""How long a controller is waited for that has never answered."""


class ServerEvent:
    """One event. `id` resumes after it; `data` is JSON as text."""

    __slots__ = ("data", "event", "id")

    def __init__(self, id: str, event: str, data: str) -> None:  # noqa: A002 - the name in the standard
        self.id = id
        self.event = event
        self.data = data


class EventReader:
    """Puts events together from bytes that arrive in any pieces. Lines end with LF or CR LF."""

    def __init__(self) -> None:
        self._rest = b""
        self._id = ""
        self._event = ""
        self._data: list[str] = []

    def feed(self, block: bytes) -> list[ServerEvent]:
        """Take the next bytes; return the events that are now whole."""
        *lines, self._rest = (self._rest + block).split(b"\n")
        events = [self._take(line.removesuffix(b"\r").decode("utf-8", "replace")) for line in lines]
        return [event for event in events if event is not None]

    def _take(self, line: str) -> ServerEvent | None:
        if not line:
            return self._finish()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._event = value
        elif field == "id":
            self._id = value
        return None

    def _finish(self) -> ServerEvent | None:
        event = ServerEvent(self._id, self._event or "message", "\n".join(self._data)) if self._data else None
        self._event, self._data = "", []
        return event


def answer_in(event: ServerEvent) -> Response | None:
    """The answer that an event carries; None for the events of the job. Raises `ApiError` for a refusal."""
    if event.event == "error":
        raise from_response(500, {}, event.data.encode())
    if event.event != ANSWER:
        return None
    told = json.loads(event.data)
    body = json.dumps(told["body"], ensure_ascii=False, separators=(",", ":")).encode()
    if told["status"] >= 300:
        raise from_response(told["status"], {}, body)
    return Response(told["status"], {}, body)


def attached(blocks: Iterable[bytes]) -> Iterator[ServerEvent | Response]:
    """The events of an operation that is answered as it happens, and at last its answer.

    Raises `ApiError`, and `Unreachable` when the stream breaks before.
    """
    reader = EventReader()
    for block in blocks:
        for event in reader.feed(block):
            answer = answer_in(event)
            yield event if answer is None else answer
            if answer is not None:
                return
    raise cut_short()


def cut_short() -> Unreachable:
    """The failure of a stream that ends before its answer."""
    return Unreachable("the connection ended before the answer came; the controller may have stopped", sent=True)


class Resume:
    """Decides how a broken stream goes on: after which event, after which pause, and when no longer.

    A stream from which nothing has come for `patience_s` seconds is given up, be it only the sign of life that
    a controller sends now and then. One that was never there is given up sooner: the address may be wrong.
    """

    def __init__(self, job_id: str | None, last_id: str, patience_s: float, clock: Callable[[], float]) -> None:
        self.last_id = last_id
        self.finished = False
        self._job_id = job_id
        self._patience_s = patience_s
        self._clock = clock
        self._first_patience_s = min(patience_s, FIRST_PATIENCE_S)
        self._opened = False
        self._heard = clock()
        self._pause_s = 0.1

    def request(self) -> Request:
        """Ask for everything after the last event."""
        return calls.job_events(self._job_id, self.last_id)

    def hear(self) -> None:
        """Remember that something arrived."""
        self._opened = True
        self._heard = self._clock()
        self._pause_s = 0.1

    def note(self, event: ServerEvent) -> None:
        """Remember that an event arrived."""
        self.last_id = event.id or self.last_id
        self.finished = self._job_id is not None and event.event in LAST_OF_A_JOB

    def pause_s(self, problem: Unreachable | ServerError | None) -> float:
        """Seconds to wait before the stream is opened again. Raises `problem` when it is time to give up."""
        patience_s = self._patience_s if self._opened else self._first_patience_s
        if problem is not None and self._clock() - self._heard > patience_s:
            raise problem
        pause = self._pause_s
        self._pause_s = min(pause * 2, 5.0)
        return pause


def follow(
    client: RawClient,
    job_id: str | None,
    *,
    last_id: str = "",
    patience_s: float = 60.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[ServerEvent]:
    """Yield the events of one job until it is done, or of all jobs for ever when `job_id` is None.

    A stream that breaks is opened again after the last event; events are neither lost nor repeated as long
    as the controller still keeps them. Raises `Unreachable` or `ServerError` when the controller stays away
    for `patience_s` seconds (`FIRST_PATIENCE_S` before it has ever answered), and other `ApiError` at once.
    """
    resume = Resume(job_id, last_id, patience_s, clock)
    while True:
        problem: Unreachable | ServerError | None = None
        reader = EventReader()
        try:
            with closing(client.stream(resume.request())) as blocks:
                for block in blocks:
                    resume.hear()
                    for event in reader.feed(block):
                        resume.note(event)
                        yield event
                    if resume.finished:
                        return
        except (Unreachable, ServerError) as broken:
            problem = broken
        sleep(resume.pause_s(problem))
