"""Who the controller takes for whom: puts together key ring, revoked tokens and another issuer, if there is one."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from osapi.auth import http, keyring, revocation, roles
from osapi.auth.keyring import KeyRing
from osapi.auth.live import LiveRing
from osapi.auth.revocation import Revocations
from osapi.auth.roles import Roles
from osapi.auth.verifier import TokenVerifier
from osapi.config.paths import Paths
from osapi.config.settings import Settings
from osapi.contract.endpoint import Routes
from osapi.controller import oidc
from osapi.transport.broker import Broker
from osapi.transport.bucket import Entry
from osapi.transport.follower import Follower

_FORGET_S = 3600.0
"""How often entries of tokens that have expired are forgotten. The bucket loses them by itself."""


class Tokens:
    """The verifier of tokens and what it lives on. Raises `Invalid` for keys or rules that cannot be used."""

    def __init__(self, settings: Settings, paths: Paths) -> None:
        security = settings.controller.api.security
        known: Roles = roles.from_settings(security.roles)
        self._revoked = Revocations()
        self._issuer = oidc.of_settings(security.oidc, known)
        issuer = None if self._issuer is None else self._issuer.issuer
        self.verifier = TokenVerifier(_ring(settings, paths), known, self._revoked, issuer=issuer)
        self._follower: Follower | None = None
        self._forgetting: asyncio.Task[None] | None = None

    async def start(self, broker: Broker) -> None:
        """Return when all that is revoked is known. Another issuer is not waited for."""
        self._follower = Follower(broker.bucket(revocation.BUCKET), revocation.FILTER, self._note)
        await self._follower.start()
        self._forgetting = asyncio.create_task(self._forget(), name="revocations")
        if self._issuer is not None:
            self._issuer.start()

    async def stop(self) -> None:
        """End everything that was started."""
        if self._issuer is not None:
            await self._issuer.stop()
        if self._forgetting is not None:
            self._forgetting.cancel()
        if self._follower is not None:
            await self._follower.stop()

    def routes(self, broker: Broker) -> Routes:
        """The routes about tokens."""
        return http.routes(self._revoked, broker.bucket(revocation.BUCKET), self.verifier, time.time)

    def _note(self, entry: Entry) -> None:
        self._revoked.apply(entry.key, entry.value, deleted=entry.deleted)

    async def _forget(self) -> None:
        while True:
            await asyncio.sleep(_FORGET_S)
            for key in self._revoked.outdated(datetime.now(UTC)):
                self._revoked.apply(key, deleted=True)


def _ring(settings: Settings, paths: Paths) -> KeyRing | LiveRing:
    key = settings.controller.api.security.signing_key
    if key:
        return keyring.of_setting(key)
    keyring.load_or_create(paths.tokens)
    return LiveRing(paths.tokens)
