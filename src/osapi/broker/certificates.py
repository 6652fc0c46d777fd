"""Lets nats-server take a certificate that was replaced, and keeps it from one that cannot be used."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

from osapi.config import tls
from osapi.config.settings import Settings
from osapi.contract.errors import Invalid
from osapi.telemetry.log import get_logger
from osapi.tls.pair import Pair, check
from osapi.tls.serving import state, told
from osapi.tls.trust import Trust

LOOK_S = 2.0

_log = get_logger(__name__)


def own_trust(settings: Settings) -> Trust | None:
    """How this program itself trusts its nats-server: it shows what is in the file. None without TLS."""
    section = settings.nats.server.tls
    pair = tls.pair("nats.server.tls", section)
    return None if pair is None else Trust(certificate=str(pair.cert), identity=pair if section.ca else None)


class Certificates:
    """Looks at the files every `LOOK_S`. A change is acted on when it has lasted from one look to the next."""

    def __init__(self, pair: Pair, authorities: str, pid: Callable[[], int]) -> None:
        """`authorities` is the file of those whose clients are let in, empty when there is none; `pid` is nats-server's."""
        self._pair = pair
        self._files = [pair.cert, pair.key, *([Path(authorities).absolute()] if authorities else [])]
        self._pid = pid
        self._used = state(*self._files)

    async def run(self) -> None:
        """Watch for ever."""
        last = self._used
        while True:
            await asyncio.sleep(LOOK_S)
            now = state(*self._files)
            if self._used != now == last:
                self._used = now
                await asyncio.to_thread(self._take)
            last = now

    def _take(self) -> None:
        try:
            made = check(self._pair)
        except Invalid as problem:
            _log.error("tls.certificate_refused", error=f"{problem.message}; the one before stays in use")
            return
        with contextlib.suppress(ProcessLookupError):
            if pid := self._pid():
                os.kill(pid, signal.SIGHUP)  # nats-server reads its configuration and the files again
        told(made)
