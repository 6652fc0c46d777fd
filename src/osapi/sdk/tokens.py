"""Which tokens are refused, through the synchronous client."""

from __future__ import annotations

from datetime import datetime

from osapi.auth.api import RevokedList, RevokedTokens
from osapi.sdk import calls
from osapi.sdk.raw import RawClient
from osapi.sdk.wire import decode


class Tokens:
    """Tokens that are refused although they have not expired. Needs `token:read` and `token:write`."""

    def __init__(self, raw: RawClient) -> None:
        self._raw = raw

    def revoked(self) -> RevokedList:
        """Everything that is refused, those revoked last first."""
        answer: RevokedList = decode(self._raw.send(calls.token_revoked()), RevokedList)
        return answer

    def revoke(
        self,
        *,
        token: str | None = None,
        id: str | None = None,  # noqa: A002 - as the field is called
        subject: str | None = None,
        issued_before: datetime | None = None,
        expires: datetime | None = None,
        reason: str = "",
    ) -> RevokedTokens:
        """Refuse one token, by its text or id, or all of a subject that were issued before a time (now, unless given).

        What is refused already is told as it is. Raises `Invalid` for a token that is no good anyway.
        """
        request = calls.token_revoke(
            token=token, id=id, subject=subject, issued_before=issued_before, expires=expires, reason=reason
        )
        answer: RevokedTokens = decode(self._raw.send(request), RevokedTokens)
        return answer
