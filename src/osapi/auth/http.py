"""The routes about tokens: which are revoked, and revoking. Only for who may do so on every host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from osapi.auth import api, revocation
from osapi.auth.api import RevokedList, RevokedTokens, RevokeRequest
from osapi.auth.revocation import Revocations, Revoked
from osapi.auth.tokens import CLOCK_SKEW_S
from osapi.auth.verifier import TokenVerifier
from osapi.contract.endpoint import Call, Caller, Reply, Routes
from osapi.contract.errors import Forbidden, Invalid, Unauthenticated
from osapi.transport.bucket import Bucket


@dataclass(frozen=True)
class TokenRoutes:
    """Serves the list of revoked tokens. `clock` tells seconds since the epoch."""

    revocations: Revocations
    bucket: Bucket
    verifier: TokenVerifier
    clock: Callable[[], float]

    async def list(self, call: Call) -> Reply:
        _check_everywhere(call.caller, "token:read")
        items = [_shown(one) for one in self.revocations.active(self._now())]
        items.sort(key=lambda item: item.revoked_at or datetime.min.replace(tzinfo=UTC), reverse=True)
        return Reply(body=RevokedList(total_items=len(items), items=items))

    async def revoke(self, call: Call) -> Reply:
        """Revoking again changes nothing and tells the first entry, except that a subject's time may be later."""
        _check_everywhere(call.caller, "token:write")
        wanted = await self._wanted(call.request, call.caller.subject)
        key = _key(wanted)
        present = self.revocations.find(key)
        if present is not None and _includes(present, wanted):
            return Reply(body=_shown(present))
        wanted = wanted if present is None else _both(present, wanted)
        value = revocation.entry(wanted)
        ttl = None if wanted.expires is None else wanted.expires - self._now()
        await self.bucket.put(key, value, ttl=ttl)
        self.revocations.apply(key, value, deleted=False)
        return Reply(body=_shown(wanted))

    async def _wanted(self, request: RevokeRequest, by: str) -> Revoked:
        now = self._now()
        if request.expires is not None and request.expires <= now:
            raise Invalid("expires: it lies in the past, so these tokens are refused already")
        common = Revoked(by=by, at=now, reason=request.reason, expires=request.expires)
        if request.subject is not None:
            before = request.issued_before or now
            if before.timestamp() > now.timestamp() + CLOCK_SKEW_S:
                raise Invalid("issued_before: it lies in the future; tokens yet to be issued cannot be revoked")
            return msgspec.structs.replace(common, subject=request.subject, before=before)
        if request.id is not None:
            return msgspec.structs.replace(common, token_id=request.id)
        return await self._of_text("" if request.token is None else request.token.reveal(), common)

    async def _of_text(self, token: str, common: Revoked) -> Revoked:
        try:
            await self.verifier.prepare(token)
            bearer = self.verifier.verify(token, self.clock())
        except Unauthenticated as refusal:
            raise Invalid("token: it is refused already: expired, revoked, or not one of this controller") from refusal
        expires = datetime.fromtimestamp(bearer.expires, UTC)
        return msgspec.structs.replace(common, token_id=bearer.token_id, subject=bearer.subject, expires=expires)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)


def routes(revocations: Revocations, bucket: Bucket, verifier: TokenVerifier, clock: Callable[[], float]) -> Routes:
    """Every route with its handler."""
    serve = TokenRoutes(revocations, bucket, verifier, clock)
    return [(api.LIST_REVOKED, serve.list), (api.REVOKE, serve.revoke)]


def _check_everywhere(caller: Caller, permission: str) -> None:
    """A token is good on many hosts, so who reaches some of them only has no say in it."""
    if not caller.reach(permission)({}):
        raise Forbidden(f"this needs the permission {permission} on every host; yours is limited to some")


def _key(wanted: Revoked) -> str:
    return revocation.key_of(wanted.token_id) if wanted.token_id else revocation.key_of_subject(wanted.subject)


def _includes(present: Revoked, wanted: Revoked) -> bool:
    """Whether what is refused already is all that is wanted."""
    if wanted.before is None:
        return True
    reaches = present.before is None or present.before >= wanted.before
    outlasts = present.expires is None or (wanted.expires is not None and present.expires >= wanted.expires)
    return reaches and outlasts


def _both(present: Revoked, wanted: Revoked) -> Revoked:
    """One entry that refuses what either does, for as long as either."""
    before = max(one.before for one in (present, wanted) if one.before is not None)
    ends = [one.expires for one in (present, wanted)]
    known = [end for end in ends if end is not None]
    return msgspec.structs.replace(wanted, before=before, expires=max(known) if len(known) == len(ends) else None)


def _shown(one: Revoked) -> RevokedTokens:
    return RevokedTokens(
        revoked_by=one.by,
        revoked_at=one.at,
        id=one.token_id,
        subject=one.subject,
        issued_before=one.before,
        expires=one.expires,
        reason=one.reason,
    )
