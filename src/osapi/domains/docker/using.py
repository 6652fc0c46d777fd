"""What the parts of the provider have in common."""

from __future__ import annotations

from osapi.domains.docker import engine
from osapi.host.door import Host
from osapi.host.plan import Applied, Plan


class EngineUser:
    """Speaks to the container engine of a host, for one job."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def _apply(self, plan: Plan, what: str) -> Applied:
        """Have the engine do it; what it refuses is raised. `what` is tried, for the message."""
        applied = await self._host.apply(plan)
        for answered in applied.answers:
            engine.refuse(answered, what)
        return applied
