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


def prefixes(machines: Iterable[MachineId]) -> bytes:
    """The sorted prefixes of all hosts, one after another."""
    return b"".join(sorted(prefix(machine) for machine in machines))


def contains(expected: bytes, machine: MachineId) -> bool:
    """Whether `machine` is among the expected hosts."""
    wanted, low, high = prefix(machine), 0, len(expected) // SIZE
    while low < high:
        middle = (low + high) // 2
        if expected[middle * SIZE : (middle + 1) * SIZE] < wanted:
            low = middle + 1
        else:
            high = middle
    return expected[low * SIZE : (low + 1) * SIZE] == wanted
