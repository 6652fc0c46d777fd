"""Looks once a second at what is wrong, and tells people. Of several controllers one does, the speaker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from osapi.contract.errors import OsapiError
from osapi.notify import post
from osapi.notify.book import Book, read
from osapi.notify.decide import decide
from osapi.notify.models import Ledger, Letter, View
from osapi.notify.notifiers import Notifier
from osapi.notify.rules import Rules
from osapi.notify.silences import Silences
from osapi.notify.texts import SAMPLE, Texts
from osapi.telemetry.log import get_logger
from osapi.templates.faults import TemplateFault
from osapi.transport.bucket import Bucket

_STEP_S = 0.5
_log = get_logger(__name__)


@dataclass(frozen=True)
class Means:
    """How people are told."""

    notifiers: Mapping[str, Notifier]
    texts: Texts
    rules: Rules


class NotifyService:
    """Watches and tells. `look` gives what is wrong now; None: notifications are off, and only tests are sent.

    Raises nothing of its own: what the broker does not take is tried again.
    """

    def __init__(
        self,
        bucket: Bucket,
        me: str,
        means: Means,
        look: Callable[[], View | None] | None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.silences = Silences(bucket)
        self.means = means
        self._bucket = bucket
        self._look = look
        self._now = now
        self._book = Book(bucket, me, now)
        self._running: asyncio.Task[None] | None = None
        self._sending: dict[str, asyncio.Task[None]] = {}

    @property
    def is_watching(self) -> bool:
        """Whether notifications are on."""
        return self._look is not None

    async def start(self) -> None:
        """Begin to watch. A second call changes nothing."""
        await self.silences.start()
        if self._running is None and self._look is not None:
            self._running = asyncio.create_task(self._run(self._look), name="notify")

    async def stop(self) -> None:
        """Tell nothing more, and leave the rest to another controller. A second call changes nothing."""
        running, self._running = self._running, None
        tasks = [*self._sending.values(), *([running] if running else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await self._book.leave()
        except OsapiError as problem:
            _log.debug("notify.not_handed_over", error=problem.message)
        await self.silences.stop()

    def trouble(self) -> str | None:
        """Which notifiers fail, for the status; None when none does, and where another controller speaks."""
        ledger = self._book.ledger
        standings = {} if ledger is None else ledger.standings
        failing = [f"{name}: {each.error}" for name, each in standings.items() if each.error]
        return "; ".join(sorted(failing)) or None

    def total(self, count: Callable[[Ledger], int]) -> float:
        """A figure of the ledger; 0 where another controller speaks. May be called from any thread."""
        ledger = self._book.ledger
        return 0.0 if ledger is None else float(count(ledger))

    async def ledger(self) -> Ledger | None:
        """What has been told; None when nothing ever was. Raises `Unavailable` when the broker is away."""
        return self._book.ledger or await read(self._bucket)

    async def test(self, name: str) -> None:
        """Send a message that tells of nothing. Raises `OsapiError` when it did not go."""
        now = self._now()
        await self.means.notifiers[name].send(*await self._written(_dated(now)))

    async def _run(self, look: Callable[[], View | None]) -> None:
        while True:
            try:
                if await self._book.attend():
                    await self._step(look)
            except OsapiError as problem:
                _log.debug("notify.refused", error=problem.message)
            await asyncio.sleep(_STEP_S)

    async def _step(self, look: Callable[[], View | None]) -> None:
        """Note what is to be told, then let it be sent: what is noted survives the end of this controller."""
        view, now, rules = look(), self._now(), self.means.rules
        if view is None:
            return

        def after(ledger: Ledger) -> Ledger:
            return post.limited(decide(ledger, view, rules, self.silences.holds, now), rules, now)

        if not await self._book.change(after) or self._book.ledger is None:
            return
        ledger = self._book.ledger
        for name in rules.notifiers:
            letter = post.next_for(ledger, name, now)
            if letter is not None and name not in self._sending:
                self._sending[name] = asyncio.create_task(self._deliver(letter), name=f"notify {name}")
        await self.silences.tidy(now)

    async def _deliver(self, letter: Letter) -> None:
        try:
            await self._attempt(letter)
        finally:
            self._sending.pop(letter.notifier, None)

    async def _attempt(self, letter: Letter) -> None:
        rules, name = self.means.rules, letter.notifier
        title, body = await self._written(letter)
        if not self._book.speaks:
            return
        try:
            await self.means.notifiers[name].send(title, body)
        except OsapiError as problem:
            _log.warning("notify.failed", notifier=name, attempt=letter.attempts + 1, error=problem.message)
            error = problem.message
            await self._note(lambda ledger: post.failed(ledger, letter, error, rules, self._now()))
        else:
            _log.info("notify.sent", notifier=name, title=title)
            await self._note(lambda ledger: post.delivered(ledger, letter, self._now()))

    async def _note(self, change: Callable[[Ledger], Ledger]) -> None:
        """Write down what has become of a letter; tried until it stands, or another controller speaks."""
        while self._book.ledger is not None:
            try:
                if await self._book.change(change):
                    return
            except OsapiError as problem:
                _log.debug("notify.not_noted", error=problem.message)
            await asyncio.sleep(_STEP_S)

    async def _written(self, letter: Letter) -> tuple[str, str]:
        try:
            return await asyncio.to_thread(self.means.texts.written, letter)
        except TemplateFault as problem:
            _log.error("notify.template", line=problem.line, error=problem.reason)
            return await asyncio.to_thread(self.means.texts.plainly, letter)


def _dated(now: float) -> Letter:
    event = SAMPLE.events[0]
    dated = replace(event, at=now, finding=replace(event.finding, since=now))
    return replace(SAMPLE, created=now, events=(dated,))
