"""Names for the identifiers that travel through OSAPI, so that one is never taken for another."""

from __future__ import annotations

from typing import NewType

JobId = NewType("JobId", str)
"""A UUID in lower-case text."""

MachineId = NewType("MachineId", str)
"""The permanent id of a host, from /etc/machine-id (machine-id(5)) or the setting `agent.machine_id`."""
