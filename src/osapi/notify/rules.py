"""How often and to whom things are told, as the settings say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Times are seconds. `renotify_s` 0 tells what lasts once; `rate` 0 is without limit; `conditions` empty: all."""

    notifiers: tuple[str, ...] = ("log",)
    conditions: frozenset[str] = frozenset()
    window_s: float = 5.0
    renotify_s: float = 0.0
    rate: int = 20
    rate_s: float = 600.0
    attempts: int = 8
    back_off_s: float = 5.0
    flaps: int = 6
    flaps_within_s: float = 3600.0
    still_s: float = 600.0


LONGEST_BACK_OFF_S = 600.0
KEPT_EVENTS = 100
"""Events that a message names at most; the others are counted."""


def back_off(rules: Rules, attempts: int) -> float:
    """Seconds until a letter is tried again after so many attempts."""
    return min(LONGEST_BACK_OFF_S, rules.back_off_s * 2.0 ** (attempts - 1))
