"""Looks now and then whether the facts of this host would make something else of a template that is deployed.

Only the facts that a template looked at count, and only when one of them has another value it is rendered again.
What it would become is noted, and so told to the controllers; deploying it is left to people.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from osapi.contract.errors import OsapiError
from osapi.contract.files import ContentType
from osapi.deploy import facts
from osapi.deploy.deployer import Deployer
from osapi.host.door import Host
from osapi.host.managed import ManagedFile, Source
from osapi.telemetry.log import get_logger

_log = get_logger(__name__)


class Rechecking:
    """Looks at every deployed template each `interval`."""

    def __init__(self, host: Host, interval: timedelta) -> None:
        self._host = host
        self._interval_s = interval.total_seconds()
        self._rendered: dict[str, str] = {}
        """By path, the digest of the facts with which the template was rendered last."""

    async def run(self) -> None:
        """Look again and again. Never returns."""
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                await self.look()
            except OsapiError as problem:
                _log.debug("file_recheck.failed", error=problem.message)

    async def look(self) -> None:
        """Look once at all of them."""
        templates = [note for note in await self._host.managed.below("/") if note.settled and _is_template(note)]
        if not templates:
            return
        context = await facts.context(self._host, {})
        for note in templates:
            if note.source is not None:
                await self._look_at(note, note.source, facts.digest(context, note.source.facts))

    async def _look_at(self, note: ManagedFile, source: Source, digest: str) -> None:
        if digest == self._rendered.get(note.path, source.facts_sha256):
            return
        try:
            rendered = await self._would_become(source)
        except OsapiError as problem:
            _log.info("file_recheck.failed", path=note.path, error=problem.message)
            rendered = None
        self._rendered[note.path] = digest
        told = None if rendered == note.sha256 else rendered
        if told != note.rendered:
            await self._host.managed.exchange(note, replace(note, rendered=told))

    async def _would_become(self, source: Source) -> str | None:
        """Digest of what the template would become; None when the object is another by now, which says enough."""
        content = await Deployer(self._host).from_object(source.object_name, source.content_type, source.vars)
        return content.sha256 if content.source and content.source.sha256 == source.sha256 else None


def _is_template(note: ManagedFile) -> bool:
    return note.source is not None and note.source.content_type is ContentType.TEMPLATE
