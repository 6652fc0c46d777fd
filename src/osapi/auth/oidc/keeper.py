"""Keeps the keys of an issuer: fetched now and then, and when a token names one that is not known.

While the issuer is away the keys that are known go on for a time. Times are seconds of a clock that never jumps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from osapi.auth.oidc import keys
from osapi.auth.oidc.discovery import DiscoveryFailed
from osapi.auth.oidc.keys import KeySet
from osapi.config.controller import Oidc
from osapi.telemetry.log import get_logger

PAUSE_S = 5.0
"""Between two fetches, whoever asks for them: tokens with made-up key ids must not become requests to the issuer."""
ENOUGH_S = 10.0
"""For everything that one fetch asks."""
_log = get_logger(__name__)


class Source(Protocol):
    """What is needed of `discovery.Discovery`."""

    async def key_set(self) -> bytes: ...


class KeyKeeper:
    """The keys of one issuer. `generation` grows when they change."""

    def __init__(self, section: Oidc, source: Source, clock: Callable[[], float]) -> None:
        self._section = section
        self._source = source
        self._clock = clock
        self._lock = asyncio.Lock()
        self._tried = -PAUSE_S
        self._fetched: float | None = None
        self._known = KeySet()
        self._is_away = False
        self.generation = 0

    @property
    def known(self) -> KeySet | None:
        """The keys; None when none were ever had, or when they are too old to count."""
        if self._fetched is None or self._clock() - self._fetched > self._section.keep_keys.total_seconds():
            return None
        return self._known

    async def run(self) -> None:
        """Fetch at the start and then now and then, sooner after a failure. Never returns."""
        while True:
            await self.fetch()
            pause = self._section.refresh.total_seconds()
            await asyncio.sleep(min(pause, PAUSE_S) if self._is_away else pause)

    async def want(self, kid: str | None) -> None:
        """Fetch if there is no such key and the last try is long enough ago; waits for a fetch that is under way."""
        known = self.known
        if known is None or not known.knows(kid):
            await self.fetch()

    async def fetch(self) -> None:
        """Ask the issuer, unless that was just done. What goes wrong is told in the log and changes nothing."""
        async with self._lock:
            if self._clock() - self._tried < PAUSE_S:
                return
            try:
                async with asyncio.timeout(ENOUGH_S):
                    document = await self._source.key_set()
                found = keys.read(document, tuple(self._section.algorithms))
            except (DiscoveryFailed, ValueError, TimeoutError) as problem:
                self._note_failure(str(problem) or f"no answer within {ENOUGH_S:g} s")
            else:
                self._take(found)
            finally:
                self._tried = self._clock()

    def _take(self, found: KeySet) -> None:
        self._fetched = self._clock()
        if self._is_away:
            _log.info("oidc.issuer_back", issuer=self._section.issuer)
        self._is_away = False
        if found.source != self._known.source:
            self.generation += 1
            _log.info("oidc.keys", issuer=self._section.issuer, keys=len({kid for kid, _, _ in found.keys}))
        self._known = found

    def _note_failure(self, problem: str) -> None:
        age = None if self._fetched is None else round(self._clock() - self._fetched)
        if not self._is_away or self.known is None:
            _log.warning("oidc.issuer_away", issuer=self._section.issuer, error=problem, keys_age_s=age)
        self._is_away = True
