"""The hosts that must answer a job, in the short form that travels with it.

Each host is represented by the first eight bytes of the SHA-256 of its machine id; the list is sorted.
Ten kilobytes name a thousand hosts where their ids would take 35. Two hosts of one fleet collide with a
probability of n²/2⁶⁵, and a collision would only let an agent run a job that its route reaches anyway.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from osapi.contract.ids import MachineId

SIZE = 8


def prefix(machine: MachineId) -> bytes:
    """The eight bytes that stand for one host."""
    return hashlib.sha256(machine.encode()).digest()[:SIZE]


def ordered(machines: Iterable[MachineId]) -> list[MachineId]:
    """The hosts in the order in which their prefixes stand in a job."""
    return sorted(machines, key=prefix)


def prefixes(machines: Iterable[MachineId]) -> bytes:
    """The sorted prefixes of all hosts, one after another."""
    return b"".join(sorted(prefix(machine) for machine in machines))


def contains(expected: bytes, machine: MachineId) -> bool:
    """Whether `machine` is among the expected hosts."""
    return position(expected, machine) is not None


def position(expected: bytes, machine: MachineId) -> int | None:
    """Which of the expected hosts `machine` is, counted from 0; None when it is not expected."""
    wanted, low, high = prefix(machine), 0, len(expected) // SIZE
    while low < high:
        middle = (low + high) // 2
        if expected[middle * SIZE : (middle + 1) * SIZE] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if expected[low * SIZE : (low + 1) * SIZE] == wanted else None
