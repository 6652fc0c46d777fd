"""How people are told what is wrong, through the asynchronous client; see `notify`."""

from __future__ import annotations

from datetime import datetime

from osapi.notify.api import NotificationList, SilenceInfo, SilenceList, TestReport
from osapi.sdk import calls
from osapi.sdk.aio_raw import AsyncRawClient
from osapi.sdk.wire import decode


class AsyncNotify:
    """What is wrong, silences, and tests of notifiers."""

    def __init__(self, raw: AsyncRawClient) -> None:
        self._raw = raw

    async def list(self) -> NotificationList:
        """What is wrong now with what the token reaches, and how people are told."""
        answer: NotificationList = decode(await self._raw.send(calls.notify_list()), NotificationList)
        return answer

    async def test(self, notifier: str | None = None) -> TestReport:
        """Send a message that tells of nothing. None means by every notifier that is used. Raises `NotFound`."""
        answer: TestReport = decode(await self._raw.send(calls.notify_test(notifier)), TestReport)
        return answer

    async def silences(self) -> SilenceList:
        """What is not told for a while."""
        answer: SilenceList = decode(await self._raw.send(calls.notify_silences()), SilenceList)
        return answer

    async def silence(
        self, reason: str, ends_at: datetime, *, host: str = "", label: str = "", condition: str = ""
    ) -> SilenceInfo:
        """Do not tell what matches all that is given until `ends_at`, an aware time; nothing given: everything."""
        request = calls.notify_silence(
            reason=reason, ends_at=ends_at.isoformat(), host=host, label=label, condition=condition
        )
        answer: SilenceInfo = decode(await self._raw.send(request), SilenceInfo)
        return answer

    async def unsilence(self, silence_id: str) -> SilenceInfo:
        """End a silence before its time. Raises `NotFound`."""
        answer: SilenceInfo = decode(await self._raw.send(calls.notify_unsilence(silence_id)), SilenceInfo)
        return answer
