"""How often one caller may come: so many at once, then so many a second (a token bucket), each on its own.

Who bears a good token is told from others by its subject, everybody else by the address. An address that has shown too
many bad tokens is not asked for another one until it has waited; who comes from there with a token that was seen
before is served all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from osapi.contract.address import network
from osapi.contract.errors import TooMany

MOST_CALLERS = 10_000
"""Callers that are remembered; who has not come for longest is forgotten first."""


@dataclass(frozen=True)
class Rate:
    """`per_second` requests a second after `burst` at once. 0 a second means without limit."""

    per_second: float
    burst: int


UNLIMITED = Rate(0, 0)


class Buckets:
    """A bucket for each caller, full at first. `clock` tells seconds, from whenever."""

    def __init__(self, rate: Rate, clock: Callable[[], float], *, most: int = MOST_CALLERS) -> None:
        self._rate = rate
        self._clock = clock
        self._most = most
        self._levels: dict[str, tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._levels)

    def take(self, caller: str) -> float:
        """Take one. Returns 0, or when there is none, the seconds until there is one again."""
        if not self._rate.per_second:
            return 0.0
        wait_s = self.wait_s(caller)
        if wait_s:
            return wait_s
        level, now = self._level(caller)
        self._levels.pop(caller, None)
        if len(self._levels) >= self._most:
            del self._levels[next(iter(self._levels))]
        self._levels[caller] = (level - 1, now)
        return 0.0

    def wait_s(self, caller: str) -> float:
        """The seconds until there is one; 0 when there is."""
        if not self._rate.per_second:
            return 0.0
        level, _ = self._level(caller)
        return 0.0 if level >= 1 else (1 - level) / self._rate.per_second

    def _level(self, caller: str) -> tuple[float, float]:
        now = self._clock()
        level, since = self._levels.get(caller, (float(self._rate.burst), now))
        return min(float(self._rate.burst), level + (now - since) * self._rate.per_second), now


class Limits:
    """The limits of one controller."""

    def __init__(self, clock: Callable[[], float], *, token: Rate, anonymous: Rate, guesses: Rate) -> None:
        self._tokens = Buckets(token, clock)
        self._anonymous = Buckets(anonymous, clock)
        self._guesses = Buckets(guesses, clock)

    def admit(self, subject: str) -> None:
        """Count a request of the bearer of a good token. Raises `TooMany`."""
        _refuse(self._tokens.take(subject), "this token")

    def admit_anonymous(self, address: str) -> None:
        """Count a request to a route that is open to everybody. Raises `TooMany`."""
        _refuse(self._anonymous.take(network(address)), "this address")

    def may_guess(self, address: str) -> bool:
        """Whether a token that was never seen is looked at."""
        return not self._guesses.wait_s(network(address))

    def refuse_guess(self, address: str) -> TooMany:
        """Why it is not."""
        return _too_many(self._guesses.wait_s(network(address)), "this address")

    def guessed(self, address: str) -> None:
        """Count a token that was no good."""
        self._guesses.take(network(address))


def _refuse(wait_s: float, who: str) -> None:
    if wait_s:
        raise _too_many(wait_s, who)


def _too_many(wait_s: float, who: str) -> TooMany:
    return TooMany.until(f"too many requests of {who}; wait before the next one, as Retry-After says", wait_s)
