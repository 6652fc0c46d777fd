"""Takes away what uploads have left that nobody finished, because their controller was killed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from osapi.contract.errors import OsapiError
from osapi.telemetry.log import get_logger
from osapi.transport.objects import ObjectStore

_AGE = timedelta(hours=1)
"""An upload that has stored nothing for so long is given up."""
_PAUSE_S = 3600.0
_log = get_logger(__name__)


async def keep_tidy(store: ObjectStore) -> None:
    """Sweep at the start and then every hour. Never returns."""
    while True:
        try:
            removed = await store.sweep(_AGE)
            if removed:
                _log.info("file.swept", uploads=removed)
        except OsapiError as problem:
            _log.warning("file.sweep_failed", error=problem.message)
        await asyncio.sleep(_PAUSE_S)
