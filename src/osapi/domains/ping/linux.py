"""Ping by the ping(8) of iputils, on any Linux that has it."""

from __future__ import annotations

import re

from osapi.contract import network
from osapi.contract.errors import Invalid, Permanent
from osapi.domains.ping.models import Ping, PingResult
from osapi.domains.ping.provider import PingProvider
from osapi.host.acting import failure_of
from osapi.host.door import Host

_INTERVAL_S = 0.5
_PATIENCE_S = 2
"""How long the last packet may take to come back."""
_COUNTS = re.compile(r"^(\d+) packets transmitted, (\d+) (?:packets )?received", re.MULTILINE)
_TIMES = re.compile(r"^(?:rtt|round-trip) min/avg/max(?:/mdev)? = ([\d.]+)/([\d.]+)/([\d.]+)", re.MULTILINE)
_NOTHING_SENT = re.compile(r"^ping: (?:connect|sendmsg): (.+)$", re.MULTILINE)


class LinuxPing:
    """Tries addresses."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def do(self, request: Ping, /) -> PingResult:
        """Send the packets. That none comes back is a result; `CommandFailed` when ping itself fails."""
        address = _literal(request.address)
        argv = ("ping", "-n", "-q", "-c", str(request.count), "-i", str(_INTERVAL_S), "-W", str(_PATIENCE_S))
        done = await self._host.run((*argv, "--", address))
        told = parse(done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
        if told is None:
            raise (
                failure_of(done)
                if done.exit_code
                else Permanent("ping told nothing that can be read", code="unreadable")
            )
        return told


def parse(text: str, errors: str) -> PingResult | None:
    """What ping tells at its end; None when it tells no numbers. Pure."""
    counts, times, reason = _COUNTS.search(text), _TIMES.search(text), _NOTHING_SENT.search(errors)
    if counts is None:
        return None if reason is None else _result(0, 0, (), reason[1])
    found = times.groups() if times is not None else ()
    return _result(int(counts[1]), int(counts[2]), found, "" if reason is None else reason[1])


def _result(sent: int, received: int, times: tuple[str, ...], reason: str) -> PingResult:
    shortest, mean, longest = (f"{time}ms" for time in times) if times else ("", "", "")
    return PingResult(
        reachable=received > 0,
        packets_sent=sent,
        packets_received=received,
        packet_loss=round(100 * (1 - received / sent), 1) if sent else 100.0,
        min_rtt=shortest,
        avg_rtt=mean,
        max_rtt=longest,
        reason=reason,
    )


def _literal(text: str) -> str:
    """The address in its one spelling; what a fact stood for must be one, too."""
    try:
        return str(network.address(text, "address"))
    except ValueError as problem:
        raise Invalid(str(problem)) from None


def provider(host: Host) -> PingProvider:
    """A provider for one job."""
    return LinuxPing(host)
