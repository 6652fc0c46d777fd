"""The agent's folder on disk: made for the owner alone, as is what is in it, and used by one agent at a time."""

from __future__ import annotations

from pathlib import Path

from osapi.config import private
from osapi.config.lock import Lock
from osapi.contract.errors import Conflict


class StateDir:
    """A folder that this process has locked until `release`, or until it dies.

    Raises `Conflict` when another agent uses it, and `Invalid` when it cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = private.private_dir(path)
        try:
            self._lock = Lock(path / "agent.lock", f"the state folder {path}")
        except Conflict as problem:
            raise Conflict(
                f"{problem.message}, or give this agent its own agent.state_dir and agent.machine_id"
            ) from problem
        for database in (self.ledger, self.managed, *path.glob("*.db-*")):
            private.ensure(database)

    @property
    def managed(self) -> Path:
        """The notes about managed files; see `osapi.host.managed`."""
        return self.path / "managed.db"

    @property
    def ledger(self) -> Path:
        return self.path / "ledger.db"

    @property
    def drain_order(self) -> Path:
        return self.path / "drain.order"

    @property
    def conditions(self) -> Path:
        return self.path / "conditions.json"

    def release(self) -> None:
        """Let another agent have it. A second call changes nothing."""
        self._lock.release()
