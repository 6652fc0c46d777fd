"""Whether and when a request is sent again. Pure; who waits is told by the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osapi.sdk.errors import ApiError, TooManyRequests, Unavailable, Unreachable, Untrusted

if TYPE_CHECKING:
    from collections.abc import Callable

    from osapi.sdk.errors import SdkError
    from osapi.sdk.request import Request

_LONGEST_WAIT_S = 10.0


class Retry:
    """Up to `attempts` tries in all; before try n + 1 a pause of up to `base_s` times 2 to the n seconds.

    What may have been carried out is sent again only when the request is safe to send twice. An answer that
    did not come in time is not asked for again: the next one would not come sooner.
    """

    __slots__ = ("attempts", "base_s")

    def __init__(self, *, attempts: int = 3, base_s: float = 0.2) -> None:
        self.attempts = attempts
        self.base_s = base_s

    def pause_s(
        self, request: Request, problem: SdkError, tried: int, chance: Callable[[], float] | None = None
    ) -> float | None:
        """Seconds to wait before the next try after `tried` of them, None to give up.

        `chance` draws a random number from 0 to 1: clients that failed together do not return together. None
        draws from the module `random`.
        """
        if tried >= self.attempts or not _is_worth_it(request, problem):
            return None
        pause = self.base_s * 2.0 ** (tried - 1) * (0.5 + (chance or _chance)() / 2)
        asked = problem.retry_after_s if isinstance(problem, ApiError) else None
        if asked is None:
            return pause
        return max(pause, asked) if asked <= _LONGEST_WAIT_S else None


def _is_worth_it(request: Request, problem: SdkError) -> bool:
    if isinstance(problem, Untrusted):
        return False
    if isinstance(problem, Unreachable):
        return not problem.sent or (request.safe and not problem.timed_out)
    return request.safe and isinstance(problem, Unavailable | TooManyRequests)


def _chance() -> float:
    from random import random

    return random()  # noqa: S311 - spreads retries, guards nothing
